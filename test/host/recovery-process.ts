/** A process of recovery.test.ts: goes on with the store until the long orchestration has ended. */
import { virtualClock } from '../../local/clock.ts';
import { createHost, lastInstant } from '../../local/host/host.ts';

const [store = ''] = process.argv.slice(2);
const clock = virtualClock(Math.max(lastInstant(store), Date.UTC(2026, 0, 1)));
const host = await createHost({
  load: () => import('./recovery-app.ts'),
  hostJson: {},
  settings: {},
  store,
  clock,
});
if (host.client.status('long') === undefined) host.client.start('long', { instanceId: 'long' });
await host.start();
process.stdout.write('working\n');
await host.idle();
process.stdout.write(`${JSON.stringify(host.client.status('long'))}\n`);
await host.stop();

/**
 * A process that loads a built app into the local host and asks its HTTP API once.
 * Arguments: the app's directory. Prints one line of JSON: `Hosted`.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { systemClock } from '../../local/clock.ts';
import { createHost } from '../../local/host/host.ts';

export interface Hosted {
  status: number;
  body: unknown;
  functions: number;
}

const [directory = ''] = process.argv.slice(2);
const host = await createHost({
  load: () => import(pathToFileURL(join(directory, 'main.js')).href),
  hostJson: JSON.parse(readFileSync(join(directory, 'host.json'), 'utf8')) as unknown,
  settings: { TASKHUB_NAME: 'bundle', REBOOT_SCHEDULE: '0 30 * * * *' },
  store: ':memory:',
  clock: systemClock(),
  timers: false,
  port: 0,
});
await host.start();
const headers = { 'x-functions-key': host.keys.master };
const response = await fetch(`${host.url}/api/locks`, { headers });
const hosted: Hosted = {
  status: response.status,
  body: await response.json(),
  functions: host.functions().length,
};
await host.stop();
process.stdout.write(`${JSON.stringify(hosted)}\n`);

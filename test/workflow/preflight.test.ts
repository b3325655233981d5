import { CallError } from '../../local/app.ts';
import type { Preflight } from '../../src/domain/preflight.ts';
import { clusterId, shop } from '../support/fleets.ts';
import { rehearse } from '../support/rehearsal.ts';

const clusters = (rehearsed: object) => (rehearsed as { clusters: object[] }).clusters;

/** Two clusters: one as it should be, and one that AKS has locked. */
const fleet = () => {
  const made = shop({ count: 2 });
  const [first] = clusters(made);
  const locked = { ...first, id: clusterId('locked'), nodeResourceGroupLockdown: true };
  return { ...made, clusters: [first, locked] };
};

const refusal = (asked: Promise<unknown>) =>
  asked.then(
    () => undefined,
    (error: unknown) => (error instanceof CallError ? error.status : error),
  );

describe('preflight over HTTP', () => {
  it('tells of every cluster what is bad about it, with its age, and changes nothing', async () => {
    await using rehearsal = await rehearse(fleet());
    const process = await rehearsal.start();
    const { app } = process;
    expect(await refusal(app.call('GET', '/api/preflight'))).toBe(404);
    expect(await app.call('POST', '/api/preflight', {})).toMatchObject({
      location: '/api/preflight',
    });
    await process.rest();
    await rehearsal.pass({ minutes: 2 });
    const found = (await app.call('GET', '/api/preflight')) as Preflight & { ageSeconds: number };
    expect(found.ageSeconds).toBe(120);
    const bad = found.clusters.map(({ cluster, findings }) => [
      cluster.split('-')[0],
      findings.filter(({ verdict }) => verdict === 'bad').map(({ check }) => check),
    ]);
    expect(bad).toEqual([
      ['locked', ['lockdown']],
      ['shop', []],
    ]);
    expect(rehearsal.lines.filter(({ actor }) => actor.startsWith('app-'))).toEqual([]);
  });

  it('is limited to the clusters that are named, and refuses those that nobody knows', async () => {
    await using rehearsal = await rehearse(fleet());
    const process = await rehearsal.start();
    const { app } = process;
    expect(await refusal(app.call('POST', '/api/preflight', { clusters: ['nope'] }))).toBe(400);
    expect(await refusal(app.call('POST', '/api/preflight', { nodes: [] }))).toBe(400);
    await app.call('POST', '/api/preflight', { clusters: ['shop'] });
    await process.rest();
    const found = (await app.call('GET', '/api/preflight')) as Preflight;
    expect(found.clusters.map(({ id }) => id)).toEqual([clusterId('shop')]);
  });
});

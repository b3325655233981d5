import { clusterId, needsReboot, slowOn, usualWorkloads } from '../support/fleets.ts';
import { brokenPromises, fleetLimit, nothingLeft } from '../support/promises.ts';
import { answered, evictionOn, outcomeOf, outcomesOf, wordsOf } from '../support/reading.ts';
import { emptyStorage } from '../support/process.ts';
import { rehearse } from '../support/rehearsal.ts';
import type { Rehearsal } from '../support/rehearsal.ts';

/** As many nodes of the whole fleet out of service as may be, whatever the clusters allow. */

const cluster = (name: string) => ({
  id: clusterId(name),
  pools: [{ name: 'web', mode: 'User', count: 2, each: needsReboot }],
  workloads: [...usualWorkloads, slowOn(0)],
});
const fleet = {
  name: 'two',
  timings: { restartDelaySeconds: 15, bootSeconds: 30, runCommandSeconds: 20 },
  clusters: [cluster('one'), cluster('two')],
};
const settings = { fleetConcurrency: 1, defaults: { concurrency: 2 } };

const kept = (rehearsal: Rehearsal) => {
  const evidence = rehearsal.evidence();
  return [
    ...brokenPromises(evidence, { concurrency: 2 }),
    ...fleetLimit(evidence, 1),
    ...nothingLeft(evidence),
  ];
};

describe('two clusters of a fleet of which one node may be out of service', () => {
  it('take turns, and both are gone through', async () => {
    await using rehearsal = await rehearse(fleet);
    const app = await rehearsal.start({ settings });
    const report = await app.run();
    expect(Object.values(outcomesOf(report))).toEqual(Array.from({ length: 4 }, () => 'rebooted'));
    expect(kept(rehearsal)).toEqual([]);
    const { locks } = (await app.app.call('GET', '/api/locks')) as {
      locks: { scope: string; slots: object[] }[];
    };
    expect(locks[0]).toMatchObject({ scope: 'fleet', slots: [] });
  });

  it('never have two out after the lock was lost, and wait for the one that is recovered', async () => {
    await using rehearsal = await rehearse(fleet);
    const first = await rehearsal.start({ settings });
    await first.begin();
    const { node } = await rehearsal.until(answered(evictionOn(), 201));
    const { documents } = first.crash();
    // Another task hub: history and locks are gone, the documents are not.
    const storage = { ...emptyStorage(), documents };
    const app = await rehearsal.start({ settings, storage });
    const other = rehearsal.nodes('web', 'one').includes(node) ? 'two' : 'one';
    const alone = await app.run({ clusters: [other] });
    for (const name of rehearsal.nodes('web', other)) {
      expect(outcomeOf(alone, name)).toBe('deferred: turn, fleet');
      expect(wordsOf(alone, name)).toContain(node);
    }
    const both = await app.run();
    expect(Object.values(outcomesOf(both))).toEqual(Array.from({ length: 4 }, () => 'rebooted'));
    expect(kept(rehearsal)).toEqual([]);
  });
});

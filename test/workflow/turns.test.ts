import { sickOn, needsReboot, shop, usualWorkloads } from '../support/fleets.ts';
import { brokenPromises, nothingLeft, oneAtATime, poolLimit } from '../support/promises.ts';
import {
  answered,
  cordonOf,
  outcomeOf,
  outcomesOf,
  restartOf,
  wordsOf,
} from '../support/reading.ts';
import { markAnnotation } from '../support/evidence.ts';
import { emptyStorage } from '../support/process.ts';
import { rehearse } from '../support/rehearsal.ts';
import type { Rehearsal } from '../support/rehearsal.ts';

/** In what order nodes have their turns, how many at once, and when no other one has. */

const pool = (name: string, count: number, more: Record<string, unknown> = {}) => {
  return { name, mode: 'User', count, each: needsReboot, ...more };
};
const twoPools = shop({ cluster: { pools: [pool('web', 3), pool('batch', 5)] } });
const narrowWeb = (rehearsal: Rehearsal) => ({
  defaults: { concurrency: 3 },
  clusters: rehearsal.azure.world.clusters.map(({ id }) => {
    return { id, poolOrder: ['web'], pools: { web: { maxUnavailable: 1 } } };
  }),
});

describe('three nodes of a cluster at once, but one of a pool', () => {
  const kept = (rehearsal: Rehearsal) => {
    const evidence = rehearsal.evidence();
    return [
      ...brokenPromises(evidence, { concurrency: 3 }),
      ...poolLimit(evidence, 'web', 1),
      ...nothingLeft(evidence),
    ];
  };

  it('are never more, and the lanes that the pool has no room for take other nodes', async () => {
    await using rehearsal = await rehearse(twoPools);
    const app = await rehearsal.start({ settings: narrowWeb(rehearsal) });
    const report = await app.run();
    expect(Object.values(outcomesOf(report))).toEqual(Array.from({ length: 8 }, () => 'rebooted'));
    expect(kept(rehearsal)).toEqual([]);
    const evidence = rehearsal.evidence();
    // It did come to three, and the wide pool did have two.
    expect(oneAtATime(evidence, 2)).not.toEqual([]);
    expect(poolLimit(evidence, 'batch', 1)).not.toEqual([]);
  });

  it('are never more after a crash that has lost everything but the marks', async () => {
    await using rehearsal = await rehearse(twoPools);
    const settings = narrowWeb(rehearsal);
    const app = await rehearsal.start({ settings });
    await app.begin();
    await rehearsal.until(answered(restartOf(), 202));
    app.crash();
    const again = await rehearsal.start({ settings, storage: emptyStorage() });
    const report = await again.run();
    expect(Object.values(outcomesOf(report))).toEqual(Array.from({ length: 8 }, () => 'rebooted'));
    expect(kept(rehearsal)).toEqual([]);
  });

  it("wait for somebody else's mark in the pool, and batch goes on", async () => {
    await using rehearsal = await rehearse(twoPools);
    const [first = '', ...others] = rehearsal.nodes('web');
    const app = await rehearsal.start({ settings: narrowWeb(rehearsal) });
    // It comes after the plan: the gate before the cordon is the first to see it.
    rehearsal.when(answered(cordonOf(first), 200), () =>
      rehearsal.person.annotate(others[1] ?? '', { [markAnnotation]: 'of another program' }),
    );
    const report = await app.run();
    expect(outcomeOf(report, first)).toBe('rebooted: probe');
    expect(outcomeOf(report, others[0])).toBe('deferred: poolSlots');
    // It takes one of the three places in the cluster as well: the lane that has none left ends.
    const batch = rehearsal.nodes('batch').map((node) => outcomeOf(report, node));
    expect(batch.filter((outcome) => outcome === 'rebooted: probe').length).toBeGreaterThan(3);
    const again = await app.run();
    expect(outcomeOf(again, others[0])).toBe('deferred: poolSlots');
    expect(wordsOf(again, others[0])).toContain(others[1]);
  });
});

describe('turns', () => {
  it('go through the zones', async () => {
    const zones = ['1', '2', '3'];
    await using rehearsal = await rehearse(
      shop({ cluster: { pools: [pool('web', 6, { zones })] } }),
    );
    const app = await rehearsal.start();
    await app.run();
    const names = rehearsal.nodes();
    const order = rehearsal.lines
      .filter(answered(cordonOf(), 200))
      .map(({ node }) => names.indexOf(node) % zones.length);
    expect(order).toHaveLength(6);
    for (const [index, zone] of order.entries()) expect(zone).not.toBe(order[index - 1]);
  });

  it('of a pool whose window closes are over, those of the others go on', async () => {
    await using rehearsal = await rehearse(twoPools);
    const windows = [
      { days: ['mon' as const], start: '22:00', durationMinutes: 40, timeZone: 'UTC' },
    ];
    const [id = ''] = rehearsal.azure.world.clusters.map((cluster) => cluster.id);
    const expected = { expectedDrainMinutes: 5, expectedRestartMinutes: 10 };
    const web = { windows, ...expected };
    const app = await rehearsal.start({
      settings: { clusters: [{ id, poolOrder: ['web'], pools: { web } }] },
    });
    await rehearsal.pass({ minutes: 20 });
    const report = await app.run();
    const ended = rehearsal.nodes('web').map((node) => outcomeOf(report, node));
    expect(ended).toContain('rebooted: probe');
    expect(ended.filter((outcome) => outcome.startsWith('deferred: '))).not.toEqual([]);
    const last = rehearsal.nodes('web').at(-1);
    expect(outcomeOf(report, last)).toMatch(/^deferred: .*(window|fit)$/u);
    for (const node of rehearsal.nodes('batch')) {
      expect(outcomeOf(report, node)).toBe('rebooted: probe');
    }
    expect(brokenPromises(rehearsal.evidence())).toEqual([]);
  });
});

describe('a run whose nodes fail', () => {
  const nodes = Object.fromEntries(
    [0, 1, 2, 3].map((index) => [index, { sentinelReturnsHours: 0 }]),
  );

  it('begins no other once stopAfterFailures have failed, and names them', async () => {
    await using rehearsal = await rehearse(shop({ count: 4, nodes }));
    const app = await rehearsal.start({ settings: { defaults: { stopAfterFailures: 2 } } });
    const report = await app.run();
    const endedAs = (outcome: string) =>
      rehearsal.nodes().filter((node) => outcomeOf(report, node) === outcome);
    const failed = endedAs('stillRequired: stillRequired');
    const [left] = endedAs('deferred: turn, failures');
    expect([failed.length, endedAs('deferred: turn, failures').length]).toEqual([2, 2]);
    for (const node of failed) expect(wordsOf(report, left)).toContain(node);
    expect(rehearsal.lines.filter(answered(cordonOf(), 200))).toHaveLength(2);
    expect(brokenPromises(rehearsal.evidence())).toEqual([]);
  });

  it('does not count those whose pods did not leave', async () => {
    await using rehearsal = await rehearse(
      shop({ count: 3, workloads: [...usualWorkloads, sickOn(0)] }),
    );
    const app = await rehearsal.start({ settings: { defaults: { drainTimeoutMinutes: 2 } } });
    const report = await app.run();
    const [blocked, ...others] = rehearsal.nodes();
    expect(outcomeOf(report, blocked)).toMatch(/^undrainable: /u);
    for (const node of others) expect(outcomeOf(report, node)).toBe('rebooted: probe');
    expect(brokenPromises(rehearsal.evidence())).toEqual([]);
  });
});

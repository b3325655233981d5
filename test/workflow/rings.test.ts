import { blockedOn, clusterId, needsReboot, usualWorkloads } from '../support/fleets.ts';
import { brokenPromises, nothingLeft, oneAtATime } from '../support/promises.ts';
import { answered, bootOf, cordonOf, outcomeOf, restartOf, wordsOf } from '../support/reading.ts';
import { emptyStorage } from '../support/process.ts';
import { rehearse } from '../support/rehearsal.ts';
import type { Rehearsal } from '../support/rehearsal.ts';

/** Rings of clusters: what goes wrong in one keeps the ones after it from being begun. */

const timings = { restartDelaySeconds: 15, bootSeconds: 30, runCommandSeconds: 20 };

function fleet(dev: { nodes?: Record<number, object>; workloads?: object[] } = {}) {
  const { nodes = {}, workloads = [] } = dev;
  const cluster = (name: string, count: number, more: { nodes: object; workloads: object[] }) => ({
    id: clusterId(name),
    pools: [{ name: 'web', mode: 'System', count, each: needsReboot, nodes: more.nodes }],
    workloads: [...usualWorkloads, ...more.workloads],
  });
  return {
    name: 'rings',
    timings,
    // Prod stands first: the order is that of the rings.
    clusters: [
      cluster('prod', 2, { nodes: {}, workloads: [] }),
      cluster('dev', 2, { nodes, workloads }),
    ],
  };
}

const settings = {
  rings: ['dev', 'prod'],
  defaults: { drainTimeoutMinutes: 2, pollSeconds: 60 },
  clusters: [
    { id: clusterId('prod'), ring: 'prod' },
    { id: clusterId('dev'), ring: 'dev' },
  ],
};

const kept = (rehearsal: Rehearsal) => brokenPromises(rehearsal.evidence());
const inProd = (rehearsal: Rehearsal) =>
  rehearsal.lines.filter(({ cluster, action }) => cluster.endsWith('prod') && action !== 'probe');

describe('a ring in which a node does not return', () => {
  it('keeps prod from being touched, and says why, until the node is mended', async () => {
    await using rehearsal = await rehearse(fleet({ nodes: { 1: { returns: false } } }));
    const app = await rehearsal.start({ settings });
    const report = await app.run();
    const [, lost = ''] = rehearsal.nodes('web', 'dev');
    expect(outcomeOf(report, lost)).toBe('notRebooted: sameBoot');
    expect(inProd(rehearsal).filter(({ action }) => action !== 'lease')).toEqual([]);
    for (const node of rehearsal.nodes('web', 'prod')) {
      expect(outcomeOf(report, node)).toBe('deferred: ring');
      expect(wordsOf(report, node)).toMatch(/^ring dev: cluster dev-\w+ has 1 notRebooted$/u);
    }
    rehearsal.person.lift(lost);
    const again = await app.run();
    expect(outcomeOf(again, lost)).toBe('rebooted: probe');
    for (const node of rehearsal.nodes('web', 'prod')) {
      expect(outcomeOf(again, node)).toBe('rebooted: probe');
    }
    expect([...kept(rehearsal), ...nothingLeft(rehearsal.evidence())]).toEqual([]);
  });

  it('does not keep what a dead run has left in prod from being finished', async () => {
    await using rehearsal = await rehearse(fleet({ nodes: { 0: { returns: false } } }));
    const first = await rehearsal.start({ settings });
    await first.begin({ clusters: ['prod'] });
    const { node } = await rehearsal.until(answered(restartOf(), 202));
    first.crash();
    const app = await rehearsal.start({ settings, storage: emptyStorage() });
    const report = await app.run();
    expect(outcomeOf(report, rehearsal.nodes('web', 'dev')[0])).toBe('notRebooted: sameBoot');
    expect(outcomeOf(report, node)).toBe('rebooted: probe');
    expect(rehearsal.lines.filter(restartOf(node))).toHaveLength(1);
    const other = rehearsal.nodes('web', 'prod').find((name) => name !== node);
    expect(outcomeOf(report, other)).toBe('deferred: ring');
    expect(kept(rehearsal)).toEqual([]);
  });
});

describe('a ring in which a node was set aside', () => {
  it('lets prod go on', async () => {
    await using rehearsal = await rehearse(fleet({ workloads: [blockedOn(0)] }));
    const app = await rehearsal.start({ settings });
    const report = await app.run();
    const [blocked = '', other = ''] = rehearsal.nodes('web', 'dev');
    expect(outcomeOf(report, blocked)).toMatch(/^undrainable: /u);
    expect(outcomeOf(report, other)).toBe('rebooted: probe');
    for (const node of rehearsal.nodes('web', 'prod')) {
      expect(outcomeOf(report, node)).toBe('rebooted: probe');
    }
    // Prod was begun only when dev was over.
    const boots = rehearsal.lines.filter(bootOf(other));
    const [begun] = inProd(rehearsal).filter(cordonOf());
    expect(begun?.seq).toBeGreaterThan(boots[0]?.seq ?? Number.POSITIVE_INFINITY);
    expect([...kept(rehearsal), ...nothingLeft(rehearsal.evidence())]).toEqual([]);
  });
});

describe('a second run, while the first is in the first ring', () => {
  it('does not go ahead of it into the next one', async () => {
    await using rehearsal = await rehearse(fleet());
    const app = await rehearsal.start({ settings });
    const first = await app.begin();
    await rehearsal.until(answered(cordonOf(), 200));
    const second = await app.begin();
    await app.rest();
    const late = await app.report(second);
    for (const node of rehearsal.nodes('web', 'prod')) {
      expect(outcomeOf(late, node)).toBe('deferred: ring');
      expect(wordsOf(late, node)).toContain(`run ${first} works on this cluster`);
    }
    const report = await app.report(first);
    for (const node of rehearsal.nodes('web')) {
      expect(outcomeOf(report, node)).toBe('rebooted: probe');
    }
    const evidence = rehearsal.evidence();
    expect([...oneAtATime(evidence), ...nothingLeft(evidence)]).toEqual([]);
  });
});

import { brokenPromises } from '../support/promises.ts';
import type { Report } from '../support/evidence.ts';
import { outcomeOf, outcomesOf, restartOf, cordonOf, wordsOf } from '../support/reading.ts';
import { rehearse } from '../support/rehearsal.ts';
import type { Rehearsal } from '../support/rehearsal.ts';

/** Some 25 reboots: about ten seconds, on a machine that has nothing else to do. */
const slowMachineMs = 180_000;

describe('the fleet of four clusters, each with its own trouble', () => {
  let rehearsal: Rehearsal;
  let report: Report;
  const node = (cluster: string, pool: string, index: number) =>
    rehearsal.nodes(pool, cluster)[index] ?? '';

  beforeAll(async () => {
    rehearsal = await rehearse('fleet');
    const defaults = { pollSeconds: 60, drainTimeoutMinutes: 5 };
    const app = await rehearsal.start({ settings: { defaults } });
    report = await app.run();
  }, slowMachineMs);
  afterAll(() => rehearsal[Symbol.asyncDispose]());

  it('keeps every promise', () => {
    expect(brokenPromises(rehearsal.evidence())).toEqual([]);
  });

  it('does not begin a drain that a budget would never let end, names it, and goes on', () => {
    const blocked = node('shop-west', 'web', 2);
    expect(outcomeOf(report, blocked)).toMatch(/^undrainable: blocked$/u);
    expect(wordsOf(report, blocked)).toContain('ledger');
    expect(rehearsal.lines.filter(cordonOf(blocked))).toEqual([]);
    expect(outcomeOf(report, node('shop-west', 'system', 0))).toBe('rebooted: probe');
  });

  it('halts the cluster whose node does not return, and no other', () => {
    expect(outcomeOf(report, node('shop-north', 'web', 2))).toBe('notRebooted: sameBoot');
    const others = rehearsal.nodes('system', 'shop-north').map((name) => outcomeOf(report, name));
    expect(others).toEqual(others.map(() => expect.stringMatching(/^deferred: /u)));
  });

  it('leaves the pool that is being upgraded', () => {
    for (const name of rehearsal.nodes('web', 'shop-staging')) {
      expect(outcomeOf(report, name)).toContain('deferred: poolState');
    }
    for (const name of rehearsal.nodes('system', 'shop-staging')) {
      expect(outcomeOf(report, name)).toBe('rebooted: probe');
    }
  });

  it("never touches the machine that a hostile Node claims to be, on that Node's behalf", () => {
    const hostile = node('playground', 'system', 2);
    expect(outcomeOf(report, hostile)).toBe('unknown: identityMismatch');
    const victim = node('shop-west', 'web', 0);
    const restarts = rehearsal.lines.filter(restartOf(victim));
    expect(restarts.map(({ cluster }) => cluster)).toEqual([expect.stringContaining('shop-west')]);
    const about = rehearsal.lines.filter((line) => line.node === hostile);
    expect(about).toEqual([]);
  });

  it('tells of every node', () => {
    expect(Object.keys(outcomesOf(report))).toHaveLength(40);
  });
});

describe('a run on the hostile cluster alone', () => {
  it('speaks to no machine of any other cluster', async () => {
    await using rehearsal = await rehearse('fleet');
    const app = await rehearsal.start();
    await app.run({ clusters: ['playground'], pools: ['system'] });
    const clusters = new Set(rehearsal.lines.map(({ cluster }) => cluster.split('/').at(-1)));
    expect(clusters).toEqual(new Set(['playground']));
    const elsewhere = rehearsal.armRequests.filter(({ path }) => /production|staging/iu.test(path));
    expect(elsewhere).toEqual([]);
    expect(brokenPromises(rehearsal.evidence())).toEqual([]);
  });
});

import { clusterKey, parseClusterId } from '../../src/domain/arm.ts';
import { instanceIds } from '../../src/domain/run.ts';
import { clusterId, shop, slowOn, usualWorkloads } from '../support/fleets.ts';
import {
  brokenOrLeft,
  drainedFirst,
  leftAsFound,
  neverTwice,
  nothingLeft,
  oneAtATime,
} from '../support/promises.ts';
import type { Process } from '../support/process.ts';
import {
  answered,
  cordonOf,
  evictionOn,
  outcomeOf,
  outcomesOf,
  restartOf,
  wordsOf,
} from '../support/reading.ts';
import { rehearse } from '../support/rehearsal.ts';
import type { Rehearsal } from '../support/rehearsal.ts';

/** Recovery on demand: what dead runs have left is put in order, and nothing is begun. */

const fleet = (given: Parameters<typeof shop>[0] = {}) =>
  shop({ count: 3, workloads: [...usualWorkloads, slowOn(0), slowOn(1)], ...given });
const id = parseClusterId(clusterId('shop'));
const key = id === undefined ? '' : clusterKey(id);

function allKept(rehearsal: Rehearsal): void {
  expect(brokenOrLeft(rehearsal.evidence())).toEqual([]);
}

/** Where two are at it, a report tells only what its own run did. */
function keptByAll(rehearsal: Rehearsal): void {
  const evidence = rehearsal.evidence();
  const kept = [oneAtATime, drainedFirst, leftAsFound, neverTwice, nothingLeft];
  expect(kept.flatMap((checker) => checker(evidence))).toEqual([]);
}

/** Ends the orchestrations of a run as a person would in the portal; what they held stays held. */
function terminate({ app }: Process, run: string, node: string): void {
  const ids = [
    instanceIds.run(run),
    instanceIds.lane(run, 0),
    instanceIds.cluster(run, key),
    instanceIds.turns(run, key, 0),
    instanceIds.node(run, key, node, 'reboot'),
  ];
  for (const instance of ids) app.host.client.terminate(instance, 'by a person');
}

describe('a run that only recovers', () => {
  it.each([
    ['undoes a drain', answered(evictionOn(), 201), /^deferred: recovered$/u],
    ['finishes a restart', answered(restartOf(), 202), /^rebooted: probe$/u],
  ])('%s from the mark alone, and leaves the others alone', async (_name, moment, outcome) => {
    await using rehearsal = await rehearse(fleet());
    const first = await rehearsal.start();
    await first.begin();
    const { node, seq } = await rehearsal.until(moment);
    first.crash();
    // Another process, empty storage, an empty lock; a closed window and a hold don't matter.
    const second = await rehearsal.start();
    await second.hold('fleet');
    const report = await second.recover({ reason: 'the app was deleted' });
    expect(outcomeOf(report, node)).toMatch(outcome);
    for (const name of rehearsal.nodes()) {
      if (name === node) continue;
      expect(outcomeOf(report, name)).toBe('skipped: excluded');
      const later = rehearsal.lines.filter((line) => line.node === name && line.seq > seq);
      expect(later.filter(({ actor }) => actor === 'app-2')).toEqual([]);
    }
    expect(report.request).toMatchObject({ purpose: 'recover', reason: 'the app was deleted' });
    allKept(rehearsal);
  });

  it('has nothing to do where there is no mark', async () => {
    await using rehearsal = await rehearse(fleet());
    const app = await rehearsal.start();
    const report = await app.recover();
    expect(new Set(Object.values(outcomesOf(report)))).toEqual(new Set(['skipped']));
    const done = rehearsal.lines.filter(({ actor }) => actor.startsWith('app'));
    expect(new Set(done.map(({ action }) => action))).toEqual(new Set(['lease']));
  });

  it('releases the lock of a run that was terminated, and says so', async () => {
    await using rehearsal = await rehearse(fleet());
    const app = await rehearsal.start();
    const run = await app.begin();
    const { node } = await rehearsal.until(answered(cordonOf(), 200));
    terminate(app, run, node);
    await app.rest();
    const locks = async () => JSON.stringify(await app.app.call('GET', '/api/locks'));
    expect(await locks()).toContain(run);
    const report = await app.recover();
    expect(outcomeOf(report, node)).toBe('deferred: recovered');
    expect(report.clusters[0]?.recovered).toEqual([
      { kind: 'recovered', value: expect.stringContaining(`run ${run} held the lock`) as string },
    ]);
    expect(await locks()).not.toContain('holder');
    allKept(rehearsal);
  });

  it('leaves a run alone that lives', async () => {
    await using rehearsal = await rehearse(fleet());
    const app = await rehearsal.start();
    const run = await app.begin();
    const { node } = await rehearsal.until(answered(evictionOn(), 201));
    const report = await app.recover();
    expect(outcomeOf(report, node)).toBe('deferred: lock');
    expect(wordsOf(report, node)).toContain(run);
    expect(outcomeOf(await app.report(run), node)).toBe('rebooted: probe');
    keptByAll(rehearsal);
  });

  it("touches another controller's mark only when a person takes over", async () => {
    await using rehearsal = await rehearse(fleet());
    const settings = { claim: 'release' } as const;
    const first = await rehearsal.start({ controller: 'first', settings });
    await first.begin();
    const { node } = await rehearsal.until(answered(restartOf(), 202));
    first.crash();
    const second = await rehearsal.start({ controller: 'second', settings });
    expect(outcomeOf(await second.recover(), node)).toBe('deferred: claim');
    expect(wordsOf(await second.recover(), node)).toContain('"first"');
    const report = await second.recover({ takeOver: 'the first one was deleted' });
    expect(outcomeOf(report, node)).toBe('rebooted: probe');
    expect(rehearsal.lines.filter(restartOf(node))).toHaveLength(1);
    keptByAll(rehearsal);
  });

  it('says whose a mark is that it leaves alone, where nobody claims the cluster', async () => {
    await using rehearsal = await rehearse(fleet());
    const [broken = '', foreign = ''] = rehearsal.nodes();
    const mark = 'aks-reboot-orchestrator/mark';
    await rehearsal.person.annotate(broken, { [mark]: 'by hand' });
    const app = await rehearsal.start();
    const report = await app.recover();
    expect(outcomeOf(report, broken)).toBe('deferred: claim');
    expect(wordsOf(report, broken)).toContain('not one that we can read');
    expect(outcomeOf(report, foreign)).toBe('skipped: excluded');
  });

  it('keeps what a person is needed for, and finishes it the next time', async () => {
    await using rehearsal = await rehearse(shop({ count: 2, nodes: { 0: { returns: false } } }));
    const [lost = '', other = ''] = rehearsal.nodes();
    const app = await rehearsal.start({ settings: { defaults: { pollSeconds: 120 } } });
    await app.run({ nodes: [lost] });
    expect(outcomeOf(await app.recover(), lost)).toBe('notRebooted: sameBoot');
    expect(outcomeOf(await app.run(), other)).toContain('halted');
    rehearsal.person.lift(lost);
    await rehearsal.pass({ minutes: 5 });
    expect(outcomeOf(await app.recover(), lost)).toBe('rebooted: probe');
    allKept(rehearsal);
  });
});

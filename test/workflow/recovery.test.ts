import type { AuditLine } from '../../local/azure/audit.ts';
import { shop, slowOn, usualWorkloads } from '../support/fleets.ts';
import { brokenOrLeft, brokenPromises } from '../support/promises.ts';
import { keptStorage } from '../support/process.ts';
import type { Storage } from '../support/process.ts';
import {
  answered,
  cordonOf,
  momentsOfANode,
  outcomeOf,
  restartOf,
  wordsOf,
} from '../support/reading.ts';
import { rehearse } from '../support/rehearsal.ts';

describe('a node that never returns', () => {
  it('halts its cluster run after run, and is finished once it is back', async () => {
    await using rehearsal = await rehearse(shop({ count: 3, nodes: { 1: { returns: false } } }));
    const [, lost] = rehearsal.nodes();
    const app = await rehearsal.start({ settings: { defaults: { pollSeconds: 120 } } });
    const first = await app.run({ nodes: [lost] });
    expect(outcomeOf(first, lost)).toBe('notRebooted: sameBoot');

    const others = rehearsal.nodes().filter((name) => name !== lost);
    for (let again = 0; again < 3; again += 1) {
      await rehearsal.pass({ hours: 1 });
      const report = await app.run();
      expect(outcomeOf(report, lost)).toBe('notRebooted: sameBoot');
      for (const name of others) {
        expect(outcomeOf(report, name)).toContain('deferred: halted');
        expect(wordsOf(report, name)).toContain(lost);
      }
    }
    const touched = rehearsal.lines.filter(
      ({ node, action }) => others.includes(node) && ['cordon', 'restart'].includes(action),
    );
    expect(touched).toEqual([]);
    expect(rehearsal.lines.filter(restartOf(lost))).toHaveLength(2);
    expect(brokenPromises(rehearsal.evidence())).toEqual([]);

    rehearsal.person.lift(lost ?? '');
    await rehearsal.pass({ minutes: 5 });
    const last = await app.run();
    expect(Object.values(last.clusters).flatMap(({ nodes }) => nodes)).toHaveLength(3);
    for (const name of rehearsal.nodes()) expect(outcomeOf(last, name)).toBe('rebooted: probe');
    expect(brokenOrLeft(rehearsal.evidence())).toEqual([]);
  });
});

const fleet = (count: number) => shop({ count, workloads: [...usualWorkloads, slowOn(0, 20)] });

interface Death {
  /** Nodes, all of which need a reboot. */
  count: number;
  storage: Storage;
  /** What the next process starts on. */
  remains: (died: Storage) => Storage;
  hoursAway?: number;
}

/** Dies at that line, comes back on what is left, and brings all nodes to their end. */
async function dieAt(
  moment: (line: AuditLine) => boolean,
  { count, hoursAway = 0, ...given }: Death,
) {
  const { storage, remains: left } = given;
  await using rehearsal = await rehearse(fleet(count));
  const first = await rehearsal.start({ storage });
  const died = Promise.withResolvers<Storage>();
  let atWork = '';
  rehearsal.when(moment, (line) => {
    atWork = line.node;
    died.resolve(first.crash());
  });
  const run = await first.begin();
  const remains = left(await rehearsal.flow(() => died.promise));
  await first.stop();
  await rehearsal.pass({ hours: hoursAway });
  const second = await rehearsal.start({ storage: remains });
  // With its history the process goes on by itself; without, the next run has to find the marks.
  await second.rest();
  const known = remains.store !== ':memory:';
  const interrupted = known ? await second.report(run) : undefined;
  const report = await second.run();
  const evidence = rehearsal.evidence();
  expect(brokenOrLeft(evidence)).toEqual([]);
  for (const name of rehearsal.nodes()) {
    expect(rehearsal.azure.world.node(name).packages).toBeUndefined();
    expect(rehearsal.lines.filter(restartOf(name)).length).toBeLessThanOrEqual(2);
  }
  return { report, atWork, interrupted };
}

describe.each(momentsOfANode)('a process that dies at %s', (_name, moment) => {
  it('goes on where it was, from its history', async () => {
    using storage = keptStorage();
    const { interrupted } = await dieAt(moment, { count: 1, storage, remains: (died) => died });
    expect(interrupted?.status).toBe('completed');
  });
});

describe('a process that was away for hours', () => {
  it('undoes nothing that was asked for, and asks for nothing twice', async () => {
    using storage = keptStorage();
    const restartAsked = answered(restartOf(), 202);
    const { interrupted, atWork } = await dieAt(restartAsked, {
      count: 1,
      storage,
      remains: (died) => died,
      hoursAway: 7,
    });
    expect(interrupted && outcomeOf(interrupted, atWork)).toBe('rebooted: probe');
  });
});

describe('what a dead process has left', () => {
  it.each([
    ['cordoned', answered(cordonOf(), 200), /^(deferred|unknown): recovered/u],
    ['restarted', answered(restartOf(), 202), /^rebooted: probe/u],
  ])(
    'is brought to its end (%s) in spite of a hold and a closed window',
    async (_name, moment, outcome) => {
      await using rehearsal = await rehearse(fleet(2));
      const first = await rehearsal.start();
      await first.begin();
      const { node } = await rehearsal.until(moment);
      first.crash();
      // Mondays at 22:00 it is closed.
      const windows = [
        { days: ['sat' as const], start: '08:00', durationMinutes: 60, timeZone: 'UTC' },
      ];
      const second = await rehearsal.start({ settings: { defaults: { windows } } });
      await second.hold('fleet');
      const report = await second.run();
      expect(outcomeOf(report, node)).toMatch(outcome);
      const other = rehearsal.nodes().find((name) => name !== node);
      expect(outcomeOf(report, other)).toContain('hold');
      expect(brokenOrLeft(rehearsal.evidence())).toEqual([]);
    },
  );

  it('is brought to its end by the third process when the second dies over it', async () => {
    await using rehearsal = await rehearse(fleet(2));
    const first = await rehearsal.start();
    await first.begin();
    const { node } = await rehearsal.until(answered(restartOf(), 202));
    first.crash();
    const second = await rehearsal.start();
    await second.begin();
    await rehearsal.until((line) => line.action === 'annotate' && line.actor === 'app-2');
    second.crash();
    const third = await rehearsal.start();
    expect(outcomeOf(await third.run(), node)).toBe('rebooted: probe');
    expect(rehearsal.lines.filter(restartOf(node))).toHaveLength(1);
    expect(brokenOrLeft(rehearsal.evidence())).toEqual([]);
  });
});

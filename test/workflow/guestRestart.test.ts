import type { FleetNode } from '../../local/azure/fleet.ts';
import { lastRefusalAnnotation } from '../../src/domain/mark.ts';
import { shop, slowOn, usualWorkloads } from '../support/fleets.ts';
import { brokenOrLeft, brokenPromises } from '../support/promises.ts';
import {
  answered,
  attemptOn,
  bootOf,
  eventsOf,
  outcomeOf,
  restartOf,
  wordsOf,
} from '../support/reading.ts';
import { rehearse } from '../support/rehearsal.ts';
import type { Rehearsal } from '../support/rehearsal.ts';

/** Nodes that restart themselves, asked through run-command. Judged by the boot id, as ever. */

const guest = { restartMethod: 'guest' } as const;
const settings = { defaults: { ...guest, pollSeconds: 60, drainTimeoutMinutes: 10 } };

function allKept(rehearsal: Rehearsal): void {
  expect(brokenOrLeft(rehearsal.evidence())).toEqual([]);
}

/** Restarts one node that behaves like that from the attempt on. */
async function restartOne(behaviour: FleetNode) {
  const rehearsal = await rehearse(shop({ count: 1 }));
  const [node = ''] = rehearsal.nodes();
  const app = await rehearsal.start({ settings });
  rehearsal.when(attemptOn(node), () => rehearsal.person.behave(node, behaviour));
  const report = await app.run({ nodes: [node] });
  return { rehearsal, node, app, outcome: outcomeOf(report, node), words: wordsOf(report, node) };
}

describe('a restart from inside', () => {
  it('needs no restart by ARM, and keeps every promise', async () => {
    await using rehearsal = await rehearse(
      shop({ count: 2, workloads: [...usualWorkloads, slowOn(0)] }),
    );
    const app = await rehearsal.start({ settings });
    const report = await app.run();
    for (const name of rehearsal.nodes()) expect(outcomeOf(report, name)).toBe('rebooted: probe');
    expect(rehearsal.armRequests.filter(({ path }) => /\/restart\?/iu.test(path))).toEqual([]);
    const asked = rehearsal.lines.filter(restartOf());
    expect(asked.map(({ detail }) => detail['script'])).toEqual(
      rehearsal.nodes().map(() => '# aks-reboot restart v1'),
    );
    const told = eventsOf(rehearsal.azure, rehearsal.nodes()[0] ?? '');
    expect(told.map(({ message }) => message)).toContain(
      'Restart asked for, attempt 1, from inside',
    );
    allKept(rehearsal);
  });

  it('is chosen by pool', async () => {
    const fleet = shop({ count: 1 }) as { clusters: { pools: object[] }[] };
    const [cluster] = fleet.clusters;
    const other = { ...cluster?.pools[0], name: 'batch', mode: 'User' };
    cluster?.pools.push(other);
    await using rehearsal = await rehearse(fleet);
    const app = await rehearsal.start();
    app.settings.clusters = app.settings.clusters.map((one) => ({
      ...one,
      pools: { batch: guest },
    }));
    await app.run();
    const scripts = rehearsal.lines
      .filter(restartOf())
      .map(({ node, detail }) => [node.split('-')[1], detail['script'] !== undefined]);
    expect(new Map(scripts as [string, boolean][])).toEqual(
      new Map([
        ['batch', true],
        ['web', false],
      ]),
    );
    allKept(rehearsal);
  });

  it.each<[string, FleetNode]>([
    ['whose script never tells its end', { restart: 'happensUnseen' }],
    ['whose script brings nothing back', { probe: 'silent' }],
    ['whose script brings half an answer back', { probe: 'garbled' }],
  ])('%s is no failure', async (_name, behaviour) => {
    await using rehearsal = await rehearse(shop({ count: 1 }));
    const [node = ''] = rehearsal.nodes();
    const app = await rehearsal.start({ settings });
    rehearsal.when(attemptOn(node), () => rehearsal.person.behave(node, behaviour));
    rehearsal.when(bootOf(node), () => rehearsal.person.behave(node, { probe: 'healthy' }));
    expect(outcomeOf(await app.run(), node)).toBe('rebooted: probe');
    expect(rehearsal.lines.filter(restartOf(node))).toHaveLength(1);
    allKept(rehearsal);
  });

  it('that the node refuses is taken back, and the node is put back', async () => {
    const ended = await restartOne({ restart: 'fails' });
    await using rehearsal = ended.rehearsal;
    expect(ended.outcome).toBe('failed: restartRefused');
    expect(ended.words).toContain("can't restart itself: noTool");
    const [after] = rehearsal.evidence().after;
    expect(after).toMatchObject({ marked: false, unschedulable: false });
    // Not drained for nothing, until somebody has mended it and says so.
    expect(outcomeOf(await ended.app.run(), ended.node)).toBe('deferred: restartRefused');
    rehearsal.person.behave(ended.node, { restart: 'happens' });
    await rehearsal.person.annotate(ended.node, { [lastRefusalAnnotation]: null });
    expect(outcomeOf(await ended.app.run(), ended.node)).toBe('rebooted: probe');
  });

  it('that nothing comes of is asked for once more, after the boot deadline', async () => {
    const ended = await restartOne({ restart: 'changesNothing' });
    await using rehearsal = ended.rehearsal;
    expect(ended.outcome).toBe('notRebooted: sameBoot');
    const [first, second, ...more] = rehearsal.lines.filter(restartOf(ended.node));
    expect(more).toEqual([]);
    const waitedMs = Date.parse(second?.t ?? '') - Date.parse(first?.t ?? '');
    expect(waitedMs).toBeGreaterThanOrEqual(30 * 60_000);
    expect(brokenPromises(rehearsal.evidence())).toEqual([]);
  });

  it('that hangs forbids a second one', async () => {
    const ended = await restartOne({ restart: 'neverStarts' });
    await using rehearsal = ended.rehearsal;
    expect(ended.outcome).toBe('notRebooted: sameBoot');
    expect(ended.words).toContain('the operation still runs');
    expect(rehearsal.lines.filter(restartOf(ended.node))).toHaveLength(1);
    expect(brokenPromises(rehearsal.evidence())).toEqual([]);
  });

  it('waits for the script that is in its way, and gives up in time', async () => {
    const ended = await restartOne({ probe: 'conflict' });
    await using rehearsal = ended.rehearsal;
    expect(ended.outcome).toBe('failed: restartRefused');
    expect(ended.words).toContain('execution is in progress');
    const taken = rehearsal.lines.filter(answered(restartOf(ended.node), 202));
    expect(taken).toEqual([]);
    allKept(rehearsal);
  });

  it('finds another boot when somebody was quicker, and does nothing', async () => {
    const timings = { restartDelaySeconds: 0, bootSeconds: 5, runCommandSeconds: 60 };
    await using rehearsal = await rehearse(shop({ count: 1, fleet: { timings } }));
    const [node = ''] = rehearsal.nodes();
    const app = await rehearsal.start({ settings });
    rehearsal.when(answered(restartOf(node), 202), () => rehearsal.person.restart(node));
    expect(outcomeOf(await app.run(), node)).toBe('rebooted: probe');
    expect(rehearsal.lines.filter(bootOf(node))).toHaveLength(1);
    allKept(rehearsal);
  });

  it.each([
    ['the attempt was written', attemptOn()],
    ['the script was sent', answered(restartOf(), 202)],
    ['the machine has booted', bootOf()],
  ])('is finished by another process from the mark alone, after %s', async (_name, moment) => {
    await using rehearsal = await rehearse(shop({ count: 1 }));
    const first = await rehearsal.start({ settings });
    await first.begin();
    const { node } = await rehearsal.until(moment);
    first.crash();
    const second = await rehearsal.start({ settings });
    expect(outcomeOf(await second.recover(), node)).toBe('rebooted: probe');
    expect(rehearsal.lines.filter(bootOf(node))).toHaveLength(1);
    allKept(rehearsal);
  });
});

import type { AuditLine } from '../../local/azure/audit.ts';
import type { SettingsDocument } from '../../src/policy/settings.ts';
import { clusterId, shop, slowOn, usualWorkloads } from '../support/fleets.ts';
import { brokenOrLeft, brokenPromises } from '../support/promises.ts';
import type { Process } from '../support/process.ts';
import {
  answered,
  evictionOn,
  outcomeOf,
  probeOf,
  restartOf,
  wordsOf,
} from '../support/reading.ts';
import { rehearse } from '../support/rehearsal.ts';
import type { Rehearsal } from '../support/rehearsal.ts';

/** DESIGN's stopping table, cell by cell, with two nodes: the one at work, and the one after it. */

const fleet = shop({ workloads: [...usualWorkloads, slowOn(0), slowOn(1)] });

interface Stage {
  rehearsal: Rehearsal;
  app: Process;
  run: string;
}
type Stop = (stage: Stage) => unknown;

const hold: Stop = ({ app }) => app.hold('shop');
const holdFleet: Stop = ({ app }) => app.hold('fleet');
const cancel: Stop = ({ app, run }) => app.cancel(run);
const closeWindow: Stop = ({ app, rehearsal }) => {
  app.settings.defaults = { ...app.settings.defaults, windows: [closedAt(rehearsal.now())] };
};
const busy: Stop = ({ rehearsal }) => rehearsal.person.setState(clusterId('shop'), 'Updating');

/** A window that was open until now, and opens again in 22 hours. */
function closedAt(
  now: number,
): NonNullable<NonNullable<SettingsDocument['defaults']>['windows']>[0] {
  const start = new Date(now - 2 * 3_600_000).toISOString().slice(11, 16);
  const days = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
  return { days: [...days], start, durationMinutes: 120, timeZone: 'UTC' };
}

/** Both nodes have been asked for the plan; the third probe is asked just before the cordon. */
function beforeCordon(): (line: AuditLine) => boolean {
  let probes = 0;
  return (line) => probeOf()(line) && ++probes === 3;
}
const cordoned = () => answered(evictionOn(), 201);
const restartAsked = () => answered(restartOf(), 202);

/** Runs, stops at that line, and tells how the node at work and the other one ended. */
async function stopAt(moment: (line: AuditLine) => boolean, stop: Stop) {
  await using rehearsal = await rehearse(fleet);
  const app = await rehearsal.start({ settings: { defaults: { drainTimeoutMinutes: 3 } } });
  const run = await app.begin();
  let atWork = '';
  rehearsal.when(moment, (line) => {
    atWork = line.node;
    return stop({ rehearsal, app, run });
  });
  await app.rest();
  const report = await app.report(run);
  const other = rehearsal.nodes().find((name) => name !== atWork);
  const evidence = rehearsal.evidence();
  expect(brokenOrLeft(evidence)).toEqual([]);
  const touched = rehearsal.lines.filter(
    ({ node, action }) => node === other && action !== 'probe' && action !== 'podDeleted',
  );
  return {
    outcome: outcomeOf(report, atWork),
    restarts: rehearsal.lines.filter(restartOf()).length,
    other: outcomeOf(report, other),
    otherWords: wordsOf(report, other),
    otherTouched: touched.length > 0,
  };
}

describe.each<[string, Stop, string, string, string]>([
  ['a hold on the cluster', hold, 'hold', 'deferred', 'a demo is on'],
  ['a hold on the fleet', holdFleet, 'hold', 'deferred', 'a demo is on'],
  ['a cancel', cancel, 'canceled', 'canceled', 'not today'],
  ['a window that closes', closeWindow, 'window', 'deferred', 'it opens 2026-01-06T20:'],
])('%s', (_name, stop, reason, kind, words) => {
  it('lets nothing begin before the cordon', async () => {
    const ended = await stopAt(beforeCordon(), stop);
    expect(ended).toMatchObject({
      outcome: `${kind}: ${reason}`,
      restarts: 0,
      otherTouched: false,
    });
    expect(ended.other).toContain(kind);
    expect(ended.otherWords).toContain(words);
  });

  it('undoes a cordoned node whose restart was not asked for', async () => {
    const ended = await stopAt(cordoned(), stop);
    expect(ended).toMatchObject({
      outcome: `${kind}: ${reason}`,
      restarts: 0,
      otherTouched: false,
    });
    expect(ended.otherWords).toContain(words);
  });

  it('finishes a node whose restart was asked for, and begins no other', async () => {
    const ended = await stopAt(restartAsked(), stop);
    expect(ended).toMatchObject({ outcome: 'rebooted: probe', restarts: 1, otherTouched: false });
    expect(ended.other).toContain(kind);
    expect(ended.otherWords).toContain(words);
  });
});

describe('a cluster that AKS begins to update', () => {
  it('lets nothing begin before the cordon', async () => {
    const ended = await stopAt(beforeCordon(), busy);
    expect(ended).toMatchObject({
      outcome: 'deferred: clusterState',
      restarts: 0,
      otherTouched: false,
    });
  });

  it('makes a cordoned node wait until the deadline of its drain, and undoes it then', async () => {
    const ended = await stopAt(cordoned(), busy);
    expect(ended).toMatchObject({ outcome: 'deferred: clusterState', restarts: 0 });
  });

  it('lets a cordoned node go on when it is done in time', async () => {
    const ended = await stopAt(cordoned(), async (stage) => {
      await busy(stage);
      const { rehearsal } = stage;
      const line = (entry: AuditLine) => entry.action === 'podDeleted' && entry.actor === 'kubelet';
      rehearsal.when(line, () => rehearsal.person.setState(clusterId('shop'), 'Succeeded'));
    });
    expect(ended).toMatchObject({ outcome: 'rebooted: probe' });
  });

  it('finishes a node whose restart was asked for, and begins no other', async () => {
    const ended = await stopAt(restartAsked(), busy);
    expect(ended).toMatchObject({ outcome: 'rebooted: probe', restarts: 1, otherTouched: false });
  });
});

describe('a hold', () => {
  it('stands until it is lifted', async () => {
    await using rehearsal = await rehearse(shop({ count: 1 }));
    const app = await rehearsal.start();
    const [node] = rehearsal.nodes();
    await app.hold('shop');
    expect(outcomeOf(await app.run(), node)).toBe('deferred: hold');
    await app.lift('shop');
    expect(outcomeOf(await app.run(), node)).toBe('rebooted: probe');
    expect(brokenPromises(rehearsal.evidence())).toEqual([]);
  });

  it('with an end lifts itself', async () => {
    await using rehearsal = await rehearse(shop({ count: 1 }));
    const app = await rehearsal.start();
    const [node] = rehearsal.nodes();
    await app.hold('fleet', { until: new Date(rehearsal.now() + 3_600_000).toISOString() });
    expect(outcomeOf(await app.run(), node)).toBe('deferred: hold');
    await rehearsal.pass({ hours: 1 });
    expect(outcomeOf(await app.run(), node)).toBe('rebooted: probe');
    expect(brokenPromises(rehearsal.evidence())).toEqual([]);
  });
});

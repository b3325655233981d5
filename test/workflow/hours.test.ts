import { needsReboot, shop, slowOn, usualWorkloads } from '../support/fleets.ts';
import { brokenOrLeft, neverOutOfHours } from '../support/promises.ts';
import {
  answered,
  cordonOf,
  evictionOn,
  outcomeOf,
  probeOf,
  restartOf,
  wordsOf,
} from '../support/reading.ts';
import { rehearse } from '../support/rehearsal.ts';
import type { Rehearsal } from '../support/rehearsal.ts';

/** What happens over hours and days. Fleets start on a Monday, 2026-01-05, at 22:00 UTC. */

const kept = (rehearsal: Rehearsal) => brokenOrLeft(rehearsal.evidence());

describe('a maintenance window', () => {
  const days = ['mon', 'tue'] as const;
  const window = (durationMinutes: number) => [
    { days: [...days], start: '23:00', durationMinutes, timeZone: 'UTC' },
  ];
  const monday = (minutes: number) => [
    { from: '2026-01-05T23:00:00Z', to: new Date(Date.UTC(2026, 0, 5, 23, minutes)).toISOString() },
  ];

  it('is waited for: nothing is cordoned before, and it is said when it opens', async () => {
    await using rehearsal = await rehearse(shop({ count: 2 }));
    const app = await rehearsal.start({ settings: { defaults: { windows: window(120) } } });
    const early = await app.run();
    for (const node of rehearsal.nodes()) {
      expect(outcomeOf(early, node)).toBe('deferred: window');
      expect(wordsOf(early, node)).toContain('2026-01-05T23:00:00');
    }
    await rehearsal.pass({ minutes: 70 });
    const report = await app.run();
    for (const node of rehearsal.nodes()) expect(outcomeOf(report, node)).toBe('rebooted: probe');
    expect(neverOutOfHours(rehearsal.evidence(), monday(120), 30)).toEqual([]);
    expect(kept(rehearsal)).toEqual([]);
  });

  it('that is too short for one more node leaves the rest for the next one', async () => {
    await using rehearsal = await rehearse(shop({ count: 6 }));
    const defaults = {
      windows: window(40),
      expectedDrainMinutes: 10,
      expectedRestartMinutes: 15,
    };
    const app = await rehearsal.start({ settings: { defaults } });
    await rehearsal.pass({ minutes: 61 });
    const report = await app.run();
    const outcomes = rehearsal.nodes().map((node) => outcomeOf(report, node));
    const rebooted = outcomes.filter((outcome) => outcome === 'rebooted: probe');
    expect(rebooted.length).toBeGreaterThan(0);
    expect(rebooted.length).toBeLessThan(6);
    expect(outcomes).toContain('deferred: fit');
    for (const node of rehearsal
      .nodes()
      .filter((_node, index) => outcomes[index] !== 'rebooted: probe')) {
      expect(wordsOf(report, node)).toContain('it opens again 2026-01-06T23:00:00.000Z');
    }
    expect(neverOutOfHours(rehearsal.evidence(), monday(40), 25)).toEqual([]);
    await rehearsal.pass({ hours: 24 });
    await app.run();
    expect(kept(rehearsal)).toEqual([]);
  });

  it('that closes during a drain lets it go on while restart and proof still fit', async () => {
    const fleet = shop({ count: 1, workloads: [...usualWorkloads, slowOn(0, 180)] });
    const windows = window(40);
    const run = async (expectedRestartMinutes: number) => {
      await using rehearsal = await rehearse(fleet);
      const defaults = { windows, expectedDrainMinutes: 1, expectedRestartMinutes };
      const app = await rehearsal.start({ settings: { defaults } });
      // The drain takes three minutes; at its end some thirteen are left of the window.
      await rehearsal.pass({ minutes: 82 });
      const report = await app.run();
      expect(kept(rehearsal)).toEqual([]);
      return outcomeOf(report, rehearsal.nodes()[0]);
    };
    expect(await run(10)).toBe('rebooted: probe');
    expect(await run(14)).toBe('deferred: fit');
  });
});

describe("the cluster's own maintenance schedule", () => {
  const tonight = {
    maintenanceWindow: {
      schedule: { weekly: { intervalWeeks: 1, dayOfWeek: 'Tuesday' } },
      durationHours: 4,
      utcOffset: '+01:00',
      startTime: '00:30',
    },
  };
  const shopWith = (maintenance: object[]) => shop({ count: 1, cluster: { maintenance } });
  const windows: ['aks'] = ['aks'];

  it('is waited for as any other window', async () => {
    await using rehearsal = await rehearse(
      shopWith([{ name: 'aksManagedNodeOSUpgradeSchedule', properties: tonight }]),
    );
    const app = await rehearsal.start({ settings: { defaults: { windows } } });
    const [node] = rehearsal.nodes();
    const early = await app.run();
    expect(outcomeOf(early, node)).toBe('deferred: window');
    expect(wordsOf(early, node)).toContain('it opens 2026-01-05T23:30:00.000Z');
    await rehearsal.pass({ minutes: 95 });
    expect(outcomeOf(await app.run(), node)).toBe('rebooted: probe');
    const open = [{ from: '2026-01-05T23:30:00Z', to: '2026-01-06T03:30:00Z' }];
    expect(neverOutOfHours(rehearsal.evidence(), open, 30)).toEqual([]);
    expect(kept(rehearsal)).toEqual([]);
  });

  it('that is missing, or that nobody may read, is closed', async () => {
    await using rehearsal = await rehearse(shopWith([]));
    const app = await rehearsal.start({ settings: { defaults: { windows } } });
    const [node] = rehearsal.nodes();
    const missing = await app.run();
    expect(outcomeOf(missing, node)).toBe('deferred: window');
    expect(wordsOf(missing, node)).toContain('the cluster has no maintenance configuration');
    const action = 'Microsoft.ContainerService/managedClusters/maintenanceConfigurations/read';
    rehearsal.azure.faults.deny({ action });
    expect(wordsOf(await app.run(), node)).toContain(`no permission for ${action}`);
    expect(kept(rehearsal)).toEqual([]);
  });

  it('that is taken away during a drain has the drain undone', async () => {
    const fleet = shop({
      count: 1,
      workloads: [...usualWorkloads, slowOn(0, 900)],
      cluster: { maintenance: [{ name: 'aksManagedNodeOSUpgradeSchedule', properties: tonight }] },
    });
    await using rehearsal = await rehearse(fleet);
    const app = await rehearsal.start({ settings: { defaults: { windows } } });
    const [node] = rehearsal.nodes();
    await rehearsal.pass({ minutes: 95 });
    const [cluster] = rehearsal.azure.world.clusters;
    rehearsal.when(answered(evictionOn(), 201), () => void cluster?.settings.maintenance.pop());
    const report = await app.run();
    expect(outcomeOf(report, node)).toBe('deferred: window');
    expect(wordsOf(report, node)).toContain('the cluster has no maintenance configuration');
    expect(kept(rehearsal)).toEqual([]);
  });
});

describe('the fit', () => {
  it('learns from the nodes that went before', async () => {
    // Each drain takes 2 minutes, of which the settings know nothing.
    const slow = Array.from({ length: 7 }, (_, index) => slowOn(index, 120));
    await using rehearsal = await rehearse(
      shop({ count: 7, workloads: [...usualWorkloads, ...slow] }),
    );
    const windows = [
      { days: ['mon' as const], start: '22:00', durationMinutes: 32, timeZone: 'UTC' },
    ];
    const expectations = { expectedDrainMinutes: 0, expectedRestartMinutes: 1 };
    const app = await rehearsal.start({
      settings: { defaults: { windows, ...expectations, readyForSeconds: 0 } },
    });
    const report = await app.run();
    const outcomes = rehearsal.nodes().map((node) => outcomeOf(report, node));
    expect(outcomes.filter((outcome) => outcome === 'rebooted: probe').length).toBeGreaterThan(4);
    expect(outcomes).toContain('deferred: fit');
    const last = rehearsal.nodes().find((node) => outcomeOf(report, node) === 'deferred: fit');
    expect(wordsOf(report, last)).toContain('it opens again 2026-01-12T22:00:00.000Z');
    expect(neverOutOfHours(rehearsal.evidence(), monday22(32), 2)).toEqual([]);
    expect(kept(rehearsal)).toEqual([]);
  });
  const monday22 = (minutes: number) => [
    { from: '2026-01-05T22:00:00Z', to: new Date(Date.UTC(2026, 0, 5, 22, minutes)).toISOString() },
  ];
});

describe('an answer to a probe', () => {
  it('serves for probeMaxAgeHours, but is asked for again before a cordon', async () => {
    await using rehearsal = await rehearse(
      shop({ count: 2, nodes: { 1: { sentinelGone: true } } }),
    );
    const app = await rehearsal.start({ settings: { defaults: { probeMaxAgeHours: 6 } } });
    const [due, fine] = rehearsal.nodes();
    const asked = (node?: string) => rehearsal.lines.filter(probeOf(node)).length;
    await app.run({ dryRun: true });
    expect([asked(due), asked(fine)]).toEqual([1, 1]);
    await rehearsal.pass({ hours: 5 });
    await app.run({ dryRun: true });
    expect([asked(due), asked(fine)]).toEqual([1, 1]);
    await app.run();
    // Once before the cordon, once for the proof.
    expect([asked(due), asked(fine)]).toEqual([3, 1]);
    await rehearsal.pass({ hours: 2 });
    await app.run({ dryRun: true });
    expect(asked(fine)).toBe(2);
    expect(kept(rehearsal)).toEqual([]);
  });

  it('that is no more true before the cordon keeps the node from being touched', async () => {
    await using rehearsal = await rehearse(shop({ count: 1 }));
    const app = await rehearsal.start();
    const [node = ''] = rehearsal.nodes();
    await app.run({ dryRun: true });
    rehearsal.person.setSentinel(node, undefined);
    expect(outcomeOf(await app.run(), node)).toBe('notNeeded: probe');
    expect(rehearsal.lines.filter(cordonOf())).toEqual([]);
  });
});

describe('a dry run', () => {
  it('says what would be done, and does nothing but probe and read', async () => {
    await using rehearsal = await rehearse(shop({ count: 2 }));
    const app = await rehearsal.start();
    const report = await app.run({ dryRun: true });
    for (const node of rehearsal.nodes()) {
      expect(outcomeOf(report, node)).toMatch(/^deferred: turn/u);
      expect(wordsOf(report, node)).toContain('would be rebooted');
    }
    expect(new Set(rehearsal.lines.map(({ action }) => action))).toEqual(new Set(['probe']));
    expect(kept(rehearsal)).toEqual([]);
  });
});

describe('a sentinel', () => {
  it('that is back every day has the node rebooted once', async () => {
    const nodes = { 0: { sentinelReturnsHours: 20 } };
    await using rehearsal = await rehearse(shop({ count: 2, nodes }));
    const app = await rehearsal.start();
    const [node] = rehearsal.nodes();
    expect(outcomeOf(await app.run(), node)).toBe('rebooted: probe');
    for (let day = 1; day <= 4; day += 1) {
      await rehearsal.pass({ hours: 24 });
      expect(outcomeOf(await app.run(), node)).toBe('stillRequired: loopGuard');
    }
    expect(rehearsal.lines.filter(restartOf(node))).toHaveLength(1);
    expect(kept(rehearsal)).toEqual([]);
  });

  it('that is there again at once is told, and the node goes back into service', async () => {
    const nodes = { 0: { sentinelReturnsHours: 0 } };
    await using rehearsal = await rehearse(shop({ count: 1, nodes }));
    const app = await rehearsal.start();
    const [node] = rehearsal.nodes();
    expect(outcomeOf(await app.run(), node)).toBe('stillRequired: stillRequired');
    expect(kept(rehearsal)).toEqual([]);
  });

  it('for other packages has the node rebooted again, days later', async () => {
    await using rehearsal = await rehearse(shop({ count: 1 }));
    const app = await rehearsal.start();
    const [node = ''] = rehearsal.nodes();
    await app.run();
    rehearsal.person.setSentinel(node, ['libssl3']);
    await rehearsal.pass({ hours: 2 });
    expect(outcomeOf(await app.run(), node)).toBe('deferred: loopGuard');
    await rehearsal.pass({ hours: 23 });
    expect(outcomeOf(await app.run(), node)).toBe('rebooted: probe');
    expect(rehearsal.azure.world.node(node).packages).not.toEqual(needsReboot.packages);
    expect(kept(rehearsal)).toEqual([]);
  });
});

describe('the schedule', () => {
  it('starts a run every hour, and leaves a cluster to the run that is on it', async () => {
    const timings = { restartDelaySeconds: 1800 };
    await using rehearsal = await rehearse(shop({ count: 4, fleet: { timings } }));
    const app = await rehearsal.start({
      schedule: '0 0 * * * *',
      settings: { defaults: { bootTimeoutMinutes: 60, pollSeconds: 120 } },
    });
    await rehearsal.pass({ hours: 4 });
    const { runs } = (await app.app.call('GET', '/api/runs')) as { runs: { run: string }[] };
    expect(runs.length).toBeGreaterThanOrEqual(3);
    const oldest = runs.toReversed().slice(0, 2);
    const reports = await Promise.all(oldest.map(({ run }) => app.report(run)));
    const [first, second] = reports;
    if (first === undefined || second === undefined) throw new Error('no reports');
    for (const node of rehearsal.nodes()) {
      expect(outcomeOf(first, node)).toBe('rebooted: probe');
      expect(outcomeOf(second, node)).toBe('deferred: lock');
    }
    expect(rehearsal.lines.filter(answered(evictionOn(), 500))).toEqual([]);
    expect(kept(rehearsal)).toEqual([]);
  });

  it('only says what it would do for as long as settings want that', async () => {
    await using rehearsal = await rehearse(shop({ count: 2 }));
    const app = await rehearsal.start({
      schedule: '0 0 */6 * * *',
      settings: { scheduledRuns: 'dryRun' },
    });
    await rehearsal.pass({ hours: 30 });
    expect(rehearsal.lines.filter(evictionOn())).toEqual([]);
    // What alert rules look at.
    const closed = (message: string) => app.log.findLast((line) => line.message === message);
    expect(closed('run closed')?.detail).toMatchObject({
      source: 'timer',
      purpose: 'reboot',
      dryRun: true,
      status: 'completed',
    });
    const { oldestNeedDays, ...rest } = closed('cluster closed')?.detail ?? {};
    expect(rest).toMatchObject({ counts: { deferred: 2 }, needsPerson: 0, halted: false });
    expect(oldestNeedDays).toBeGreaterThanOrEqual(1);
    app.settings.scheduledRuns = 'reboot';
    await rehearsal.pass({ hours: 6 });
    expect(closed('cluster closed')?.detail).toMatchObject({ counts: { rebooted: 2 } });
    expect(closed('cluster closed')?.detail).not.toHaveProperty('oldestNeedDays');
    expect(kept(rehearsal)).toEqual([]);
  });
});

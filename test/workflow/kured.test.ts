import type { SettingsDocument } from '../../src/policy/settings.ts';
import { shop, sickOn, slowOn, usualWorkloads } from '../support/fleets.ts';
import type { ShopOptions } from '../support/fleets.ts';
import {
  brokenOrLeft,
  brokenPromises,
  drainedFirst,
  nothingLeft,
  oneAtATime,
} from '../support/promises.ts';
import {
  answered,
  bootOf,
  cordonOf,
  downOf,
  evictionOn,
  nodeReports,
  outcomeOf,
  probeOf,
  restartOf,
  uncordonOf,
  wordsOf,
} from '../support/reading.ts';
import { rehearse } from '../support/rehearsal.ts';
import type { Rehearsal } from '../support/rehearsal.ts';

/**
 * What kured is tested with end to end (kubereboot/kured, tests/kind/main_test.go), what becomes of
 * it where it fails, and the races that it and its neighbours know: each with our ending. What has a
 * test elsewhere already is listed in docs/testing.md.
 */

type Defaults = NonNullable<SettingsDocument['defaults']>;

/** Runs once over a fleet, with settings. */
async function once(fleet: ShopOptions, defaults: Defaults = {}) {
  const rehearsal = await rehearse(shop(fleet));
  const app = await rehearsal.start({ settings: { defaults } });
  const report = await app.run();
  return { rehearsal, app, report, nodes: rehearsal.nodes() };
}

function allKept(rehearsal: Rehearsal, options: Parameters<typeof brokenPromises>[1] = {}): void {
  expect(brokenOrLeft(rehearsal.evidence(), options)).toEqual([]);
}

const nodeNow = (rehearsal: Rehearsal, name = '') =>
  rehearsal.evidence().after.find(({ node }) => node === name);

describe("kured's own scenarios", () => {
  it.each<[string, string, Defaults['restartMethod'], number]>([
    ['TestRebootCommandCurrentk8sRelease', '1.35.1', 'arm', 1],
    ['TestRebootCommandPreviousk8sRelease', '1.34.3', 'arm', 1],
    ['TestRebootSignalCurrentk8sRelease', '1.35.1', 'guest', 1],
    ['TestRebootSignalPreviousk8sRelease', '1.34.3', 'guest', 1],
    ['TestConcurrentRebootCommandCurrentk8sRelease', '1.35.1', 'arm', 2],
    ['TestConcurrentRebootCommandPreviousk8sRelease', '1.34.3', 'arm', 2],
    ['TestConcurrentRebootSignalCurrentk8sRelease', '1.35.1', 'guest', 2],
    ['TestConcurrentRebootSignalPreviousk8sRelease', '1.34.3', 'guest', 2],
  ])(
    '%s: two of three nodes become unschedulable, and schedulable again',
    async (_name, version, restartMethod, concurrency) => {
      const fleet = { count: 3, nodes: { 2: { sentinelGone: true } }, cluster: { version } };
      const { rehearsal, report, nodes } = await once(fleet, { restartMethod, concurrency });
      await using _ = rehearsal;
      const outcomes = nodes.map((name) => outcomeOf(report, name));
      expect(outcomes).toEqual(['rebooted: probe', 'rebooted: probe', 'notNeeded: probe']);
      for (const name of nodes.slice(0, 2)) {
        expect(rehearsal.lines.filter(answered(cordonOf(name), 200))).toHaveLength(1);
        expect(rehearsal.lines.filter(answered(uncordonOf(name), 200))).toHaveLength(1);
      }
      // What kured's own test does not look at: one at a time, drained, another boot, proved.
      allKept(rehearsal, { concurrency });
    },
  );

  it.each([
    ['TestCordonningIsKeptWithoutConcurrency', 1],
    ['TestCordonningIsKeptWithConcurrency', 2],
  ])('%s: the cordoned one stays so, the other one does not', async (_name, concurrency) => {
    const fleet = { count: 2, nodes: { 0: { cordoned: true } } };
    const settings: Defaults = { concurrency, cordonedByPerson: 'reboot' };
    const { rehearsal, report, nodes } = await once(fleet, settings);
    await using _ = rehearsal;
    for (const name of nodes) expect(outcomeOf(report, name)).toBe('rebooted: probe');
    const [first, second] = nodes.map((name) => nodeNow(rehearsal, name)?.unschedulable);
    expect([first, second]).toEqual([true, false]);
    allKept(rehearsal, { concurrency });
  });

  it('TestRebootBlockedPodblocker: says in the report which pod blocks, not only in a log', async () => {
    const blocker = { kind: 'Pod', name: 'blocker', on: { pool: 'web', index: 0 } };
    const settings: Defaults = { blockingPods: [{ selector: 'app=blocker', where: 'node' }] };
    const fleet = { workloads: [...usualWorkloads, blocker] };
    const { rehearsal, report, nodes } = await once(fleet, settings);
    await using _ = rehearsal;
    const [blocked, other] = nodes;
    expect(outcomeOf(report, blocked)).toContain('deferred: blockingPod');
    expect(wordsOf(report, blocked)).toContain('default/blocker');
    expect(outcomeOf(report, other)).toBe('rebooted: probe');
    expect(rehearsal.lines.filter(cordonOf(blocked))).toEqual([]);
    allKept(rehearsal);
  });

  it('test-metrics.sh: says that no reboot is required, and that one is once it is', async () => {
    await using rehearsal = await rehearse(
      shop({ count: 1, nodes: { 0: { sentinelGone: true } } }),
    );
    const app = await rehearsal.start({ settings: { defaults: { probeMaxAgeHours: 0 } } });
    const due = async () => {
      const report = await app.run({ dryRun: true });
      return nodeReports(report).filter(({ decision }) => decision.kind === 'reboot').length;
    };
    expect(await due()).toBe(0);
    rehearsal.person.setSentinel(rehearsal.nodes()[0] ?? '', ['linux-base']);
    expect(await due()).toBe(1);
  });
});

const patches = { service: 'kubernetes', method: 'PATCH', path: '/nodes/', skip: 0 } as const;

describe('where kured fails', () => {
  it('a cordon that fails leaves nothing behind, and the next run begins anew', async () => {
    await using rehearsal = await rehearse(shop({ count: 1 }));
    const [name = ''] = rehearsal.nodes();
    const broken = { kind: 'answer', status: 500 } as const;
    const lift = rehearsal.azure.faults.add({
      ...patches,
      times: 99,
      when: 'before',
      fault: broken,
    });
    const app = await rehearsal.start();
    expect(outcomeOf(await app.run(), name)).toBe('failed: unreachable');
    expect(nodeNow(rehearsal, name)).toMatchObject({ marked: false, unschedulable: false });
    lift();
    expect(outcomeOf(await app.run(), name)).toBe('rebooted: probe');
    allKept(rehearsal);
  });

  it("a drain that times out is undone at once, and takes no person's cordon off", async () => {
    const fleet = { count: 2, workloads: [...usualWorkloads, sickOn(0)] };
    await using rehearsal = await rehearse(shop(fleet));
    const [stuck = '', other] = rehearsal.nodes();
    await rehearsal.person.cordon(stuck);
    const defaults = { cordonedByPerson: 'reboot', drainTimeoutMinutes: 2 } as const;
    const app = await rehearsal.start({ settings: { defaults } });
    const report = await app.run();
    expect(outcomeOf(report, stuck)).toContain('undrainable: drainDeadline, blocked');
    expect(outcomeOf(report, other)).toBe('rebooted: probe');
    expect(nodeNow(rehearsal, stuck)).toMatchObject({ marked: false, unschedulable: true });
    expect(rehearsal.lines.filter(restartOf(stuck))).toEqual([]);
    allKept(rehearsal);
  });

  it('a drain that times out is forced only where settings say so, and the outcome tells', async () => {
    const fleet = { count: 2, workloads: [...usualWorkloads, sickOn(0)] };
    const settings = { atDrainDeadline: 'restart', drainTimeoutMinutes: 2 } as const;
    const { rehearsal, report, nodes } = await once(fleet, settings);
    await using _ = rehearsal;
    expect(outcomeOf(report, nodes[0])).toMatch(/^rebooted: /u);
    expect(wordsOf(report, nodes[0])).toContain('restarted undrained after 2 minutes');
    expect(drainedFirst(rehearsal.evidence())).not.toEqual([]);
    expect(nothingLeft(rehearsal.evidence())).toEqual([]);
  });

  it('an uncordon that fails for hours is no permanent cordon: the next run takes it off', async () => {
    await using rehearsal = await rehearse(shop({ count: 1 }));
    const [name = ''] = rehearsal.nodes();
    const app = await rehearsal.start();
    let lift = () => {};
    rehearsal.when(bootOf(name), () => {
      const fault = { kind: 'answer', status: 500 } as const;
      lift = rehearsal.azure.faults.add({ ...patches, times: 999, when: 'before', fault });
    });
    expect(outcomeOf(await app.run(), name)).toBe('failed: unreachable');
    expect(nodeNow(rehearsal, name)).toMatchObject({ marked: true, unschedulable: true });
    lift();
    expect(outcomeOf(await app.run(), name)).toBe('rebooted: probe');
    expect(rehearsal.lines.filter(restartOf(name))).toHaveLength(1);
    allKept(rehearsal);
  });

  it('an uncordon that fails at the recovery is tried again, in that run and in the next', async () => {
    await using rehearsal = await rehearse(shop({ count: 1 }));
    const [name = ''] = rehearsal.nodes();
    const first = await rehearsal.start();
    await first.begin();
    await rehearsal.until(answered(cordonOf(name), 200));
    first.crash();
    // The adoption passes; the uncordon does not, three times.
    const fault = { kind: 'answer', status: 500 } as const;
    rehearsal.azure.faults.add({ ...patches, skip: 1, times: 3, when: 'before', fault });
    const second = await rehearsal.start();
    expect(outcomeOf(await second.recover(), name)).toBe('deferred: recovered');
    allKept(rehearsal);
  });

  it('a restart that is refused costs one drain, not one an hour', async () => {
    const restartAction =
      'Microsoft.Compute/virtualMachineScaleSets/virtualMachines/restart/action';
    await using rehearsal = await rehearse(shop({ count: 2 }));
    const giveBack = rehearsal.azure.faults.deny({ action: restartAction });
    const app = await rehearsal.start();
    await app.run();
    const { node } = rehearsal.lines.find(restartOf()) ?? { node: '' };
    for (let hour = 0; hour < 2; hour += 1) {
      await rehearsal.pass({ hours: 1 });
      const report = await app.run();
      for (const name of rehearsal.nodes()) {
        expect(outcomeOf(report, name)).toBe('deferred: restartRefused');
        expect(wordsOf(report, name)).toContain(restartAction);
      }
    }
    expect(rehearsal.lines.filter(answered(cordonOf(), 200))).toHaveLength(1);
    // Granted, and said so.
    giveBack();
    await rehearsal.person.annotate(node, { 'aks-reboot-orchestrator/last-refusal': null });
    const report = await app.run();
    for (const name of rehearsal.nodes()) expect(outcomeOf(report, name)).toBe('rebooted: probe');
    allKept(rehearsal);
  });

  it('a reboot that never happens has a deadline, a second attempt, and a person who is told', async () => {
    const never = { restart: 'changesNothing' };
    const fleet = { count: 2, nodes: { 0: never, 1: never } };
    const { rehearsal, report } = await once(fleet, { pollSeconds: 120 });
    await using _ = rehearsal;
    const [{ node } = { node: '' }, ...second] = rehearsal.lines.filter(restartOf());
    expect(second.map((line) => line.node)).toEqual([node]);
    expect(outcomeOf(report, node)).toBe('notRebooted: sameBoot');
    const other = rehearsal.nodes().find((name) => name !== node);
    expect(outcomeOf(report, other)).toContain('deferred: turn');
    expect(wordsOf(report, other)).toContain(node);
    expect(brokenPromises(rehearsal.evidence())).toEqual([]);
  });

  it('a node that returns a day later is finished then, and does not stay cordoned', async () => {
    await using rehearsal = await rehearse(shop({ count: 2, nodes: { 0: { returns: false } } }));
    const [lost = '', other] = rehearsal.nodes();
    const app = await rehearsal.start({ settings: { defaults: { pollSeconds: 120 } } });
    await app.run({ nodes: [lost] });
    await rehearsal.pass({ hours: 24 });
    rehearsal.person.lift(lost);
    await rehearsal.pass({ minutes: 5 });
    const report = await app.run();
    expect(outcomeOf(report, lost)).toBe('rebooted: probe');
    expect(outcomeOf(report, other)).toBe('rebooted: probe');
    allKept(rehearsal);
  });

  it('a node that is deleted while it is out of service leaves no lock behind', async () => {
    await using rehearsal = await rehearse(shop({ count: 2 }));
    const app = await rehearsal.start();
    const run = await app.begin();
    const { node } = await rehearsal.until(downOf());
    rehearsal.person.deleteInstance(node);
    await app.rest();
    const report = await app.report(run);
    expect(outcomeOf(report, node)).toBe('gone: gone');
    const other = rehearsal.nodes().find((name) => name !== node);
    expect(outcomeOf(report, other)).toBe('rebooted: probe');
    expect(JSON.stringify(await app.app.call('GET', '/api/locks'))).not.toContain('holder');
  });

  it('an API server that is away for an hour after the boot costs an hour', async () => {
    await using rehearsal = await rehearse(shop({ count: 1 }));
    const [name = ''] = rehearsal.nodes();
    const app = await rehearsal.start();
    const run = await app.begin();
    await rehearsal.until(bootOf(name));
    const lift = rehearsal.azure.faults.add({
      service: 'kubernetes',
      path: '.',
      skip: 0,
      times: Number.MAX_SAFE_INTEGER,
      when: 'before',
      fault: { kind: 'drop' },
    });
    await rehearsal.pass({ hours: 1 });
    lift();
    await app.rest();
    expect(outcomeOf(await app.report(run), name)).toBe('rebooted: probe');
    allKept(rehearsal);
  });

  it('a drain that outlives runs lets no other node begin: nothing runs out', async () => {
    const slow = [slowOn(0, 900), slowOn(1, 900)];
    await using rehearsal = await rehearse(shop({ count: 2, workloads: slow }));
    const defaults = { drainTimeoutMinutes: 240, pollSeconds: 120 };
    await rehearsal.start({ settings: { defaults }, schedule: '0 */5 * * * *' });
    await rehearsal.pass({ minutes: 15 });
    const cordoned = rehearsal.lines.filter(answered(cordonOf(), 200));
    expect(cordoned).toHaveLength(1);
    await rehearsal.pass({ minutes: 12 });
    expect(rehearsal.lines.filter(bootOf(cordoned[0]?.node))).toHaveLength(1);
    const evidence = rehearsal.evidence();
    expect([...oneAtATime(evidence), ...drainedFirst(evidence)]).toEqual([]);
  });

  it('a node that was cordoned before stays so, whether its reboot ends well or not', async () => {
    await using rehearsal = await rehearse(
      shop({ count: 1, nodes: { 0: { cordoned: true, restart: 'changesNothing' } } }),
    );
    const [name = ''] = rehearsal.nodes();
    const defaults = { cordonedByPerson: 'reboot', pollSeconds: 120 } as const;
    const app = await rehearsal.start({ settings: { defaults } });
    expect(outcomeOf(await app.run(), name)).toBe('notRebooted: sameBoot');
    rehearsal.person.behave(name, { restart: 'happens' });
    rehearsal.person.restart(name);
    await rehearsal.pass({ minutes: 5 });
    expect(outcomeOf(await app.run(), name)).toBe('rebooted: probe');
    expect(nodeNow(rehearsal, name)).toMatchObject({ marked: false, unschedulable: true });
    allKept(rehearsal);
  });
});

describe('a race that is known', () => {
  it('a restart whose operation never ends is judged by the boot', async () => {
    const { rehearsal, report, nodes } = await once({
      count: 1,
      nodes: { 0: { restart: 'happensUnseen' } },
    });
    await using _ = rehearsal;
    expect(outcomeOf(report, nodes[0])).toBe('rebooted: probe');
    expect(rehearsal.lines.filter(restartOf())).toHaveLength(1);
    allKept(rehearsal);
  });

  it('a boot that was not ours, in the middle of the drain, is no success of ours', async () => {
    const timings = { restartDelaySeconds: 0, bootSeconds: 5 };
    const workloads = [...usualWorkloads, slowOn(0)];
    await using rehearsal = await rehearse(shop({ count: 1, workloads, fleet: { timings } }));
    const app = await rehearsal.start();
    const [name = ''] = rehearsal.nodes();
    rehearsal.when(answered(evictionOn(name), 201), () => {
      const machine = rehearsal.azure.world.node(name);
      machine.vmId = 'd1a5ad57-0000-4000-8000-000000000000';
      machine.bornAt = rehearsal.now();
      rehearsal.person.restart(name);
    });
    const report = await app.run();
    expect(outcomeOf(report, name)).toMatch(/^(deferred|unknown): /u);
    expect(rehearsal.lines.filter(restartOf(name)).map(({ actor }) => actor)).toEqual(['person']);
    expect(nodeNow(rehearsal, name)).toMatchObject({ marked: false, unschedulable: false });
    allKept(rehearsal);
  });

  it('a node that somebody rebooted after the plan is asked again, and left alone', async () => {
    const timings = { restartDelaySeconds: 0, bootSeconds: 5 };
    await using rehearsal = await rehearse(shop({ count: 2, fleet: { timings } }));
    const app = await rehearsal.start();
    let other = '';
    rehearsal.when(answered(cordonOf(), 200), ({ node }) => {
      other = rehearsal.nodes().find((name) => name !== node) ?? '';
      rehearsal.person.restart(other);
    });
    const report = await app.run();
    expect(outcomeOf(report, other)).toBe('notNeeded: probe');
    expect(rehearsal.lines.filter(cordonOf(other))).toEqual([]);
    allKept(rehearsal);
  });

  it("a script of somebody else's that is in the way is waited for, and unknown is no", async () => {
    const fleet = { count: 2, nodes: { 0: { probe: 'conflict' } } };
    const { rehearsal, report, nodes } = await once(fleet);
    await using _ = rehearsal;
    expect(outcomeOf(report, nodes[0])).toBe('unknown: probe');
    expect(outcomeOf(report, nodes[1])).toBe('rebooted: probe');
    expect(rehearsal.lines.filter(probeOf(nodes[0])).length).toBeGreaterThan(1);
    allKept(rehearsal);
  });

  it('an answer of more than 4,096 bytes of package names is still one answer', async () => {
    const packages = Array.from({ length: 400 }, (_, index) => `linux-modules-extra-${index}`);
    const fleet = { count: 1, nodes: { 0: { packages } } };
    await using rehearsal = await rehearse(shop(fleet), { guest: 'shell' });
    const app = await rehearsal.start();
    expect(outcomeOf(await app.run(), rehearsal.nodes()[0])).toBe('rebooted: probe');
    allKept(rehearsal);
  });
});

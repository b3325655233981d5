import { createActivities } from '../../src/activities/activities.ts';
import type { ClusterFacts, Instance } from '../../src/domain/cluster.ts';
import { clusterKey, parseClusterId } from '../../src/domain/arm.ts';
import { markAnnotation, readMark, writeMark } from '../../src/domain/mark.ts';
import type { Mark } from '../../src/domain/mark.ts';
import type { NodePods } from '../../src/domain/drain.ts';
import type { NodeView, PatchOperation } from '../../src/domain/node.ts';
import { TroubleError } from '../../src/domain/trouble.ts';
import type { SettingsDocument } from '../../src/policy/settings.ts';
import type { Azure, DaemonPod, Durable, Kubernetes, Ports } from '../../src/ports.ts';

/** What guards find out in the very activity, in situations that simulated Azure does not know. */

const group = '/subscriptions/8d2f1b64-3c1e-4b0a-9f57-6a1c2e9d4b10/resourceGroups';
const id = parseClusterId(`${group}/r/providers/Microsoft.ContainerService/managedClusters/shop`);
if (id === undefined) throw new Error('not a cluster id');
const cluster = clusterKey(id);
const run = '20260105T220000Z-000001';
const vm = `${group}/MC/providers/Microsoft.Compute/virtualMachines/web-1`;
const start = Date.parse('2026-01-05T22:00:00Z');
const iso = (minutes: number) => new Date(start + minutes * 60_000).toISOString();

const mark: Mark = {
  version: 1,
  controller: 'app',
  run,
  fence: 7,
  bootId: 'b1',
  uid: 'u1',
  vmId: 'v1',
  birth: 0,
  kernel: 'k1',
  wasUnschedulable: false,
  daemonSetsReady: [],
  need: 'n',
  since: iso(0),
};

const instanceNow: Instance = {
  id: vm,
  pool: 'web',
  computerName: 'web-1',
  vmId: 'v1',
  provisioningState: 'Succeeded',
  powerState: 'running',
  agent: 'ready' as const,
};

const facts: ClusterFacts = {
  id,
  location: 'westeurope',
  provisioningState: 'Succeeded',
  powerState: 'Running',
  nodeResourceGroup: 'MC',
  nodeResourceGroupLocked: false,
  kubernetesVersion: '1.33.3',
  entra: true,
  privateCluster: false,
  restrictedAddresses: false,
  runCommandDisabled: false,
  nodeOsChannel: 'Unmanaged',
  maintenance: { kind: 'unknown', value: 'nobody asked for it' },
  pools: [
    {
      name: 'web',
      type: 'VirtualMachines',
      mode: 'User',
      provisioningState: 'Succeeded',
      powerState: 'Running',
      os: 'Linux',
      spot: false,
      count: 1,
    },
  ],
};

interface Options {
  mark?: Partial<Mark>;
  node?: Partial<NodeView>;
  settings?: SettingsDocument['defaults'];
  pods?: NodePods;
}

/** One node, one machine, and a clock that is set by hand. */
function stage(options: Options = {}) {
  const pods = options.pods ?? { left: [], staying: [] };
  const node: NodeView = {
    name: 'web-1',
    uid: 'u1',
    resourceVersion: '1',
    providerId: `azure://${vm}`,
    createdAt: iso(-1000),
    unschedulable: true,
    ready: true,
    readySince: iso(-1000),
    bootId: 'b1',
    kernel: 'k1',
    osImage: '',
    os: 'linux',
    kubeletVersion: '',
    pool: 'web',
    labels: {},
    taints: [],
    conditions: [],
    annotations: { [markAnnotation]: writeMark({ ...mark, ...options.mark }) },
    ...options.node,
  };
  const world = {
    minutes: 0,
    node,
    instance: { ...instanceNow },
    restarts: 0,
    refuses: false,
    stalePatches: 0,
    /** How long the first patch takes. */
    patchMinutes: 0,
    daemons: [] as DaemonPod[],
    poll: (): ReturnType<Azure['pollRestart']> => Promise.resolve({ kind: 'succeeded' }),
  };
  const kubernetes: Kubernetes = {
    ahead: () => {},
    nodes: () => Promise.resolve([{ ...world.node }]),
    node: () => Promise.resolve({ ...world.node }),
    patchNode(_name, patch) {
      if (world.stalePatches-- > 0) return Promise.resolve({ kind: 'stale' });
      for (const step of patch) apply(world.node, step);
      world.minutes += world.patchMinutes;
      world.patchMinutes = 0;
      return Promise.resolve({ kind: 'done', node: { ...world.node } });
    },
    drainSlice: () => Promise.resolve({ evicted: [], ...pods }),
    foresee: () => Promise.resolve({ leaving: 0, hopeless: [], passing: [] }),
    leftToDrain: () => Promise.resolve(pods),
    pods: () => Promise.resolve([]),
    daemonPods: () => Promise.resolve(world.daemons),
    recordEvent: () => Promise.resolve(),
    denied: () => Promise.resolve([]),
    lease: () => Promise.resolve(undefined),
    writeLease: () => Promise.resolve('written'),
  };
  const never = () => Promise.reject(new Error('nobody asks for that here'));
  const azure: Azure = {
    cluster: () => Promise.resolve(facts),
    instances: never,
    permissions: never,
    skewSeconds: () => Promise.resolve(undefined),
    instance: () => Promise.resolve(world.instance),
    startScript: never,
    pollScript: never,
    startRestart() {
      if (world.refuses) {
        const trouble = { kind: 'forbidden', value: 'restart/action' } as const;
        return Promise.resolve({ kind: 'refused', trouble });
      }
      world.restarts += 1;
      return Promise.resolve({ kind: 'started', token: 't' });
    },
    pollRestart: () => world.poll(),
    access: () => Promise.resolve({ way: 'api', why: 'it is public' }),
    alerts: never,
    kubernetes: () => Promise.resolve(kubernetes),
  };
  const durable: Durable = {
    start: never,
    status: () => Promise.resolve(undefined),
    entity: () => Promise.resolve(undefined),
    signal: never,
    purge: never,
  };
  const ports: Ports = {
    clock: { now: () => start + world.minutes * 60_000, sleep: () => Promise.resolve() },
    prometheus: { query: never },
    vouching: { kind: 'nobody' },
    azure,
    documents: {
      read: () => Promise.resolve(undefined),
      write: never,
      list: () => Promise.resolve([]),
      removeAll: never,
    },
    log: () => {},
    settingsText: () =>
      Promise.resolve(
        JSON.stringify({
          controller: 'app',
          defaults: options.settings ?? {},
          clusters: [{ id: id?.id }],
        }),
      ),
    runtime: 'v24.0.0',
    randomHex: () => '0',
  };
  const steps = createActivities(ports)(durable);
  return { world, steps };
}

function apply(node: NodeView, step: PatchOperation): void {
  if (step.op === 'test') return;
  const name = step.path.replace('/metadata/annotations/', '').replaceAll('~1', '/');
  if (step.path === '/spec/unschedulable')
    node.unschedulable = 'value' in step && step.value === true;
  else if (step.op === 'remove') delete node.annotations[name];
  else node.annotations[name] = String(step.value);
}

const target = { run, cluster, node: 'web-1', fence: 7, uid: 'u1' };
const asked = (minutes: number) => ({ attempt: { number: 1, at: iso(minutes) } });

describe('a restart', () => {
  it('waits for another operation on the machine no longer than a drain may take', async () => {
    const { world, steps } = stage();
    world.instance.provisioningState = 'Updating';
    const input = { ...target, since: iso(0), attempt: 1 };
    expect(await steps.restart(input)).toMatchObject({ kind: 'wait' });
    world.minutes = 31;
    expect(await steps.restart(input)).toMatchObject({
      kind: 'stop',
      outcome: { kind: 'deferred', reasons: [{ kind: 'conflict' }] },
    });
    expect(world.restarts).toBe(0);
  });

  it('is not asked for again before the boot deadline, whoever says so', async () => {
    const { world, steps } = stage({ mark: asked(0) });
    world.minutes = 29;
    const input = { ...target, since: iso(29), attempt: 2 };
    expect(await steps.restart(input)).toMatchObject({ kind: 'asked', at: iso(0) });
    expect(world.restarts).toBe(0);
    world.minutes = 31;
    expect(await steps.restart(input)).toMatchObject({ kind: 'asked', at: iso(31) });
    expect(world.restarts).toBe(1);
  });

  it('is not asked for again while nobody can see whether the first one still runs', async () => {
    const { world, steps } = stage({ mark: asked(0) });
    const trouble = { kind: 'unreachable', value: '500' } as const;
    world.poll = () => Promise.reject(new TroubleError(trouble));
    world.minutes = 31;
    const input = { ...target, token: 't' };
    expect(await steps.checkBoot(input)).toMatchObject({ kind: 'waiting', token: 't' });
    world.minutes = 61;
    expect(await steps.checkBoot(input)).toMatchObject({
      kind: 'stuck',
      outcome: { kind: 'notRebooted' },
    });
  });

  it('is not asked for by a process that stood still after it wrote the attempt', async () => {
    const { world, steps } = stage();
    world.patchMinutes = 6;
    const input = { ...target, since: iso(0), attempt: 1 };
    expect(await steps.restart(input)).toMatchObject({
      kind: 'wait',
      detail: '360 s passed before the restart could be asked for',
    });
    expect(world.restarts).toBe(0);
    expect(world.node.annotations[markAnnotation]).not.toContain('attempt');
    expect(await steps.restart(input)).toMatchObject({ kind: 'asked', at: iso(6) });
    expect(world.restarts).toBe(1);
  });

  it('keeps the first attempt where the second could not be asked for in time', async () => {
    const { world, steps } = stage({ mark: asked(0) });
    world.minutes = 31;
    world.patchMinutes = 100;
    const input = { ...target, since: iso(31), attempt: 2 };
    expect(await steps.restart(input)).toMatchObject({
      kind: 'stop',
      outcome: { kind: 'notRebooted', reasons: [{ kind: 'timeout' }] },
    });
    expect(readMark(world.node.annotations)).toMatchObject({ value: { attempt: { number: 1 } } });
  });

  it('is asked for again when Azure has forgotten the first one', async () => {
    const { world, steps } = stage({ mark: asked(0) });
    world.poll = () => Promise.reject(new TroubleError({ kind: 'notFound', value: '404' }));
    world.minutes = 31;
    expect(await steps.checkBoot({ ...target, token: 't' })).toEqual({ kind: 'restartAgain' });
  });
});

const left: NodePods = {
  left: [
    {
      pod: 'default/web',
      uid: 'u',
      warnings: [],
      state: 'blocked',
      reason: { kind: 'blocked', value: 'default/web blocked by PDB web' },
    },
  ],
  staying: [],
};

describe('a restart with pods on the node', () => {
  const restarting = { atDrainDeadline: 'restart' } as const;
  const slow = { ...restarting, drainTimeoutMinutes: 60 };
  const second = { settings: restarting, mark: asked(0) };
  // Minutes now, and since when the orchestration says that it drains: the mark knows better.
  const cases: [string, Options, [number, number], 1 | 2, string][] = [
    ['is never asked for by default', {}, [500, 0], 1, 'stop'],
    ['waits for the deadline', { settings: restarting }, [29, 0], 1, 'notDrained'],
    [
      'is asked for at the deadline, if settings want it',
      { settings: restarting },
      [30, 30],
      1,
      'asked',
    ],
    ['is not asked for before, whoever says so', { settings: restarting }, [29, -600], 1, 'stop'],
    [
      'is not asked for where the run stops',
      { settings: { atDrainDeadline: 'stop' } },
      [30, 0],
      1,
      'stop',
    ],
    [
      'has a deadline of its own the second time',
      { settings: slow, mark: asked(0) },
      [40, 35],
      2,
      'notDrained',
    ],
    ['is asked for the second time, if settings want it', second, [40, 40], 2, 'asked'],
  ];
  it.each(cases)('%s', async (_name, options, [minutes, since], attempt, kind) => {
    const { world, steps } = stage({ ...options, pods: left });
    world.minutes = minutes;
    const input = { ...target, since: iso(since), attempt };
    expect(await steps.restart(input)).toMatchObject({ kind });
    expect(world.restarts).toBe(kind === 'asked' ? 1 : 0);
    const mark = readMark(world.node.annotations);
    const said = mark.kind === 'read' ? mark.value.escalated : undefined;
    const words =
      'restarted undrained after 30 minutes, 1 pod left: default/web blocked by PDB web';
    expect(said).toBe(kind === 'asked' ? words : undefined);
  });

  it('that settings leave there is asked for at once, and says so', async () => {
    const staying = [{ pod: 'default/a', why: 'podSelector does not select it', chosen: true }];
    const { steps } = stage({ pods: { left: [], staying } });
    expect(await steps.restart({ ...target, since: iso(0), attempt: 1 })).toMatchObject({
      kind: 'asked',
      escalated: 'restarted with default/a (podSelector does not select it) on it',
    });
  });

  it('that is refused takes back what it said', async () => {
    const { world, steps } = stage({ settings: restarting, pods: left });
    world.minutes = 30;
    world.refuses = true;
    expect(await steps.restart({ ...target, since: iso(0), attempt: 1 })).toMatchObject({
      kind: 'stop',
      outcome: { kind: 'failed' },
    });
    expect(world.node.annotations[markAnnotation]).not.toMatch(/attempt|escalated/u);
  });
});

describe('a booted node', () => {
  const booted = { mark: asked(0), node: { bootId: 'b2' } };

  it('that never stays Ready ends with its deadline', async () => {
    const { world, steps } = stage(booted);
    let looks = {};
    let answer;
    for (world.minutes = 1; world.minutes < 60; world.minutes += 1) {
      world.node.readySince = iso(world.minutes);
      answer = await steps.checkReady({ ...target, since: iso(0), ...looks });
      if (answer.kind !== 'waiting') break;
      const { readySince, transition } = answer;
      looks = { readySince, transition };
    }
    expect(answer).toMatchObject({ kind: 'stuck', outcome: { kind: 'notReady' } });
  });

  it('that is Ready when a late run comes is given the time to prove it', async () => {
    const { world, steps } = stage(booted);
    world.minutes = 600;
    const first = await steps.checkReady({ ...target, since: iso(0) });
    expect(first).toMatchObject({ kind: 'waiting', readySince: iso(600) });
    world.minutes = 602;
    const looks = { readySince: iso(600), transition: world.node.readySince };
    expect(await steps.checkReady({ ...target, since: iso(0), ...looks })).toMatchObject({
      kind: 'ready',
    });
  });

  it('is not uncordoned when it is no longer Ready, although its sentinel is gone', async () => {
    const { world, steps } = stage({ ...booted, node: { bootId: 'b2', ready: false } });
    const answer = { kind: 'notRequired', bootId: 'b2', kernel: 'k', uptimeSeconds: 1, birth: 0 };
    const probe = { probe: answer, vmId: 'v1', at: iso(0) };
    expect(await steps.finish({ ...target, since: iso(0), probe })).toMatchObject({
      kind: 'again',
    });
    expect(world.node.unschedulable).toBe(true);
    world.node.ready = true;
    expect(await steps.finish({ ...target, since: iso(0), probe })).toMatchObject({
      kind: 'finished',
      outcome: { kind: 'rebooted' },
    });
    expect(world.node.unschedulable).toBe(false);
  });

  describe('with DaemonSets that were Ready before', () => {
    const mark = { ...booted.mark, daemonSetsReady: ['kube-system/proxy'] };
    const proxy = (pod: DaemonPod['pod']): DaemonPod[] => [{ daemonSet: 'kube-system/proxy', pod }];
    const steady = { readySince: iso(0), transition: iso(-1000) };
    const looking = (since = 0) => ({ ...target, since: iso(since), ...steady });

    it.each<[string, DaemonPod[], string, string]>([
      ['has them Ready again', proxy('ready'), 'ready', 'ready'],
      ['waits for one that is not Ready, and is stuck', proxy('unready'), 'waiting', 'stuck'],
      [
        'waits for one without a pod, until that is none of its business',
        proxy('absent'),
        'waiting',
        'ready',
      ],
      ['waits for none that is gone', [], 'ready', 'ready'],
    ])('%s', async (_name, daemons, early, late) => {
      const { world, steps } = stage({ ...booted, mark });
      world.daemons = daemons;
      world.minutes = 5;
      expect(await steps.checkReady(looking())).toMatchObject({ kind: early });
      world.minutes = 21;
      expect(await steps.checkReady(looking())).toMatchObject({ kind: late });
    });

    it('is not put back when they have gone away while the sentinel was asked for', async () => {
      const { world, steps } = stage({ ...booted, mark });
      world.daemons = proxy('unready');
      const answer = { kind: 'notRequired', bootId: 'b2', kernel: 'k', uptimeSeconds: 1, birth: 0 };
      const probe = { probe: answer, vmId: 'v1', at: iso(0) };
      const input = { ...target, since: iso(0), probe };
      expect(await steps.finish(input)).toMatchObject({ kind: 'again' });
      world.daemons = proxy('ready');
      const blinked = { ...input, transition: iso(-2000) };
      expect(await steps.finish(blinked)).toMatchObject({ kind: 'again' });
      world.minutes = 36;
      expect(await steps.finish(blinked)).toMatchObject({
        kind: 'stuck',
        outcome: { kind: 'notReady' },
      });
      expect(world.node.unschedulable).toBe(true);
      const same = { ...input, transition: world.node.readySince };
      expect(await steps.finish(same)).toMatchObject({ kind: 'finished' });
    });
  });
});

describe('a drain', () => {
  it('stops when somebody uncordons a node whose restart was asked for', async () => {
    const { steps } = stage({ mark: asked(0), node: { unschedulable: false } });
    expect(await steps.drainSlice({ ...target, since: iso(0) })).toMatchObject({
      kind: 'stop',
      outcome: { kind: 'notRebooted', reasons: [{ kind: 'uncordoned' }] },
    });
  });
});

describe('a drain that does not end', () => {
  const late = { ...target, since: iso(0) };

  it.each([
    [
      'setAside',
      { kind: 'stop', outcome: { reasons: [{ kind: 'drainDeadline' }, { kind: 'blocked' }] } },
    ],
    [
      'stop',
      {
        kind: 'stop',
        outcome: { reasons: [{ kind: 'drainDeadline' }, { kind: 'stopped' }, { kind: 'blocked' }] },
      },
    ],
    ['restart', { kind: 'undrained' }],
  ] as const)('comes to this at its deadline: %s', async (atDrainDeadline, answer) => {
    const { world, steps } = stage({ settings: { atDrainDeadline }, pods: left });
    world.minutes = 29;
    expect(await steps.drainSlice(late)).toMatchObject({ kind: 'draining' });
    world.minutes = 30;
    expect(await steps.drainSlice(late)).toMatchObject(answer);
  });

  it('says on the mark that it deletes before it deletes', async () => {
    const evicting: NodePods = {
      left: left.left.map(({ pod, uid, warnings, reason }) => ({
        pod,
        uid,
        warnings,
        reason,
        state: 'evicting',
      })),
      staying: [],
    };
    const { world, steps } = stage({ settings: { deleteAfterMinutes: 10 }, pods: evicting });
    world.minutes = 9;
    expect(await steps.drainSlice(late)).not.toHaveProperty('escalated');
    world.minutes = 10;
    world.stalePatches = 1;
    expect(await steps.drainSlice(late)).toMatchObject({ detail: 'the node changed just now' });
    const escalated = '1 pod deleted after 10 minutes, whatever budgets say: default/web';
    expect(await steps.drainSlice(late)).toMatchObject({ kind: 'draining', escalated });
    expect(await steps.drainSlice(late)).toMatchObject({ kind: 'draining', escalated });
  });

  it('asks less often when it takes long', async () => {
    const { world, steps } = stage({ pods: left, settings: { pollSeconds: 20 } });
    expect(await steps.drainSlice(late)).toMatchObject({ waitSeconds: 5 });
    world.minutes = 6;
    expect(await steps.drainSlice(late)).toMatchObject({ waitSeconds: 20 });
  });

  it('tells of as many pods as fit, what blocks first, and of how many more there are', async () => {
    const terminating = Array.from({ length: 30 }, (_, index) => ({
      pod: `default/slow-${index}`,
      uid: `${index}`,
      warnings: [],
      state: 'terminating' as const,
      since: iso(0),
      graceSecondsLeft: 10,
      reason: { kind: 'terminating' as const, value: `default/slow-${index} is terminating` },
    }));
    const pods = { left: [...terminating, ...left.left], staying: [] };
    const { steps } = stage({ pods });
    const answer = await steps.drainSlice(late);
    const detail = answer.kind === 'draining' ? answer.detail : '';
    expect(detail).toMatch(/^31 pods left: default\/web blocked by PDB web; default\/slow-0 is/u);
    expect(detail).toMatch(/and \d+ more$/u);
    expect(detail.length).toBeLessThanOrEqual(400);
  });
});

describe('a mark', () => {
  it('of a newer holder is not adopted by a late one', async () => {
    const { world, steps } = stage({ mark: { run: '20260105T230000Z-000002', fence: 9 } });
    expect(await steps.adoptMark(target)).toMatchObject({ kind: 'ended' });
    const { annotations } = world.node;
    expect(readMark(annotations)).toMatchObject({ value: { fence: 9 } });
    expect(await steps.adoptMark({ ...target, fence: 10 })).toMatchObject({ kind: 'adopted' });
  });

  it('says that it is stuck, even if the node changes meanwhile', async () => {
    const { world, steps } = stage({ mark: asked(0) });
    world.stalePatches = 1;
    const reasons = [{ kind: 'sameBoot', value: 'still the old boot' }];
    const input = { ...target, outcome: { kind: 'notRebooted', reasons } };
    expect(await steps.leaveMarked(input)).toMatchObject({ trouble: { kind: 'conflict' } });
    expect(await steps.leaveMarked(input)).toEqual({ kind: 'done' });
    expect(readMark(world.node.annotations)).toMatchObject({
      value: { stuck: { kind: 'notRebooted' } },
    });
  });

  it('with an absurd number keeps nobody from working on the other nodes', async () => {
    const { steps } = stage({ mark: { fence: 2 ** 50 } });
    expect(await steps.readMarks({ run, cluster })).toMatchObject({
      floor: 0,
      marks: [{ node: 'web-1', whose: 'foreign' }],
    });
  });
});

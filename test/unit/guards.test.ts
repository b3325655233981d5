import { createActivities } from '../../src/activities/activities.ts';
import type { ClusterFacts, Instance } from '../../src/domain/cluster.ts';
import { clusterKey, parseClusterId } from '../../src/domain/arm.ts';
import { markAnnotation, readMark, writeMark } from '../../src/domain/mark.ts';
import type { Mark } from '../../src/domain/mark.ts';
import type { NodeView, PatchOperation } from '../../src/domain/node.ts';
import { TroubleError } from '../../src/domain/trouble.ts';
import type { Azure, Durable, Kubernetes, Ports } from '../../src/ports.ts';

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

/** One node, one machine, and a clock that is set by hand. */
function stage(options: { mark?: Partial<Mark>; node?: Partial<NodeView> } = {}) {
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
    stalePatches: 0,
    poll: (): ReturnType<Azure['pollRestart']> => Promise.resolve({ kind: 'succeeded' }),
  };
  const kubernetes: Kubernetes = {
    nodes: () => Promise.resolve([{ ...world.node }]),
    node: () => Promise.resolve({ ...world.node }),
    patchNode(_name, patch) {
      if (world.stalePatches-- > 0) return Promise.resolve({ kind: 'stale' });
      for (const step of patch) apply(world.node, step);
      return Promise.resolve({ kind: 'done', node: { ...world.node } });
    },
    drainSlice: () => Promise.resolve({ evicted: [], left: [], staying: [] }),
    foresee: () => Promise.resolve({ hopeless: [], passing: [] }),
    leftToDrain: () => Promise.resolve({ left: [], staying: [] }),
    daemonPods: () => Promise.resolve([]),
    recordEvent: () => Promise.resolve(),
    lease: () => Promise.resolve(undefined),
    writeLease: () => Promise.resolve('written'),
  };
  const never = () => Promise.reject(new Error('nobody asks for that here'));
  const azure: Azure = {
    cluster: () => Promise.resolve(facts),
    instances: never,
    permissions: never,
    instance: () => Promise.resolve(world.instance),
    startScript: never,
    pollScript: never,
    startRestart() {
      world.restarts += 1;
      return Promise.resolve({ kind: 'started', token: 't' });
    },
    pollRestart: () => world.poll(),
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
    clock: { now: () => start + world.minutes * 60_000 },
    azure,
    documents: {
      read: () => Promise.resolve(undefined),
      write: never,
      list: () => Promise.resolve([]),
      removeAll: never,
    },
    log: () => {},
    settingsText: () =>
      Promise.resolve(JSON.stringify({ controller: 'app', clusters: [{ id: id?.id }] })),
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

  it('is asked for again when Azure has forgotten the first one', async () => {
    const { world, steps } = stage({ mark: asked(0) });
    world.poll = () => Promise.reject(new TroubleError({ kind: 'notFound', value: '404' }));
    world.minutes = 31;
    expect(await steps.checkBoot({ ...target, token: 't' })).toEqual({ kind: 'restartAgain' });
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

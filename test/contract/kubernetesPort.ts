import type { Access } from '../../src/domain/access.ts';
import type { DrainPolicy } from '../../src/domain/drain.ts';
import { conditionalPatch } from '../../src/domain/node.ts';
import type { NodeView } from '../../src/domain/node.ts';
import { nodeEvent } from '../../src/domain/nodeEvent.ts';
import { TroubleError } from '../../src/domain/trouble.ts';
import type { Azure, Kubernetes, LeaseWrite } from '../../src/ports.ts';
import { policy as defaults } from '../support/drainApi.ts';
import { clusterId, simulate } from './azureHarness.ts';
import type { Simulation } from './azureHarness.ts';

/** What the Kubernetes port promises, whichever way leads to the API server. */

const one = clusterId('one');
const two = clusterId('two');

const fleet = {
  name: 'kubernetes',
  timings: { spread: 0 },
  clusters: [
    {
      id: one.id,
      pools: [
        { name: 'web', count: 2, nodes: { 1: { cordoned: true } } },
        // Takes the pods of commands when the others are cordoned.
        { name: 'xtra', count: 1 },
      ],
      workloads: [
        { kind: 'DaemonSet', namespace: 'kube-system', name: 'kube-proxy' },
        {
          kind: 'StaticPod',
          namespace: 'kube-system',
          name: 'proxy',
          on: { pool: 'web', index: 0 },
        },
        {
          kind: 'Deployment',
          name: 'shop',
          replicas: 3,
          pools: ['web'],
          startSeconds: 30,
          maxUnavailable: 1,
        },
        {
          kind: 'Deployment',
          name: 'cache',
          replicas: 1,
          pools: ['web'],
          emptyDir: true,
          terminationSeconds: 20,
        },
      ],
    },
    {
      id: two.id,
      access: 'local',
      pools: [{ name: 'web', count: 1 }],
      workloads: [{ kind: 'Pod', name: 'lonely', on: { pool: 'web', index: 0 } }],
    },
  ],
};

const policy: DrainPolicy = {
  ...defaults,
  deleteEmptyDirData: true,
  parallelEvictions: 5,
};

const now = Date.parse('2026-01-05T22:00:00Z');

export interface PortOptions {
  way: Access['way'];
  /** What runs AKS commands. */
  commands?: 'model' | 'shell';
}

/** The port's suite, over one of the ways into a cluster. */
export function describeKubernetesPort({ way, commands = 'model' }: PortOptions): void {
  let simulation: Simulation;
  let arm: Azure;

  beforeEach(async () => {
    simulation = await simulate(fleet, { commands });
    arm = simulation.adapter();
  });

  afterEach(() => simulation.stop());

  const connect = async (id = one): Promise<Kubernetes> =>
    arm.kubernetes(await arm.cluster(id), way);

  async function nodeNamed(kubernetes: Kubernetes, end: string): Promise<NodeView> {
    const nodes = await kubernetes.nodes();
    const node = nodes.find(({ name }) => name.endsWith(end));
    if (node === undefined) throw new Error(`no node ${end}`);
    return node;
  }

  const asked = (method: string, path: string) =>
    simulation.seen.filter(
      (request) =>
        request.service === 'kubernetes' &&
        request.method === method &&
        request.path.includes(path),
    );

  describe('nodes', () => {
    it('are seen with what decisions need', async () => {
      const nodes = await (await connect()).nodes();
      expect(nodes.map(({ unschedulable }) => unschedulable)).toEqual([false, true, false]);
      expect(nodes[0]).toMatchObject({ ready: true, os: 'linux', pool: 'web' });
      for (const { uid, bootId, kernel, providerId, readySince, resourceVersion } of nodes) {
        expect([uid, bootId, kernel, providerId, readySince, resourceVersion]).not.toContain('');
      }
    });

    it('that do not exist are undefined, and gone to a patch', async () => {
      const kubernetes = await connect();
      expect(await kubernetes.node('nobody')).toBeUndefined();
      const patch = [{ op: 'test', path: '/metadata/uid', value: 'x' }] as const;
      expect(await kubernetes.patchNode('nobody', patch)).toEqual({ kind: 'gone' });
    });

    it('are changed only if nobody else changed them since', async () => {
      const kubernetes = await connect();
      const node = await nodeNamed(kubernetes, '000000');
      const patch = conditionalPatch(node, { unschedulable: true, annotations: { 'a/b': 'c' } });
      expect(await kubernetes.patchNode(node.name, patch)).toMatchObject({
        kind: 'done',
        node: { unschedulable: true, annotations: { 'a/b': 'c' } },
      });
      expect(await kubernetes.patchNode(node.name, patch)).toEqual({ kind: 'stale' });
      expect(await kubernetes.node(node.name)).toMatchObject({ annotations: { 'a/b': 'c' } });
    });
  });

  describe('leases', () => {
    const lease: LeaseWrite = {
      namespace: 'kube-system',
      name: 'claim',
      holder: 'us',
      acquiredAt: '2026-01-05T22:00:00.000Z',
      renewedAt: '2026-01-05T22:00:05.250Z',
      annotations: { 'a/b': 'c' },
    };

    it('are created once, and replaced only where they were seen', async () => {
      const kubernetes = await connect();
      expect(await kubernetes.lease('kube-system', 'claim')).toBeUndefined();
      expect(await kubernetes.writeLease(lease, undefined)).toBe('written');
      expect(await kubernetes.writeLease({ ...lease, holder: 'them' }, undefined)).toBe('stale');
      const seen = await kubernetes.lease('kube-system', 'claim');
      expect(seen).toMatchObject(lease);
      const next = { ...lease, renewedAt: '2026-01-05T22:10:00.000Z' };
      expect(await kubernetes.writeLease(next, seen?.resourceVersion)).toBe('written');
      expect(await kubernetes.writeLease(next, seen?.resourceVersion)).toBe('stale');
      expect(await kubernetes.lease('kube-system', 'claim')).toMatchObject(next);
    });
  });

  describe('draining', () => {
    /** Cordons a node and drains it slice by slice, as the orchestrator does. */
    async function cordoned(kubernetes: Kubernetes): Promise<string> {
      const nodes = await kubernetes.nodes();
      for (const node of nodes.filter(({ unschedulable }) => unschedulable)) {
        await simulation.azure.person.uncordon(node.name);
      }
      const node = await nodeNamed(kubernetes, '000000');
      await kubernetes.patchNode(node.name, conditionalPatch(node, { unschedulable: true }));
      return node.name;
    }

    it('empties a node slice by slice, and leaves what belongs to it', async () => {
      const node = await cordoned(await connect());
      const states = new Set<string>();
      let slices = 0;
      for (; slices < 50; slices += 1) {
        // An activity each, with a connection of its own.
        const { left } = await (await connect()).drainSlice(node, policy, now);
        for (const { state } of left) states.add(state);
        if (left.length === 0) break;
        await simulation.pass(10);
      }
      expect(slices).toBeLessThan(50);
      expect(states).not.toContain('refused');
      const kubernetes = await connect();
      expect(await kubernetes.leftToDrain(node, policy, now)).toMatchObject({ left: [] });
      expect(await kubernetes.daemonPods(node, ['default/gone'])).toEqual([
        { daemonSet: 'kube-system/kube-proxy', pod: 'ready' },
      ]);
    });

    it('says which budget blocks which pod', async () => {
      const kubernetes = await connect();
      const node = await cordoned(kubernetes);
      // A command lets time pass, within which no replacement gets Ready.
      if (way === 'api') simulation.hold();
      const { evicted, left } = await kubernetes.drainSlice(node, policy, now);
      const shop = [...evicted, ...left.map(({ pod }) => pod)].filter((pod) => /shop/u.test(pod));
      expect(shop.length).toBeGreaterThan(1);
      const blocked = left.filter(({ state }) => state === 'blocked');
      expect(blocked.length).toBeGreaterThan(0);
      expect(blocked[0]?.reason.value).toMatch(/^default\/shop-\S+ blocked by PDB shop: /u);
    });

    it('leaves everybody alone when one pod may not be evicted', async () => {
      const kubernetes = await connect(two);
      const [node] = await kubernetes.nodes();
      const slice = await kubernetes.drainSlice(node?.name ?? '', policy, now);
      expect(slice.evicted).toEqual([]);
      // A command's own pod may be among them.
      const left = slice.left.filter(({ state }) => state !== 'terminating');
      expect(left).toMatchObject([
        { pod: 'default/lonely', state: 'refused', reason: { kind: 'undrainable' } },
      ]);
      expect(asked('POST', '/eviction')).toHaveLength(0);
    });

    it('asks for nothing when it only looks', async () => {
      const kubernetes = await connect();
      const node = await nodeNamed(kubernetes, '000000');
      const { left } = await kubernetes.leftToDrain(node.name, policy, now);
      expect(left.every(({ state }) => state === 'evicting')).toBe(true);
      expect(asked('POST', '/eviction')).toHaveLength(0);
    });

    it('foresees what would become of it, and evicts nobody', async () => {
      const kubernetes = await connect();
      const node = await nodeNamed(kubernetes, '000000');
      const { left: before } = await kubernetes.leftToDrain(node.name, policy, now);
      expect(await kubernetes.foresee(node.name, policy, now)).toMatchObject({
        hopeless: [],
        passing: [],
      });
      expect(asked('POST', '/eviction').length).toBe(before.length);
      const { left: after } = await kubernetes.leftToDrain(node.name, policy, now);
      expect(after).toEqual(before);
      const forbidden = { ...policy, deleteEmptyDirData: false };
      const nodes = await kubernetes.nodes();
      const all = await Promise.all(
        nodes.map(({ name }) => kubernetes.foresee(name, forbidden, now)),
      );
      const hopeless = all.flatMap((forecast) => forecast.hopeless).map(({ value }) => value);
      expect(hopeless.join()).toMatch(/cache-\S+: it has emptyDir volumes/u);
    });

    it('asks for nothing more when the API server is overloaded', async () => {
      const kubernetes = await connect();
      const node = await cordoned(kubernetes);
      simulation.fault({
        service: 'kubernetes',
        path: '/eviction',
        times: 99,
        fault: { kind: 'answer', status: 429, headers: { 'retry-after': '1' } },
      });
      const slice = await kubernetes.drainSlice(node, { ...policy, parallelEvictions: 1 }, now);
      // kubectl asks again by itself, as it is told to.
      const evicted = new Set(asked('POST', '/eviction').map(({ path }) => path));
      expect(evicted.size).toBe(1);
      expect(slice.left[0]).toMatchObject({ state: 'evicting', reason: { kind: 'throttled' } });
    });
  });

  it('throws nothing but trouble when the connection is cut', async () => {
    const kubernetes = await connect();
    simulation.fault({ service: 'kubernetes', path: '/nodes', fault: { kind: 'drop' } });
    const error = await kubernetes.nodes().catch((error: unknown) => error);
    expect(error).toBeInstanceOf(TroubleError);
    expect(error).toMatchObject({ trouble: { kind: 'unreachable' } });
  });

  describe('telling an Event', () => {
    const event = {
      reason: 'Drained' as const,
      message: 'Nothing is left to drain',
      at: '2026-01-05T22:00:00.500Z',
    };
    const eventsNow = (uid: string) => {
      const query = `fieldSelector=involvedObject.kind%3DNode,involvedObject.uid%3D${uid}`;
      const cluster = simulation.azure.world.cluster(one.id)?.kubernetes;
      return cluster?.object(`/api/v1/events?${query}`) as { items: Record<string, unknown>[] };
    };

    it('leaves it where kubectl looks for the Events of that very node, once', async () => {
      const kubernetes = await connect();
      const node = await nodeNamed(kubernetes, '0');
      const told = nodeEvent(node, { run: 'r', fence: 1 }, event);
      await kubernetes.recordEvent(told);
      await kubernetes.recordEvent(told);
      expect(eventsNow(node.uid).items).toEqual([
        expect.objectContaining({
          metadata: expect.objectContaining({ namespace: 'default', name: told.name }) as unknown,
          involvedObject: { apiVersion: 'v1', kind: 'Node', name: node.name, uid: node.uid },
          reason: 'Drained',
          type: 'Normal',
          message: event.message,
          source: { component: 'aks-reboot-orchestrator' },
          firstTimestamp: '2026-01-05T22:00:00Z',
          lastTimestamp: '2026-01-05T22:00:00Z',
          count: 1,
        }),
      ]);
    });

    it('tells the news of another run, and of another node, as well', async () => {
      const kubernetes = await connect();
      const [first, second] = [await nodeNamed(kubernetes, '0'), await nodeNamed(kubernetes, '1')];
      await kubernetes.recordEvent(nodeEvent(first, { run: 'r', fence: 1 }, event));
      await kubernetes.recordEvent(nodeEvent(first, { run: 'r', fence: 2 }, event));
      await kubernetes.recordEvent(nodeEvent(second, { run: 'r', fence: 2 }, event));
      expect(eventsNow(first.uid).items).toHaveLength(2);
      expect(eventsNow(second.uid).items).toHaveLength(1);
    });
  });
}

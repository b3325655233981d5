import type { Clock } from '../clock.ts';
import type { Audit } from './audit.ts';
import type { FleetAlert, FleetNode, Taint } from './fleet.ts';
import type { Lifecycle } from './world/lifecycle.ts';
import type { Cluster, World } from './world/world.ts';

/**
 * What people and other programs do to a fleet while a controller works on it. Nodes go by name.
 */
export interface Person {
  cordon(node: string): Promise<void>;
  uncordon(node: string): Promise<void>;
  /** Writes annotations of a Node; null removes one. */
  annotate(node: string, annotations: Record<string, string | null>): Promise<void>;
  /** Writes labels of a Node; null removes one. */
  label(node: string, labels: Record<string, string | null>): Promise<void>;
  /** Taints a Node, and takes every taint off that is not named here. */
  taint(node: string, taints: readonly Taint[]): Promise<void>;
  /** Sets a condition of a Node, as node-problem-detector does. */
  condition(
    node: string,
    type: string,
    status: 'True' | 'False' | 'Unknown',
    message?: string,
  ): Promise<void>;
  /** Through the portal: the same restart as anybody's. */
  restart(node: string): void;
  /** Lets a machine that would never return boot now, and behave from here on. */
  lift(node: string): void;
  /** Has AKS repair it: a new system on the machine; its Node stays, or is made anew. */
  reimage(node: string, newNode: boolean): void;
  /** Lets its kubelet fall silent, or speak again, while its system runs on. */
  silence(node: string): void;
  speak(node: string): void;
  /** Puts the sentinel there, or takes it away. */
  setSentinel(node: string, packages: readonly string[] | undefined): void;
  /** Changes what a machine does when asked. */
  behave(node: string, behaviour: FleetNode): void;
  /** Deletes the machine; the cloud provider notices so much later, and its Node goes. */
  deleteInstance(node: string, nodeStaysSeconds?: number): void;
  /** Deletes the Node alone: its kubelet registers it anew when it starts again. */
  deleteNode(node: string): Promise<void>;
  /** Lets an alert of Azure Monitor fire; on the cluster itself unless it says otherwise. */
  fire(clusterId: string, alert: FleetAlert): void;
  /** Resolves the alerts of that name. */
  resolve(clusterId: string, name: string): void;
  /** provisioningState of a cluster, or of one of its pools. */
  setState(clusterId: string, state: string, pool?: string): void;
}

const actor = 'person';

const standing = { state: 'New', suppressed: false, condition: 'Fired' } as const;

export function createPerson(options: {
  world: World;
  lifecycle: Lifecycle;
  audit: Audit;
  clock: Clock;
}): Person {
  const { world, lifecycle, audit, clock } = options;
  return {
    ...onNodes(world),
    restart(name) {
      const machine = world.node(name);
      audit.write({
        actor,
        cluster: machine.cluster.id,
        node: name,
        action: 'restart',
        status: 202,
        detail: { instance: machine.id, taken: true },
      });
      lifecycle.restart(machine, () => {});
    },
    lift: (name) => lifecycle.lift(world.node(name)),
    reimage: (name, newNode) => lifecycle.reimage(world.node(name), newNode),
    silence: (name) => lifecycle.silence(world.node(name)),
    speak: (name) => lifecycle.speak(world.node(name)),
    setSentinel: (name, packages) => lifecycle.setSentinel(world.node(name), packages),
    behave(name, behaviour) {
      const machine = world.node(name);
      machine.behaviour = { ...machine.behaviour, ...behaviour };
    },
    deleteInstance: (name, nodeStaysSeconds = 0) =>
      lifecycle.remove(world.node(name), nodeStaysSeconds),
    fire(clusterId, alert) {
      const cluster = clusterOf(world, clusterId);
      const firedAt = clock.now();
      cluster.alerts.push({ resource: cluster.id, ...standing, ...alert, firedAt });
    },
    resolve(clusterId, name) {
      const found = clusterOf(world, clusterId).alerts.filter((alert) => alert.name === name);
      for (const alert of found) alert.condition = 'Resolved';
    },
    setState(clusterId, state, poolName) {
      const cluster = clusterOf(world, clusterId);
      if (poolName === undefined) {
        cluster.state = state;
        return;
      }
      const pool = cluster.pools.find((one) => one.settings.name === poolName);
      if (pool === undefined) throw new Error(`no such pool: ${poolName}`);
      pool.state = state;
    },
  };
}

/** What is done to Nodes through the API server. */
function onNodes(
  world: World,
): Pick<
  Person,
  'cordon' | 'uncordon' | 'annotate' | 'label' | 'taint' | 'condition' | 'deleteNode'
> {
  const request = async (name: string, method: string, body: string, subresource = '') => {
    const response = await world.node(name).cluster.kubernetes.handle({
      method,
      url: `/api/v1/nodes/${name}${subresource}`,
      headers: { 'content-type': 'application/strategic-merge-patch+json' },
      body,
      user: actor,
    });
    if (response.status >= 300) throw new Error(`${name}: ${response.status}`);
  };
  const patch = (name: string, change: object, subresource?: string) =>
    request(name, 'PATCH', JSON.stringify(change), subresource);

  return {
    cordon: (name) => patch(name, { spec: { unschedulable: true } }),
    uncordon: (name) => patch(name, { spec: { unschedulable: null } }),
    annotate: (name, annotations) => patch(name, { metadata: { annotations } }),
    label: (name, labels) => patch(name, { metadata: { labels } }),
    taint: (name, taints) => patch(name, { spec: { taints: [{ $patch: 'replace' }, ...taints] } }),
    condition: (name, type, status, message = '') =>
      patch(name, { status: { conditions: [{ type, status, message }] } }, '/status'),
    deleteNode: (name) => request(name, 'DELETE', ''),
  };
}

function clusterOf(world: World, id: string): Cluster {
  const cluster = world.cluster(id);
  if (cluster === undefined) throw new Error(`no such cluster: ${id}`);
  return cluster;
}

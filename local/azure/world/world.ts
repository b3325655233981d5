import type { Clock } from '../../clock.ts';
import type { Audit } from '../audit.ts';
import type { CommandBehaviour, Fleet, FleetCluster, FleetNode, FleetPool } from '../fleet.ts';
import type { Access } from '../kubernetes/api.ts';
import type { Kubernetes } from '../kubernetes/kubernetes.ts';
import { createKubernetes } from '../kubernetes/kubernetes.ts';
import { pick, seededRandom, uuid } from '../random.ts';
import type { Random } from '../random.ts';
import { joinCluster } from './joining.ts';
import {
  computerName,
  machineName,
  nameSuffix,
  nodeResourceGroupName,
  parseClusterId,
  providerId,
  scaleSetName,
} from './names.ts';

/** What there is in simulated Azure at this moment. Only `lifecycle.ts` changes machines. */
export interface World {
  readonly clusters: readonly Cluster[];
  /** By ARM id, upper and lower case alike. */
  cluster(id: string): Cluster | undefined;
  /** By ARM id of the VM or the scale set's instance. */
  machine(id: string): Machine | undefined;
  /** By node name; throws when there is none, or more than one. */
  node(name: string): Machine;
}

export interface Cluster {
  readonly id: string;
  readonly subscription: string;
  readonly resourceGroup: string;
  readonly nodeResourceGroup: string;
  readonly name: string;
  readonly suffix: string;
  readonly settings: FleetCluster;
  readonly pools: readonly Pool[];
  readonly kubernetes: Kubernetes;
  /** provisioningState. */
  state: string;
  /** What becomes of AKS commands. */
  commands: CommandBehaviour;
  /** What Azure Monitor keeps of the cluster and of what belongs to it. */
  alerts: Alert[];
}

export interface Alert {
  name: string;
  severity: string;
  /** ARM id. */
  resource: string;
  condition: 'Fired' | 'Resolved';
  state: 'New' | 'Acknowledged' | 'Closed';
  /** An alert processing rule silences it. */
  suppressed: boolean;
  /** Epoch milliseconds. */
  firedAt: number;
}

export interface Pool {
  readonly settings: FleetPool;
  /** The ARM id of its scale set; undefined where its machines are standalone VMs. */
  readonly scaleSetId: string | undefined;
  readonly vmssName: string | undefined;
  readonly machines: Machine[];
  /** provisioningState. */
  state: string;
}

export interface Machine {
  readonly cluster: Cluster;
  readonly pool: Pool;
  readonly index: number;
  /** ARM id of the VM or the scale set's instance. */
  readonly id: string;
  /** Last segment of what ARM calls its name: `<vmss>_<n>`, or the VM's name. */
  readonly armName: string;
  /** Only of a scale set's instance. */
  readonly instanceId: string | undefined;
  /** The Kubernetes node's name: the computer name, in lower case. */
  readonly nodeName: string;
  readonly computerName: string;
  readonly providerId: string;
  vmId: string;
  readonly zone: string | undefined;
  readonly random: Random;
  /** What it does when asked; people and tests may change it. */
  behaviour: FleetNode;
  /**
   * `up` means that the operating system runs. ARM calls a machine that never boots running, too.
   */
  phase: 'up' | 'down' | 'gone';
  bootId: string;
  kernel: string;
  bootedAt: number;
  /** When its root file system was made. */
  bornAt: number;
  /** What reboot-required.pkgs holds; undefined while there is no sentinel. */
  packages: readonly string[] | undefined;
  /** When the sentinel was last written. */
  sentinelAt: number;
  /** Whether a run command is in progress. */
  scriptRuns: boolean;
  /** Restarts of it that ARM carries out, how the last one ended, and what ends those that hang. */
  restarts: { running: number; failed: boolean; hung: Set<() => void> };
}

export interface WorldOptions {
  fleet: Fleet;
  clock: Clock;
  audit: Audit;
  seed: number;
  /** Who may do what in which cluster (ARM id); by default everybody may do everything. */
  authorize?: (cluster: string, access: Access) => boolean;
}

const usualKernel = (pool: FleetPool) =>
  pool.os === 'Windows'
    ? '10.0.20348.4294'
    : pool.osSku === 'AzureLinux'
      ? '6.6.96.1-1.azl3'
      : '5.15.0-1092-azure';

const hourMs = 3600 * 1000;
const dayMs = 24 * hourMs;
const usualSentinelHours = 16;

/** Where the node monitor is more patient than that of AKS is believed to be. */
const slowMonitorMs = 5 * 60_000;

/** Makes the clusters of a fleet, their machines up and joined, their workloads asked for. */
export function createWorld(options: WorldOptions): World {
  const clusters = options.fleet.clusters.map((settings) => createCluster(settings, options));
  const machines = new Map<string, Machine>();
  const nodes = new Map<string, Machine[]>();
  for (const machine of clusters.flatMap((cluster) => cluster.pools.flatMap((p) => p.machines))) {
    machines.set(machine.id.toLowerCase(), machine);
    nodes.set(machine.nodeName, [...(nodes.get(machine.nodeName) ?? []), machine]);
  }
  const byId = new Map(clusters.map((cluster) => [cluster.id.toLowerCase(), cluster]));
  const world: World = {
    clusters,
    cluster: (id) => byId.get(id.toLowerCase()),
    machine: (id) => {
      const machine = machines.get(id.toLowerCase());
      return machine?.phase === 'gone' ? undefined : machine;
    },
    node(name) {
      const [found, ...more] = nodes.get(name) ?? [];
      if (found === undefined || more.length > 0) {
        throw new Error(`${found === undefined ? 'no' : 'more than one'} node is called ${name}`);
      }
      return found;
    },
  };
  for (const cluster of clusters) joinCluster(cluster);
  return world;
}

function createCluster(settings: FleetCluster, options: WorldOptions): Cluster {
  const { subscription, resourceGroup, name } = parseClusterId(settings.id);
  const pools: Pool[] = [];
  const cluster: Cluster = {
    id: settings.id,
    subscription,
    resourceGroup,
    name,
    nodeResourceGroup: nodeResourceGroupName(
      { subscription, resourceGroup, name },
      settings.region,
    ),
    suffix: nameSuffix(settings.id),
    settings,
    pools,
    state: settings.state,
    commands: settings.commands,
    alerts: settings.alerts.map((alert) => ({
      resource: settings.id,
      state: 'New' as const,
      suppressed: false,
      ...alert,
      condition: 'Fired' as const,
      firedAt: options.clock.now(),
    })),
    kubernetes: createKubernetes({
      clock: options.clock,
      audit: options.audit,
      cluster: settings.id,
      random: seededRandom(options.seed, `kubernetes ${settings.id}`),
      version: settings.version,
      authorize: (access) => options.authorize?.(settings.id, access) ?? true,
      timings: {
        ...(options.fleet.faults.otherwise.includes('slowNodeMonitor')
          ? { notReadyAfterMs: slowMonitorMs }
          : {}),
        readyAfterMs: options.fleet.timings.kubeletSeconds * 1000,
        podStartMs: options.fleet.timings.podStartSeconds * 1000,
      },
    }),
  };
  for (const pool of settings.pools) pools.push(createPool(cluster, pool, options));
  return cluster;
}

const computeId = (cluster: Cluster, path: string) =>
  `/subscriptions/${cluster.subscription}/resourceGroups/${cluster.nodeResourceGroup}` +
  `/providers/Microsoft.Compute/${path}`;

function createPool(cluster: Cluster, settings: FleetPool, options: WorldOptions): Pool {
  const vmssName =
    settings.type === 'VirtualMachineScaleSets'
      ? scaleSetName(settings.name, cluster.suffix, settings.os)
      : undefined;
  const pool: Pool = {
    settings,
    vmssName,
    scaleSetId:
      vmssName === undefined
        ? undefined
        : computeId(cluster, `virtualMachineScaleSets/${vmssName}`),
    machines: [],
    state: settings.state,
  };
  for (let index = 0; index < settings.count; index++) {
    pool.machines.push(createMachine(cluster, pool, index, options));
  }
  return pool;
}

/** Where machine `index` of a pool is, and how it is called there. */
function address(cluster: Cluster, pool: FleetPool, index: number, random: Random) {
  if (pool.type === 'VirtualMachineScaleSets') {
    const vmss = scaleSetName(pool.name, cluster.suffix, pool.os);
    return {
      id: computeId(cluster, `virtualMachineScaleSets/${vmss}/virtualMachines/${index}`),
      armName: `${vmss}_${index}`,
      instanceId: String(index),
      computerName: computerName(vmss, index),
    };
  }
  const name =
    pool.type === 'VirtualMachines'
      ? machineName(pool.name, cluster.suffix, index)
      : `aks-${pool.name}-${pick(random, 'bcdfghjklmnpqrstvwxz2456789', 5)}`;
  return {
    id: computeId(cluster, `virtualMachines/${name}`),
    armName: name,
    instanceId: undefined,
    computerName: name,
  };
}

function createMachine(
  cluster: Cluster,
  pool: Pool,
  index: number,
  options: WorldOptions,
): Machine {
  const { settings } = pool;
  const random = seededRandom(options.seed, `${cluster.id} ${settings.name} ${index}`);
  const at = address(cluster, settings, index, random);
  const behaviour: FleetNode = { ...settings.each, ...settings.nodes[index] };
  const named = behaviour.providerIdOf;
  const bornAt = options.clock.now() - Math.floor((20 + random() * 40) * dayMs);
  return {
    cluster,
    pool,
    index,
    ...at,
    nodeName: at.computerName.toLowerCase(),
    providerId: providerId(named === undefined ? at.id : idOfNode(options.fleet, named)),
    vmId: uuid(random),
    zone: settings.zones[index % Math.max(1, settings.zones.length)],
    random,
    behaviour,
    phase: 'up',
    bootId: uuid(random),
    kernel: behaviour.kernel ?? usualKernel(settings),
    bornAt,
    bootedAt: bornAt + Math.floor(random() * 15 * dayMs),
    packages: behaviour.sentinelGone === true ? undefined : behaviour.packages,
    sentinelAt: options.clock.now() - (behaviour.sentinelHours ?? usualSentinelHours) * hourMs,
    scriptRuns: false,
    restarts: { running: 0, failed: false, hung: new Set() },
  };
}

/** The ARM id of another node of the fleet, for a Node that lies; the fleet was checked before. */
function idOfNode(fleet: Fleet, named: NonNullable<FleetNode['providerIdOf']>): string {
  const settings = fleet.clusters.find(
    (cluster) => cluster.id.toLowerCase() === named.cluster.toLowerCase(),
  );
  const pool = settings?.pools.find((candidate) => candidate.name === named.pool);
  if (settings === undefined || pool === undefined) throw new Error('no such node in the fleet');
  const id = parseClusterId(settings.id);
  const nodeResourceGroup = nodeResourceGroupName(id, settings.region);
  const suffix = nameSuffix(settings.id);
  const local =
    pool.type === 'VirtualMachineScaleSets'
      ? `virtualMachineScaleSets/${scaleSetName(pool.name, suffix, pool.os)}` +
        `/virtualMachines/${named.index}`
      : `virtualMachines/${machineName(pool.name, suffix, named.index)}`;
  return (
    `/subscriptions/${id.subscription}/resourceGroups/${nodeResourceGroup}` +
    `/providers/Microsoft.Compute/${local}`
  );
}

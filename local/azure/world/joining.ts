import type { FleetWorkload } from '../fleet.ts';
import type { Budget, Machine as Kubelet, Workload } from '../kubernetes/kubernetes.ts';
import type { Cluster, Machine } from './world.ts';

/** Brings the machines and workloads of a fleet into their cluster's Kubernetes. */
export function joinCluster(cluster: Cluster): void {
  const machines = cluster.pools.flatMap((pool) => pool.machines);
  machines.forEach((machine, place) => cluster.kubernetes.machineJoins(kubeletOf(machine, place)));
  for (const workload of cluster.settings.workloads) {
    cluster.kubernetes.createWorkload(workloadOf(cluster, workload));
  }
}

/** A machine, as its kubelet registers it; its place in the cluster makes its address. */
export function kubeletOf(machine: Machine, place: number): Kubelet {
  const { cluster, pool } = machine;
  return {
    name: machine.nodeName,
    providerId: machine.providerId,
    pool: pool.settings.name,
    labels: labelsOf(cluster, machine),
    taints: pool.settings.taints.map((taint) => ({ ...taint })),
    unschedulable: machine.behaviour.cordoned === true,
    bootId: machine.bootId,
    machineId: machine.vmId.replaceAll('-', ''),
    systemUuid: machine.vmId,
    kernelVersion: machine.kernel,
    osImage: osImages[pool.settings.osSku] ?? pool.settings.osSku,
    kubeletVersion: `v${cluster.settings.version}`,
    ...(machine.zone === undefined ? {} : { zone: machine.zone }),
    ip: `10.224.${(place + 4) >> 8}.${(place + 4) & 255}`,
  };
}

/** A fleet's workload in the words of the Kubernetes side. */
function workloadOf(cluster: Cluster, given: FleetWorkload): Workload {
  const { kind, namespace, name, replicas, startSeconds, completesSeconds } = given;
  const pdb = budgetOf(given);
  const completes =
    completesSeconds === undefined ? {} : { completesInMs: completesSeconds * 1000 };
  const common = {
    namespace,
    name,
    terminationGracePeriodSeconds: given.gracePeriodSeconds,
    terminatesInMs:
      given.terminationSeconds === 'never' ? 'never' : given.terminationSeconds * 1000,
    neverReady: given.neverReady,
    emptyDir: given.emptyDir,
    labels: given.labels,
    ...(given.pools.length > 0 ? { pools: given.pools } : {}),
    ...(startSeconds === undefined ? {} : { startsInMs: startSeconds * 1000 }),
    ...(given.on === undefined ? {} : { node: nodeNameOf(cluster, given.on) }),
    ...(pdb === undefined ? {} : { pdb }),
  } as const;
  switch (kind) {
    case 'Deployment':
    case 'StatefulSet':
      return { ...common, kind, replicas };
    case 'DaemonSet':
      return { ...common, kind };
    case 'Job':
      return { ...common, kind, parallelism: replicas, completions: replicas, ...completes };
    case 'Pod':
      return { ...common, kind, ...completes };
    case 'StaticPod':
      return { ...common, kind, nodes: namesOf(cluster, given) };
  }
}

function budgetOf({ minAvailable, maxUnavailable }: FleetWorkload): Budget | undefined {
  if (minAvailable !== undefined) return { minAvailable };
  return maxUnavailable === undefined ? undefined : { maxUnavailable };
}

/** The nodes that a static pod is on: one, those of some pools, or all. */
function namesOf(cluster: Cluster, { on, pools }: FleetWorkload): string[] {
  if (on !== undefined) return [nodeNameOf(cluster, on)];
  return cluster.pools
    .filter(({ settings }) => pools.length === 0 || pools.includes(settings.name))
    .flatMap(({ machines }) => machines.map(({ nodeName }) => nodeName));
}

function nodeNameOf(cluster: Cluster, on: { pool: string; index: number }): string {
  const pool = cluster.pools.find(({ settings }) => settings.name === on.pool);
  const machine = pool?.machines[on.index];
  if (machine === undefined) throw new Error(`no node ${on.pool}/${on.index} in ${cluster.id}`);
  return machine.nodeName;
}

const osImages: Record<string, string> = {
  Ubuntu: 'Ubuntu 22.04.5 LTS',
  AzureLinux: 'Microsoft Azure Linux 3.0',
  Windows2022: 'Windows Server 2022 Datacenter',
};

/** The labels that AKS and the kubelet put on a node. */
function labelsOf(cluster: Cluster, { pool, zone }: Machine): Record<string, string> {
  const { settings } = pool;
  const nap = settings.type === 'NodeAutoProvisioning';
  return {
    ...(nap
      ? { 'karpenter.sh/nodepool': settings.name }
      : { agentpool: settings.name, 'kubernetes.azure.com/agentpool': settings.name }),
    'kubernetes.azure.com/cluster': cluster.nodeResourceGroup,
    'kubernetes.azure.com/mode': settings.mode.toLowerCase(),
    'kubernetes.azure.com/os-sku': settings.osSku,
    'kubernetes.io/os': settings.os.toLowerCase(),
    'kubernetes.io/role': 'agent',
    'node.kubernetes.io/instance-type': 'Standard_D4s_v5',
    'topology.kubernetes.io/region': cluster.settings.region,
    'topology.kubernetes.io/zone': zone === undefined ? '0' : `${cluster.settings.region}-${zone}`,
    ...(settings.spot ? { 'kubernetes.azure.com/scalesetpriority': 'spot' } : {}),
    ...settings.labels,
  };
}

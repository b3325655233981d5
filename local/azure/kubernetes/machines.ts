/** Node objects as kubelets register and report them. */
import { stamped, type Cluster } from './cluster.ts';
import {
  conditionOf,
  timestamp,
  withCondition,
  type Condition,
  type Node,
  type Taint,
} from './objects.ts';

/** A virtual machine, as its kubelet describes it. */
export interface Machine {
  name: string;
  providerId: string;
  pool: string;
  labels?: Record<string, string>;
  taints?: Taint[];
  annotations?: Record<string, string>;
  /** Registered cordoned. */
  unschedulable?: boolean;
  bootId: string;
  machineId: string;
  systemUuid: string;
  kernelVersion: string;
  osImage: string;
  kubeletVersion: string;
  zone?: string;
  ip?: string;
}

/** Azure's default is 30 to 250; the scheduler respects it. */
const maxPods = '110';

/** The Node that the machine's kubelet registers, Ready. */
export function registeredNode(cluster: Cluster, machine: Machine): Node {
  const now = cluster.timers.now();
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      ...stamped(cluster, { name: machine.name }),
      labels: labelsOf(machine),
      annotations: {
        'node.alpha.kubernetes.io/ttl': '0',
        'volumes.kubernetes.io/controller-managed-attach-detach': 'true',
        ...machine.annotations,
      },
    },
    spec: {
      providerID: machine.providerId,
      ...(machine.taints === undefined ? {} : { taints: machine.taints }),
      ...(machine.unschedulable === true ? { unschedulable: true } : {}),
    },
    status: {
      capacity: { cpu: '4', memory: '16393220Ki', pods: maxPods },
      allocatable: { cpu: '3860m', memory: '14366724Ki', pods: maxPods },
      conditions: healthy.map((condition) => ({ ...condition, ...since(now) })),
      addresses: [
        ...(machine.ip === undefined ? [] : [{ type: 'InternalIP', address: machine.ip }]),
        { type: 'Hostname', address: machine.name },
      ],
      nodeInfo: {
        architecture: 'amd64',
        operatingSystem: 'linux',
        bootID: machine.bootId,
        machineID: machine.machineId,
        systemUUID: machine.systemUuid,
        kernelVersion: machine.kernelVersion,
        osImage: machine.osImage,
        kubeletVersion: machine.kubeletVersion,
        kubeProxyVersion: machine.kubeletVersion,
        containerRuntimeVersion: 'containerd://1.7.27-1',
      },
    },
  };
}

function labelsOf(machine: Machine): Record<string, string> {
  // Node auto-provisioning makes machines outside of any agent pool.
  const autoProvisioned = machine.labels?.['karpenter.sh/nodepool'] !== undefined;
  return {
    ...(autoProvisioned ? {} : poolLabels(machine.pool)),
    'kubernetes.azure.com/role': 'agent',
    'kubernetes.io/arch': 'amd64',
    'kubernetes.io/hostname': machine.name,
    'kubernetes.io/os': 'linux',
    ...(machine.zone === undefined ? {} : { 'topology.kubernetes.io/zone': machine.zone }),
    ...machine.labels,
  };
}

function poolLabels(pool: string): Record<string, string> {
  return { agentpool: pool, 'kubernetes.azure.com/agentpool': pool };
}

const healthy: Condition[] = [
  pressure(
    'MemoryPressure',
    'KubeletHasSufficientMemory',
    'kubelet has sufficient memory available',
  ),
  pressure('DiskPressure', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'),
  pressure('PIDPressure', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'),
  {
    type: 'Ready',
    status: 'True',
    reason: 'KubeletReady',
    message: 'kubelet is posting ready status',
  },
];

function isKubelets({ type }: Condition): boolean {
  return healthy.some((condition) => condition.type === type);
}

function pressure(type: string, reason: string, message: string): Condition {
  return { type, status: 'False', reason, message };
}

function since(now: number) {
  return { lastHeartbeatTime: timestamp(now), lastTransitionTime: timestamp(now) };
}

/** What a kubelet or the node lifecycle controller says about a node's health. */
export type Health = 'ready' | 'starting' | 'shuttingDown' | 'silent';

const unknown = {
  status: 'Unknown',
  reason: 'NodeStatusUnknown',
  message: 'Kubelet stopped posting node status.',
} as const;

/** The node with that health in its conditions; a silent kubelet makes all of them Unknown. */
export function withHealth(node: Node, health: Health, now: number): Node {
  const heartbeat = { lastHeartbeatTime: timestamp(now) };
  const { conditions } = node.status;
  const set = (next: readonly Condition[]) => {
    const changed = next.reduce((all, condition) => withCondition(all, condition, now), conditions);
    return { ...node, status: { ...node.status, conditions: changed } };
  };
  switch (health) {
    case 'ready':
      return set(healthy.map((condition) => ({ ...condition, ...heartbeat })));
    case 'starting': {
      const message = 'container runtime network not ready: NetworkReady=false';
      return set(healthy.map((c) => ({ ...c, ...heartbeat, ...notReady(c, message) })));
    }
    case 'shuttingDown':
      return set(
        healthy.map((c) => ({ ...c, ...heartbeat, ...notReady(c, 'node is shutting down') })),
      );
    case 'silent':
      // The last heartbeat stays: nobody was there to send another. Of the conditions that others
      // than the kubelet set the node lifecycle controller knows nothing.
      return set(conditions.filter(isKubelets).map((condition) => ({ ...condition, ...unknown })));
  }
}

/** nodeStatusReportFrequency: a kubelet with nothing new reports every five minutes. */
const heartbeatMs = 5 * 60_000;

/**
 * Heartbeats that change nothing but their time are not stored: they are told when somebody looks.
 *
 * @param heard when the kubelet last could report, epoch milliseconds
 */
export function withHeartbeat(node: Node, heard: number | undefined): Node {
  const ready = conditionOf(node, 'Ready');
  const last = Date.parse(ready?.lastHeartbeatTime ?? '');
  if (heard === undefined || ready?.status === 'Unknown' || !(heard - last >= heartbeatMs)) {
    return node;
  }
  const lastHeartbeatTime = timestamp(
    last + Math.floor((heard - last) / heartbeatMs) * heartbeatMs,
  );
  const conditions = node.status.conditions.map((condition) => ({
    ...condition,
    lastHeartbeatTime,
  }));
  return { ...node, status: { ...node.status, conditions } };
}

function notReady({ type }: Condition, message: string): Partial<Condition> {
  return type === 'Ready' ? { status: 'False', reason: 'KubeletNotReady', message } : {};
}

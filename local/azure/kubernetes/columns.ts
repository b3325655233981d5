/** What `kubectl get` shows of each resource (pkg/printers/internalversion/printers.go). */
import {
  conditionOf,
  isTerminating,
  type ApiObject,
  type DisruptionBudget,
  type Event,
  type Lease,
  type Namespace,
  type Node,
  type Pod,
  type WorkloadObject,
} from './objects.ts';

export interface Column<T> {
  name: string;
  type?: 'string' | 'integer';
  /** Only in `-o wide`. */
  wide?: true;
  cell(object: T, now: number): string | number;
}
export type Columns<T> = readonly Column<T>[];

/** k8s.io/apimachinery/pkg/util/duration HumanDuration, from then to now. */
export function age(since: string | undefined, now: number): string {
  if (since === undefined) return '<unknown>';
  const seconds = Math.floor((now - Date.parse(since)) / 1000);
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  const both = (a: number, unit: string, b: number, smaller: string) =>
    b === 0 ? `${a}${unit}` : `${a}${unit}${b}${smaller}`;
  if (seconds < 0) return '0s';
  if (seconds < 120) return `${seconds}s`;
  if (minutes < 10) return both(minutes, 'm', seconds % 60, 's');
  if (minutes < 180) return `${minutes}m`;
  if (hours < 8) return both(hours, 'h', minutes % 60, 'm');
  if (hours < 48) return `${hours}h`;
  if (hours < 192) return both(days, 'd', hours % 24, 'h');
  if (days < 365 * 2) return `${days}d`;
  if (days < 365 * 8) return both(Math.floor(days / 365), 'y', days % 365, 'd');
  return `${Math.floor(days / 365)}y`;
}

const nameColumn: Column<ApiObject> = { name: 'Name', cell: ({ metadata }) => metadata.name };
const ageColumn: Column<ApiObject> = {
  name: 'Age',
  cell: ({ metadata }, now) => age(metadata.creationTimestamp, now),
};
/** A resource that says nothing else. */
export const defaultColumns: Columns<ApiObject> = [nameColumn, ageColumn];

const none = '<none>';

function address(node: Node, type: string): string {
  return node.status.addresses.find((candidate) => candidate.type === type)?.address ?? none;
}

function nodeStatus(node: Node): string {
  const ready = conditionOf(node, 'Ready');
  const health = ready === undefined ? 'Unknown' : ready.status === 'True' ? 'Ready' : 'NotReady';
  return node.spec.unschedulable === true ? `${health},SchedulingDisabled` : health;
}

const rolePrefix = 'node-role.kubernetes.io/';

function roles({ metadata: { labels = {} } }: Node): string {
  const named = Object.entries(labels).flatMap(([key, value]) => {
    if (key.startsWith(rolePrefix)) return [key.slice(rolePrefix.length)];
    return key === 'kubernetes.io/role' && value !== '' ? [value] : [];
  });
  return named.length === 0 ? none : [...new Set(named)].sort().join(',');
}

export const nodeColumns: Columns<Node> = [
  nameColumn,
  { name: 'Status', cell: nodeStatus },
  { name: 'Roles', cell: roles },
  ageColumn,
  { name: 'Version', cell: ({ status }) => status.nodeInfo.kubeletVersion },
  { name: 'Internal-IP', wide: true, cell: (node) => address(node, 'InternalIP') },
  { name: 'External-IP', wide: true, cell: (node) => address(node, 'ExternalIP') },
  { name: 'OS-Image', wide: true, cell: ({ status }) => status.nodeInfo.osImage },
  { name: 'Kernel-Version', wide: true, cell: ({ status }) => status.nodeInfo.kernelVersion },
  {
    name: 'Container-Runtime',
    wide: true,
    cell: ({ status }) => status.nodeInfo.containerRuntimeVersion,
  },
];

function podStatus(pod: Pod): string {
  if (isTerminating(pod)) return 'Terminating';
  if (pod.status.phase === 'Succeeded') return 'Completed';
  if (pod.status.phase === 'Failed') return pod.status.reason ?? 'Error';
  if (pod.status.phase === 'Pending' && pod.spec.nodeName !== undefined) return 'ContainerCreating';
  return pod.status.phase;
}

function readyContainers({ spec, status }: Pod): string {
  const ready = status.containerStatuses?.filter((container) => container.ready) ?? [];
  return `${ready.length}/${spec.containers.length}`;
}

function restarts({ status }: Pod, now: number): string {
  const containers = status.containerStatuses ?? [];
  const count = containers.reduce((sum, { restartCount }) => sum + restartCount, 0);
  if (count === 0) return '0';
  const ready = status.conditions.find(({ type }) => type === 'Ready');
  return `${count} (${age(ready?.lastTransitionTime, now)} ago)`;
}

export const podColumns: Columns<Pod> = [
  nameColumn,
  { name: 'Ready', cell: readyContainers },
  { name: 'Status', cell: podStatus },
  { name: 'Restarts', cell: restarts },
  ageColumn,
  { name: 'IP', wide: true, cell: ({ status }) => status.podIP ?? none },
  { name: 'Node', wide: true, cell: ({ spec }) => spec.nodeName ?? none },
  { name: 'Nominated Node', wide: true, cell: () => none },
  { name: 'Readiness Gates', wide: true, cell: () => none },
];

export const budgetColumns: Columns<DisruptionBudget> = [
  nameColumn,
  { name: 'Min Available', cell: ({ spec }) => spec.minAvailable ?? 'N/A' },
  { name: 'Max Unavailable', cell: ({ spec }) => spec.maxUnavailable ?? 'N/A' },
  {
    name: 'Allowed Disruptions',
    type: 'integer',
    cell: ({ status }) => status.disruptionsAllowed,
  },
  ageColumn,
];

export const leaseColumns: Columns<Lease> = [
  nameColumn,
  { name: 'Holder', cell: ({ spec }) => spec.holderIdentity ?? '' },
  ageColumn,
];

export const namespaceColumns: Columns<Namespace> = [
  nameColumn,
  { name: 'Status', cell: ({ status }) => status.phase },
  ageColumn,
];

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

export const eventColumns: Columns<Event> = [
  {
    name: 'Last Seen',
    cell: ({ lastTimestamp, eventTime }, now) => age(textOf(lastTimestamp) ?? eventTime, now),
  },
  { name: 'Type', cell: ({ type }) => type ?? '' },
  { name: 'Reason', cell: ({ reason }) => reason ?? '' },
  {
    name: 'Object',
    cell: ({ involvedObject: { kind = '', name = '' } }) => `${kind.toLowerCase()}/${name}`,
  },
  { name: 'Message', cell: ({ message }) => message ?? '' },
];

function count({ status }: WorkloadObject, name: string): number {
  const value = status[name];
  return typeof value === 'number' ? value : 0;
}

function counted(name: string, field: string): Column<WorkloadObject> {
  return { name, type: 'integer', cell: (object) => count(object, field) };
}

const desired: Column<WorkloadObject> = {
  name: 'Desired',
  type: 'integer',
  cell: ({ spec }) => spec.replicas ?? 1,
};

const readyOfDesired: Column<WorkloadObject> = {
  name: 'Ready',
  cell: (object) => `${count(object, 'readyReplicas')}/${object.spec.replicas ?? 1}`,
};

export const deploymentColumns: Columns<WorkloadObject> = [
  nameColumn,
  readyOfDesired,
  counted('Up-to-date', 'updatedReplicas'),
  counted('Available', 'availableReplicas'),
  ageColumn,
];

export const replicaSetColumns: Columns<WorkloadObject> = [
  nameColumn,
  desired,
  counted('Current', 'replicas'),
  counted('Ready', 'readyReplicas'),
  ageColumn,
];

export const statefulSetColumns: Columns<WorkloadObject> = [nameColumn, readyOfDesired, ageColumn];

export const daemonSetColumns: Columns<WorkloadObject> = [
  nameColumn,
  counted('Desired', 'desiredNumberScheduled'),
  counted('Current', 'currentNumberScheduled'),
  counted('Ready', 'numberReady'),
  counted('Up-to-date', 'updatedNumberScheduled'),
  counted('Available', 'numberAvailable'),
  ageColumn,
];

export const jobColumns: Columns<WorkloadObject> = [
  nameColumn,
  {
    name: 'Completions',
    cell: (job) => `${count(job, 'succeeded')}/${job.spec.completions ?? 1}`,
  },
  ageColumn,
];

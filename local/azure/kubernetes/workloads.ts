/** Workloads as a scenario describes them, and the objects that they become. */
import { pick } from '../random.ts';
import { stamped, type Behaviour, type Cluster } from './cluster.ts';
import { mirrorAnnotation } from './kubelet.ts';
import type { Metadata, PodSpec, PodTemplate, Toleration, WorkloadObject } from './objects.ts';
import { apiVersionOf, type Kind } from './resources.ts';
import { daemonTolerations, defaultTolerations } from './taints.ts';

/** Exactly one of the two limits: a number of pods, or a share such as `50%`. */
export type Budget = {
  name?: string;
  unhealthyPodEvictionPolicy?: 'IfHealthyBudget' | 'AlwaysAllow';
} & ({ minAvailable: number | string } | { maxUnavailable: number | string });

interface PodDescription {
  namespace: string;
  name: string;
  /** Labels of the pods; `app: <name>` is always among them. */
  labels?: Record<string, string>;
  terminationGracePeriodSeconds?: number;
  /**
   * How long a pod takes to go; `never` outlives its grace period. Default: the cluster's timings.
   */
  terminatesInMs?: number | 'never';
  startsInMs?: number;
  /** Its pods run but are never Ready. */
  neverReady?: boolean;
  emptyDir?: boolean;
  nodeSelector?: Record<string, string>;
  /** Only nodes of these agent pools will do. */
  pools?: string[];
  /** Only this node will do. */
  node?: string;
  tolerations?: Toleration[];
  pdb?: Budget;
}

export type Workload = PodDescription &
  (
    | { kind: 'Deployment'; replicas: number }
    | { kind: 'StatefulSet'; replicas: number }
    | { kind: 'DaemonSet' }
    | { kind: 'Job'; parallelism?: number; completions?: number; completesInMs?: number }
    /** A pod that nobody puts back. */
    | { kind: 'Pod'; completesInMs?: number }
    /** A static pod's mirror, on every one of these nodes. */
    | { kind: 'StaticPod'; nodes: string[] }
  );

/** Stores what the workload consists of; controllers and kubelets do the rest. */
export function createWorkloadObjects(cluster: Cluster, workload: Workload): void {
  ensureNamespace(cluster, workload.namespace);
  switch (workload.kind) {
    case 'Deployment':
      createOwner(cluster, cluster.kinds.deployments, workload, { replicas: workload.replicas });
      break;
    case 'StatefulSet':
      createOwner(cluster, cluster.kinds.statefulSets, workload, {
        replicas: workload.replicas,
        serviceName: workload.name,
      });
      break;
    case 'DaemonSet':
      createOwner(cluster, cluster.kinds.daemonSets, workload, {});
      break;
    case 'Job':
      createOwner(cluster, cluster.kinds.jobs, workload, {
        parallelism: workload.parallelism ?? 1,
        completions: workload.completions ?? 1,
      });
      break;
    case 'Pod':
      createBarePod(cluster, workload);
      break;
    case 'StaticPod':
      for (const node of workload.nodes) createMirrorPod(cluster, workload, node);
      break;
  }
  if (workload.pdb !== undefined) createBudget(cluster, workload, workload.pdb);
}

export function ensureNamespace(cluster: Cluster, name: string): void {
  const { objects } = cluster.kinds.namespaces;
  if (objects.get(name) !== undefined) return;
  objects.put({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: stamped(cluster, { name, labels: { 'kubernetes.io/metadata.name': name } }),
    spec: { finalizers: ['kubernetes'] },
    status: { phase: 'Active' },
  });
}

function createOwner(
  cluster: Cluster,
  kind: Kind<WorkloadObject>,
  workload: Workload,
  scale: Record<string, unknown>,
): void {
  const { name, namespace } = workload;
  const metadata = {
    ...stamped(cluster, { name, namespace, labels: { app: name } }),
    generation: 1,
  };
  cluster.behaviours.set(metadata.uid, behaviourIn(workload));
  kind.objects.put({
    apiVersion: apiVersionOf(kind.resource),
    kind: kind.resource.kind,
    metadata,
    spec: { ...scale, selector: selectorOf(workload), template: templateOf(workload) },
    status: {},
  });
}

function selectorOf(workload: Workload) {
  return { matchLabels: { app: workload.name } };
}

function behaviourIn(workload: Workload): Behaviour {
  const { startsInMs, neverReady, terminatesInMs } = workload;
  const completesInMs = 'completesInMs' in workload ? workload.completesInMs : undefined;
  return { startsInMs, neverReady, terminatesInMs, completesInMs };
}

function templateOf(workload: Workload): PodTemplate {
  const daemon = workload.kind === 'DaemonSet';
  const pinned = workload.node === undefined ? {} : { 'kubernetes.io/hostname': workload.node };
  const nodeSelector = { ...workload.nodeSelector, ...pinned };
  return {
    metadata: { labels: { ...workload.labels, app: workload.name } },
    spec: {
      restartPolicy: workload.kind === 'Job' ? 'Never' : 'Always',
      terminationGracePeriodSeconds: workload.terminationGracePeriodSeconds ?? 30,
      dnsPolicy: 'ClusterFirst',
      schedulerName: 'default-scheduler',
      serviceAccountName: 'default',
      ...(Object.keys(nodeSelector).length === 0 ? {} : { nodeSelector }),
      ...(workload.pools === undefined ? {} : { affinity: onlyPools(workload.pools) }),
      tolerations: [
        ...(workload.tolerations ?? []),
        ...(daemon ? daemonTolerations : defaultTolerations),
      ],
      containers: [{ name: workload.name, image: `registry.example/${workload.name}:1` }],
      ...(workload.emptyDir === true ? { volumes: [{ name: 'scratch', emptyDir: {} }] } : {}),
    },
  };
}

function onlyPools(values: string[]) {
  const matchExpressions = [{ key: 'agentpool', operator: 'In' as const, values }];
  const nodeSelectorTerms = [{ matchExpressions }];
  return {
    nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } },
  };
}

function createBarePod(cluster: Cluster, workload: Workload): void {
  const { metadata: given, spec } = templateOf(workload);
  const { name, namespace } = workload;
  const metadata = stamped(cluster, { name, namespace, labels: given.labels });
  cluster.behaviours.set(metadata.uid, behaviourIn(workload));
  putPending(cluster, metadata, spec);
}

function putPending(cluster: Cluster, metadata: Metadata, spec: PodSpec): void {
  cluster.kinds.pods.objects.put({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata,
    spec,
    status: { phase: 'Pending', conditions: [], qosClass: 'BestEffort' },
  });
}

function createMirrorPod(cluster: Cluster, workload: Workload, nodeName: string): void {
  const node = cluster.kinds.nodes.objects.get(nodeName);
  if (node === undefined) throw new Error(`static pod ${workload.name}: no node ${nodeName}`);
  const { metadata: given, spec } = templateOf(workload);
  const hash = pick(cluster.random, '0123456789abcdef', 32);
  const metadata = stamped(cluster, {
    name: `${workload.name}-${nodeName}`,
    namespace: workload.namespace,
    labels: given.labels,
    annotations: {
      [mirrorAnnotation]: hash,
      'kubernetes.io/config.hash': hash,
      'kubernetes.io/config.source': 'file',
    },
    ownerReferences: [
      { apiVersion: 'v1', kind: 'Node', name: nodeName, uid: node.metadata.uid, controller: true },
    ],
  });
  cluster.behaviours.set(metadata.uid, behaviourIn(workload));
  const tolerations: Toleration[] = [{ operator: 'Exists', effect: 'NoExecute' }];
  putPending(cluster, metadata, { ...spec, tolerations, nodeName });
}

function createBudget(cluster: Cluster, workload: Workload, budget: Budget): void {
  const { name = workload.name, ...limits } = budget;
  const { namespace } = workload;
  cluster.kinds.budgets.objects.put({
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { ...stamped(cluster, { name, namespace }), generation: 1 },
    spec: { ...limits, selector: selectorOf(workload) },
    status: {
      currentHealthy: 0,
      desiredHealthy: 0,
      disruptionsAllowed: 0,
      expectedPods: 0,
      observedGeneration: 0,
    },
  });
}

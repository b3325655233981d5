/**
 * The workload controllers: they put pods back that went away, and keep the counts in their
 * objects' status (pkg/controller/deployment, replicaset, statefulset, daemon, job).
 */
import { isDeepStrictEqual } from 'node:util';
import { pick } from '../random.ts';
import { stamped, type Cluster } from './cluster.ts';
import { deletePod, podKey } from './deletion.ts';
import {
  controllerOf,
  isReady,
  isTerminating,
  keyOf,
  type Node,
  type OwnerReference,
  type Pod,
  type WorkloadObject,
} from './objects.ts';
import { isActive } from './podIndex.ts';
import { createQueue, type Queue } from './queue.ts';
import type { Kind } from './resources.ts';
import { selects } from './scheduler.ts';
import { repellingTaint } from './taints.ts';

/** k8s.io/apimachinery/pkg/util/rand: no vowels, so no words. */
const nameAlphabet = 'bcdfghjklmnpqrstvwxz2456789';

/** Starts them all. */
export function startWorkloadControllers(cluster: Cluster): Queue[] {
  const { deployments, replicaSets, statefulSets, daemonSets, jobs } = cluster.kinds;
  const byNode = startDaemonPlacement(cluster);
  return [
    byNode,
    start(cluster, deployments, syncDeployment),
    start(cluster, replicaSets, syncReplicaSet),
    start(cluster, statefulSets, syncStatefulSet),
    start(cluster, daemonSets, syncDaemonSet),
    start(cluster, jobs, syncJob),
  ];
}

type Sync = (cluster: Cluster, object: WorkloadObject) => void;

function start(cluster: Cluster, kind: Kind<WorkloadObject>, sync: Sync): Queue {
  const queue = createQueue(cluster.timers, cluster.timings.controllerMs, (key) => {
    const object = kind.objects.get(key);
    if (object !== undefined) sync(cluster, object);
  });
  kind.objects.subscribe(({ object, previous }) => {
    if (object.spec !== previous?.spec) queue.add(keyOf(object));
  });
  cluster.kinds.pods.objects.subscribe(({ object }) => {
    const owner = controllerOf(object);
    if (owner?.kind === kind.resource.kind) {
      queue.add(podKey(object.metadata.namespace ?? '', owner.name));
    }
  });
  if (kind === cluster.kinds.deployments) {
    cluster.kinds.replicaSets.objects.subscribe(({ object }) => {
      const owner = controllerOf(object);
      if (owner !== undefined) queue.add(podKey(object.metadata.namespace ?? '', owner.name));
    });
  }
  return queue;
}

export function ownerOf(object: WorkloadObject): OwnerReference {
  const { name, uid } = object.metadata;
  const { apiVersion, kind } = object;
  return { apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true };
}

/** A new pod of that workload; `node` binds it at once. */
function createPod(
  cluster: Cluster,
  owner: WorkloadObject,
  name: string,
  extra: { node?: string; labels?: Record<string, string> } = {},
): void {
  const { template } = owner.spec;
  const given = {
    name,
    namespace: owner.metadata.namespace,
    labels:
      extra.labels === undefined
        ? template.metadata.labels
        : { ...template.metadata.labels, ...extra.labels },
    ...(template.metadata.annotations === undefined
      ? {}
      : { annotations: template.metadata.annotations }),
    ownerReferences: [ownerOf(owner)],
  };
  cluster.kinds.pods.objects.put({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: stamped(cluster, given),
    spec: extra.node === undefined ? template.spec : { ...template.spec, nodeName: extra.node },
    status: { phase: 'Pending', conditions: [], qosClass: 'BestEffort' },
  });
}

function suffix(cluster: Cluster, length: number): string {
  return pick(cluster.random, nameAlphabet, length);
}

/** In a fleet of thousands two draws do meet; a real client then tries again. */
function freePodName(
  cluster: Cluster,
  { metadata: { name, namespace = '' } }: WorkloadObject,
): string {
  const { objects } = cluster.kinds.pods;
  for (;;) {
    const candidate = `${name}-${suffix(cluster, 5)}`;
    if (objects.get(podKey(namespace, candidate)) === undefined) return candidate;
  }
}

function writeStatus(
  kind: Kind<WorkloadObject>,
  object: WorkloadObject,
  counts: Record<string, unknown>,
): void {
  const status = { ...counts, observedGeneration: object.metadata.generation ?? 1 };
  if (isDeepStrictEqual(status, object.status)) return;
  kind.objects.update(keyOf(object), (current) => ({ ...current, status }));
}

/**
 * One ReplicaSet carries the deployment; its template never changes here, so there are no rollouts.
 */
function syncDeployment(cluster: Cluster, deployment: WorkloadObject): void {
  const { replicaSets, deployments } = cluster.kinds;
  const { name, namespace } = deployment.metadata;
  const owner = ownerOf(deployment);
  const replicas = deployment.spec.replicas ?? 1;
  const owned = [...replicaSets.objects.values()].find(
    (set) => controllerOf(set)?.uid === owner.uid,
  );
  if (owned === undefined) {
    const hash = suffix(cluster, 10);
    const { template, selector } = deployment.spec;
    const labels = { ...template.metadata.labels, 'pod-template-hash': hash };
    const behaviour = cluster.behaviours.get(owner.uid);
    const metadata = {
      ...stamped(cluster, { name: `${name}-${hash}`, namespace, labels, ownerReferences: [owner] }),
      generation: 1,
    };
    if (behaviour !== undefined) cluster.behaviours.set(metadata.uid, behaviour);
    replicaSets.objects.put({
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata,
      spec: {
        replicas,
        selector: { matchLabels: { ...selector?.matchLabels, 'pod-template-hash': hash } },
        template: { ...template, metadata: { ...template.metadata, labels } },
      },
      status: {},
    });
    return;
  }
  if (owned.spec.replicas !== replicas) {
    const generation = (owned.metadata.generation ?? 1) + 1;
    replicaSets.objects.put({
      ...owned,
      metadata: { ...owned.metadata, generation },
      spec: { ...owned.spec, replicas },
    });
  }
  const { replicas: current, readyReplicas, availableReplicas } = owned.status;
  const counts = { replicas: current ?? 0, updatedReplicas: current ?? 0, readyReplicas };
  writeStatus(deployments, deployment, { ...counts, availableReplicas });
}

/** A terminating pod is replaced at once. */
function syncReplicaSet(cluster: Cluster, set: WorkloadObject): void {
  const { uid } = set.metadata;
  const replicas = set.spec.replicas ?? 1;
  const { active } = cluster.pods.tally(uid);
  for (let missing = replicas - active; missing > 0; missing--) {
    createPod(cluster, set, freePodName(cluster, set));
  }
  if (active > replicas) {
    scaleDown(cluster, cluster.pods.ofController(uid).filter(isActive), replicas);
  }
  writeReadiness(cluster, cluster.kinds.replicaSets, set);
}

/** Pods that are not ready go first. */
function scaleDown(cluster: Cluster, pods: readonly Pod[], replicas: number): void {
  const surplus = pods.length - replicas;
  const byWorth = [...pods].sort((a, b) => Number(isReady(a)) - Number(isReady(b)));
  for (const pod of byWorth.slice(0, surplus)) {
    const departure = { reason: 'scaledDown', askedBy: 'controller' } as const;
    deletePod(cluster, pod, {}, { status: 0, departure });
  }
}

function writeReadiness(
  cluster: Cluster,
  kind: Kind<WorkloadObject>,
  object: WorkloadObject,
): void {
  const { active, ready } = cluster.pods.tally(object.metadata.uid);
  writeStatus(kind, object, { replicas: active, readyReplicas: ready, availableReplicas: ready });
}

/** OrderedReady: a name is used again only when its old pod is gone, and in order. */
function syncStatefulSet(cluster: Cluster, set: WorkloadObject): void {
  const { namespace = '', name } = set.metadata;
  const replicas = set.spec.replicas ?? 1;
  const own = cluster.pods.ofController(set.metadata.uid);
  for (let ordinal = 0; ordinal < replicas; ordinal++) {
    const podName = `${name}-${ordinal}`;
    const pod = cluster.kinds.pods.objects.get(podKey(namespace, podName));
    if (pod === undefined) {
      createPod(cluster, set, podName, { labels: ordinalLabels(podName, ordinal) });
      break;
    }
    if (isTerminating(pod) || !isReady(pod)) break;
  }
  const ordinalOf = (pod: Pod) => Number(pod.metadata.name.slice(name.length + 1));
  const surplus = own.filter((pod) => ordinalOf(pod) >= replicas && isActive(pod));
  scaleDown(cluster, surplus, 0);
  writeReadiness(cluster, cluster.kinds.statefulSets, set);
}

function ordinalLabels(podName: string, ordinal: number): Record<string, string> {
  return {
    'statefulset.kubernetes.io/pod-name': podName,
    'apps.kubernetes.io/pod-index': String(ordinal),
  };
}

/** A pod that terminates or failed is replaced until enough have succeeded. */
function syncJob(cluster: Cluster, job: WorkloadObject): void {
  const pods = cluster.pods.ofController(job.metadata.uid);
  const active = pods.filter(isActive);
  const succeeded = pods.filter((pod) => pod.status.phase === 'Succeeded').length;
  const failed = pods.filter((pod) => pod.status.phase === 'Failed').length;
  const wanted = Math.min(
    job.spec.parallelism ?? 1,
    Math.max(0, (job.spec.completions ?? 1) - succeeded),
  );
  for (let missing = wanted - active.length; missing > 0; missing--) {
    createPod(cluster, job, freePodName(cluster, job));
  }
  const ready = active.filter(isReady).length;
  writeStatus(cluster.kinds.jobs, job, { active: active.length, ready, succeeded, failed });
}

/** Status only; the pods are placed node by node. */
function syncDaemonSet(cluster: Cluster, set: WorkloadObject): void {
  const { active, ready } = cluster.pods.tally(set.metadata.uid);
  writeStatus(cluster.kinds.daemonSets, set, {
    currentNumberScheduled: active,
    desiredNumberScheduled: active,
    updatedNumberScheduled: active,
    numberMisscheduled: 0,
    numberReady: ready,
    numberAvailable: ready,
  });
}

/** Worked off by node, so that one node's change costs one node's work in a fleet of thousands. */
function startDaemonPlacement(cluster: Cluster): Queue {
  const { nodes, daemonSets, pods } = cluster.kinds;
  const queue = createQueue(cluster.timers, cluster.timings.controllerMs, (name) => {
    const node = nodes.objects.get(name);
    if (node === undefined) return;
    for (const set of daemonSets.objects.values()) placeDaemon(cluster, set, node);
  });
  nodes.objects.subscribe(({ object, previous }) => {
    const { name, labels } = object.metadata;
    if (object.spec !== previous?.spec || labels !== previous.metadata.labels) queue.add(name);
  });
  daemonSets.objects.subscribe(({ object, previous }) => {
    if (object.spec === previous?.spec) return;
    for (const node of nodes.objects.values()) queue.add(node.metadata.name);
  });
  pods.objects.subscribe(({ type, object }) => {
    const daemon = controllerOf(object)?.kind === 'DaemonSet';
    if (type === 'DELETED' && daemon) queue.add(object.spec.nodeName ?? '');
  });
  return queue;
}

/** The old pod must be gone before its node gets another. */
function placeDaemon(cluster: Cluster, set: WorkloadObject, node: Node): void {
  const { spec } = set.spec.template;
  const { name } = node.metadata;
  const existing = cluster.pods
    .onNode(name)
    .filter((pod) => controllerOf(pod)?.uid === set.metadata.uid);
  // A taint that appears later with NoSchedule does not drive out what runs already.
  const repelled = repellingTaint(node, spec.tolerations) !== undefined;
  if (existing.length > 0 || repelled || !selects(spec, node)) return;
  createPod(cluster, set, freePodName(cluster, set), { node: name });
}

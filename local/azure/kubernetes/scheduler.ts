/** kube-scheduler, as far as it matters here: a pod goes to a node that may take it, spread out. */
import { isDeepStrictEqual } from 'node:util';
import type { Cluster } from './cluster.ts';
import {
  controllerOf,
  isTerminating,
  keyOf,
  withCondition,
  type Node,
  type Pod,
  type PodSpec,
} from './objects.ts';
import { createQueue, type Queue } from './queue.ts';
import { labelSelectorMatcher } from './selectors.ts';
import { repellingTaint, taintKeys, tolerates } from './taints.ts';

/** Feasible nodes to compare (like minFeasibleNodesToFind): bounds the cost in large clusters. */
const comparedNodes = 50;

/** Starts the scheduler. */
export function startScheduler(cluster: Cluster): Queue {
  const { nodes, pods } = cluster.kinds;
  const unschedulable = new Set<string>();
  let rotation = 0;
  let names: string[] | undefined;
  const queue = createQueue(cluster.timers, cluster.timings.controllerMs, (key) => {
    const pod = pods.objects.get(key);
    unschedulable.delete(key);
    if (pod === undefined || pod.spec.nodeName !== undefined || isTerminating(pod)) return;
    names ??= nodes.objects.sorted().map((node) => node.metadata.name);
    const { node, looked } = choose(cluster, pod, names, rotation);
    rotation = names.length === 0 ? 0 : (rotation + looked) % names.length;
    if (node === undefined) {
      unschedulable.add(key);
      const next = refused(cluster, pod, names.length);
      if (!isDeepStrictEqual(next, pod)) pods.objects.put(next);
    } else {
      pods.objects.put(bound(cluster, pod, node));
    }
  });
  const retry = () => {
    for (const key of unschedulable) queue.add(key);
  };
  nodes.objects.subscribe(({ type, object, previous }) => {
    if (type !== 'MODIFIED') names = undefined;
    if (object.spec !== previous?.spec || object.metadata.labels !== previous.metadata.labels) {
      retry();
    }
  });
  pods.objects.subscribe(({ type, object }) => {
    if (type === 'ADDED' && object.spec.nodeName === undefined) queue.add(keyOf(object));
    if (type === 'DELETED') retry();
  });
  return queue;
}

function choose(cluster: Cluster, pod: Pod, names: readonly string[], start: number) {
  const { nodes } = cluster.kinds;
  let best: { node: Node; score: number } | undefined;
  let feasible = 0;
  let looked = 0;
  while (looked < names.length && feasible < comparedNodes) {
    const node = nodes.objects.get(names[(start + looked) % names.length] ?? '');
    looked += 1;
    if (node === undefined || !mayTake(cluster, node, pod)) continue;
    feasible += 1;
    const score = crowding(cluster, node, pod);
    if (best === undefined || score < best.score) best = { node, score };
  }
  return { node: best?.node, looked };
}

function mayTake(cluster: Cluster, node: Node, pod: Pod): boolean {
  const { tolerations } = pod.spec;
  const cordon = { key: taintKeys.unschedulable, effect: 'NoSchedule' } as const;
  if (node.spec.unschedulable === true && !tolerates(tolerations, cordon)) return false;
  if (repellingTaint(node, tolerations) !== undefined) return false;
  if (!selects(pod.spec, node)) return false;
  const room = Number(node.status.allocatable?.['pods'] ?? Infinity);
  return cluster.pods.countOnNode(node.metadata.name) < room;
}

/** Whether the pods' nodeSelector and required node affinity allow the node. */
export function selects({ nodeSelector, affinity }: PodSpec, node: Node): boolean {
  const { labels } = node.metadata;
  const wanted = Object.entries(nodeSelector ?? {});
  if (!wanted.every(([key, value]) => labels?.[key] === value)) return false;
  const terms =
    affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  return terms?.some((term) => labelSelectorMatcher(term)(labels)) ?? true;
}

/** Siblings on the node weigh more than strangers. */
function crowding(cluster: Cluster, node: Node, pod: Pod): number {
  const { name } = node.metadata;
  const siblings = cluster.pods.siblingsOnNode(name, controllerOf(pod)?.uid ?? '');
  return siblings * 1000 + cluster.pods.countOnNode(name);
}

function bound(cluster: Cluster, pod: Pod, node: Node): Pod {
  const scheduled = { type: 'PodScheduled', status: 'True' } as const;
  const conditions = withCondition(pod.status.conditions, scheduled, cluster.timers.now());
  return {
    ...pod,
    spec: { ...pod.spec, nodeName: node.metadata.name },
    status: { ...pod.status, conditions },
  };
}

function refused(cluster: Cluster, pod: Pod, nodes: number): Pod {
  const condition = {
    type: 'PodScheduled',
    status: 'False',
    reason: 'Unschedulable',
    message: `0/${nodes} nodes are available.`,
  } as const;
  const conditions = withCondition(pod.status.conditions, condition, cluster.timers.now());
  return { ...pod, status: { ...pod.status, conditions } };
}

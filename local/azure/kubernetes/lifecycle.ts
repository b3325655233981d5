/**
 * What the controllers do about nodes: taints that follow a node's state, pods of unhealthy nodes
 * marked not ready and evicted in time, pods of vanished nodes collected
 * (pkg/controller/nodelifecycle, tainteviction, podgc).
 */
import type { Cancel } from '../../clock.ts';
import { removePod, type Cluster } from './cluster.ts';
import { deletePod } from './deletion.ts';
import {
  conditionOf,
  isReady,
  isTerminating,
  keyOf,
  timestamp,
  withCondition,
  type Node,
  type Pod,
  type Taint,
} from './objects.ts';
import { createQueue, type Queue } from './queue.ts';
import { staySeconds, taintKeys } from './taints.ts';

/** Starts the controller. */
export function startNodeLifecycle(cluster: Cluster): Queue {
  const { nodes } = cluster.kinds;
  const evictions = new Map<string, Cancel>();
  const evictLater = (name: string) => {
    evictions.get(name)?.();
    evictions.delete(name);
    const nextInMs = evictDue(cluster, nodes.objects.get(name));
    if (nextInMs === undefined) return;
    evictions.set(
      name,
      cluster.timers.after(nextInMs, () => evictLater(name)),
    );
  };
  const queue = createQueue(cluster.timers, cluster.timings.controllerMs, (name) => {
    const node = nodes.objects.get(name);
    if (node === undefined) collectOrphans(cluster, name);
    else if (follow(cluster, node)) evictLater(name);
  });
  nodes.objects.subscribe(({ type, object, previous }) => {
    const { name } = object.metadata;
    const changed =
      type === 'DELETED' ||
      previous === undefined ||
      isReady(object) !== isReady(previous) ||
      conditionOf(object, 'Ready')?.status !== conditionOf(previous, 'Ready')?.status ||
      object.spec.unschedulable !== previous.spec.unschedulable ||
      object.spec.taints !== previous.spec.taints;
    if (changed) queue.add(name);
  });
  return queue;
}

/** Brings taints and pods in line with the node. @returns whether it carries a NoExecute taint */
function follow(cluster: Cluster, node: Node): boolean {
  const now = cluster.timers.now();
  const wanted = taintsFor(node);
  const own = (taint: Taint) => Object.values<string>(taintKeys).includes(taint.key);
  const same = (a: Taint) => (b: Taint) => a.key === b.key && a.effect === b.effect;
  const current = node.spec.taints ?? [];
  const kept = current.filter((taint) => !own(taint) || wanted.some(same(taint)));
  const added = wanted.filter((taint) => !current.some(same(taint)));
  if (kept.length !== current.length || added.length > 0) {
    const stampedTaints = added.map((taint) => ({ ...taint, timeAdded: timestamp(now) }));
    const taints = [...kept, ...stampedTaints];
    const { taints: _old, ...spec } = node.spec;
    cluster.kinds.nodes.objects.put({
      ...node,
      spec: taints.length === 0 ? spec : { ...spec, taints },
    });
  }
  if (!isReady(node)) markPodsNotReady(cluster, node, now);
  return [...kept, ...added].some(({ effect }) => effect === 'NoExecute');
}

function taintsFor(node: Node): Taint[] {
  const cordoned: Taint[] =
    node.spec.unschedulable === true
      ? [{ key: taintKeys.unschedulable, effect: 'NoSchedule' }]
      : [];
  return [...cordoned, ...taintsForHealth(conditionOf(node, 'Ready')?.status ?? 'Unknown')];
}

function taintsForHealth(ready: 'True' | 'False' | 'Unknown'): Taint[] {
  switch (ready) {
    case 'True':
      return [];
    case 'False':
      return bothEffects(taintKeys.notReady);
    case 'Unknown':
      return bothEffects(taintKeys.unreachable);
  }
}

function bothEffects(key: string): Taint[] {
  return [
    { key, effect: 'NoSchedule' },
    { key, effect: 'NoExecute' },
  ];
}

/** MarkPodsNotReady (pkg/controller/util/node/controller_utils.go): the Ready condition only. */
function markPodsNotReady(cluster: Cluster, node: Node, now: number): void {
  for (const pod of cluster.pods.onNode(node.metadata.name)) {
    if (!isReady(pod)) continue;
    const ready = { type: 'Ready', status: 'False', reason: 'NodeNotReady' } as const;
    const conditions = withCondition(pod.status.conditions, ready, now);
    cluster.kinds.pods.objects.put({ ...pod, status: { ...pod.status, conditions } });
  }
}

/**
 * Deletes the pods that have stayed as long as they tolerate a NoExecute taint.
 *
 * @returns when the next one is due, in milliseconds
 */
function evictDue(cluster: Cluster, node: Node | undefined): number | undefined {
  const taints = node?.spec.taints?.filter(({ effect }) => effect === 'NoExecute') ?? [];
  if (node === undefined || taints.length === 0) return undefined;
  const now = cluster.timers.now();
  let next = Infinity;
  for (const pod of cluster.pods.onNode(node.metadata.name)) {
    if (isTerminating(pod)) continue;
    const due = Math.min(...taints.map((taint) => dueAt(pod, taint, now)));
    if (due <= now) evictByTaint(cluster, pod, now);
    else next = Math.min(next, due);
  }
  return next === Infinity ? undefined : next - now;
}

function dueAt(pod: Pod, taint: Taint, now: number): number {
  const added = taint.timeAdded === undefined ? now : Date.parse(taint.timeAdded);
  return added + staySeconds(pod, taint) * 1000;
}

function evictByTaint(cluster: Cluster, pod: Pod, now: number): void {
  const target = {
    type: 'DisruptionTarget',
    status: 'True',
    reason: 'DeletionByTaintManager',
    message: 'Taint manager: deleting due to NoExecute taint',
  } as const;
  const conditions = withCondition(pod.status.conditions, target, now);
  const departure = { reason: 'taint', askedBy: 'controller' } as const;
  const disrupted = { ...pod, status: { ...pod.status, conditions } };
  deletePod(cluster, disrupted, {}, { status: 0, departure });
}

/** Pods whose node is gone have nobody to end them. */
function collectOrphans(cluster: Cluster, name: string): void {
  for (const pod of cluster.pods.onNode(name)) {
    const departure = { reason: 'nodeGone', askedBy: 'controller' } as const;
    removePod(cluster, cluster.kinds.pods.objects.get(keyOf(pod)) ?? pod, {
      actor: 'controller',
      status: 0,
      departure,
    });
  }
}

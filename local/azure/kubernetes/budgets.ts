/**
 * The disruption controller (pkg/controller/disruption/disruption.go): keeps the status of every
 * PodDisruptionBudget.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Cluster } from './cluster.ts';
import { withDisruptionAllowed } from './eviction.ts';
import {
  controllerOf,
  isReady,
  isTerminating,
  keyOf,
  withCondition,
  type DisruptionBudget,
  type Pod,
} from './objects.ts';
import { createQueue, type Queue } from './queue.ts';
import { labelSelectorMatcher, type LabelMatcher } from './selectors.ts';

/**
 * DeletionTimeout: an approved eviction that was not followed by a deletion is forgotten after
 * this.
 */
const deletionTimeoutMs = 2 * 60_000;

interface Members {
  namespace: string;
  matches: LabelMatcher;
  /** Keys of the pods that the budget selects. */
  pods: Set<string>;
}

/** Starts the controller. */
export function startDisruptionController(cluster: Cluster): Queue {
  const { budgets, pods } = cluster.kinds;
  const members = new Map<string, Members>();
  const queue = createQueue(cluster.timers, cluster.timings.controllerMs, (key) => {
    const budget = budgets.objects.get(key);
    const selected = members.get(key);
    if (budget === undefined || selected === undefined) return;
    const recheckInMs = sync(cluster, budget, [...selected.pods]);
    if (recheckInMs !== undefined) cluster.timers.after(recheckInMs, () => queue.add(key));
  });
  budgets.objects.subscribe(({ type, object, previous }) => {
    const key = keyOf(object);
    if (type === 'DELETED') {
      members.delete(key);
      return;
    }
    if (previous?.spec.selector !== object.spec.selector || !members.has(key)) {
      members.set(key, select(cluster, object));
    }
    queue.add(key);
  });
  pods.objects.subscribe(({ type, object, previous }) => {
    const key = keyOf(object);
    for (const [budgetKey, selected] of members) {
      if (selected.namespace !== object.metadata.namespace) continue;
      const had = selected.pods.has(key);
      const labelsKept = previous?.metadata.labels === object.metadata.labels;
      const has =
        type !== 'DELETED' && (labelsKept ? had : selected.matches(object.metadata.labels));
      if (has) selected.pods.add(key);
      else selected.pods.delete(key);
      if (had !== has || (has && healthChanged(object, previous))) queue.add(budgetKey);
    }
  });
  return queue;
}

function healthChanged(pod: Pod, previous: Pod | undefined): boolean {
  return (
    previous === undefined ||
    isReady(pod) !== isReady(previous) ||
    isTerminating(pod) !== isTerminating(previous)
  );
}

function select(cluster: Cluster, budget: DisruptionBudget): Members {
  const namespace = budget.metadata.namespace ?? '';
  const matches = labelSelectorMatcher(budget.spec.selector);
  const pods = new Set<string>();
  for (const pod of cluster.kinds.pods.objects.values()) {
    if (pod.metadata.namespace !== namespace || !matches(pod.metadata.labels)) continue;
    pods.add(keyOf(pod));
  }
  return { namespace, matches, pods };
}

/** Writes the status when it changed. @returns when to look again, in milliseconds */
function sync(cluster: Cluster, budget: DisruptionBudget, keys: string[]): number | undefined {
  const now = cluster.timers.now();
  const pods = keys.flatMap((key) => cluster.kinds.pods.objects.get(key) ?? []);
  const counts = expected(cluster, budget, pods);
  if (typeof counts === 'string') {
    failSafe(cluster, budget, counts);
    return undefined;
  }
  const disruptedPods = stillDisrupted(budget, pods, now);
  const currentHealthy = pods.filter(
    (pod) => !isTerminating(pod) && disruptedPods[pod.metadata.name] === undefined && isReady(pod),
  ).length;
  const { expectedPods, desiredHealthy } = counts;
  const spare = expectedPods > 0 ? Math.max(0, currentHealthy - desiredHealthy) : 0;
  const observedGeneration = budget.metadata.generation ?? 0;
  const observed = { ...budget, status: { ...budget.status, observedGeneration } };
  const { disruptedPods: _forgotten, ...status } = budget.status;
  const next = {
    ...status,
    currentHealthy,
    desiredHealthy,
    disruptionsAllowed: spare,
    expectedPods,
    observedGeneration,
    ...(Object.keys(disruptedPods).length === 0 ? {} : { disruptedPods }),
    conditions: withDisruptionAllowed(observed, spare, now),
  };
  if (!isDeepStrictEqual(next, budget.status)) {
    cluster.kinds.budgets.objects.put({ ...budget, status: next });
  }
  const instants = Object.values(disruptedPods).map((time) => Date.parse(time));
  if (instants.length === 0) return undefined;
  return Math.max(0, Math.min(...instants) + deletionTimeoutMs - now + 1000);
}

/** Evictions that were approved and whose pod is neither terminating nor gone yet. */
function stillDisrupted(budget: DisruptionBudget, pods: readonly Pod[], now: number) {
  const disrupted: Record<string, string> = {};
  for (const pod of pods) {
    const time = budget.status.disruptedPods?.[pod.metadata.name];
    if (time === undefined || isTerminating(pod)) continue;
    if (Date.parse(time) + deletionTimeoutMs >= now) disrupted[pod.metadata.name] = time;
  }
  return disrupted;
}

/** getExpectedPodCount: what the budget asks for, or why that can't be told. */
function expected(cluster: Cluster, { spec }: DisruptionBudget, pods: readonly Pod[]) {
  const { minAvailable, maxUnavailable } = spec;
  if (typeof minAvailable === 'number') {
    return { expectedPods: pods.length, desiredHealthy: minAvailable };
  }
  const expectedPods = expectedScale(cluster, pods);
  if (typeof expectedPods === 'string') return expectedPods;
  const share = (value: number | string) =>
    typeof value === 'number'
      ? value
      : Math.ceil((Number.parseInt(value, 10) * expectedPods) / 100);
  if (maxUnavailable !== undefined) {
    const desiredHealthy = Math.max(0, expectedPods - share(maxUnavailable));
    return { expectedPods, desiredHealthy };
  }
  return { expectedPods, desiredHealthy: share(minAvailable ?? 0) };
}

/**
 * getExpectedScale: the sum of the scales of the pods' controllers. Pods without one don't count.
 */
function expectedScale(cluster: Cluster, pods: readonly Pod[]): number | string {
  const scales = new Map<string, number>();
  for (const pod of pods) {
    const owner = controllerOf(pod);
    if (owner === undefined || scales.has(owner.uid)) continue;
    const scale = scaleOf(cluster, owner.kind, `${pod.metadata.namespace}/${owner.name}`);
    if (typeof scale === 'string') return scale;
    if (scale === undefined) return `found no controllers for pod "${pod.metadata.name}"`;
    scales.set(owner.uid, scale);
  }
  return [...scales.values()].reduce((sum, scale) => sum + scale, 0);
}

/**
 * A DaemonSet or Job has no scale, which fails the sync of a budget that needs one, as in real
 * life.
 */
function scaleOf({ kinds }: Cluster, kind: string, key: string): number | string | undefined {
  switch (kind) {
    case 'ReplicaSet':
      return kinds.replicaSets.objects.get(key)?.spec.replicas;
    case 'StatefulSet':
      return kinds.statefulSets.objects.get(key)?.spec.replicas;
    case 'DaemonSet':
      return 'daemonsets.apps does not implement the scale subresource';
    case 'Job':
      return 'jobs.batch does not implement the scale subresource';
    default:
      return undefined;
  }
}

/** Nothing may be disrupted while the count is unknown. */
function failSafe(cluster: Cluster, budget: DisruptionBudget, message: string): void {
  const failed = {
    type: 'DisruptionAllowed',
    status: 'False',
    reason: 'SyncFailed',
    message,
    observedGeneration: budget.status.observedGeneration,
  } as const;
  const conditions = withCondition(budget.status.conditions, failed, cluster.timers.now());
  const status = { ...budget.status, disruptionsAllowed: 0, conditions };
  if (isDeepStrictEqual(status, budget.status)) return;
  cluster.kinds.budgets.objects.put({ ...budget, status });
}

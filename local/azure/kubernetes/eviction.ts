/**
 * The eviction subresource (pkg/registry/core/pod/storage/eviction.go): a deletion that a
 * PodDisruptionBudget may refuse.
 */
import * as z from 'zod';
import type { Cluster } from './cluster.ts';
import { checkPreconditions, deletePod, podKey, type DeleteOptions } from './deletion.ts';
import {
  conditionOf,
  isReady,
  isTerminal,
  isTerminating,
  keyOf,
  timestamp,
  withCondition,
  type DisruptionBudget,
  type Pod,
} from './objects.ts';
import { labelSelectorMatcher } from './selectors.ts';
import { badRequest, forbidden, notFound, Refusal, tooManyRequests } from './status.ts';

export const deleteOptionsSchema = z.looseObject({
  gracePeriodSeconds: z.number().int().optional(),
  preconditions: z
    .looseObject({ uid: z.string().optional(), resourceVersion: z.string().optional() })
    .optional(),
  dryRun: z.array(z.string()).optional(),
});

/** Both versions are taken (AcceptsGroupVersion), though discovery names policy/v1 only. */
const evictionSchema = z.looseObject({
  apiVersion: z.enum(['policy/v1', 'policy/v1beta1']),
  kind: z.literal('Eviction'),
  metadata: z.looseObject({ name: z.string().optional(), namespace: z.string().optional() }),
  deleteOptions: deleteOptionsSchema.optional(),
});

/** MaxDisruptedPodSize: more approved evictions than this were never confirmed. */
const maxDisruptedPods = 2000;

/**
 * Decides about an eviction and charges the budget for it.
 *
 * @param request.body the decoded Eviction
 * @param request.dryRun asked for in the query or the body
 * @returns deletes the pod
 * @throws Refusal
 */
export function evict(
  cluster: Cluster,
  request: { namespace: string; name: string; body: unknown; dryRun: boolean; user: string },
): () => void {
  const { namespace, name } = request;
  const options = deleteOptionsOf(request);
  const pod = cluster.kinds.pods.objects.get(podKey(namespace, name));
  if (pod === undefined) throw notFound({ group: '', resource: 'pods' }, name);
  if (!ignoresBudgets(pod)) {
    const budgets = budgetsOf(cluster, pod);
    if (budgets.length > 1) {
      const message =
        'This pod has more than one PodDisruptionBudget, ' +
        'which the eviction subresource does not support.';
      throw new Refusal(500, '', message);
    }
    const [budget] = budgets;
    // The budget is charged before the pod's uid is looked at, in the real server as here.
    if (budget !== undefined && !mayGoUncounted(pod, budget)) {
      charge(cluster, pod, budget, request.dryRun);
    }
  }
  checkPreconditions(pod, options);
  if (request.dryRun) return () => {};
  const departure = { reason: 'evicted', askedBy: request.user } as const;
  return () => {
    deletePod(cluster, withDisruptionTarget(cluster, pod), options, { status: 201, departure });
  };
}

/** @throws Refusal 400 */
function deleteOptionsOf(request: { name: string; body: unknown }): DeleteOptions {
  const parsed = evictionSchema.safeParse(request.body);
  if (!parsed.success)
    throw badRequest(`not a Eviction object: ${parsed.error.issues[0]?.message}`);
  const { metadata, deleteOptions } = parsed.data;
  if (metadata.name !== request.name) {
    throw badRequest('name in URL does not match name in Eviction object');
  }
  return deleteOptions ?? {};
}

/** canIgnorePDB: it disrupts nobody, or no more than it did already. */
function ignoresBudgets(pod: Pod): boolean {
  return isTerminal(pod) || pod.status.phase === 'Pending' || isTerminating(pod);
}

/** The budgets that select the pod. */
export function budgetsOf(cluster: Cluster, pod: Pod): DisruptionBudget[] {
  const all = [...cluster.kinds.budgets.objects.values()];
  return all.filter(
    (budget) =>
      budget.metadata.namespace === pod.metadata.namespace &&
      labelSelectorMatcher(budget.spec.selector)(pod.metadata.labels),
  );
}

/** An unhealthy pod is not counted by its budget, so it may go when the budget's policy lets it. */
function mayGoUncounted(pod: Pod, { spec, status }: DisruptionBudget): boolean {
  if (isReady(pod)) return false;
  if (spec.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true;
  return status.currentHealthy >= status.desiredHealthy && status.desiredHealthy > 0;
}

const violates = "Cannot evict pod as it would violate the pod's disruption budget.";

function refusedBy(message: string, retryAfterSeconds: number): Refusal {
  return tooManyRequests(violates, retryAfterSeconds, [{ reason: 'DisruptionBudget', message }]);
}

/** checkAndDecrement. @throws Refusal 429 or 403 */
function charge(cluster: Cluster, pod: Pod, budget: DisruptionBudget, dryRun: boolean): void {
  const { metadata, status } = budget;
  const { name } = metadata;
  if (status.observedGeneration < (metadata.generation ?? 0)) {
    throw refusedBy(`The disruption budget ${name} is still being processed by the server.`, 10);
  }
  const of = { group: 'policy', resource: 'poddisruptionbudget' };
  if (status.disruptionsAllowed < 0) {
    throw forbidden(of, name, 'pdb disruptions allowed is negative');
  }
  if (Object.keys(status.disruptedPods ?? {}).length > maxDisruptedPods) {
    const why = 'too many evictions not confirmed by PDB controller';
    throw forbidden(of, name, `DisruptedPods map too big - ${why}`);
  }
  if (status.disruptionsAllowed === 0) throw refusedBy(whyNoneAllowed(budget), 0);
  if (dryRun) return;
  const disruptionsAllowed = status.disruptionsAllowed - 1;
  const now = cluster.timers.now();
  cluster.kinds.budgets.objects.put({
    ...budget,
    status: {
      ...status,
      disruptionsAllowed,
      disruptedPods: { ...status.disruptedPods, [pod.metadata.name]: timestamp(now) },
      conditions: withDisruptionAllowed(budget, disruptionsAllowed, now),
    },
  });
}

function whyNoneAllowed({ metadata: { name }, status }: DisruptionBudget): string {
  const condition = conditionOf({ status }, 'DisruptionAllowed');
  const failed = condition?.status === 'False' && condition.message ? condition : undefined;
  if (failed?.reason === 'SyncFailed') {
    const why = `because it failed sync: ${failed.message}`;
    return `The disruption budget ${name} does not allow evicting pods currently ${why}`;
  }
  const { desiredHealthy: needs, currentHealthy: has } = status;
  if (has <= needs) {
    return `The disruption budget ${name} needs ${needs} healthy pods and has ${has} currently`;
  }
  const because = failed === undefined ? '' : ` (${failed.reason}): ${failed.message}`;
  return `The disruption budget ${name} does not allow evicting pods currently${because}`;
}

/** The budget's condition (k8s.io/component-helpers/apps/poddisruptionbudget). */
export function withDisruptionAllowed(
  budget: DisruptionBudget,
  disruptionsAllowed: number,
  now: number,
) {
  const allowed = disruptionsAllowed > 0;
  return withCondition(
    budget.status.conditions,
    {
      type: 'DisruptionAllowed',
      status: allowed ? 'True' : 'False',
      reason: allowed ? 'SufficientPods' : 'InsufficientPods',
      message: '',
      observedGeneration: budget.status.observedGeneration,
    },
    now,
  );
}

function withDisruptionTarget(cluster: Cluster, pod: Pod): Pod {
  const current = cluster.kinds.pods.objects.get(keyOf(pod)) ?? pod;
  const conditions = withCondition(
    current.status.conditions,
    {
      type: 'DisruptionTarget',
      status: 'True',
      reason: 'EvictionByEvictionAPI',
      message: 'Eviction API: evicting',
    },
    cluster.timers.now(),
  );
  return { ...current, status: { ...current.status, conditions } };
}

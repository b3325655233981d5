import type {
  BudgetNumbers,
  DrainPolicy,
  DrainSlice,
  Forecast,
  NodePods,
} from '../domain/drain.ts';
import type { Reason } from '../domain/reason.ts';
import type { DaemonPod, Kubernetes } from '../ports.ts';
import { classify } from './eviction.ts';
import type { Asked } from './eviction.ts';
import { daemonSetOf, judgePod } from './filters.ts';
import type { Surroundings, Verdict } from './filters.ts';
import { blockedReason, budgetOf, budgetRef, podLeft, refusedReason } from './podLeft.ts';
import type { Budgets, Judged } from './podLeft.ts';
import { fullName } from './views.ts';
import type { ObjectRef, PodView } from './views.ts';

/**
 * What draining asks of a cluster, whichever way leads in. Each method takes a batch, so that a way
 * in that pays for every question (a remote command) pays once. All throw `TroubleError`.
 */
export interface DrainApi {
  /** All pods on a node. */
  pods(node: string): Promise<PodView[]>;
  /** Those of these DaemonSets that don't exist. */
  missingDaemonSets(refs: readonly ObjectRef[]): Promise<ObjectRef[]>;
  /** Those of these disruption budgets that exist. */
  budgets(refs: readonly ObjectRef[]): Promise<BudgetNumbers[]>;
  /**
   * Asks for the evictions of these very pods, and of no others of their names, all at once. A dry
   * run is judged by the server as if it were meant, and evicts nobody.
   *
   * @returns an answer each, in the pods' order
   */
  evict(
    pods: readonly PodView[],
    how: { gracePeriodSeconds: number; dryRun: boolean },
  ): Promise<Asked[]>;
  /** The same by deletion, which no disruption budget refuses. */
  remove(pods: readonly PodView[], how: { gracePeriodSeconds: number }): Promise<Asked[]>;
}

/** A node's drain over any way into its cluster: looks, judges and words are the same for all. */
export function drainWith(
  api: DrainApi,
): Pick<Kubernetes, 'drainSlice' | 'leftToDrain' | 'foresee' | 'daemonPods'> {
  return {
    drainSlice: (node, policy, now) => drainSlice(api, node, { policy, now }),
    leftToDrain: async (node, policy, now) =>
      podsOf(await look(api, node, { policy, now }), new Map(), now),
    foresee: (node, policy, now) => foresee(api, node, { policy, now }),
    daemonPods: (node, expected) => daemonPods(api, node, expected),
  };
}

type Order = Pick<Surroundings, 'policy' | 'now'>;

/** Every pod on the node, with what the drain makes of it. */
async function look(api: DrainApi, node: string, order: Order): Promise<Judged[]> {
  // What is said to be on another node is not to be touched for this one, whatever was listed.
  const pods = (await api.pods(node)).filter((pod) => pod.node === node);
  const daemonSets = distinct(pods.flatMap((pod) => daemonSetOf(pod) ?? []));
  const missing = daemonSets.length === 0 ? [] : await api.missingDaemonSets(daemonSets);
  const missingDaemonSets = new Set(missing.map(fullName));
  return pods.map((pod) => ({ pod, verdict: judgePod(pod, { ...order, missingDaemonSets }) }));
}

function distinct(refs: readonly ObjectRef[]): ObjectRef[] {
  return [...new Map(refs.map((ref) => [fullName(ref), ref])).values()];
}

/** Looks, asks for some evictions, and says what is left and why. */
async function drainSlice(api: DrainApi, node: string, order: Order): Promise<DrainSlice> {
  const seen = await look(api, node, order);
  // As kubectl: a pod that policy keeps from leaving ends the drain before it disturbs any other.
  const refused = seen.some(({ verdict }) => verdict.kind === 'refuse');
  const stuck = refused && !order.policy.pastRefused;
  const asked = stuck ? [] : await evictSome(api, nextToEvict(seen), order.policy);
  const evictions = new Map(asked.map(({ pod, eviction }) => [pod.uid, eviction]));
  const pods = seen.map((one) => ({ ...one, eviction: evictions.get(one.pod.uid) }));
  return {
    evicted: asked.flatMap(({ pod, eviction }) =>
      eviction?.kind === 'accepted' ? [fullName(pod)] : [],
    ),
    ...podsOf(pods, await budgetsOf(api, asked), order.now),
  };
}

function podsOf(pods: readonly Judged[], budgets: Budgets, now: number): NodePods {
  return {
    left: pods.flatMap((one) => podLeft(one, budgets, now)),
    staying: pods.flatMap(({ pod, verdict }) =>
      verdict.kind === 'keep'
        ? [{ pod: fullName(pod), why: verdict.why, chosen: verdict.chosen }]
        : [],
    ),
  };
}

function toEvict(seen: readonly Judged[]): Judged[] {
  return seen.filter(
    ({ verdict }) => verdict.kind === 'evict' || (verdict.kind === 'leaving' && verdict.hurry),
  );
}

/** What the cluster can't do without (DNS, say) leaves last: only when all others are gone. */
function nextToEvict(seen: readonly Judged[]): Judged[] {
  const all = toEvict(seen);
  const others = seen.some(({ pod, verdict }) => !pod.critical && isGoing(verdict));
  return others ? all.filter(({ pod }) => !pod.critical) : all;
}

function isGoing({ kind }: Verdict): boolean {
  return kind === 'evict' || kind === 'leaving';
}

/**
 * Asks until as many evictions as the policy allows were accepted; those refused don't use that up.
 */
async function evictSome(
  api: DrainApi,
  pods: readonly Judged[],
  policy: DrainPolicy,
): Promise<Judged[]> {
  const { parallelEvictions } = policy;
  const asked: Judged[] = [];
  const rest = [...pods];
  let accepted = 0;
  while (rest.length > 0 && accepted < parallelEvictions) {
    const batch = rest.splice(0, parallelEvictions - accepted);
    const answered = answeredBy(batch, await askToLeave(api, batch, policy));
    asked.push(...answered);
    accepted += answered.filter(({ eviction }) => eviction?.kind === 'accepted').length;
    if (answered.some(({ eviction }) => eviction?.kind === 'stop')) break;
  }
  return asked;
}

function askToLeave(
  api: DrainApi,
  batch: readonly Judged[],
  { way, gracePeriodSeconds }: DrainPolicy,
): Promise<Asked[]> {
  const pods = batch.map(({ pod }) => pod);
  switch (way) {
    case 'evict':
      return api.evict(pods, { gracePeriodSeconds, dryRun: false });
    case 'delete':
      return api.remove(pods, { gracePeriodSeconds });
  }
}

function answeredBy(pods: readonly Judged[], answers: readonly Asked[]): Judged[] {
  return pods.map((one, index) => {
    const answer = answers[index];
    return answer === undefined ? one : { ...one, eviction: classify(fullName(one.pod), answer) };
  });
}

/** What would become of a drain that began now; nobody is disturbed. */
async function foresee(api: DrainApi, node: string, order: Order): Promise<Forecast> {
  const { gracePeriodSeconds, parallelEvictions, way } = order.policy;
  const seen = await look(api, node, order);
  const hopeless = seen.flatMap(({ pod, verdict }) =>
    verdict.kind === 'refuse' ? [refusedReason(pod, verdict)] : [],
  );
  const passing: Reason[] = [];
  // What is deleted asks no budget.
  const rest = way === 'delete' ? [] : toEvict(seen);
  while (rest.length > 0) {
    const batch = rest.splice(0, parallelEvictions);
    const pods = batch.map(({ pod }) => pod);
    const answers = await api.evict(pods, { gracePeriodSeconds, dryRun: true });
    const asked = answeredBy(batch, answers);
    const budgets = await budgetsOf(api, asked);
    for (const one of asked) {
      const doubt = doubtOf(one, budgets);
      if (doubt !== undefined) (doubt.passes ? passing : hopeless).push(doubt.reason);
    }
    if (asked.some(({ eviction }) => eviction?.kind === 'stop')) break;
  }
  const leaving = seen.filter(({ verdict }) => verdict.kind !== 'keep').length;
  return { leaving, hopeless, passing };
}

/** What a dry run's answer says against the drain, and whether it may pass by itself. */
function doubtOf(
  { pod, eviction }: Judged,
  budgets: Budgets,
): { reason: Reason; passes: boolean } | undefined {
  switch (eviction?.kind) {
    case 'accepted':
    case 'gone':
    case undefined:
      return undefined;
    case 'later':
    case 'stop':
      return { reason: eviction.reason, passes: true };
    case 'refused':
      return { reason: eviction.reason, passes: false };
    case 'blocked': {
      const numbers = budgetOf(pod, eviction, budgets);
      const reason = blockedReason(pod, eviction, numbers);
      return { reason, passes: numbers === undefined || !isHopeless(numbers) };
    }
  }
}

/** Even with every one of its pods healthy the budget would let none go. */
function isHopeless({ expected, desired }: BudgetNumbers): boolean {
  return expected > 0 && desired >= expected;
}

/** The numbers of the budgets that said no. */
async function budgetsOf(api: DrainApi, asked: readonly Judged[]): Promise<Budgets> {
  const refs = asked.flatMap(({ pod, eviction }) =>
    eviction?.kind === 'blocked' && eviction.budget !== '' ? [budgetRef(pod, eviction)] : [],
  );
  const found = refs.length === 0 ? [] : await api.budgets(distinct(refs));
  return new Map(found.map((numbers) => [numbers.budget, numbers]));
}

/**
 * One entry a DaemonSet; during its rollout it may have two pods here, of which one has to be
 * Ready. Between a pod and the next one it may have none.
 */
async function daemonPods(
  api: DrainApi,
  node: string,
  expected: readonly string[],
): Promise<DaemonPod[]> {
  const found = new Map<string, DaemonPod['pod']>();
  for (const pod of await api.pods(node)) {
    if (pod.controller?.kind !== 'DaemonSet') continue;
    const daemonSet = `${pod.namespace}/${pod.controller.name}`;
    const isReady = pod.ready && pod.deletion === undefined;
    if (isReady || found.get(daemonSet) === undefined) {
      found.set(daemonSet, isReady ? 'ready' : 'unready');
    }
  }
  const without = expected.filter((daemonSet) => !found.has(daemonSet));
  if (without.length > 0) {
    const missing = await api.missingDaemonSets(without.map(refOf));
    const gone = new Set(missing.map(fullName));
    for (const name of without) if (!gone.has(name)) found.set(name, 'absent');
  }
  return [...found].map(([daemonSet, pod]) => ({ daemonSet, pod }));
}

function refOf(daemonSet: string): ObjectRef {
  const [namespace = '', name = ''] = daemonSet.split('/');
  return { namespace, name };
}

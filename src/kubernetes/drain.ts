import type { DrainPolicy, DrainSlice, PodLeft } from '../domain/drain.ts';
import type { Eviction } from './eviction.ts';
import { judgePod } from './filters.ts';
import type { Verdict } from './filters.ts';
import { podName } from './views.ts';
import type { PodView } from './views.ts';

/** What draining asks of an API server. */
export interface DrainApi {
  /** All pods on a node. */
  pods(node: string): Promise<PodView[]>;
  /** Evicts this very pod, and no other of its name. */
  evict(pod: PodView, gracePeriodSeconds: number): Promise<Eviction>;
}

interface Judged {
  pod: PodView;
  verdict: Verdict;
}

/** What would have to leave the node; asks for nothing. */
export async function leftToDrain(
  api: DrainApi,
  node: string,
  policy: DrainPolicy,
): Promise<PodLeft[]> {
  return (await judged(api, node, policy)).flatMap((one) => leftOf(one, undefined));
}

/** Asks for some evictions, looks again, and says what is left and why. */
export async function drainSlice(
  api: DrainApi,
  node: string,
  policy: DrainPolicy,
): Promise<DrainSlice> {
  const before = await judged(api, node, policy);
  // As kubectl: a pod that policy keeps from leaving ends the drain before it disturbs any other.
  const stuck = before.some(({ verdict }) => verdict.kind === 'refuse');
  const toEvict = before.filter(({ verdict }) => verdict.kind === 'evict').map(({ pod }) => pod);
  if (stuck || toEvict.length === 0) {
    return { evicted: [], left: before.flatMap((one) => leftOf(one, undefined)) };
  }
  const evictions = await evictSome(api, toEvict, policy);
  const after = await judged(api, node, policy);
  return {
    evicted: toEvict
      .filter(({ uid }) => evictions.get(uid)?.kind === 'accepted')
      .map((pod) => podName(pod)),
    // By uid: a pod that came meanwhile under the same name is another, and its turn comes.
    left: after.flatMap((one) => leftOf(one, evictions.get(one.pod.uid))),
  };
}

async function judged(api: DrainApi, node: string, policy: DrainPolicy): Promise<Judged[]> {
  const pods = await api.pods(node);
  return pods
    .filter((pod) => pod.node === node)
    .map((pod) => ({ pod, verdict: judgePod(pod, policy) }));
}

/**
 * Asks until as many evictions as the policy allows were accepted; those refused don't use that up.
 */
async function evictSome(
  api: DrainApi,
  pods: readonly PodView[],
  { parallelEvictions, gracePeriodSeconds }: DrainPolicy,
): Promise<Map<string, Eviction>> {
  const evictions = new Map<string, Eviction>();
  const rest = [...pods];
  let accepted = 0;
  while (rest.length > 0 && accepted < parallelEvictions) {
    const batch = rest.splice(0, parallelEvictions - accepted);
    const answers = await Promise.all(batch.map((pod) => api.evict(pod, gracePeriodSeconds)));
    for (const [index, pod] of batch.entries()) {
      const answer = answers[index];
      if (answer !== undefined) evictions.set(pod.uid, answer);
    }
    accepted += answers.filter(({ kind }) => kind === 'accepted').length;
    if (answers.some(({ kind }) => kind === 'stop')) break;
  }
  return evictions;
}

/** A pod as it stands in the way; none when it may stay. */
function leftOf({ pod, verdict }: Judged, eviction: Eviction | undefined): PodLeft[] {
  const name = podName(pod);
  const left = (state: PodLeft['state'], reason: PodLeft['reason']): PodLeft[] => [
    { pod: name, uid: pod.uid, state, reason },
  ];
  switch (verdict.kind) {
    case 'keep':
      return [];
    case 'refuse':
      return left('refused', { kind: 'undrainable', value: `${name}: ${verdict.why}` });
    case 'leaving':
      return left('terminating', terminating(pod));
    case 'evict':
      break;
  }
  switch (eviction?.kind) {
    case 'refused':
      return left('refused', eviction.reason);
    case 'blocked':
      return left('blocked', eviction.reason);
    case 'later':
    case 'stop':
      return left('evicting', eviction.reason);
    case 'accepted':
    case 'gone':
    case undefined: {
      const value = [`${name} is to be evicted`, ...verdict.warnings].join('; ');
      return left('evicting', { kind: 'terminating', value });
    }
  }
}

function terminating(pod: PodView): PodLeft['reason'] {
  const { endsAt = '', graceSeconds = 0 } = pod.deletion ?? {};
  const value = `${podName(pod)} is terminating, its ${graceSeconds} s of grace end at ${endsAt}`;
  return { kind: 'terminating', value };
}

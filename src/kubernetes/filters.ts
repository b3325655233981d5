import type { DrainPolicy } from '../domain/drain.ts';
import { epochMs } from '../domain/instant.ts';
import { selects } from '../domain/selector.ts';
import { fullName } from './views.ts';
import type { ObjectRef, PodView } from './views.ts';

/**
 * What a drain does with a pod. The rules and their order are kubectl's
 * (kubectl pkg/drain/filters.go); unlike it we keep every warning, not only the last one's.
 */
export type Verdict =
  | { kind: 'evict'; warnings: string[] }
  /** It stays on the node while that reboots: as what belongs there, or by the policy's choice. */
  | { kind: 'keep'; why: string; chosen: boolean }
  /**
   * Its deletion was asked for already, or it ends by itself: we wait, and ask again only for one
   * that has been given longer than it may have.
   */
  | { kind: 'leaving'; hurry: boolean; why?: string }
  /** It would have to leave, and policy forbids to make it. */
  | { kind: 'refuse'; why: string };

/** What a verdict takes into account beside the pod itself. */
export interface Surroundings {
  policy: DrainPolicy;
  /** DaemonSets (`namespace/name`) that pods name and that don't exist. */
  missingDaemonSets: ReadonlySet<string>;
  /** Epoch milliseconds. */
  now: number;
}

type Finding =
  Exclude<Verdict, { kind: 'evict' }> | { kind: 'pass' } | { kind: 'warn'; warning: string };

type PodFilter = (pod: PodView, surroundings: Surroundings) => Finding;

const pass: Finding = { kind: 'pass' };
const belongs = (why: string): Finding => ({ kind: 'keep', why, chosen: false });
const chosen = (why: string): Finding => ({ kind: 'keep', why, chosen: true });

const selected: PodFilter = ({ labels }, { policy: { podSelector } }) =>
  podSelector === '' || selects(podSelector, labels)
    ? pass
    : chosen('podSelector does not select it');

/** kubectl counts from the end of the grace period, which is what deletionTimestamp says. */
const skipDeleted: PodFilter = ({ deletion }, { policy, now }) => {
  const { skipWaitForDeleteSeconds } = policy;
  if (skipWaitForDeleteSeconds === 0 || deletion === undefined) return pass;
  const seconds = Math.floor((now - epochMs(deletion.endsAt)) / 1000);
  return seconds > skipWaitForDeleteSeconds
    ? chosen(`its grace ended more than ${skipWaitForDeleteSeconds} s ago (skipWaitForDelete)`)
    : pass;
};

/**
 * DaemonSets put their pods back onto cordoned nodes, so there is no point in evicting them. One
 * that is gone puts nothing back: its pods are like those of no controller.
 */
const daemonSet: PodFilter = (pod, { policy, missingDaemonSets }) => {
  const { controller, phase } = pod;
  if (controller?.kind !== 'DaemonSet' || isFinished(phase)) return pass;
  const ref = daemonSetOf(pod);
  if (ref === undefined || !missingDaemonSets.has(fullName(ref))) {
    return belongs(`managed by DaemonSet ${controller.name}`);
  }
  const why = `its DaemonSet ${controller.name} does not exist any more`;
  return policy.evictUnmanaged
    ? { kind: 'warn', warning: why }
    : { kind: 'refuse', why: `${why} (evictUnmanaged is off)` };
};

const mirror: PodFilter = (pod) => (pod.mirror ? belongs('a static pod of the kubelet') : pass);

/**
 * A command that somebody runs in the cluster through AKS, or that we run: it ends by itself, and
 * whoever evicts it may be evicting himself. Those that failed stay where they are for ever
 * (Azure/AKS#3935).
 */
const command: PodFilter = ({ namespace, name, phase }) => {
  if (namespace !== 'aks-command' || !name.startsWith('command-')) return pass;
  return isFinished(phase)
    ? belongs('an AKS command that has ended')
    : { kind: 'leaving', hurry: false, why: 'an AKS command runs in it, until that ends' };
};

/** What leaves anyway is nobody's decision any more, whatever the rules after this one say. */
const leaving: PodFilter = ({ deletion }, { policy: { gracePeriodSeconds } }) => {
  if (deletion === undefined) return pass;
  const hurry = gracePeriodSeconds >= 0 && gracePeriodSeconds < deletion.graceSeconds;
  return { kind: 'leaving', hurry };
};

const localStorage: PodFilter = ({ emptyDir, phase }, { policy }) => {
  if (!emptyDir || isFinished(phase)) return pass;
  return policy.deleteEmptyDirData
    ? { kind: 'warn', warning: 'its emptyDir data is lost' }
    : { kind: 'refuse', why: 'it has emptyDir volumes (deleteEmptyDirData is off)' };
};

const unmanaged: PodFilter = ({ controller, phase }, { policy }) => {
  if (controller !== undefined || isFinished(phase)) return pass;
  return policy.evictUnmanaged
    ? { kind: 'warn', warning: 'nothing re-creates it' }
    : { kind: 'refuse', why: 'no controller re-creates it (evictUnmanaged is off)' };
};

const filters: readonly PodFilter[] = [
  selected,
  skipDeleted,
  daemonSet,
  mirror,
  command,
  leaving,
  localStorage,
  unmanaged,
];

/** What a drain does with a pod: the first filter that decides, or eviction with all warnings. */
export function judgePod(pod: PodView, surroundings: Surroundings): Verdict {
  const warnings: string[] = [];
  for (const filter of filters) {
    const finding = filter(pod, surroundings);
    if (finding.kind === 'warn') warnings.push(finding.warning);
    else if (finding.kind !== 'pass') return finding;
  }
  return { kind: 'evict', warnings };
}

/**
 * The DaemonSet that a pod names as its controller, if it is one whose existence can be looked up.
 * Other groups' sets of that kind (OpenKruise's, say) behave alike, and are taken to exist.
 */
export function daemonSetOf({ namespace, controller }: PodView): ObjectRef | undefined {
  if (controller?.kind !== 'DaemonSet' || controller.apiVersion !== 'apps/v1') return undefined;
  return { namespace, name: controller.name };
}

function isFinished(phase: string): boolean {
  return phase === 'Succeeded' || phase === 'Failed';
}

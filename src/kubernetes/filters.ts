import type { DrainPolicy } from '../domain/drain.ts';
import type { PodView } from './views.ts';

/**
 * What a drain does with a pod. The rules and their order are kubectl's
 * (kubectl pkg/drain/filters.go); unlike it we keep every warning, not only the last one's.
 */
export type Verdict =
  | { kind: 'evict'; warnings: string[] }
  /** It stays on the node while that reboots. */
  | { kind: 'keep'; why: string }
  /** Its deletion was asked for already; we only wait. */
  | { kind: 'leaving' }
  /** It would have to leave, and policy forbids to make it. */
  | { kind: 'refuse'; why: string };

type Finding =
  Exclude<Verdict, { kind: 'evict' }> | { kind: 'pass' } | { kind: 'warn'; warning: string };

type PodFilter = (pod: PodView, policy: DrainPolicy) => Finding;

const pass: Finding = { kind: 'pass' };

/** DaemonSets put their pods back onto cordoned nodes, so there is no point in evicting them. */
const daemonSet: PodFilter = ({ controller, phase }) =>
  controller?.kind === 'DaemonSet' && controller.apiVersion === 'apps/v1' && !isFinished(phase)
    ? { kind: 'keep', why: `managed by DaemonSet ${controller.name}` }
    : pass;

const mirror: PodFilter = (pod) =>
  pod.mirror ? { kind: 'keep', why: 'a static pod of the kubelet' } : pass;

/** What leaves anyway is nobody's decision any more, whatever the rules after this one say. */
const leaving: PodFilter = ({ deletion }) => (deletion === undefined ? pass : { kind: 'leaving' });

const localStorage: PodFilter = ({ emptyDir, phase }, { deleteEmptyDirData }) => {
  if (!emptyDir || isFinished(phase)) return pass;
  return deleteEmptyDirData
    ? { kind: 'warn', warning: 'its emptyDir data is lost' }
    : { kind: 'refuse', why: 'it has emptyDir volumes (deleteEmptyDirData is off)' };
};

const unmanaged: PodFilter = ({ controller, phase }, { evictUnmanaged }) => {
  if (controller !== undefined || isFinished(phase)) return pass;
  return evictUnmanaged
    ? { kind: 'warn', warning: 'nothing re-creates it' }
    : { kind: 'refuse', why: 'no controller re-creates it (evictUnmanaged is off)' };
};

const filters: readonly PodFilter[] = [daemonSet, mirror, leaving, localStorage, unmanaged];

/** What a drain does with a pod: the first filter that decides, or eviction with all warnings. */
export function judgePod(pod: PodView, policy: DrainPolicy): Verdict {
  const warnings: string[] = [];
  for (const filter of filters) {
    const finding = filter(pod, policy);
    if (finding.kind === 'warn') warnings.push(finding.warning);
    else if (finding.kind !== 'pass') return finding;
  }
  return { kind: 'evict', warnings };
}

function isFinished(phase: string): boolean {
  return phase === 'Succeeded' || phase === 'Failed';
}

import type { Policy } from '../policy/settings.ts';

/**
 * What a drain that does not end comes to, as its pool's settings say: first eviction, which
 * disruption budgets may refuse; if the settings want it, deletion; and at the deadline one of
 * three ends. Pure. What is beyond eviction is said in the node's outcome.
 */

type DrainSettings = Pick<Policy, 'drainTimeoutMinutes' | 'deleteAfterMinutes' | 'atDrainDeadline'>;

const minuteMs = 60_000;

/** How pods are asked to leave at that moment (epoch milliseconds). */
export function wayOf(
  { deleteAfterMinutes }: DrainSettings,
  since: number,
  now: number,
): 'evict' | 'delete' {
  const deletes = deleteAfterMinutes >= 0 && now - since >= deleteAfterMinutes * minuteMs;
  return deletes ? 'delete' : 'evict';
}

/** Whether the drain's time is up. */
export function isOverdue(
  { drainTimeoutMinutes }: DrainSettings,
  since: number,
  now: number,
): boolean {
  return now - since >= drainTimeoutMinutes * minuteMs;
}

/** Whether a node may be restarted with pods on it. */
export function mayRestartUndrained(policy: DrainSettings, since: number, now: number): boolean {
  return policy.atDrainDeadline === 'restart' && isOverdue(policy, since, now);
}

/** How pods are asked at the end, if need be. */
export function wayAtLast({ deleteAfterMinutes }: DrainSettings): 'evict' | 'delete' {
  return deleteAfterMinutes < 0 ? 'evict' : 'delete';
}

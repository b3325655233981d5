import type { BudgetNumbers, PodLeft } from '../domain/drain.ts';
import { epochMs, isoInstant } from '../domain/instant.ts';
import type { Reason } from '../domain/reason.ts';
import type { Eviction } from './eviction.ts';
import type { Verdict } from './filters.ts';
import { fullName } from './views.ts';
import type { ObjectRef, PodView } from './views.ts';

/** A pod, what the drain makes of it, and what came of asking for it, if it was asked for. */
export interface Judged {
  pod: PodView;
  verdict: Verdict;
  eviction?: Eviction | undefined;
}

/** The numbers of disruption budgets, by `namespace/name`. */
export type Budgets = ReadonlyMap<string, BudgetNumbers>;

/** A pod as it stands in the way; none when it may stay. */
export function podLeft(judged: Judged, budgets: Budgets, now: number): PodLeft[] {
  const { pod, verdict, eviction } = judged;
  const warnings = verdict.kind === 'evict' ? verdict.warnings : [];
  const base = { pod: fullName(pod), uid: pod.uid, warnings };
  switch (verdict.kind) {
    case 'keep':
      return [];
    case 'refuse':
      return [{ ...base, state: 'refused', reason: refusedReason(pod, verdict) }];
    case 'leaving':
      return [{ ...base, state: 'terminating', ...terminating(pod, verdict.why, now) }];
    case 'evict':
      break;
  }
  switch (eviction?.kind) {
    case 'refused':
      return [{ ...base, state: 'refused', reason: eviction.reason }];
    case 'blocked': {
      const budget = budgetOf(pod, eviction, budgets);
      const reason = blockedReason(pod, eviction, budget);
      return [{ ...base, state: 'blocked', reason, ...(budget && { budget }) }];
    }
    case 'later':
    case 'stop':
      return [{ ...base, state: 'evicting', reason: eviction.reason }];
    case 'accepted':
      return [{ ...base, state: 'terminating', ...justEvicted(pod, now) }];
    // It is gone, or another has its name now: the next look says.
    case 'gone':
    case undefined: {
      const value = [`${base.pod} is to be evicted`, ...warnings].join('; ');
      return [{ ...base, state: 'evicting', reason: { kind: 'terminating', value } }];
    }
  }
}

export function refusedReason(pod: PodView, { why }: { why: string }): Reason {
  return { kind: 'undrainable', value: `${fullName(pod)}: ${why}` };
}

type Blocked = Extract<Eviction, { kind: 'blocked' }>;

/** The full name of the budget that said no. */
export function budgetRef({ namespace }: ObjectRef, { budget }: Blocked): ObjectRef {
  return { namespace, name: budget };
}

export function budgetOf(
  pod: PodView,
  eviction: Blocked,
  budgets: Budgets,
): BudgetNumbers | undefined {
  return budgets.get(fullName(budgetRef(pod, eviction)));
}

/** By its numbers where they could be read; else in the server's own words. */
export function blockedReason(
  pod: PodView,
  { budget, reason }: Blocked,
  numbers: BudgetNumbers | undefined,
): Reason {
  if (numbers === undefined) return reason;
  const { healthy, expected, desired, allowed } = numbers;
  const counts = `${healthy} of ${expected} healthy, ${desired} have to be, ${allowed} may go`;
  return { kind: 'blocked', value: `${fullName(pod)} blocked by PDB ${budget}: ${counts}` };
}

function terminating(pod: PodView, why: string | undefined, now: number) {
  if (why !== undefined) {
    const reason: Reason = { kind: 'terminating', value: `${fullName(pod)}: ${why}` };
    return { since: isoInstant(now), graceSecondsLeft: 0, reason };
  }
  const { endsAt, graceSeconds } = pod.deletion ?? { endsAt: isoInstant(now), graceSeconds: 0 };
  const ends = epochMs(endsAt);
  const since = ends - graceSeconds * 1000;
  const left = Math.ceil((ends - now) / 1000);
  const grace = left > 0 ? `${left} s of its grace are left` : `its grace ended ${-left} s ago`;
  const seconds = Math.max(0, Math.round((now - since) / 1000));
  const value = `${fullName(pod)} is terminating for ${seconds} s, ${grace}`;
  const reason: Reason = { kind: 'terminating', value };
  return { since: isoInstant(since), graceSecondsLeft: Math.max(0, left), reason };
}

function justEvicted(pod: PodView, now: number) {
  const { graceSeconds } = pod;
  const value = `${fullName(pod)} was just asked to end, it has ${graceSeconds} s`;
  const reason: Reason = { kind: 'terminating', value };
  return { since: isoInstant(now), graceSecondsLeft: graceSeconds, reason };
}

import * as z from 'zod';
import { reasonSchema } from './reason.ts';

/** How a node ended a run. A small closed set: doc anchor and metric label. */
const classes = {
  done: ['rebooted', 'notNeeded', 'gone', 'replaced'],
  waiting: ['deferred', 'skipped', 'canceled'],
  person: ['unknown', 'undrainable', 'notRebooted', 'notReady', 'stillRequired', 'failed'],
} as const;

export const outcomeKinds = [...classes.done, ...classes.waiting, ...classes.person] as const;
export type OutcomeKind = (typeof outcomeKinds)[number];

export const outcomeSchema = z.object({
  kind: z.enum(outcomeKinds),
  reasons: z.array(reasonSchema),
});
export type Outcome = z.infer<typeof outcomeSchema>;

/** Whether a person has to do something about it. */
export function needsPerson(kind: OutcomeKind): boolean {
  return (classes.person as readonly OutcomeKind[]).includes(kind);
}

/**
 * How work ends that was taken away after a restart was asked for: nobody can say how the node
 * fares, and that it merely waits would be a lie.
 */
export function afterRestart(outcome: Outcome): Outcome {
  return outcome.kind === 'deferred' ? { ...outcome, kind: 'unknown' } : outcome;
}

/** How many nodes ended how. */
export const countsSchema = z.partialRecord(z.enum(outcomeKinds), z.int());
export type OutcomeCounts = z.infer<typeof countsSchema>;

export function countOutcomes(outcomes: Iterable<{ kind: OutcomeKind }>): OutcomeCounts {
  const counts: OutcomeCounts = {};
  for (const { kind } of outcomes) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

export function addCounts(a: OutcomeCounts, b: OutcomeCounts): OutcomeCounts {
  const sum: OutcomeCounts = { ...a };
  for (const kind of Object.keys(b) as OutcomeKind[]) sum[kind] = (sum[kind] ?? 0) + (b[kind] ?? 0);
  return sum;
}

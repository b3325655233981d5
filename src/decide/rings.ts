import type { OutcomeKind } from '../domain/outcome.ts';
import type { Reason } from '../domain/reason.ts';
import type { ClusterSummary } from '../domain/run.ts';

/** A ring that a run has gone through. */
export interface PassedRing {
  name: string;
  /** It was held back itself. */
  held: boolean;
  clusters: readonly { cluster: string; summary: ClusterSummary | undefined }[];
}

const manyReasons = 10;

/**
 * Why the next ring is held back, if it is: something in an earlier one went wrong, is not over, or
 * nobody knows. Pure. What merely waits in an earlier ring (a window, a hold, a stopped cluster)
 * holds nothing back.
 *
 * @param stopsOn outcomes that count as wrong
 */
export function heldBack(passed: readonly PassedRing[], stopsOn: readonly OutcomeKind[]): Reason[] {
  const values = passed.flatMap(({ name, held, clusters }) => {
    if (held) return [`ring ${name} was held back itself`];
    return clusters.flatMap(({ cluster, summary }) => {
      const why = summary === undefined ? 'left no report' : wrongIn(summary, stopsOn);
      return why === undefined ? [] : [`ring ${name}: cluster ${cluster} ${why}`];
    });
  });
  const told = values.slice(0, manyReasons);
  const more = values.length - told.length;
  const all = more > 0 ? [...told, `and ${more} clusters more`] : told;
  return all.map((value) => ({ kind: 'ring', value }));
}

function wrongIn(
  { reasons, counts }: ClusterSummary,
  stopsOn: readonly OutcomeKind[],
): string | undefined {
  const wrong = stopsOn.flatMap((kind) => {
    const count = counts[kind] ?? 0;
    return count > 0 ? [`${count} ${kind}`] : [];
  });
  if (wrong.length > 0) return `has ${wrong.join(', ')}`;
  // The run that works there may still fail: what comes of it, nobody knows.
  const busy = reasons.find(({ kind }) => kind === 'lock');
  return busy && `is still worked on: ${busy.value}`;
}

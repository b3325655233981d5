import { epochMs } from './instant.ts';
import { needsPerson } from './outcome.ts';
import type { OutcomeKind } from './outcome.ts';
import type { NodeReport } from './run.ts';

/** What of a cluster that a run has closed people want to be told about. */
export interface Attention {
  /** How many nodes need a person. */
  needsPerson: number;
  /** A node was restarted and is not proved: nothing else is begun until it is. */
  halted: boolean;
  /** Age of the oldest need that is still there; absent when there is none. */
  oldestNeedDays?: number;
}

const dayMs = 24 * 3_600_000;
const met: readonly OutcomeKind[] = ['rebooted', 'notNeeded', 'gone', 'replaced'];

/** @param now epoch milliseconds */
export function attentionOf(nodes: readonly NodeReport[], now: number): Attention {
  const ages = nodes.flatMap(({ outcome, probe }) =>
    probe?.due === undefined || met.includes(outcome.kind) ? [] : [now - epochMs(probe.due.since)],
  );
  const oldest = Math.round((Math.max(0, ...ages) / dayMs) * 10) / 10;
  return {
    needsPerson: nodes.filter(({ outcome }) => needsPerson(outcome.kind)).length,
    halted: nodes.some(isStuck) || nodes.some(waitsForStuck),
    ...(ages.length === 0 ? {} : { oldestNeedDays: oldest }),
  };
}

/** Restarted, and neither proved nor given back. */
function isStuck({ outcome, instants }: NodeReport): boolean {
  const open = instants.restartAsked !== undefined && instants.uncordoned === undefined;
  return open && needsPerson(outcome.kind);
}

function waitsForStuck({ outcome }: NodeReport): boolean {
  return outcome.reasons.some(({ kind }) => kind === 'halted');
}

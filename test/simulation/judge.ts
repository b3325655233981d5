import type { Evidence } from '../support/evidence.ts';
import {
  drainedFirst,
  leftAsFound,
  neverOutOfTheirHours,
  neverTwice,
  nothingSilent,
  oneAtATime,
  proved,
  unknownIsNo,
} from '../support/promises.ts';
import type { Play } from './play.ts';

/** A promise that was not kept. */
export interface Breach {
  promise: string;
  /** One sentence. */
  text: string;
}

const checkers: readonly (readonly [string, (evidence: Evidence) => string[]])[] = [
  ['one at a time', (evidence) => oneAtATime(evidence, 1)],
  ['drained first', (evidence) => drainedFirst(evidence)],
  ['proved', (evidence) => proved(evidence)],
  ['left as found', leftAsFound],
  ['never twice', (evidence) => neverTwice(evidence)],
  ['never out of hours', neverOutOfTheirHours],
  ['unknown is no', unknownIsNo],
  ['nothing silent', nothingSilent],
];

/** All that a play shows to be broken; nothing when every promise was kept. */
export function judge({ evidence, undone, failures }: Play): Breach[] {
  return [
    ...failures.map((error) => ({ promise: 'the simulation', text: wordsOf(error) })),
    ...checkers.flatMap(([promise, check]) => check(evidence).map((text) => ({ promise, text }))),
    ...undone.map((text) => ({ promise: 'crash anywhere', text })),
  ];
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

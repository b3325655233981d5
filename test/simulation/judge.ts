import type { Evidence } from '../support/evidence.ts';
import {
  drainedFirst,
  fleetLimit,
  leftAsFound,
  neverOutOfTheirHours,
  neverTwice,
  nothingSilent,
  oneAtATime,
  poolLimit,
  proved,
  unknownIsNo,
} from '../support/promises.ts';
import type { Play } from './play.ts';
import type { Scenario } from './scenario.ts';

/** A promise that was not kept. */
export interface Breach {
  promise: string;
  /** One sentence. */
  text: string;
}

const checkers: readonly (readonly [string, (evidence: Evidence) => string[]])[] = [
  ['one at a time', (evidence) => oneAtATime(evidence, 1)],
  [
    'one at a time',
    (evidence) => poolsOf(evidence).flatMap((pool) => poolLimit(evidence, pool, 1)),
  ],
  ['one at a time', (evidence) => fleetLimit(evidence, 1)],
  ['proved', (evidence) => proved(evidence)],
  ['left as found', leftAsFound],
  ['never twice', (evidence) => neverTwice(evidence)],
  ['never out of hours', neverOutOfTheirHours],
  ['unknown is no', unknownIsNo],
  ['nothing silent', nothingSilent],
];

/** All that a play shows to be broken; nothing when every promise was kept. */
export function judge({ evidence, undone, failures, scenario }: Play): Breach[] {
  const undrained = mayRestartUndrained(scenario) ? 'said' : 'never';
  return [
    ...failures.map((error) => ({ promise: 'the simulation', text: wordsOf(error) })),
    ...checkers.flatMap(([promise, check]) => check(evidence).map((text) => ({ promise, text }))),
    ...drainedFirst(evidence, undrained).map((text) => ({ promise: 'drained first', text })),
    ...undone.map((text) => ({ promise: 'crash anywhere', text })),
  ];
}

const poolsOf = ({ before }: Evidence) => [...new Set(before.map(({ pool }) => pool))];

/** Whether anybody's settings say that a node is restarted with what is left on it. */
const mayRestartUndrained = ({ apps }: Scenario) =>
  apps.some(({ settings }) => settings.defaults?.atDrainDeadline === 'restart');

function wordsOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

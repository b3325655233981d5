import { stepNames } from '../../src/activities/activities.ts';
import type { Dice } from './dice.ts';
import { nodeStates, requestKinds } from './scenario.ts';
import type {
  Execution,
  LockMoment,
  Moment,
  NodeChoice,
  NodeStateName,
  Point,
  When,
} from './scenario.ts';

/** How a scenario is laid out, as far as faults have to know. */
export interface Layout {
  hours: number;
  nodes: number;
  clusters: number;
  apps: number;
  /** Where a fault is to strike; anywhere when not said. */
  aim?: NodeStateName;
}

/** Steps in which something happens to a node: struck more often than the rest. */
const steps = [
  ...stepNames,
  ...Array.from({ length: 3 }, () =>
    ['cordon', 'drainSlice', 'restart', 'checkBoot', 'checkReady', 'finish', 'undo'].flat(),
  ).flat(),
];

/** States that are over within a second or two, and those in which a node waits. */
const lasts: Readonly<Record<NodeStateName, 'short' | 'long'>> = {
  adopt: 'short',
  probe: 'long',
  cordon: 'short',
  drain: 'long',
  restart: 'short',
  boot: 'long',
  ready: 'long',
  prove: 'long',
  undo: 'short',
  leave: 'short',
  end: 'short',
};
const soon = [0, 0, 0.02, 0.05, 0.1, 0.2, 0.4] as const;
/** A drain of nothing and a boot that is seen at once are over soon, too. */
const later = [0, 0, 0, 0.2, 1, 3, 10, 30] as const;

export const drawWhen = (dice: Dice): When => dice.one(['before', 'after']);

/** A state, and which of its entries: rare ones are entered only once or twice. */
function drawEntry(dice: Dice, { aim }: Layout): { state: NodeStateName; nth: number } {
  return aim === undefined
    ? { state: dice.one(nodeStates), nth: dice.small(1, 4) }
    : { state: aim, nth: dice.chance(0.8) ? 1 : 2 };
}

export function drawPoint(dice: Dice, layout: Layout): Point {
  if (layout.aim !== undefined || dice.chance(0.4)) {
    const last = layout.aim === undefined ? 9 : 4;
    return { ...drawEntry(dice, layout), exchange: dice.small(1, last) };
  }
  if (dice.chance(0.35)) return { request: dice.one(requestKinds), nth: dice.small(1, 25) };
  return { step: dice.one(steps), nth: dice.small(1, 9), exchange: dice.small(1, 9) };
}

export function drawMoment(dice: Dice, layout: Layout): Moment {
  const isAimed = layout.aim !== undefined;
  if (!isAimed && dice.chance(0.3)) return { minute: dice.whole(1, layout.hours * 60) };
  if (isAimed || dice.chance(0.6)) {
    const entry = drawEntry(dice, layout);
    return { ...entry, seconds: dice.one(lasts[entry.state] === 'long' ? later : soon) };
  }
  const line = dice.one(['cordon', 'evict', 'restart', 'annotate', 'probe', 'uncordon'] as const);
  return { line, nth: dice.small(1, 8), seconds: dice.one([0, 1, 3, 10, 30, 60, 120, 300]) };
}

/** A node, and when: mostly the one that is just being worked on. */
export function drawPlace(dice: Dice, layout: Layout): { node: NodeChoice; at: Moment } {
  const at = drawMoment(dice, layout);
  const any = dice.whole(0, layout.nodes - 1);
  const isThat = layout.aim !== undefined || (!('minute' in at) && dice.chance(0.8));
  return { node: isThat ? 'that' : any, at };
}

export function drawExecution(dice: Dice, layout: Layout): Execution {
  if (layout.aim !== undefined) {
    return { ...drawEntry(dice, layout), execution: dice.chance(0.8) ? 1 : 2 };
  }
  if (dice.chance(0.5)) return { ...drawEntry(dice, layout), execution: dice.small(1, 3) };
  return { step: dice.one(steps), nth: dice.small(1, 9) };
}

export function drawLockMoment(dice: Dice, layout: Layout): LockMoment {
  if (layout.aim !== undefined || dice.chance(0.5)) return drawEntry(dice, layout);
  const op = dice.one(['enter', 'leave', 'take', 'free', 'progress', 'hold']);
  return { op, nth: dice.small(1, 6) };
}

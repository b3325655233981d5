import { presentVersion } from './installation.ts';
import type { Dice } from './dice.ts';
import { drawFault } from './drawFaults.ts';
import type { Layout } from './drawPlaces.ts';
import { faultKinds, nodeStates } from './scenario.ts';
import type { Fault, FaultKind, FaultOf, NodeStateName, Return } from './scenario.ts';

/**
 * Faults of any kind at a node in any state: drawn so that every kind meets every state, however
 * rare the state is. What brings a node there goes with them.
 */
export function drawAimed(dice: Dice, layout: Layout, kinds: readonly FaultKind[]): Fault[] {
  const aim = dice.one(aims);
  const bait = baits[aim]?.(dice) ?? [];
  const aimed = Array.from({ length: dice.whole(1, 3) }, () =>
    drawFault(dice, { ...layout, aim }, kinds),
  );
  return [...bait, ...aimed];
}

/** Those that only few nodes come to are aimed at more often. */
const rare = ['adopt', 'undo', 'leave'] as const;
const aims: readonly NodeStateName[] = [...nodeStates, 'end', ...rare, ...rare, ...rare];

/** All kinds alike: what is there from the beginning, or needs no state, is not aimed. */
export const aimedKinds: readonly FaultKind[] = faultKinds.filter((kind) => kind !== 'otherAzure');

const lost = (dice: Dice): Return => ({
  downMinutes: dice.one([0, 1, 5, 30]),
  storage: 'historyGone',
  version: presentVersion,
});

function comesToAdopt(dice: Dice): Fault[] {
  const state = dice.one(['drain', 'restart', 'boot', 'boot', 'ready', 'prove'] as const);
  const crash = crashIn(dice, state);
  return state === 'boot' && dice.chance(0.7) ? [bootsLate, crash] : [crash];
}

const crashIn = (dice: Dice, state: NodeStateName): FaultOf<'crash'> => ({
  kind: 'crash',
  at: { state, nth: 1, exchange: dice.small(2, 5) },
  when: 'after',
  back: lost(dice),
});

/** How a node comes to a state that it usually does not come to. */
const baits: Partial<Record<NodeStateName, (dice: Dice) => Fault[]>> = {
  /** The run that works on a marked node is gone, and the next one finds the mark. */
  adopt: comesToAdopt,
  undo: (dice) =>
    dice.one<Fault[]>([
      [{ kind: 'hold', scope: 'fleet', at: { state: 'drain', nth: 1, seconds: 1 }, minutes: 20 }],
      [{ kind: 'cancel', at: { state: 'drain', nth: 1, seconds: 1 } }],
      [{ kind: 'budget', cluster: 0, at: { state: 'cordon', nth: 1, seconds: 0 }, minutes: 120 }],
      refusedFromInside,
    ]),
  leave: (dice) => dice.one([staysSilent, staysSilent, neverComesBack, keepsItsPods]),
};

/** What takes a node over an edge of its machine that hardly any other scenario takes. */
export function drawDetour(dice: Dice): Fault[] {
  return dice.one(detours)(dice);
}

const detours: readonly ((dice: Dice) => Fault[])[] = [
  // adopt > end: the mark is gone, or nobody can read it for longer than anybody waits.
  (dice) => [
    ...comesToAdopt(dice),
    dice.one<Fault>([
      { kind: 'markRemoved', node: 'that', at: { state: 'adopt', nth: 1, seconds: 0 } },
      { kind: 'deleted', node: 'that', at: { state: 'adopt', nth: 1, seconds: 0 } },
      {
        kind: 'outage',
        at: { state: 'adopt', nth: 1, seconds: 0 },
        minutes: 60,
        of: 'kubernetes',
        how: 503,
      },
    ]),
  ],
  // adopt > boot: the machine has not booted yet when the next run comes.
  (dice) => [bootsLate, { ...crashIn(dice, 'boot'), back: { ...lost(dice), downMinutes: 0 } }],
  // boot > undo
  () => refusedFromInside,
  // boot > restart > drain > leave
  () => keepsItsPods,
  // boot > restart > leave: somebody takes the cordon off meanwhile.
  () => [
    ...changesNothing,
    { kind: 'uncordonedByPerson', node: 'that', at: { state: 'boot', nth: 1, seconds: 60 } },
  ],
  // boot > restart > ready: somebody's own restart comes between the verdict and the second one.
  () => [
    ...changesNothing.map((fault) => ({ ...fault, minutes: 20 })),
    { kind: 'restartedBySomebody', node: 'that', at: { state: 'restart', nth: 2, seconds: 1 } },
    { kind: 'lateStart', of: { state: 'restart', nth: 2, execution: 1 }, minutes: 10 },
  ],
  // restart > drain: a pod comes between the drain and the restart.
  () => [{ kind: 'newPod', node: 'that', at: { state: 'restart', nth: 1, seconds: 0 } }],
];

/** The node itself says that it can't restart, where it is asked from inside. */
const refusedFromInside: Fault[] = [
  {
    kind: 'machine',
    node: 'that',
    at: { state: 'cordon', nth: 1, seconds: 0 },
    minutes: 120,
    behaviour: { restart: 'fails' },
  },
  { kind: 'settings', at: { minute: 0 }, minutes: 240, change: { defaults: guest() } },
];

const bootsLate: Fault = {
  kind: 'machine',
  node: 'that',
  at: { state: 'restart', nth: 1, seconds: 0 },
  minutes: 240,
  behaviour: { restartDelaySeconds: 1500 },
};

/** It has booted, and its kubelet says nothing for longer than anybody waits. */
const staysSilent: Fault[] = [
  {
    kind: 'flaps',
    node: 'that',
    at: { state: 'ready', nth: 1, seconds: 0 },
    times: 1,
    seconds: 5400,
  },
];

const neverComesBack: Fault[] = [
  {
    kind: 'machine',
    node: 'that',
    at: { state: 'restart', nth: 1, seconds: 0 },
    minutes: 600,
    behaviour: { returns: false },
  },
];

const changesNothing: FaultOf<'machine'>[] = [
  {
    kind: 'machine',
    node: 'that',
    at: { state: 'restart', nth: 1, seconds: 0 },
    minutes: 600,
    behaviour: { restart: 'changesNothing' },
  },
];

/** The first restart changes nothing, and before the second one there is a pod that never ends. */
const keepsItsPods: Fault[] = [
  ...changesNothing,
  { kind: 'stuckPods', node: 'that', at: { state: 'boot', nth: 1, seconds: 10 }, minutes: 600 },
];

function guest() {
  return { restartMethod: 'guest' as const };
}

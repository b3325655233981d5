import type { ProbeBehaviour, RestartBehaviour } from '../../local/azure/fleet.ts';
import { stepNames } from '../../src/activities/activities.ts';
import type { Dice } from './dice.ts';
import { drawWindow } from './drawFleet.ts';
import { newestVersion } from './installation.ts';
import { faultKinds, nodeStates, requestKinds } from './scenario.ts';
import type {
  Execution,
  Fault,
  FaultKind,
  FaultOf,
  Moment,
  NodeChoice,
  NodeStateName,
  Point,
  Return,
  SettingsChange,
  When,
} from './scenario.ts';

/** How a scenario is laid out, as far as faults have to know. */
export interface Layout {
  hours: number;
  nodes: number;
  clusters: number;
  apps: number;
}

/** How many faults of that kind may be drawn. */
type Draw<K extends FaultKind> = (dice: Dice, layout: Layout) => FaultOf<K>;

/** Draws a fault of any of these kinds. */
export function drawFault(dice: Dice, layout: Layout, kinds: readonly FaultKind[] = usual): Fault {
  return draws[dice.one(kinds)](dice, layout);
}

/** Steps in which something happens to a node: struck more often than the rest. */
const steps = [
  ...stepNames,
  ...Array.from({ length: 3 }, () =>
    ['cordon', 'drainSlice', 'restart', 'checkBoot', 'checkReady', 'finish', 'undo'].flat(),
  ).flat(),
];

/** A state, and which of its entries: rare ones are entered only once or twice. */
function drawEntry(dice: Dice): { state: NodeStateName; nth: number } {
  return { state: dice.one(nodeStates), nth: dice.small(1, 4) };
}

function drawPoint(dice: Dice): Point {
  if (dice.chance(0.4)) return { ...drawEntry(dice), exchange: dice.small(1, 9) };
  if (dice.chance(0.35)) {
    return { request: dice.one(requestKinds), nth: dice.small(1, 25) };
  }
  return { step: dice.one(steps), nth: dice.small(1, 9), exchange: dice.small(1, 9) };
}

function drawMoment(dice: Dice, { hours }: Layout): Moment {
  if (dice.chance(0.3)) return { minute: dice.whole(1, hours * 60) };
  if (dice.chance(0.6)) {
    const entry = drawEntry(dice);
    return { ...entry, seconds: dice.one(lasts[entry.state] === 'long' ? later : soon) };
  }
  const line = dice.one(['cordon', 'evict', 'restart', 'annotate', 'probe', 'uncordon'] as const);
  return { line, nth: dice.small(1, 8), seconds: dice.one([0, 1, 3, 10, 30, 60, 120, 300]) };
}

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
const soon = [0, 0.05, 0.1, 0.2, 0.3, 0.5, 1] as const;
const later = [0, 1, 3, 10, 30, 60, 120] as const;

const drawWhen = (dice: Dice): When => dice.one(['before', 'after']);

export function drawReturn(dice: Dice): Return {
  return {
    downMinutes: dice.one([0, 1, 1, 5, 5, 30, 60, 190, 300]),
    storage: dice.chance(0.6)
      ? 'kept'
      : dice.one(['gone', 'gone', 'historyGone', 'documentsGone'] as const),
    version: dice.chance(0.7) ? '1.0' : dice.one(['1.1', newestVersion, '0.9']),
  };
}

function drawRetryAfter(dice: Dice): { retryAfter?: string } {
  if (dice.chance(0.3)) return {};
  return { retryAfter: dice.one(['1', '17', '300', '1200', 'Mon, 05 Jan 2026 23:00:00 GMT', 'x']) };
}

function drawSettingsChange(dice: Dice): SettingsChange {
  const defaults = dice.one<NonNullable<SettingsChange['defaults']>>([
    { windows: [drawWindow(dice)] },
    { windows: [] },
    { concurrency: dice.whole(1, 3) },
    { pollSeconds: dice.whole(5, 120) },
    { drainTimeoutMinutes: dice.whole(1, 60) },
    { readyForSeconds: dice.whole(0, 300) },
    { bootTimeoutMinutes: dice.whole(30, 60) },
    { cordonedByPerson: 'reboot' },
  ]);
  return { defaults };
}

const probes: readonly ProbeBehaviour[] = [
  'agentDead',
  'hangs',
  'conflict',
  'fails',
  'garbled',
  'silent',
  'noBootId',
  'otherBootId',
];
const restarts: readonly RestartBehaviour[] = [
  'neverStarts',
  'changesNothing',
  'fails',
  'reimages',
];

const drawBehaviour = (dice: Dice): FaultOf<'machine'>['behaviour'] => {
  switch (dice.whole(0, 5)) {
    case 0:
    case 1:
      return { probe: dice.one(probes) };
    case 2:
      return { restart: dice.one(restarts) };
    case 3:
      return { returns: false };
    case 4:
      return { restartDelaySeconds: dice.one([300, 900, 1500, 2400]) };
    default:
      return dice.chance(0.5)
        ? { bootSeconds: dice.one([300, 900, 2400]) }
        : { sentinelReturnsHours: dice.one([0, 1]) };
  }
};

const outages = ['drop', 'timeout', 401, 403, 429, 500, 503] as const;
/** A node, and when: mostly the one that is just being worked on. */
function drawPlace(dice: Dice, layout: Layout): { node: NodeChoice; at: Moment } {
  const at = drawMoment(dice, layout);
  const any = dice.whole(0, layout.nodes - 1);
  return { node: !('minute' in at) && dice.chance(0.8) ? 'that' : any, at };
}

const draws: { [K in FaultKind]: Draw<K> } = {
  answer: (dice) => ({
    kind: 'answer',
    at: drawPoint(dice),
    when: drawWhen(dice),
    status: dice.one([400, 401, 403, 404, 408, 409, 410, 429, 429, 500, 502, 503]),
    ...drawRetryAfter(dice),
    ...(dice.chance(0.1) ? { code: 'ScopeLocked' } : {}),
  }),
  drop: (dice) => ({ kind: 'drop', at: drawPoint(dice), when: drawWhen(dice) }),
  timeout: (dice) => ({
    kind: 'timeout',
    at: drawPoint(dice),
    when: dice.one(['before', 'after', 'late']),
  }),
  slow: (dice) => ({ kind: 'slow', at: drawPoint(dice), seconds: dice.whole(1, 18) }),
  garbage: (dice) => ({
    kind: 'garbage',
    at: drawPoint(dice),
    how: dice.one(['html', 'cut', 'empty', 'types', 'object', 'object']),
  }),
  stale: (dice) => ({
    kind: 'stale',
    at: { request: dice.one(['cluster', 'instance', 'instances']), nth: dice.small(2, 25) },
  }),
  crash: (dice) => ({
    kind: 'crash',
    at: drawPoint(dice),
    when: drawWhen(dice),
    back: drawReturn(dice),
  }),
  lateStart: (dice) => ({
    kind: 'lateStart',
    of: drawExecution(dice),
    minutes: drawLateness(dice),
  }),
  lateEnd: (dice) => ({ kind: 'lateEnd', of: drawExecution(dice), minutes: drawLateness(dice) }),
  twice: (dice) => ({
    kind: 'twice',
    of: drawExecution(dice),
    counts: dice.one(['first', 'second']),
  }),
  ghost: (dice) => ({ kind: 'ghost', of: drawExecution(dice), minutes: drawLateness(dice) }),
  lockTwice: (dice) => ({
    kind: 'lockTwice',
    of: dice.chance(0.5)
      ? drawEntry(dice)
      : {
          op: dice.one(['enter', 'leave', 'take', 'free', 'progress', 'hold']),
          nth: dice.small(1, 6),
        },
    counts: dice.one(['first', 'second']),
  }),
  stop: (dice, layout) => ({ kind: 'stop', at: drawMoment(dice, layout), back: drawReturn(dice) }),
  settings: (dice, layout) => ({
    kind: 'settings',
    at: drawMoment(dice, layout),
    minutes: dice.whole(2, 240),
    change: drawSettingsChange(dice),
  }),
  badSettings: (dice, layout) => ({
    kind: 'badSettings',
    at: drawMoment(dice, layout),
    minutes: dice.whole(1, 90),
    text: dice.one(['', '{', '{"controller":"app","clusters":[]}', 'null']),
  }),
  storageGone: (dice, layout) => ({
    kind: 'storageGone',
    at: drawMoment(dice, layout),
    what: 'documents',
  }),
  outage: (dice, layout) => ({
    kind: 'outage',
    at: drawMoment(dice, layout),
    minutes: dice.one([1, 5, 20, 60, 180]),
    of: dice.one(['arm', 'kubernetes', 'client', 'documents']),
    how: dice.one(outages),
  }),
  machine: (dice, layout) => ({
    kind: 'machine',
    ...(dice.chance(0.5)
      ? { node: dice.whole(0, layout.nodes - 1), at: { minute: 0 } }
      : drawPlace(dice, layout)),
    minutes: dice.one([20, 60, 120, 240, 600]),
    behaviour: drawBehaviour(dice),
  }),
  restartedBySomebody: (dice, layout) => ({
    kind: 'restartedBySomebody',
    ...drawPlace(dice, layout),
  }),
  flaps: (dice, layout) => ({
    kind: 'flaps',
    ...drawPlace(dice, layout),
    times: dice.whole(1, 6),
    seconds: dice.one([5, 20, 60, 300]),
  }),
  deleted: (dice, layout) => ({
    kind: 'deleted',
    ...drawPlace(dice, layout),
  }),
  reimaged: (dice, layout) => ({
    kind: 'reimaged',
    ...drawPlace(dice, layout),
    newNode: dice.chance(0.5),
  }),
  sentinel: (dice, layout) => ({
    kind: 'sentinel',
    ...drawPlace(dice, layout),
    packages: dice.one([null, [], ['linux-image-5.15.0-1097-azure']]),
  }),
  state: (dice, layout) => ({
    kind: 'state',
    cluster: dice.whole(0, layout.clusters - 1),
    at: drawMoment(dice, layout),
    minutes: dice.one([2, 15, 60, 240]),
    state: dice.one(['Upgrading', 'Updating', 'Failed', 'Canceled']),
    pool: dice.chance(0.5),
  }),
  budget: (dice, layout) => ({
    kind: 'budget',
    cluster: dice.whole(0, layout.clusters - 1),
    at: drawMoment(dice, layout),
    minutes: dice.one([1, 5, 30, 120]),
  }),
  stuckPods: (dice, layout) => ({
    kind: 'stuckPods',
    ...(dice.chance(0.5)
      ? { node: dice.whole(0, layout.nodes - 1), at: { minute: 1 } }
      : drawPlace(dice, layout)),
    minutes: dice.one([10, 60, 240]),
  }),
  newPod: (dice, layout) => ({
    kind: 'newPod',
    ...drawPlace(dice, layout),
  }),
  denied: (dice, layout) => ({
    kind: 'denied',
    at: drawMoment(dice, layout),
    minutes: dice.one([5, 60, 240]),
    action: dice.one([
      'Microsoft.ContainerService/managedClusters/read',
      'Microsoft.ContainerService/managedClusters/listClusterUserCredential/action',
      'Microsoft.Compute/virtualMachineScaleSets/virtualMachines/restart/action',
      'Microsoft.Compute/virtualMachineScaleSets/virtualMachines/runCommand/action',
      'Microsoft.Compute/virtualMachineScaleSets/virtualMachines/read',
      'Microsoft.Compute/virtualMachineScaleSets/read',
      'Microsoft.Compute/locations/operations/read',
    ]),
  }),
  otherAzure: (dice) => ({
    kind: 'otherAzure',
    change: dice.one<FaultOf<'otherAzure'>['change']>([
      { faults: { operationHeaders: 'locationOnly' } },
      { faults: { restartFinalStatus: 204 } },
      { faults: { instanceState: 'stays' } },
      { timings: { operationKeepMinutes: 0 } },
      { timings: { runCommandSeconds: 300 } },
      { pageSize: 1 },
      { throttling: true },
    ]),
  }),
  cordonedByPerson: (dice, layout) => ({
    kind: 'cordonedByPerson',
    ...drawPlace(dice, layout),
  }),
  uncordonedByPerson: (dice, layout) => ({
    kind: 'uncordonedByPerson',
    ...drawPlace(dice, layout),
  }),
  drainedByPerson: (dice, layout) => ({
    kind: 'drainedByPerson',
    ...drawPlace(dice, layout),
  }),
  markRemoved: (dice, layout) => ({
    kind: 'markRemoved',
    ...drawPlace(dice, layout),
  }),
  markSpoiled: (dice, layout) => ({
    kind: 'markSpoiled',
    ...drawPlace(dice, layout),
    text: dice.one(['', '{}', 'null', '{"version":2}', '<b>x</b>']),
  }),
  scaledIn: (dice, layout) => ({
    kind: 'scaledIn',
    ...drawPlace(dice, layout),
    minutes: dice.whole(1, 10),
  }),
  hold: (dice, layout) => ({
    kind: 'hold',
    scope: dice.one(['fleet', 'cluster']),
    at: drawMoment(dice, layout),
    minutes: dice.one([3, 20, 120]),
  }),
  cancel: (dice, layout) => ({ kind: 'cancel', at: drawMoment(dice, layout) }),
  extraRun: (dice, layout) => ({
    kind: 'extraRun',
    at: drawMoment(dice, layout),
    dryRun: dice.chance(0.3),
  }),
  takeOver: (dice, layout) => ({
    kind: 'takeOver',
    app: dice.whole(0, layout.apps - 1),
    at: drawMoment(dice, layout),
  }),
};

function drawExecution(dice: Dice): Execution {
  if (dice.chance(0.5)) return { ...drawEntry(dice), execution: dice.small(1, 3) };
  return { step: dice.one(steps), nth: dice.small(1, 9) };
}

const drawLateness = (dice: Dice) => dice.one([1, 3, 10, 45, 100, 200, 400]);

/** Crashes and strikes in the middle of a step are what everything has to survive: more of them. */
const usual: readonly FaultKind[] = [
  ...faultKinds,
  ...(['answer', 'drop', 'timeout', 'crash', 'crash', 'crash', 'ghost', 'lateStart'] as const),
];

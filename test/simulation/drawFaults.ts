import type { ProbeBehaviour, RestartBehaviour } from '../../local/azure/fleet.ts';
import type { Dice } from './dice.ts';
import { drawExecution, drawLockMoment, drawMoment, drawPlace, drawPoint } from './drawPlaces.ts';
import { drawWhen } from './drawPlaces.ts';
import type { Layout } from './drawPlaces.ts';
import { drawSettingsChange } from './drawSettings.ts';
import { newestVersion, presentVersion } from './installation.ts';
import { otherAzures } from './otherAzures.ts';
import { faultKinds, runParts } from './scenario.ts';
import type { Fault, FaultKind, FaultOf, Return } from './scenario.ts';

/** How a fault of that kind is drawn. */
type Draw<K extends FaultKind> = (dice: Dice, layout: Layout) => FaultOf<K>;

/** Draws a fault of any of these kinds. */
export function drawFault(dice: Dice, layout: Layout, kinds: readonly FaultKind[] = usual): Fault {
  return draws[dice.one(kinds)](dice, layout);
}

export function drawReturn(dice: Dice): Return {
  return {
    downMinutes: dice.one([0, 1, 1, 5, 5, 30, 60, 190, 300]),
    storage: dice.chance(0.6)
      ? 'kept'
      : dice.one(['gone', 'gone', 'historyGone', 'documentsGone'] as const),
    version: dice.chance(0.7) ? presentVersion : dice.one(['1.1', newestVersion, '0.9']),
  };
}

function drawRetryAfter(dice: Dice): { retryAfter?: string } {
  if (dice.chance(0.3)) return {};
  return { retryAfter: dice.one(['1', '17', '300', '1200', 'Mon, 05 Jan 2026 23:00:00 GMT', 'x']) };
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
  'happensUnseen',
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

const outages = ['drop', 'timeout', 'slow', 401, 403, 410, 429, 500, 503] as const;

const draws: { [K in FaultKind]: Draw<K> } = {
  answer: (dice, layout) => ({
    kind: 'answer',
    at: drawPoint(dice, layout),
    when: drawWhen(dice),
    status: dice.one([400, 401, 403, 404, 408, 409, 410, 429, 429, 500, 502, 503]),
    ...drawRetryAfter(dice),
    ...(dice.chance(0.1) ? { code: 'ScopeLocked' } : {}),
  }),
  drop: (dice, layout) => ({ kind: 'drop', at: drawPoint(dice, layout), when: drawWhen(dice) }),
  timeout: (dice, layout) => ({
    kind: 'timeout',
    at: drawPoint(dice, layout),
    when: dice.one(['before', 'after', 'late']),
  }),
  slow: (dice, layout) => ({
    kind: 'slow',
    at: drawPoint(dice, layout),
    seconds: dice.whole(1, 18),
  }),
  garbage: (dice, layout) => ({
    kind: 'garbage',
    at: drawPoint(dice, layout),
    how: dice.one(['html', 'cut', 'empty', 'types', 'object', 'object']),
  }),
  stale: (dice, layout) => ({
    kind: 'stale',
    at:
      layout.aim !== undefined || dice.chance(0.5)
        ? drawPoint(dice, layout)
        : { request: dice.one(['cluster', 'instance', 'instances']), nth: dice.small(2, 25) },
  }),
  expired: (dice, layout) => ({ kind: 'expired', at: drawPoint(dice, layout) }),
  freeze: (dice, layout) => ({
    kind: 'freeze',
    at: drawPoint(dice, layout),
    when: drawWhen(dice),
    minutes: dice.one([2, 10, 45, 120, 240]),
    whole: dice.chance(0.5),
  }),
  crash: (dice, layout) => ({
    kind: 'crash',
    at: drawPoint(dice, layout),
    when: drawWhen(dice),
    back: drawReturn(dice),
  }),
  lateStart: (dice, layout) => ({
    kind: 'lateStart',
    of: drawExecution(dice, layout),
    minutes: drawLateness(dice),
  }),
  lateEnd: (dice, layout) => ({
    kind: 'lateEnd',
    of: drawExecution(dice, layout),
    minutes: drawLateness(dice),
  }),
  twice: (dice, layout) => ({
    kind: 'twice',
    of: drawExecution(dice, layout),
    counts: dice.one(['first', 'second']),
  }),
  lostEnd: (dice, layout) => ({
    kind: 'lostEnd',
    of: drawExecution(dice, layout),
    minutes: dice.one([0, 1, 5, 5, 60]),
  }),
  ghost: (dice, layout) => ({
    kind: 'ghost',
    of: drawExecution(dice, layout),
    minutes: drawLateness(dice),
  }),
  lockTwice: (dice, layout) => ({
    kind: 'lockTwice',
    of: drawLockMoment(dice, layout),
    counts: dice.one(['first', 'second']),
  }),
  stalled: (dice, layout) => ({
    kind: 'stalled',
    of: drawLockMoment(dice, layout),
    minutes: dice.one([1, 5, 30, 90]),
  }),
  killed: (dice, layout) => ({
    kind: 'killed',
    at: drawMoment(dice, layout),
    back: drawReturn(dice),
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
    of: dice.one(['arm', 'kubernetes', 'client', 'documents', 'identity']),
    how: dice.one(outages),
  }),
  machine: (dice, layout) => ({
    kind: 'machine',
    ...(layout.aim === undefined && dice.chance(0.5)
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
    seconds: dice.one([5, 20, 60, 300, 1800]),
  }),
  deleted: (dice, layout) => ({
    kind: 'deleted',
    ...drawPlace(dice, layout),
  }),
  nodeDeleted: (dice, layout) => ({
    kind: 'nodeDeleted',
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
    ...(layout.aim === undefined && dice.chance(0.5)
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
  commands: (dice, layout) => ({
    kind: 'commands',
    at: drawMoment(dice, layout),
    minutes: dice.one([1, 10, 60]),
    behaviour: dice.one(['pullFails', 'hangs', 'cut']),
  }),
  announced: (dice, layout) => ({
    kind: 'announced',
    ...drawPlace(dice, layout),
    minutes: dice.one([2, 15, 120]),
  }),
  otherAzure: (dice) => ({
    kind: 'otherAzure',
    change: dice.one(otherAzures),
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
    how: dice.one(['usual', 'dryRun', 'forced', 'recover']),
  }),
  takeOver: (dice, layout) => ({
    kind: 'takeOver',
    app: dice.whole(0, layout.apps - 1),
    at: drawMoment(dice, layout),
  }),
  terminated: (dice, layout) => ({
    kind: 'terminated',
    part: dice.one(runParts),
    at: drawMoment(dice, layout),
  }),
};

const drawLateness = (dice: Dice) => dice.one([1, 3, 10, 45, 100, 200, 400]);

/** Crashes and strikes in the middle of a step are what everything has to survive: more of them. */
const usual: readonly FaultKind[] = [
  ...faultKinds,
  ...(['answer', 'drop', 'timeout', 'crash', 'crash', 'crash', 'ghost', 'lateStart'] as const),
];

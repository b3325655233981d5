import type { FleetInput } from '../support/fleets.ts';
import { clusterId } from '../support/fleets.ts';
import type { Dice } from './dice.ts';
import type { AppPlan, SettingsChange } from './scenario.ts';

/** Instants around which clocks change somewhere, and quiet ones. */
const starts = [
  '2026-01-05T22:00:00Z',
  '2026-03-28T21:00:00Z',
  '2026-03-29T00:10:00Z',
  '2026-10-24T22:00:00Z',
  '2026-04-04T13:00:00Z',
  '2026-06-30T23:30:00Z',
];
const zones = ['UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe'];
const everyDay = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
const packages = ['linux-image-5.15.0-1096-azure', 'linux-base'];

/** A small fleet: what goes wrong goes wrong in small ones too, and they are quick. */
export function drawFleet(dice: Dice): FleetInput {
  const clusters = dice.chance(0.15) ? 2 : 1;
  return {
    name: 'simulated',
    startsAt: dice.one(starts),
    throttling: dice.chance(0.3),
    timings: {
      runCommandSeconds: dice.whole(5, 60),
      spread: 0.5,
      restartDelaySeconds: dice.whole(5, 60),
      bootSeconds: dice.whole(20, 120),
      kubeletSeconds: dice.whole(5, 30),
      podStartSeconds: dice.whole(2, 10),
    },
    clusters: Array.from({ length: clusters }, (_, index) => drawCluster(dice, index)),
  };
}

function drawCluster(dice: Dice, index: number) {
  const pools = [drawPool(dice, 'web', 'System', dice.whole(1, 3))];
  if (dice.chance(0.4)) pools.push(drawPool(dice, 'work', 'User', dice.whole(1, 2)));
  return {
    id: clusterId(index === 0 ? 'shop' : 'bank'),
    access: dice.chance(0.2) ? 'local' : 'entra',
    pools,
    workloads: drawWorkloads(dice),
  };
}

function drawPool(dice: Dice, name: string, mode: string, count: number) {
  const nodes: Record<number, object> = {};
  for (let index = 0; index < count; index += 1) {
    if (dice.chance(0.2)) nodes[index] = { sentinelGone: true };
    else if (dice.chance(0.08)) nodes[index] = { cordoned: true };
  }
  return {
    name,
    mode,
    count,
    type: dice.chance(0.2) ? 'VirtualMachines' : 'VirtualMachineScaleSets',
    each: { packages: dice.chance(0.1) ? [] : packages },
    nodes,
    ...(dice.chance(0.3) ? { zones: ['1', '2', '3'] } : {}),
  };
}

function drawWorkloads(dice: Dice) {
  const seconds = { terminationSeconds: dice.whole(1, 20), startSeconds: dice.whole(1, 10) };
  return [
    { kind: 'DaemonSet', namespace: 'kube-system', name: 'kube-proxy' },
    { kind: 'Deployment', name: 'storefront', replicas: dice.whole(1, 4), ...seconds },
    ...(dice.chance(0.4)
      ? [{ kind: 'StatefulSet', name: 'ledger', replicas: dice.whole(1, 3), maxUnavailable: 1 }]
      : []),
    ...(dice.chance(0.15) ? [{ kind: 'StaticPod', namespace: 'kube-system', name: 'static' }] : []),
    ...(dice.chance(0.2)
      ? [{ kind: 'Job', name: 'sweep', replicas: 1, completesSeconds: dice.whole(60, 5000) }]
      : []),
    ...(dice.chance(0.2)
      ? [{ kind: 'Deployment', name: 'slow', replicas: 1, terminationSeconds: 100 }]
      : []),
  ];
}

export function drawApp(dice: Dice, controller: string, from: number): AppPlan {
  const skews = dice.chance(0.3);
  return {
    controller,
    from,
    settings: drawSettings(dice),
    schedule: dice.one(['0 0 * * * *', '0 */30 * * * *', '30 7,37 * * * *']),
    skew: {
      host: skews ? dice.whole(-90, 90) : 0,
      activities: skews ? dice.whole(-90, 90) : 0,
    },
  };
}

function drawSettings(dice: Dice): SettingsChange {
  return {
    claim: dice.chance(0.3) ? 'release' : 'keep',
    defaults: {
      concurrency: dice.chance(0.25) ? 2 : 1,
      pollSeconds: dice.whole(10, 60),
      readyForSeconds: dice.whole(0, 120),
      soakSeconds: dice.chance(0.7) ? 0 : dice.whole(30, 600),
      drainTimeoutMinutes: dice.whole(2, 8),
      readyTimeoutMinutes: dice.whole(5, 20),
      probeMaxAgeHours: dice.whole(0, 4),
      minReadyInPool: dice.chance(0.7) ? 0 : 1,
      ...(dice.chance(0.1) ? { cordonedByPerson: 'reboot' as const } : {}),
      ...(dice.chance(0.4) ? { windows: [drawWindow(dice)] } : {}),
      ...(dice.chance(0.5)
        ? { expectedDrainMinutes: dice.whole(1, 15), expectedRestartMinutes: dice.whole(3, 30) }
        : {}),
    },
  };
}

export function drawWindow(dice: Dice) {
  const hour = String(dice.whole(0, 23)).padStart(2, '0');
  return {
    days: [...everyDay],
    start: `${hour}:${dice.one(['00', '30', '45'])}`,
    durationMinutes: dice.whole(2, 16) * 60,
    timeZone: dice.one(zones),
  };
}

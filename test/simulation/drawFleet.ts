import type { FleetInput } from '../support/fleets.ts';
import { clusterId } from '../support/fleets.ts';
import type { Dice } from './dice.ts';
import { starts } from './drawTimes.ts';
import type { AksSchedule } from './scenario.ts';

const packages = ['linux-image-5.15.0-1096-azure', 'linux-base'];

/** A small fleet: what goes wrong goes wrong in small ones too, and they are quick. */
export function drawFleet(dice: Dice, aks: AksSchedule | undefined): FleetInput {
  const clusters = dice.chance(0.15) ? 2 : 1;
  return {
    name: 'simulated',
    startsAt: dice.one(starts),
    throttling: dice.chance(0.3),
    timings: {
      commandSeconds: dice.whole(1, 10),
      runCommandSeconds: dice.whole(5, 60),
      spread: 0.5,
      restartDelaySeconds: dice.whole(5, 60),
      bootSeconds: dice.whole(20, 120),
      kubeletSeconds: dice.whole(5, 30),
      // Now and then so long that a node is Ready well before its DaemonSet pods.
      podStartSeconds: dice.one([2, 3, 4, 5, 7, 10, 180]),
    },
    clusters: drawClusters(dice, clusters, aks),
  };
}

function drawClusters(dice: Dice, count: number, aks: AksSchedule | undefined) {
  const clusters = Array.from({ length: count }, (_, index) => drawCluster(dice, index, aks));
  const places = clusters.flatMap(({ id, pools }) =>
    pools.flatMap((pool) =>
      Array.from({ length: pool.count }, (_, index) => ({ cluster: id, pool: pool.name, index })),
    ),
  );
  const [liar] = clusters.flatMap(({ pools }) => pools);
  if (places.length > 1 && liar !== undefined && dice.chance(0.05)) {
    liar.nodes[0] = { ...liar.nodes[0], providerIdOf: dice.one(places.slice(1)) };
  }
  return clusters;
}

function drawCluster(dice: Dice, index: number, aks: AksSchedule | undefined) {
  const pools = [drawPool(dice, 'web', 'System', dice.whole(1, 3))];
  if (dice.chance(0.4)) pools.push(drawPool(dice, 'work', 'User', dice.whole(1, 2)));
  return {
    id: clusterId(index === 0 ? 'shop' : 'bank'),
    access: dice.chance(0.2) ? 'local' : 'entra',
    pools,
    maintenance: aks === undefined ? [] : [maintenanceOf(aks)],
    workloads: drawWorkloads(dice),
  };
}

const maintenanceOf = ({ start, durationMinutes, timeZone }: AksSchedule) => ({
  name: 'aksManagedNodeOSUpgradeSchedule',
  properties: {
    maintenanceWindow: {
      schedule: { daily: { intervalDays: 1 } },
      durationHours: durationMinutes / 60,
      utcOffset: timeZone,
      startTime: start,
    },
  },
});

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

import { parseFleet } from './fleet.ts';
import type { Fleet, Timings } from './fleet.ts';
import { seededRandom, uuid } from './random.ts';

export interface GeneratedFleet {
  clusters: number;
  nodesPerCluster: number;
  seed: number;
  /** How many of the nodes need a reboot, 0 to 1; all of them when not said. */
  needShare?: number;
  /** Every so manieth pool is one of standalone VMs; none when not said. */
  standaloneEvery?: number;
  /** At most so many nodes in a pool; 100 when not said. */
  poolSize?: number;
  podsPerNode?: number;
  timings?: Partial<Timings>;
  throttling?: boolean;
}

/** A uniform fleet of any size, for benches and simulations; all clusters in one subscription. */
export function generateFleet(wanted: GeneratedFleet): Fleet {
  const random = seededRandom(wanted.seed, 'fleet');
  const subscription = uuid(random);
  const { podsPerNode = 1 } = wanted;
  const clusters = Array.from({ length: wanted.clusters }, (_, index) => ({
    id:
      `/subscriptions/${subscription}/resourceGroups/bench/providers` +
      `/Microsoft.ContainerService/managedClusters/bench-${index}`,
    pools: pools(wanted, random),
    workloads: [
      { kind: 'DaemonSet', namespace: 'kube-system', name: 'kube-proxy' },
      { kind: 'Deployment', name: 'app', replicas: wanted.nodesPerCluster * podsPerNode },
    ],
  }));
  const read = parseFleet({
    name: `${wanted.clusters} × ${wanted.nodesPerCluster}`,
    seed: wanted.seed,
    throttling: wanted.throttling ?? true,
    timings: wanted.timings ?? {},
    clusters,
  });
  if (read.kind === 'problems') throw new Error(JSON.stringify(read.value));
  return read.value;
}

function pools(wanted: GeneratedFleet, random: () => number) {
  const { nodesPerCluster, poolSize = 100, needShare = 1, standaloneEvery } = wanted;
  const count = Math.ceil(nodesPerCluster / poolSize);
  return Array.from({ length: count }, (_, index) => {
    const size = Math.min(poolSize, nodesPerCluster - index * poolSize);
    const standalone = standaloneEvery !== undefined && (index + 1) % standaloneEvery === 0;
    const idle = Array.from({ length: size }, (_, node) => node).filter(
      () => random() >= needShare,
    );
    return {
      name: `pool${index}`,
      mode: index === 0 ? 'System' : 'User',
      type: standalone ? 'VirtualMachines' : 'VirtualMachineScaleSets',
      count: size,
      each: { packages: ['linux-image-5.15.0-1096-azure'] },
      nodes: Object.fromEntries(idle.map((node) => [node, { sentinelGone: true }])),
    };
  });
}

import { parseFleet, readFleet } from '../../local/azure/fleet.ts';
import type { Fleet } from '../../local/azure/fleet.ts';

/** A fleet as its file spells it, defaults left out. */
export type FleetInput = Record<string, unknown>;

export const subscription = '8d2f1b64-3c1e-4b0a-9f57-6a1c2e9d4b10';
export const clusterId = (name: string) =>
  `/subscriptions/${subscription}/resourceGroups/tests/providers` +
  `/Microsoft.ContainerService/managedClusters/${name}`;

/** A sentinel whose reboot brings another kernel. */
export const needsReboot = { packages: ['linux-image-5.15.0-1096-azure', 'linux-base'] };

/** A DaemonSet, and a workload that lets a drain through at once. */
export const usualWorkloads = [
  { kind: 'DaemonSet', namespace: 'kube-system', name: 'kube-proxy' },
  { kind: 'Deployment', name: 'storefront', replicas: 3 },
];

/** Machines that boot fast: what a test does not ask about should not take its time. */
const quick = { restartDelaySeconds: 15, bootSeconds: 30, runCommandSeconds: 20 };

export interface ShopOptions {
  /** Nodes of pool `web`; all of them need a reboot. */
  count?: number;
  /** What is different for single nodes, by index. */
  nodes?: Record<number, Record<string, unknown>>;
  workloads?: readonly Record<string, unknown>[];
  /** Fields of the fleet, such as `timings` and `faults`. */
  fleet?: FleetInput & { timings?: Record<string, number> };
  /** Fields of the cluster. */
  cluster?: Record<string, unknown>;
}

/** One cluster, `shop`, with one pool, `web`. */
export function shop(options: ShopOptions = {}): FleetInput {
  const { count = 2, nodes = {}, workloads = usualWorkloads, fleet = {}, cluster = {} } = options;
  const { timings, ...rest } = fleet;
  const web = { name: 'web', mode: 'System', count, each: needsReboot, nodes };
  return {
    name: 'shop',
    timings: { ...quick, ...timings },
    ...rest,
    clusters: [{ id: clusterId('shop'), pools: [web], workloads, ...cluster }],
  };
}

/** A workload whose budget lets none of its pods go, on node `index` of pool `web`. */
export const blockedOn = (index: number) => ({
  kind: 'StatefulSet',
  name: 'ledger',
  replicas: 1,
  on: { pool: 'web', index },
  minAvailable: 1,
});

/** Pods that never get well on node `index`, and whose budget waits for that: it is never the time. */
export const sickOn = (index: number) => ({
  kind: 'Deployment',
  name: 'sick',
  replicas: 2,
  on: { pool: 'web', index },
  neverReady: true,
  minAvailable: 1,
});

/** Pods that take so long to end that a test can do something while a drain waits for them. */
export const slowOn = (index: number, terminationSeconds = 60) => ({
  kind: 'Deployment',
  name: `slow-${index}`,
  replicas: 1,
  on: { pool: 'web', index },
  terminationSeconds,
  gracePeriodSeconds: terminationSeconds,
});

/** Throws when the fleet is not right: a test's own mistake. */
export function fleetOf(given: string | FleetInput): Fleet {
  const read = typeof given === 'string' ? readFleet(given) : parseFleet(given);
  if (read.kind === 'fleet') return read.value;
  throw new Error(`the test's fleet is not right: ${JSON.stringify(read.value)}`);
}

import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { ErrorObject } from 'ajv';

/**
 * A fleet, as `local/fleets/schema.json` describes it, every default filled in. The schema is what
 * people read and what is checked; these types only repeat it for the compiler.
 */
export interface Fleet {
  name: string;
  startsAt: string;
  seed: number;
  throttling: boolean;
  pageSize: number;
  timings: Timings;
  clusters: FleetCluster[];
  faults: FleetFaults;
}

export interface Timings {
  runCommandSeconds: number;
  commandSeconds: number;
  spread: number;
  restartDelaySeconds: number;
  bootSeconds: number;
  kubeletSeconds: number;
  podStartSeconds: number;
  operationKeepMinutes: number;
  scriptTimeoutMinutes: number;
}

export interface FleetCluster {
  id: string;
  region: string;
  version: string;
  access: 'entra' | 'local';
  private: boolean;
  authorizedIPRanges: string[];
  reachable?: boolean;
  disableRunCommand: boolean;
  commands: CommandBehaviour;
  state: string;
  power: 'Running' | 'Stopped';
  nodeOSUpgradeChannel: string;
  nodeResourceGroupLockdown: boolean;
  maintenance: { name: string; properties: Record<string, unknown> }[];
  pools: FleetPool[];
  workloads: FleetWorkload[];
  alerts: FleetAlert[];
}

export interface FleetAlert {
  name: string;
  severity: 'Sev0' | 'Sev1' | 'Sev2' | 'Sev3' | 'Sev4';
  resource?: string;
  state?: 'New' | 'Acknowledged' | 'Closed';
  suppressed?: boolean;
}

/** What becomes of AKS commands. */
export type CommandBehaviour = 'healthy' | 'pullFails' | 'hangs' | 'cut';

export interface FleetPool {
  name: string;
  type: 'VirtualMachineScaleSets' | 'VirtualMachines' | 'NodeAutoProvisioning';
  mode: 'System' | 'User' | 'Gateway';
  os: 'Linux' | 'Windows';
  osSku: string;
  spot: boolean;
  count: number;
  zones: string[];
  labels: Record<string, string>;
  taints: Taint[];
  state: string;
  power: 'Running' | 'Stopped';
  each: FleetNode;
  nodes: Record<string, FleetNode>;
}

export interface Taint {
  key: string;
  value?: string;
  effect: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute';
}

export type ProbeBehaviour =
  | 'healthy'
  | 'agentDead'
  | 'hangs'
  | 'conflict'
  | 'fails'
  | 'garbled'
  | 'silent'
  | 'noBootId'
  | 'otherBootId';
export type RestartBehaviour =
  'happens' | 'happensUnseen' | 'neverStarts' | 'changesNothing' | 'fails' | 'reimages';

export interface FleetNode {
  packages?: string[];
  sentinelGone?: boolean;
  sentinelHours?: number;
  commandExit?: number;
  kernel?: string;
  cordoned?: boolean;
  probe?: ProbeBehaviour;
  restart?: RestartBehaviour;
  returns?: boolean;
  sentinelReturnsHours?: number;
  restartDelaySeconds?: number;
  bootSeconds?: number;
  providerIdOf?: { cluster: string; pool: string; index: number };
}

export interface FleetWorkload {
  kind: 'Deployment' | 'StatefulSet' | 'DaemonSet' | 'Job' | 'Pod' | 'StaticPod';
  namespace: string;
  name: string;
  replicas: number;
  pools: string[];
  labels: Record<string, string>;
  on?: { pool: string; index: number };
  startSeconds?: number;
  neverReady: boolean;
  completesSeconds?: number;
  terminationSeconds: number | 'never';
  gracePeriodSeconds: number;
  emptyDir: boolean;
  minAvailable?: number | string;
  maxUnavailable?: number | string;
}

export interface FleetFaults {
  denied: DeniedAction[];
  requests: RequestFault[];
  operationHeaders: 'both' | 'locationOnly';
  restartFinalStatus: 200 | 204;
  instanceState: 'follows' | 'stays';
  otherwise: Otherwise[];
}

/** Beliefs that are wrong; docs/fidelity.md says which. */
export type Otherwise =
  | 'failedLocation200'
  | 'otherTexts'
  | 'untaggedMachines'
  | 'bareEventMessage'
  | 'lateGuestReboots'
  | 'scriptHolds'
  | 'stoppedWhileBooting'
  | 'oneRestart'
  | 'busyWhileRestarting'
  | 'sharedOutput'
  | 'unscheduledResult'
  | 'keepsTail'
  | 'noCoreutils'
  | 'commandPodsStay'
  | 'slowNodeMonitor'
  | 'gracefulRestarts';

export interface DeniedAction {
  action: string;
  scope?: string;
  actor?: string;
}

export interface RequestFault {
  service: 'arm' | 'kubernetes';
  method?: string;
  path: string;
  actor?: string;
  skip: number;
  times: number;
  when: 'before' | 'after';
  fault: Fault;
}

export type Fault =
  | { kind: 'answer'; status: number; body?: unknown; headers?: Record<string, string> }
  | { kind: 'drop' }
  | { kind: 'delay'; wallMilliseconds: number };

/** One thing that is wrong in a fleet file. */
export interface FleetProblem {
  /** JSON pointer, empty for the whole. */
  path: string;
  found: string;
  expected: string;
}

export type FleetRead =
  { kind: 'fleet'; value: Fleet } | { kind: 'problems'; value: FleetProblem[] };

const schema: object = JSON.parse(
  readFileSync(new URL('../fleets/schema.json', import.meta.url), 'utf8'),
) as object;

const validate = new Ajv2020({
  allErrors: true,
  useDefaults: true,
  verbose: true,
  strict: true,
  strictRequired: false,
  discriminator: true,
  allowUnionTypes: true,
  formats: { regex: isRegularExpression },
}).compile(schema);

function isRegularExpression(text: string): boolean {
  try {
    return new RegExp(text) instanceof RegExp;
  } catch {
    return false;
  }
}

function problemOf(error: ErrorObject): FleetProblem {
  const params = error.params as Record<string, unknown>;
  const extra = params['additionalProperty'];
  const allowed = params['allowedValues'] ?? params['allowedValue'];
  const found = JSON.stringify(error.data) ?? 'nothing';
  return {
    path: typeof extra === 'string' ? `${error.instancePath}/${extra}` : error.instancePath,
    found: typeof extra === 'string' ? 'a field' : found.slice(0, 80),
    expected:
      typeof extra === 'string'
        ? 'no such field'
        : allowed === undefined
          ? (error.message ?? error.keyword)
          : `one of ${JSON.stringify(allowed)}`,
  };
}

/** References and names that a JSON Schema cannot check. */
function crossProblems(fleet: Fleet): FleetProblem[] {
  const problems: FleetProblem[] = [];
  const repeated = (values: readonly string[], path: string, what: string) => {
    values.forEach((value, index) => {
      if (values.indexOf(value) !== index) {
        problems.push({ path, found: JSON.stringify(value), expected: `${what} only once` });
      }
    });
  };
  repeated(
    fleet.clusters.map((cluster) => cluster.id.toLowerCase()),
    '/clusters',
    'each cluster',
  );
  fleet.clusters.forEach((cluster, c) => {
    const at = `/clusters/${c}`;
    repeated(
      cluster.pools.map((pool) => pool.name),
      `${at}/pools`,
      'each pool name',
    );
    repeated(
      cluster.workloads.map((workload) => `${workload.namespace}/${workload.name}`),
      `${at}/workloads`,
      'each workload',
    );
    cluster.workloads.forEach((workload, w) =>
      problems.push(...workloadProblems(cluster, workload, `${at}/workloads/${w}`)),
    );
    cluster.pools.forEach((pool, p) =>
      problems.push(...poolProblems(fleet, pool, `${at}/pools/${p}`)),
    );
  });
  return problems;
}

function workloadProblems(
  cluster: FleetCluster,
  workload: FleetWorkload,
  at: string,
): FleetProblem[] {
  const problems: FleetProblem[] = [];
  const problem = (path: string, found: unknown, expected: string) =>
    problems.push({ path: `${at}/${path}`, found: JSON.stringify(found), expected });
  const poolNamed = (name: string) => cluster.pools.find((pool) => pool.name === name);
  for (const name of workload.pools) {
    if (poolNamed(name) === undefined) problem('pools', name, 'a pool of this cluster');
  }
  const { on, minAvailable, maxUnavailable } = workload;
  if (on !== undefined && on.index >= (poolNamed(on.pool)?.count ?? 0)) {
    problem('on', on, 'a node of this cluster');
  }
  if (minAvailable !== undefined && maxUnavailable !== undefined) {
    problem('minAvailable', minAvailable, 'not both minAvailable and maxUnavailable');
  }
  return problems;
}

function poolProblems(fleet: Fleet, pool: FleetPool, at: string): FleetProblem[] {
  return Object.entries(pool.nodes).flatMap(([index, node]) => {
    const path = `${at}/nodes/${index}`;
    const problems: FleetProblem[] = [];
    if (Number(index) >= pool.count) {
      problems.push({ path, found: index, expected: `an index below count, ${pool.count}` });
    }
    const named = node.providerIdOf;
    if (named === undefined) return problems;
    const target = fleet.clusters
      .find((cluster) => cluster.id.toLowerCase() === named.cluster.toLowerCase())
      ?.pools.find((other) => other.name === named.pool);
    if (target === undefined || named.index >= target.count) {
      problems.push({
        path: `${path}/providerIdOf`,
        found: JSON.stringify(named),
        expected: 'a node of this fleet',
      });
    }
    return problems;
  });
}

/** Checks a fleet and fills in its defaults; tells every problem at once. */
export function parseFleet(input: unknown): FleetRead {
  const value: unknown = structuredClone(input);
  if (!validate(value)) {
    return { kind: 'problems', value: (validate.errors ?? []).map(problemOf) };
  }
  const fleet = value as Fleet;
  const problems = crossProblems(fleet);
  return problems.length > 0
    ? { kind: 'problems', value: problems }
    : { kind: 'fleet', value: fleet };
}

/** Reads a fleet file: a path, or the bare name of one that ships (`default`, `fleet`). */
export function readFleet(pathOrName: string): FleetRead {
  const file = /^[\w-]+$/.test(pathOrName)
    ? new URL(`../fleets/${pathOrName}.json`, import.meta.url)
    : pathOrName;
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    return unreadable(pathOrName, `a readable file (${(error as Error).message})`);
  }
  try {
    return parseFleet(JSON.parse(text));
  } catch (error) {
    return unreadable(pathOrName, `JSON (${(error as Error).message})`);
  }
}

const unreadable = (found: string, expected: string): FleetRead => ({
  kind: 'problems',
  value: [{ path: '', found, expected }],
});

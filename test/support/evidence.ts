import type { AuditLine } from '../../local/azure/audit.ts';

/** What the promises are judged by: what Azure and Kubernetes saw, and what was said about it. */
export interface Evidence {
  lines: readonly AuditLine[];
  /** The names under which our controllers act. */
  actors: ReadonlySet<string>;
  /** What was there at a line of ours that changed something, by the line's `seq`. */
  scenes: ReadonlyMap<number, Scene>;
  before: readonly NodeNow[];
  after: readonly NodeNow[];
  /** Nodes that were deleted, and the last line before. */
  departures: readonly { node: string; seq: number }[];
  /** The reports of the runs that ended, oldest first. */
  reports: readonly Report[];
  /** In a simulation, where rules change and things happen between a look and an effect. */
  circumstances?: Circumstances;
}

/** What else has to be known to judge fairly. */
export interface Circumstances {
  /** What holds for an installation at an instant, epoch milliseconds; `actor` is its process. */
  rules(actor: string, at: number): Rules;
  /** Whether others have changed anything about the node or its cluster shortly before. */
  disturbed(line: Pick<AuditLine, 't' | 'node' | 'cluster'>): boolean;
  /** Our looks at the pods of a node, oldest first. */
  looks: readonly Look[];
}

/** The kindest of the rules that our process may have gone by. */
export interface Rules {
  concurrency: number;
  /** Of a pool, and of all clusters together. */
  maxUnavailable: number;
  fleetConcurrency: number;
  readyForSeconds: number;
  bootTimeoutMinutes: number;
  /** How old an answer may be by which a node is taken out of service. */
  probeMinutes: number;
  /** Whether something may be begun at this instant. */
  mayBegin(at: number): boolean;
  /** Whether whoever has to has said yes by then, to the run or to the node. */
  isApproved(run: string, node: string, at: number): boolean;
}

/** What was on a node when we listed its pods. */
export interface Look {
  at: number;
  actor: string;
  node: string;
  pods: readonly PodNow[];
}

export interface NodeNow {
  /** The managed cluster's ARM id. */
  cluster: string;
  node: string;
  pool: string;
  unschedulable: boolean;
  /** Carries our mark. */
  marked: boolean;
  ready: boolean;
  /** What the autoscaler is told about it; null for nothing. */
  scaleDown: string | null;
}

export interface Scene extends NodeNow {
  pods: readonly PodNow[];
  /** Since when reboot-required lies on the machine itself, epoch milliseconds; undefined if it does not. */
  sentinelSince: number | undefined;
  bootId: string;
  kernel: string;
  /** The machine and its root file system. */
  vmId: string;
  bornAt: number;
  clusterState: string;
  poolState: string;
  /** Whether the Node's providerID names the machine on which it runs. */
  honest: boolean;
  /** Restarts of the machine that ARM carries out. */
  operations: number;
  /** A script can have it restart itself; else it says at once that it can't. */
  restartsItself: boolean;
}

export interface PodNow {
  name: string;
  /** Kind and name of the controller; empty for none. */
  owner: string;
  mirror: boolean;
  ready: boolean;
  terminating: boolean;
  /** It has ended, well or not. */
  finished: boolean;
}

/** A run's report, as far as the promises go; the HTTP API's own JSON. */
export interface Report {
  run: string;
  status: string;
  request: { dryRun: boolean; force?: { nodes: readonly string[] } | undefined };
  startedAt: string;
  endedAt?: string | undefined;
  approvals?: readonly { decision: string; node: string; who: string; why: string }[];
  clusters: readonly {
    cluster: string;
    id: string;
    reasons: readonly Reason[];
    recovered?: readonly Reason[];
    nodes: readonly NodeReport[];
  }[];
}

export interface NodeReport {
  node: string;
  pool: string;
  decision: { kind: string; reasons: readonly Reason[] };
  outcome: { kind: string; reasons: readonly Reason[] };
  bootIdBefore: string;
  bootIdAfter?: string | undefined;
  kernelAfter?: string | undefined;
  wasUnschedulable: boolean;
  instants: Readonly<Record<string, string>>;
}

export interface Reason {
  kind: string;
  value: string;
}

export const markAnnotation = 'aks-reboot-orchestrator/mark';
export const scaleDownAnnotation = 'cluster-autoscaler.kubernetes.io/scale-down-disabled';

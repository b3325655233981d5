import type { Access, WantedAccess } from './domain/access.ts';
import type { ClusterId, InstanceRef } from './domain/arm.ts';
import type { ClusterFacts, Instance } from './domain/cluster.ts';
import type { DrainPolicy, DrainSlice, Forecast, NodePods } from './domain/drain.ts';
import type { KubernetesRight } from './domain/kubernetesRight.ts';
import type { NodeView, PatchOperation } from './domain/node.ts';
import type { NodeEvent } from './domain/nodeEvent.ts';
import type { Permission } from './domain/permission.ts';
import type { Vouching } from './domain/approval.ts';
import type {
  AlertSeen,
  AlertsQuestion,
  PodSeen,
  PodsQuestion,
  PrometheusAnswer,
  PrometheusQuestion,
} from './domain/outside.ts';
import type { Trouble } from './domain/trouble.ts';

/**
 * What the world must offer. Every method that talks to the outside may throw `TroubleError` and
 * nothing else on purpose; none retries what it sends, none waits longer than its own deadline
 * (seconds).
 */

export interface Clock {
  /** The present, epoch milliseconds. */
  now(): number;
  /**
   * Resolves after so many milliseconds. Only for waits that end within an activity's seconds:
   * whatever takes longer is a durable timer's.
   */
  sleep(milliseconds: number): Promise<void>;
}

/** ARM: clusters, and the machines behind their nodes. */
export interface Azure {
  /**
   * Reads a cluster and its pools (one GET); its maintenance schedule (one more) where it is asked
   * for. That there is none, or none that can be read, is an answer.
   */
  cluster(id: ClusterId, also?: 'maintenance'): Promise<ClusterFacts>;
  /** All instances in the cluster's node resource group that could back its nodes. */
  instances(cluster: ClusterFacts): Promise<Instance[]>;
  /** One instance; `undefined` when ARM has no such thing. */
  instance(ref: InstanceRef): Promise<Instance | undefined>;
  /** What our identity may do at a scope: a cluster's ARM id, or a resource group's. */
  permissions(subscription: string, scope: string): Promise<Permission[]>;
  /** ARM's clock over ours as its last answer told, seconds; `undefined` before any answer. */
  skewSeconds(): Promise<number | undefined>;
  /** Starts a shell script on an instance through action run-command. Sent once, never re-sent. */
  startScript(ref: InstanceRef, script: string): Promise<Started>;
  /**
   * One look at a started script; throws trouble when the *look* failed (keep the token, look
   * again).
   */
  pollScript(ref: InstanceRef, token: string): Promise<ScriptPoll>;
  /** Asks for a restart. Sent once, never re-sent. */
  startRestart(ref: InstanceRef): Promise<Started>;
  /** One look at a restart that was asked for. */
  pollRestart(ref: InstanceRef, token: string): Promise<OperationPoll>;
  /** Alerts of Azure Monitor that have fired and are not resolved. */
  alerts(question: AlertsQuestion): Promise<AlertSeen[]>;
  /**
   * How the cluster's API server is reached: as `wanted`, or found out and remembered for a while.
   */
  access(cluster: ClusterFacts, wanted: WantedAccess): Promise<Access>;
  /** The cluster's API server, that way. Connections are kept and shared within the process. */
  kubernetes(cluster: ClusterFacts, way: Access['way']): Promise<Kubernetes>;
}

/** How asking for a long-running operation ended. */
export type Started =
  /** ARM accepted it; the token continues it (signed: never log it, never show it). */
  | { kind: 'started'; token: string }
  /** ARM definitely did not take it (4xx). */
  | { kind: 'refused'; trouble: Trouble }
  /** Nobody knows (5xx, 408, no answer): treat as started. */
  | { kind: 'unsure'; trouble: Trouble };

export type OperationPoll =
  { kind: 'running'; token: string } | { kind: 'succeeded' } | { kind: 'failed'; value: string };

export type ScriptPoll =
  | { kind: 'running'; token: string }
  /** It ended; ARM loses the exit code and keeps the last 4,096 bytes. */
  | { kind: 'ended'; stdout: string; stderr: string }
  | { kind: 'failed'; value: string };

/**
 * How ARM lets one into a cluster's API server; what both adapters have in common. Never logged.
 */
export interface KubernetesAccess {
  /**
   * The kubeconfig's text: the `known` one while it serves, or asked for anew after it was refused.
   */
  kubeconfig(freshness: 'known' | 'new'): Promise<string>;
  /** The Entra token of the moment; `undefined` where the kubeconfig itself says who we are. */
  token: (() => Promise<string>) | undefined;
}

/** A cluster that runs commands for us (AKS run command); what both adapters have in common. */
export interface ClusterCommands {
  /**
   * Runs a shell command in a pod of its own there; its output, of at most 512 kB. Sent once.
   * Trouble `timeout` when it has not ended after some tens of seconds: it may still be running.
   */
  run(command: string): Promise<string>;
}

/** The API server itself, which may be out of reach. */
export interface ApiServer extends Kubernetes {
  /** Whether it answers at all, whatever it says; throws the trouble if it does not. */
  reach(): Promise<void>;
}

/** One cluster's API server. */
export interface Kubernetes {
  /**
   * Says what is about to be read: a way in that is paid by the question then asks for all of it at
   * once. What was read ahead serves one read each, unless something was written in between.
   */
  ahead(reads: Reads): void;
  nodes(): Promise<NodeView[]>;
  /** `undefined` when there is no such node. */
  node(name: string): Promise<NodeView | undefined>;
  /** A conditional JSON Patch; `stale` when a `test` failed or somebody else wrote meanwhile. */
  patchNode(name: string, patch: readonly PatchOperation[]): Promise<PatchAnswer>;
  /** Looks, and evicts a few of the pods that have to leave; `now` in epoch milliseconds. */
  drainSlice(node: string, policy: DrainPolicy, now: number): Promise<DrainSlice>;
  /** What would have to leave; asks for nothing. */
  leftToDrain(node: string, policy: DrainPolicy, now: number): Promise<NodePods>;
  /** What a drain would come to, by dry runs; nobody is disturbed. */
  foresee(node: string, policy: DrainPolicy, now: number): Promise<Forecast>;
  /** The DaemonSets with a pod on the node, and those `expected` here that exist without one. */
  daemonPods(node: string, expected: readonly string[]): Promise<DaemonPod[]>;
  /** Pods with certain labels that run, or are about to. */
  pods(question: PodsQuestion): Promise<PodSeen[]>;
  /**
   * Tells an Event on a node, at most once by its name. Best effort: nothing depends on it, and an
   * adapter may give up where it costs too much.
   */
  recordEvent(event: NodeEvent): Promise<void>;
  /** Those of the rights that we don't have in the cluster. */
  denied(rights: readonly KubernetesRight[]): Promise<KubernetesRight[]>;
  /** `undefined` when there is no such Lease. */
  lease(namespace: string, name: string): Promise<LeaseView | undefined>;
  /**
   * Creates the Lease (`expected` undefined) or replaces it if it still is at `expected`.
   * `stale` when somebody else was first.
   */
  writeLease(lease: LeaseWrite, expected: string | undefined): Promise<'written' | 'stale'>;
}

/** A request and its answer, for whoever records them; without what says who we are. */
export interface Exchange {
  service: 'arm' | 'kubernetes';
  method: string;
  /** Path and query. */
  path: string;
  status: number;
  /** As it came. */
  body: string;
}

/** How a DaemonSet (`namespace/name`) fares on a node. */
export interface DaemonPod {
  daemonSet: string;
  pod: 'ready' | 'unready' | 'absent';
}

/** Reads of an API server that one activity may need. */
export interface Reads {
  nodes?: true;
  node?: string;
  /** Of that node. */
  pods?: string;
  lease?: { namespace: string; name: string };
}

export type PatchAnswer = { kind: 'done'; node: NodeView } | { kind: 'stale' } | { kind: 'gone' };

export interface LeaseWrite {
  namespace: string;
  name: string;
  holder: string;
  /** ISO 8601. */
  acquiredAt: string;
  renewedAt: string;
  annotations: Record<string, string>;
}

export interface LeaseView extends LeaseWrite {
  resourceVersion: string;
}

/** Servers that answer PromQL. */
export interface Prometheus {
  /** An instant query, at the server's own present. */
  query(question: PrometheusQuestion): Promise<PrometheusAnswer>;
}

/** Documents by path (`runs/<id>/report.json`): a directory locally, blobs in Azure. */
export interface Documents {
  /** The parsed JSON; `undefined` when there is none. */
  read(path: string): Promise<unknown>;
  /** Writes the whole document at once; readers see the old or the new one, never half. */
  write(path: string, value: unknown): Promise<void>;
  /** Paths that start with `prefix`, in lexicographic order, after `after`, at most `limit`. */
  list(prefix: string, options?: { after?: string; limit?: number }): Promise<string[]>;
  /** Removes every document whose path starts with `prefix`. */
  removeAll(prefix: string): Promise<void>;
}

/** The durable client, as activities and HTTP handlers see it. */
export interface Durable {
  /** Starts an orchestration under an id of ours; `exists` when that id is in use already. */
  start(orchestrator: string, instanceId: string, input: unknown): Promise<'started' | 'exists'>;
  status(instanceId: string): Promise<InstanceStatus | undefined>;
  /** An entity's state; `undefined` when it has none. */
  entity(name: string, key: string): Promise<unknown>;
  signal(entity: string, key: string, operation: string, input: unknown): Promise<void>;
  /** Forgets finished instances that were created before `before` (epoch milliseconds). */
  purge(before: number): Promise<number>;
}

export interface InstanceStatus {
  runtimeStatus:
    | 'Running'
    | 'Pending'
    | 'Suspended'
    | 'ContinuedAsNew'
    | 'Completed'
    | 'Failed'
    | 'Terminated'
    | 'Canceled';
  customStatus: unknown;
  output: unknown;
}

/** Whether an orchestration is not over yet; one that is not known is. */
export function isUnderWay(status: InstanceStatus | undefined): boolean {
  switch (status?.runtimeStatus) {
    case 'Running':
    case 'Pending':
    case 'Suspended':
    case 'ContinuedAsNew':
      return true;
    case 'Completed':
    case 'Failed':
    case 'Terminated':
    case 'Canceled':
    case undefined:
      return false;
  }
}

/** One structured log line; `run`, `cluster`, `node`, `step` where they are known. */
export type Log = (entry: {
  level: 'debug' | 'info' | 'warn' | 'error';
  message: string;
  run?: string;
  cluster?: string;
  node?: string;
  step?: string;
  detail?: Record<string, unknown>;
}) => void;

/** Everything that `createActivities` and the HTTP handlers are given. */
export interface Ports {
  clock: Clock;
  azure: Azure;
  prometheus: Prometheus;
  /** Who can tell who it is that approves. */
  vouching: Vouching;
  documents: Documents;
  log: Log;
  /**
   * The settings document as text, read anew for every activity so that policy can change mid-run.
   */
  settingsText(): Promise<string>;
  /** Version of the Node.js that this runs on, e.g. `v24.21.0`. */
  runtime: string;
  /** Random hexadecimal digits, for run ids. */
  randomHex(digits: number): string;
}

import type { CommandBehaviour, FleetNode } from '../../local/azure/fleet.ts';
import type { AuditAction } from '../../local/azure/audit.ts';
import type { SettingsDocument } from '../../src/policy/settings.ts';
import type { FleetInput } from '../support/fleets.ts';

/**
 * All that a simulation is made of, as JSON: what is there, and what goes wrong. Together with its
 * seed, from which latencies and ties come, it repeats to the byte.
 */
export interface Scenario {
  seed: number;
  fleet: FleetInput;
  /** Installations of the program; the first one is there from the beginning. */
  apps: AppPlan[];
  /** How long things go wrong; after that all is mended and the work has to get done. */
  hours: number;
  faults: Fault[];
}

export interface AppPlan {
  /** Laid over the brisk defaults of simulations. */
  settings: SettingsChange;
  controller: string;
  /** When it is installed, in minutes. */
  from: number;
  /** The ring of each cluster, where settings have rings. */
  ringOf?: readonly string[];
  /** What a window "aks" is in this fleet. */
  aks?: AksSchedule;
  /** Who is asked for approval, and what becomes of it; once all is mended it is given at once. */
  approver?: { afterMinutes: number; says: 'approve' | 'reject' | 'nothing' };
  /** NCRONTAB. */
  schedule: string;
  /** How far its clocks are off, in seconds: the host's (orchestrations) and its activities'. */
  skew: { host: number; activities: number };
}

/** A daily maintenance schedule, spelled as a window; the zone is an offset. */
export interface AksSchedule {
  days: string[];
  start: string;
  durationMinutes: number;
  timeZone: string;
}

export type SettingsChange = Partial<Omit<SettingsDocument, 'controller' | 'clusters'>>;

/** The states of a node's machine, as docs/architecture.md draws it. */
export const nodeStates = [
  'adopt',
  'probe',
  'cordon',
  'drain',
  'restart',
  'boot',
  'ready',
  'prove',
  'undo',
  'leave',
  'end',
] as const;
export type NodeStateName = (typeof nodeStates)[number];

/** The n-th time that any node enters that state. */
interface InState {
  state: NodeStateName;
  nth: number;
}

/**
 * One exchange of the program with the outside: the k-th of a step's n-th execution, the k-th
 * while a node is in a state, or by kind.
 */
export type Point =
  | { step: string; nth: number; exchange: number }
  | (InState & { exchange: number })
  | { request: RequestKind; nth: number };

/** The n-th execution of a step, or the k-th of any step while a node is in a state. */
export type Execution = { step: string; nth: number } | (InState & { execution: number });

/** The n-th operation of a kind, or the next one of any kind when a node has entered a state. */
export type LockMoment = { op: string; nth: number } | InState;

export const requestKinds = [
  'cluster',
  'credential',
  'instances',
  'instance',
  'runCommand',
  'restart',
  'operation',
  'otherArm',
  'listNodes',
  'getNode',
  'patchNode',
  'listPods',
  'evict',
  'readLease',
  'writeLease',
  'otherKubernetes',
  'commandResult',
  'client',
  'readDocument',
  'writeDocument',
  'token',
] as const;
export type RequestKind = (typeof requestKinds)[number];

/**
 * A minute after the start, or some seconds after the n-th line of a kind that is the program's, or
 * after a node has entered a state.
 */
export type Moment =
  | { minute: number }
  | { line: AuditAction; nth: number; seconds: number }
  | (InState & { seconds: number });

/** Whether the request has taken effect when the fault strikes. */
export type When = 'before' | 'after';

/** What a new process finds after a crash. */
export interface Return {
  downMinutes: number;
  storage: 'kept' | 'gone' | 'historyGone' | 'documentsGone';
  /** Orchestrations' version that is deployed meanwhile. */
  version: string;
}

type OnExchange =
  | { kind: 'answer'; at: Point; when: When; status: number; retryAfter?: string; code?: string }
  | { kind: 'drop'; at: Point; when: When }
  /** No answer within the deadline; `late`: it takes effect after the asker has given up. */
  | { kind: 'timeout'; at: Point; when: When | 'late' }
  | { kind: 'slow'; at: Point; seconds: number }
  /** The answer is none that the API promises. */
  | { kind: 'garbage'; at: Point; how: 'html' | 'cut' | 'empty' | 'types' | 'object' }
  /** What the same question was answered earlier. */
  | { kind: 'stale'; at: Point }
  /** A list comes page by page, and its second page has expired. */
  | { kind: 'expired'; at: Point }
  /** The step stands still there, or the whole process does; then it goes on as if nothing were. */
  | { kind: 'freeze'; at: Point; when: When; minutes: number; whole: boolean }
  | { kind: 'crash'; at: Point; when: When; back: Return };

type OnStep =
  /** The step begins so much later. */
  | { kind: 'lateStart'; of: Execution; minutes: number }
  /** Its end is told so much later. */
  | { kind: 'lateEnd'; of: Execution; minutes: number }
  /** It is delivered twice at once; the first or the second end counts. */
  | { kind: 'twice'; of: Execution; counts: 'first' | 'second' }
  /** The storage takes no note of its end, so it is delivered again; the second end counts. */
  | { kind: 'lostEnd'; of: Execution; minutes: number }
  /** It is delivered again later; nobody hears of its end. */
  | { kind: 'ghost'; of: Execution; minutes: number }
  /** An operation of the lock is delivered twice. */
  | { kind: 'lockTwice'; of: LockMoment; counts: 'first' | 'second' }
  /** The storage of histories stands still for so long: nothing is delivered, steps go on. */
  | { kind: 'stalled'; of: LockMoment; minutes: number };

type OnApp =
  | { kind: 'stop'; at: Moment; back: Return }
  /** Its process dies at that instant, in the middle of nothing. */
  | { kind: 'killed'; at: Moment; back: Return }
  | { kind: 'settings'; at: Moment; minutes: number; change: SettingsChange }
  | { kind: 'badSettings'; at: Moment; minutes: number; text: string }
  | { kind: 'storageGone'; at: Moment; what: 'documents' }
  | { kind: 'outage'; at: Moment; minutes: number; of: Service; how: OutageHow };
export type Service = 'arm' | 'kubernetes' | 'client' | 'documents' | 'identity';
/** A number is the status of all answers. */
export type OutageHow = 'drop' | 'timeout' | 'slow' | number;

/** A node by its number over all clusters, as the fleet began; or the one of the moment. */
export type NodeChoice = number | 'that';

type OnMachine =
  /** It behaves like that for a while. */
  | { kind: 'machine'; node: NodeChoice; at: Moment; minutes: number; behaviour: FleetNode }
  | { kind: 'restartedBySomebody'; node: NodeChoice; at: Moment }
  /** Its kubelet falls silent, again and again, without a boot. */
  | { kind: 'flaps'; node: NodeChoice; at: Moment; times: number; seconds: number }
  | { kind: 'deleted'; node: NodeChoice; at: Moment }
  /** Its Node alone: the kubelet registers it anew when it starts again, as it soon does. */
  | { kind: 'nodeDeleted'; node: NodeChoice; at: Moment }
  /** A new system on the same instance; its Node stays, or is a new one. */
  | { kind: 'reimaged'; node: NodeChoice; at: Moment; newNode: boolean }
  | { kind: 'sentinel'; node: NodeChoice; at: Moment; packages: string[] | null };

type OnCluster =
  /** What becomes of AKS commands. */
  | { kind: 'commands'; at: Moment; minutes: number; behaviour: CommandBehaviour }
  /** An event of the platform is announced on a node, by its condition. */
  | { kind: 'announced'; node: NodeChoice; at: Moment; minutes: number }
  | { kind: 'state'; cluster: number; at: Moment; minutes: number; state: string; pool: boolean }
  | { kind: 'budget'; cluster: number; at: Moment; minutes: number }
  | { kind: 'stuckPods'; node: NodeChoice; at: Moment; minutes: number }
  /** A pod appears on a node, cordoned or not. */
  | { kind: 'newPod'; node: NodeChoice; at: Moment }
  | { kind: 'denied'; at: Moment; minutes: number; action: string }
  /** Other rules from the beginning: a belief about Azure is wrong. */
  | { kind: 'otherAzure'; change: FleetInput };

type OnNodeByPeople =
  | { kind: 'cordonedByPerson'; node: NodeChoice; at: Moment }
  | { kind: 'uncordonedByPerson'; node: NodeChoice; at: Moment }
  | { kind: 'drainedByPerson'; node: NodeChoice; at: Moment }
  | { kind: 'markRemoved'; node: NodeChoice; at: Moment }
  | { kind: 'markSpoiled'; node: NodeChoice; at: Moment; text: string }
  | { kind: 'scaledIn'; node: NodeChoice; at: Moment; minutes: number };

type OnRunByPeople =
  | { kind: 'hold'; scope: 'fleet' | 'cluster'; at: Moment; minutes: number }
  | { kind: 'cancel'; at: Moment }
  | { kind: 'extraRun'; at: Moment; how: 'usual' | 'dryRun' | 'forced' | 'recover' }
  | { kind: 'takeOver'; app: number; at: Moment }
  /** In the portal: the orchestrations of that part of the newest run, and nothing is undone. */
  | { kind: 'terminated'; part: RunPart; at: Moment };

export const runParts = ['run', 'cluster', 'probes', 'turns', 'node', 'all'] as const;
export type RunPart = (typeof runParts)[number];

export type Fault =
  OnExchange | OnStep | OnApp | OnMachine | OnCluster | OnNodeByPeople | OnRunByPeople;
export type FaultKind = Fault['kind'];
export type FaultOf<K extends FaultKind> = Extract<Fault, { kind: K }>;

/** In the order in which tables show them. */
export const faultKinds = [
  'answer',
  'drop',
  'timeout',
  'slow',
  'garbage',
  'stale',
  'expired',
  'freeze',
  'crash',
  'lateStart',
  'lateEnd',
  'twice',
  'lostEnd',
  'ghost',
  'lockTwice',
  'stalled',
  'stop',
  'killed',
  'settings',
  'badSettings',
  'storageGone',
  'outage',
  'machine',
  'restartedBySomebody',
  'flaps',
  'deleted',
  'nodeDeleted',
  'reimaged',
  'sentinel',
  'state',
  'budget',
  'stuckPods',
  'newPod',
  'denied',
  'commands',
  'announced',
  'otherAzure',
  'cordonedByPerson',
  'uncordonedByPerson',
  'drainedByPerson',
  'markRemoved',
  'markSpoiled',
  'scaledIn',
  'hold',
  'cancel',
  'extraRun',
  'takeOver',
  'terminated',
] as const satisfies readonly FaultKind[];

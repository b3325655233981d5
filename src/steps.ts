import * as z from 'zod';
import { nodeResultSchema, runIdPattern, runRequestSchema } from './domain/run.ts';
import type { ClusterSummary } from './domain/run.ts';
import { probeRecordSchema } from './domain/need.ts';
import type { ProbeAddress, ProbeRecord } from './domain/need.ts';
import { outcomeSchema } from './domain/outcome.ts';
import type { Outcome, OutcomeCounts } from './domain/outcome.ts';
import { reasonSchema } from './domain/reason.ts';
import type { Reason } from './domain/reason.ts';
import type { Trouble } from './domain/trouble.ts';
import type { Turn } from './lock/lock.ts';

/**
 * The activities, declared once: inputs as schemas (parsed on arrival, because anyone with the
 * durable extension's key can send them), outputs as types. Orchestrators branch on `kind`;
 * whatever has to be decided was decided in the activity, on its own clock, with the settings as
 * they are then.
 */

const run = z.string().regex(runIdPattern);
const cluster = z.string().regex(/^[a-z0-9_-]{1,60}$/u);
const nodeName = z.string().regex(/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/u);
const instanceId = z.string().max(500);
const token = z.string().max(8_000);
const instant = z.iso.datetime();
const holder = z.string().max(256);

const inRun = { run };
const inCluster = { run, cluster };
/** A node that is asked, since when, and the machine that has to answer. */
const asked = {
  node: nodeName,
  pool: z.string().max(63),
  instance: instanceId,
  vmId: z.string(),
  since: instant,
};
/** A node whose slot we hold; `fence` is the number on its mark. */
const onNode = {
  run,
  cluster,
  node: nodeName,
  fence: z.int().nonnegative(),
  /** The Node object's UID and its machine, once they are known: another one is another node. */
  uid: z.string().max(100).optional(),
  vmId: z.string().max(100).optional(),
};

export const stepInputs = {
  openRun: z.object({ run, request: runRequestSchema }),
  openRing: z.object({ ...inRun, ring: z.int().nonnegative() }),
  closeRun: z.object({
    ...inRun,
    /** Why the rings that are left were not opened, if they were not. */
    unopened: reasonSchema.optional(),
  }),

  checkCluster: z.object(inCluster),
  closePreflight: z.object(inRun),

  readMarks: z.object(inCluster),
  findLost: z.object({ ...inCluster, holders: z.array(holder).max(100) }),
  claimCluster: z.object(inCluster),
  releaseClaim: z.object(inCluster),
  readCluster: z.object({ ...inCluster, lanes: z.int().min(1).max(20) }),
  planCluster: z.object(inCluster),
  closeCluster: z.object({
    ...inCluster,
    reasons: z.array(reasonSchema).max(50),
    recovered: z.array(reasonSchema).max(10).default([]),
  }),
  nextNode: z.object({ ...inCluster, holder, passed: z.array(z.string().max(63)).max(1000) }),

  readLane: z.object({ ...inCluster, lane: z.int().nonnegative(), cursor: z.int().nonnegative() }),
  startProbe: z.object({ ...inCluster, ...asked }),
  pollProbe: z.object({ ...inCluster, ...asked, token }),
  saveProbes: z.object({
    ...inCluster,
    name: z.string().regex(/^[0-9-]{1,40}$/u),
    answers: z.record(nodeName, probeRecordSchema),
  }),

  adoptMark: z.object(onNode),
  cordon: z.object({ ...onNode, instance: instanceId, probe: probeRecordSchema }),
  drainSlice: z.object({ ...onNode, since: instant }),
  restart: z.object({ ...onNode, since: instant, attempt: z.int().min(1).max(2) }),
  checkBoot: z.object({ ...onNode, token: token.optional() }),
  checkReady: z.object({
    ...onNode,
    since: instant,
    readySince: instant.optional(),
    /** The Ready condition's own last transition when we first saw it Ready. */
    transition: z.string().optional(),
  }),
  finish: z.object({
    ...onNode,
    since: instant,
    probe: probeRecordSchema,
    /** The Ready condition's last transition when the node was found steadily Ready. */
    transition: z.string().optional(),
  }),
  undo: z.object({ ...onNode, outcome: outcomeSchema }),
  leaveMarked: z.object({ ...onNode, outcome: outcomeSchema }),
  recordNode: z.object({ ...inCluster, pool: z.string().max(63), result: nodeResultSchema }),
};

export type StepName = keyof typeof stepInputs;
export type StepInput<N extends StepName> = z.output<(typeof stepInputs)[N]>;

/** A call to the outside ended in trouble; nothing was decided. */
export interface InTrouble {
  kind: 'trouble';
  trouble: Trouble;
}

export interface ClusterTask {
  cluster: string;
  /** Probes that this cluster may have in flight: its share of the subscription's. */
  probeLanes: number;
}

export interface RingTask {
  clusters: ClusterTask[];
  /** Clusters of it that may be worked on at once. */
  lanes: number;
}

export interface MarkedNode {
  node: string;
  fence: number;
  /** Whose the mark is: a dead run of ours (recover it), a live one, or somebody else's. */
  whose: 'dead' | 'live' | 'foreign';
}

/** Facts about a node that its report carries from the cordon on. */
export interface NodeFacts extends Escalated {
  uid: string;
  vmId: string;
  wasUnschedulable: boolean;
  bootIdBefore: string;
  kernelBefore: string;
}

/** What the drain did beyond evicting, once it did; the outcome has to say it. */
export interface Escalated {
  escalated?: string;
}

/** How a node's mark says where its work was left. */
export type Resumption =
  /** Restart not asked for: undo. */
  | { step: 'undo' }
  /** Restart asked for, boot id as before. */
  | { step: 'boot'; attempt: 1 | 2 }
  /** It has booted. */
  | { step: 'ready'; since: string };

export interface StepOutputs {
  openRun: { kind: 'opened'; rings: RingTask[] } | { kind: 'refused'; reasons: Reason[] };
  openRing: { kind: 'opened' };
  closeRun: { kind: 'closed'; counts: OutcomeCounts };

  checkCluster: { kind: 'done' };
  closePreflight: { kind: 'done' };

  readMarks:
    { kind: 'marks'; floor: number; marks: MarkedNode[] } | { kind: 'refused'; reasons: Reason[] };
  findLost: { kind: 'lost'; holders: string[] };
  claimCluster: { kind: 'claimed' } | { kind: 'refused'; reasons: Reason[] };
  releaseClaim: { kind: 'done' };
  readCluster:
    { kind: 'read'; toProbe: number; lanes: number } | { kind: 'refused'; reasons: Reason[] };
  planCluster: { kind: 'planned'; due: number; lanes: number };
  nextNode:
    | ({
        kind: 'node';
        turn: Turn;
        soakSeconds: number;
        /** A place in the fleet has to be taken before: one of so many. */
        seat?: { limit: number; evict: string[] };
      } & ProbeAddress)
    /** Others have the places in the fleet. */
    | { kind: 'wait'; waitSeconds: number; detail: string }
    | { kind: 'none' };
  closeCluster: { kind: 'closed'; summary: ClusterSummary };

  readLane: {
    kind: 'lane';
    nodes: ProbeAddress[];
    more: boolean;
  };
  startProbe:
    | { kind: 'started'; token: string; waitSeconds: number }
    | { kind: 'busy'; waitSeconds: number }
    | { kind: 'answer'; record: ProbeRecord };
  pollProbe:
    | { kind: 'running'; token: string; waitSeconds: number }
    | { kind: 'forgotten' }
    | { kind: 'answer'; record: ProbeRecord };
  saveProbes: { kind: 'done' };

  adoptMark:
    | ({ kind: 'adopted'; resume: Resumption; facts: NodeFacts } & ProbeAddress)
    | { kind: 'ended'; outcome: Outcome };
  cordon:
    | { kind: 'cordoned'; at: string; facts: NodeFacts }
    | { kind: 'no'; outcome: Outcome }
    | { kind: 'again'; waitSeconds: number; detail: string };
  drainSlice:
    | (Escalated &
        (
          | { kind: 'drained'; at: string }
          | { kind: 'draining'; waitSeconds: number; detail: string }
          /** The deadline has passed, and settings want the restart all the same. */
          | { kind: 'undrained'; detail: string }
          | { kind: 'stop'; outcome: Outcome }
        ))
    | Ended;
  restart:
    | ({ kind: 'asked'; at: string; waitSeconds: number; token?: string } & Escalated)
    | { kind: 'notDrained' }
    | { kind: 'wait'; waitSeconds: number; detail: string }
    | { kind: 'stop'; outcome: Outcome }
    | { kind: 'booted'; at: string }
    | Ended;
  checkBoot:
    | { kind: 'booted'; at: string }
    | { kind: 'waiting'; waitSeconds: number; detail: string; token?: string }
    | { kind: 'restartAgain' }
    /** The node says that it restarts nothing; the attempt was taken back. */
    | { kind: 'refused'; outcome: Outcome }
    | { kind: 'stuck'; outcome: Outcome }
    | Ended;
  checkReady:
    | { kind: 'ready'; at: string; instance: string; vmId: string; transition: string }
    | {
        kind: 'waiting';
        waitSeconds: number;
        detail: string;
        readySince?: string;
        transition?: string;
      }
    | { kind: 'stuck'; outcome: Outcome }
    | Ended;
  finish:
    | { kind: 'finished'; at: string; outcome: Outcome; bootIdAfter: string; kernelAfter: string }
    | { kind: 'again'; waitSeconds: number; detail: string }
    | { kind: 'stuck'; outcome: Outcome }
    | Ended;
  undo: { kind: 'undone'; at: string } | Ended;
  leaveMarked: { kind: 'done' };
  recordNode: { kind: 'done' };
}

/** The node is no longer ours to work on: gone, replaced, or its mark was taken over. */
export interface Ended {
  kind: 'ended';
  outcome: Outcome;
}

export type StepOutput<N extends StepName> = StepOutputs[N] | InTrouble;

/** What `createActivities` has to provide. */
export type Activities = { [N in StepName]: (input: unknown) => Promise<StepOutput<N>> };

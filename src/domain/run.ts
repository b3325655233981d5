import * as z from 'zod';
import { accessSchema } from './access.ts';
import { approvalSchema } from './approval.ts';
import { shortHash } from './arm.ts';
import { forceSchema } from './force.ts';
import { probeRecordSchema } from './need.ts';
import { noteSchema } from './note.ts';
import { countsSchema, needsPerson, outcomeSchema } from './outcome.ts';
import { decisionSchema, plannedNodeSchema, planSchema } from './plan.ts';
import { reasonSchema } from './reason.ts';

/** What a run was asked to do. */
export const runRequestSchema = z.object({
  source: z.enum(['timer', 'http', 'cli']),
  /** Reboot what needs it, or only finish and undo what dead runs have left. */
  purpose: z.enum(['reboot', 'recover']).default('reboot'),
  /** Cluster keys, names or ARM ids; empty means all configured ones. */
  clusters: z.array(z.string().max(400)).max(1000),
  /** Empty means all. */
  pools: z.array(z.string().max(63)).max(200),
  /** Empty means all. */
  nodes: z.array(z.string().max(253)).max(500),
  /** Probe and plan, change nothing. */
  dryRun: z.boolean(),
  /** Free text for the report: who asked, and why. */
  reason: z.string().max(500),
  /** A person takes over another controller's claim and marks; the text says why. */
  takeOver: z.string().min(1).max(500).optional(),
  /** Nodes are rebooted whether they ask for it or not. */
  force: forceSchema.optional(),
});
export type RunRequest = z.infer<typeof runRequestSchema>;

/** How a cluster ended a run; small enough to travel through orchestrations. */
export const clusterSummarySchema = z.object({
  cluster: z.string(),
  id: z.string(),
  /** Why the cluster as a whole was left alone or cut short; empty when it was gone through. */
  reasons: z.array(reasonSchema),
  /** What of dead runs was put in order beside their nodes: their locks. */
  recovered: z.array(reasonSchema).default([]),
  counts: countsSchema,
});
export type ClusterSummary = z.infer<typeof clusterSummarySchema>;

/** Clusters of a run that are worked on before those of the next ring. */
const ringSchema = z.object({
  /** Empty for clusters that name none. */
  name: z.string(),
  clusters: z.array(z.string()),
  /** Why nothing is begun in them: an earlier ring gave cause. */
  held: z.array(reasonSchema),
});

export const runRecordSchema = z.object({
  run: z.string(),
  request: runRequestSchema,
  /** Hash of the settings document when the run began. */
  settings: z.string(),
  controller: z.string(),
  startedAt: z.string(),
  endedAt: z.string().optional(),
  status: z.enum(['running', 'completed', 'canceled', 'failed']),
  counts: countsSchema,
  /** Clusters (keys) that the run is about. */
  clusters: z.array(z.string()),
  /** The same ones, in the order in which the run goes through them. */
  rings: z.array(ringSchema).default([]),
});
export type RunRecord = z.infer<typeof runRecordSchema>;

const instantNames = [
  'begun',
  'cordoned',
  'drained',
  'restartAsked',
  'booted',
  'ready',
  'uncordoned',
  'ended',
] as const;
/** The instants of a node's way, ISO 8601, as far as it got. */
export const instantsSchema = z.partialRecord(z.enum(instantNames), z.string());
export type Instants = z.infer<typeof instantsSchema>;

/** What happened to a node whose turn came, or that was recovered. */
export const nodeResultSchema = z.object({
  node: z.string(),
  purpose: z.enum(['reboot', 'recover']),
  outcome: outcomeSchema,
  wasUnschedulable: z.boolean().optional(),
  bootIdBefore: z.string().optional(),
  bootIdAfter: z.string().optional(),
  kernelBefore: z.string().optional(),
  kernelAfter: z.string().optional(),
  instants: instantsSchema,
});
export type NodeResult = z.infer<typeof nodeResultSchema>;

/**
 * Whether the node is still out of service because of us, or may be. What is gone holds nothing;
 * after a failure that nothing undid, nobody knows.
 */
export function isLeftOut({ outcome, instants, purpose }: NodeResult): boolean {
  const { cordoned, uncordoned } = instants;
  const taken = cordoned !== undefined || purpose === 'recover';
  if (uncordoned !== undefined) return false;
  switch (outcome.kind) {
    case 'failed':
      return true;
    case 'gone':
    case 'replaced':
      return false;
    case 'rebooted':
    case 'notNeeded':
    case 'deferred':
    case 'skipped':
    case 'canceled':
    case 'unknown':
    case 'undrainable':
    case 'notRebooted':
    case 'notReady':
    case 'stillRequired':
      return taken;
  }
}

/**
 * Whether a turn counts as failed: we took the node out of service, and now it needs a person. A
 * node that could not be drained is set aside, one that was not touched is as it was: neither
 * counts.
 */
export function hasFailed({ outcome, instants }: NodeResult): boolean {
  const { kind } = outcome;
  const touched = instants.cordoned !== undefined || kind === 'failed';
  return touched && needsPerson(kind) && kind !== 'undrainable';
}

/** What the report says about a node: the plan's view, and what came of it. */
export const nodeReportSchema = z.object({
  node: z.string(),
  pool: z.string(),
  probe: probeRecordSchema.optional(),
  decision: decisionSchema,
  /** What the plan expected, of nodes that needed a reboot. */
  turn: plannedNodeSchema.shape.turn,
  outcome: outcomeSchema,
  wasUnschedulable: z.boolean(),
  bootIdBefore: z.string(),
  bootIdAfter: z.string().optional(),
  kernelBefore: z.string(),
  kernelAfter: z.string().optional(),
  instants: instantsSchema,
});
export type NodeReport = z.infer<typeof nodeReportSchema>;

export const clusterReportSchema = clusterSummarySchema.extend({
  /** How the API server was reached, and why that way; missing where no plan was made. */
  access: accessSchema.optional(),
  /** What the plan expected; missing where none was made. */
  outlook: planSchema.shape.outlook.optional(),
  /** What there is to be said of it beside; nothing where no plan was made. */
  notes: z.array(noteSchema).default([]),
  nodes: z.array(nodeReportSchema),
});
export type ClusterReport = z.infer<typeof clusterReportSchema>;

export const runReportSchema = runRecordSchema.extend({
  /** What people said of the run and its nodes. */
  approvals: z.array(approvalSchema).default([]),
  clusters: z.array(clusterReportSchema),
});
export type RunReport = z.infer<typeof runReportSchema>;

/** The names under which the orchestrators of a run live; never reused, < 100 characters. */
export const instanceIds = {
  run: (run: string) => `${run}:run`,
  preflight: (run: string) => `${run}:preflight`,
  lane: (run: string, lane: number) => `${run}:lane:${lane}`,
  cluster: (run: string, cluster: string) => `${run}:cluster:${cluster}`,
  probes: (run: string, cluster: string, lane: number) => `${run}:probes:${cluster}:${lane}`,
  turns: (run: string, cluster: string, lane: number) => `${run}:turns:${cluster}:${lane}`,
  node: (run: string, cluster: string, node: string, purpose: 'reboot' | 'recover') =>
    `${run}:${purpose}:${shortHash(cluster)}:${shortHash(node)}`,
};

export const runIdPattern = /^[0-9]{8}T[0-9]{6}Z-[a-z0-9]{6}$/u;

/** A run's id: sorts by time. `at` is ISO 8601. */
export function runId(at: string, random: string): string {
  return `${at.slice(0, 19).replaceAll(/[:-]/gu, '')}Z-${random}`;
}

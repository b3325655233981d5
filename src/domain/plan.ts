import * as z from 'zod';
import { accessSchema } from './access.ts';
import { probeRecordSchema } from './need.ts';
import { noteSchema } from './note.ts';
import { outcomeSchema } from './outcome.ts';
import { reasonSchema } from './reason.ts';

/**
 * The plan: what is decided about every node of a cluster at one moment, and what is expected to
 * come of it. Dry run, terminal, report and `GET /api/plan` show this one value. Instants are ISO
 * 8601.
 */

export const decisionSchema = z.object({
  kind: z.enum(['reboot', 'wait', 'skip']),
  reasons: z.array(reasonSchema),
});
export type Decision = z.infer<typeof decisionSchema>;

/** From when to when nodes may be taken out of service; without an end: it is not known. */
const openingSchema = z.object({ opensAt: z.string(), closesAt: z.string().optional() });
export type Opening = z.infer<typeof openingSchema>;

const movingPodSchema = z.object({
  /** `namespace/name`. */
  pod: z.string(),
  state: z.enum(['evicting', 'terminating', 'blocked', 'refused']),
  why: z.string(),
});

/** What draining a node would come to, as far as one can see beforehand. */
const movesSchema = z.object({
  /** Pods that would have to leave. */
  count: z.int(),
  /** The first of them; those in the way come first. */
  pods: z.array(movingPodSchema),
  /** Why the drain can't succeed as things stand; asked for the first nodes. */
  hopeless: z.array(reasonSchema).optional(),
  /** What is in its way now and may pass by itself. */
  passing: z.array(reasonSchema).optional(),
});
export type Moves = z.infer<typeof movesSchema>;

/** What is expected of a node that needs a reboot. */
const turnSchema = z.object({
  /** From 1, among all that need one. */
  position: z.int(),
  /** Since when it is known to need it. */
  needSince: z.string().optional(),
  /** Empty when the node has none. */
  zone: z.string(),
  /** Missing when nobody has looked: the first nodes are looked at, and not over every way in. */
  moves: movesSchema.optional(),
  /** Missing when something other than time keeps it, or it is too far away. */
  expected: z.object({ start: z.string(), end: z.string() }).optional(),
  /** Its window, the one that is open or the next; missing when it always is, or never. */
  window: openingSchema.optional(),
});
export type PlannedTurn = z.infer<typeof turnSchema>;

export const plannedNodeSchema = z.object({
  node: z.string(),
  pool: z.string(),
  /** ARM id of the matched instance; empty when there is none. */
  instance: z.string(),
  bootId: z.string(),
  kernel: z.string(),
  unschedulable: z.boolean(),
  probe: probeRecordSchema.optional(),
  decision: decisionSchema,
  /** What the outcome is if nothing more happens to the node in this run. */
  outcome: outcomeSchema,
  /** Missing for nodes that need no reboot, or are never to be rebooted. */
  turn: turnSchema.optional(),
});
export type PlannedNode = z.infer<typeof plannedNodeSchema>;

/** How long it all takes, at the pace that settings and earlier nodes make one expect. */
const outlookSchema = z.object({
  /** Nodes that need a reboot. */
  due: z.int(),
  /** Of those: kept by something other than time, so no date can be told. */
  kept: z.int(),
  /** Of those: begun before the window closes, the one that is open or the next. */
  fit: z.int(),
  /** That window; missing when there are none. */
  window: openingSchema.optional(),
  /** When the last one is done; missing when that is too far away, or there are none. */
  doneBy: z.string().optional(),
  /** Nodes that came to need a reboot in the last seven days, and still do. */
  arisen: z.int(),
  /** Nodes that are expected to be begun in the next seven days. */
  served: z.int(),
  /** Need arises faster than it is served: what to change. */
  warning: z.object({ value: z.string(), settings: z.array(z.string()) }).optional(),
  /** Nodes whose pods were looked at. */
  lookedAt: z.int(),
});
export type Outlook = z.infer<typeof outlookSchema>;

export const planSchema = z.object({
  /** When it was made. */
  at: z.string(),
  /** By which run. */
  run: z.string(),
  dryRun: z.boolean(),
  cluster: z.string(),
  /** How the API server was reached. */
  access: accessSchema.optional(),
  /** What there is to be said of the cluster beside. */
  notes: z.array(noteSchema).default([]),
  outlook: outlookSchema,
  nodes: z.array(plannedNodeSchema),
  /** Nodes to reboot now, in order. */
  turns: z.array(z.string()),
});
export type Plan = z.infer<typeof planSchema>;

/** The plan without its nodes. */
export const planSummarySchema = planSchema
  .omit({ nodes: true, turns: true })
  .extend({ decisions: z.partialRecord(decisionSchema.shape.kind, z.int()) });
export type PlanSummary = z.infer<typeof planSummarySchema>;

export function summaryOf({ nodes, turns: _turns, ...rest }: Plan): PlanSummary {
  const decisions: PlanSummary['decisions'] = {};
  for (const { decision } of nodes) {
    decisions[decision.kind] = (decisions[decision.kind] ?? 0) + 1;
  }
  return { ...rest, decisions };
}

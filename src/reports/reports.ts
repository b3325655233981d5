import * as z from 'zod';
import {
  clusterReportSchema,
  clusterSummarySchema,
  nodeResultSchema,
  runRecordSchema,
  runReportSchema,
  runRequestSchema,
} from '../domain/run.ts';
import type {
  ClusterReport,
  ClusterSummary,
  NodeResult,
  RunRecord,
  RunReport,
} from '../domain/run.ts';
import { approvalSchema, askedSchema } from '../domain/approval.ts';
import type { Approval, Asked } from '../domain/approval.ts';
import { shortHash } from '../domain/arm.ts';
import { probeAddressSchema, probeRecordSchema } from '../domain/need.ts';
import { planSchema, planSummarySchema, summaryOf } from '../domain/plan.ts';
import type { Plan, PlanSummary } from '../domain/plan.ts';
import { turnsSchema } from '../domain/turns.ts';
import type { Turns } from '../domain/turns.ts';
import type { ProbeRecord } from '../domain/need.ts';
import { pacesSchema } from '../domain/pace.ts';
import type { Paces } from '../domain/pace.ts';
import { clusterPreflightSchema, preflightSchema } from '../domain/preflight.ts';
import type { ClusterPreflight, Preflight } from '../domain/preflight.ts';
import type { Documents } from '../ports.ts';
import { outOfService } from './outOfService.ts';

/**
 * What runs leave behind, as documents: the index (newest first), each run's record, plans, node
 * results and report, and the probe answers that serve later runs. Whatever grows with the fleet is
 * here and not in orchestrations, which carry counts and references only.
 */

const cancelSchema = z.object({ who: z.string(), why: z.string(), at: z.string() });
export type Cancel = z.infer<typeof cancelSchema>;

const laneSchema = z.array(probeAddressSchema);
/** The nodes that one lane of probes asks, in order. */
export type ProbeLane = z.infer<typeof laneSchema>;

const probesSchema = z.record(z.string(), probeRecordSchema);
/** Probe answers by node. */
export type Probes = z.infer<typeof probesSchema>;

const indexEntrySchema = z.object({
  run: z.string(),
  startedAt: z.string(),
  endedAt: z.string().optional(),
  status: runRecordSchema.shape.status,
  source: z.string(),
  purpose: runRequestSchema.shape.purpose,
  dryRun: z.boolean(),
  counts: runRecordSchema.shape.counts,
});
export type IndexEntry = z.infer<typeof indexEntrySchema>;

export type Reports = ReturnType<typeof createReports>;

export function createReports(documents: Documents) {
  return {
    ...runs(documents),
    ...clusters(documents),
    ...probes(documents),
    ...outOfService(documents),
    ...preflights(documents),
  };
}

async function readAs<T>(documents: Documents, path: string, schema: z.ZodType<T>) {
  const stored = await documents.read(path);
  return stored === undefined ? undefined : schema.parse(stored);
}

async function readAll<T>(documents: Documents, prefix: string, schema: z.ZodType<T>) {
  const paths = await documents.list(prefix);
  const found = await inParallel(paths, (path) => readAs(documents, path, schema));
  return found.filter((one) => one !== undefined);
}

/** Of a node, or of the run as a whole. */
function placeOf(node: string): string {
  return node === '' ? 'run' : shortHash(node);
}

function runs(documents: Documents) {
  const recordPath = (run: string) => `runs/${run}/run.json`;
  return {
    run: (run: string): Promise<RunRecord | undefined> =>
      readAs(documents, recordPath(run), runRecordSchema),

    /** Writes the record and its line in the index. */
    async writeRun(record: RunRecord): Promise<void> {
      const { run, startedAt, endedAt, status, counts, request } = record;
      const entry: IndexEntry = {
        run,
        startedAt,
        status,
        source: request.source,
        purpose: request.purpose,
        dryRun: request.dryRun,
        counts,
        ...(endedAt === undefined ? {} : { endedAt }),
      };
      await documents.write(recordPath(run), record);
      await documents.write(indexPath(run), entry);
    },

    /** The index, newest first; `after` is the last run of the page before. */
    async index(limit: number, after?: string): Promise<IndexEntry[]> {
      const options = after === undefined ? { limit } : { limit, after: indexPath(after) };
      const paths = await documents.list('index/', options);
      const entries = await Promise.all(
        paths.map((path) => readAs(documents, path, indexEntrySchema)),
      );
      return entries.filter((entry) => entry !== undefined);
    },

    cancel: (run: string): Promise<Cancel | undefined> =>
      readAs(documents, `runs/${run}/cancel.json`, cancelSchema),
    writeCancel: (run: string, cancel: Cancel): Promise<void> =>
      documents.write(`runs/${run}/cancel.json`, cancel),

    /** What people said of the run and its nodes; the last word on each. */
    approvals: (run: string): Promise<Approval[]> =>
      readAll(documents, `runs/${run}/approvals/`, approvalSchema),
    writeApproval: (run: string, approval: Approval): Promise<void> =>
      documents.write(`runs/${run}/approvals/${placeOf(approval.node)}.json`, approval),
    /** What people were asked. */
    asked: (run: string): Promise<Asked[]> => readAll(documents, `runs/${run}/asked/`, askedSchema),
    writeAsked: (run: string, asked: Asked): Promise<void> =>
      documents.write(`runs/${run}/asked/${placeOf(asked.node)}.json`, asked),

    report: (run: string): Promise<RunReport | undefined> =>
      readAs(documents, `runs/${run}/report.json`, runReportSchema),
    writeReport: (report: RunReport): Promise<void> =>
      documents.write(`runs/${report.run}/report.json`, report),

    async removeRun(run: string): Promise<void> {
      await documents.removeAll(`runs/${run}/`);
      await documents.removeAll(indexPath(run));
    },
  };
}

function clusters(documents: Documents) {
  const home = (run: string, cluster: string) => `runs/${run}/clusters/${cluster}`;
  return {
    plan: (run: string, cluster: string): Promise<Plan | undefined> =>
      readAs(documents, `${home(run, cluster)}/plan.json`, planSchema),
    writePlan: (plan: Plan): Promise<void> =>
      documents.write(`${home(plan.run, plan.cluster)}/plan.json`, plan),

    /** The latest plan that was made of all nodes of a cluster, by whichever run. */
    latestPlan: (cluster: string): Promise<Plan | undefined> =>
      readAs(documents, `plans/${cluster}/plan.json`, planSchema),
    latestSummary: (cluster: string): Promise<PlanSummary | undefined> =>
      readAs(documents, `plans/${cluster}/summary.json`, planSummarySchema),
    async writeLatestPlan(plan: Plan): Promise<void> {
      await documents.write(`plans/${plan.cluster}/plan.json`, plan);
      await documents.write(`plans/${plan.cluster}/summary.json`, summaryOf(plan));
    },

    /** Apart from the plan, because each turn reads them. */
    turns: (run: string, cluster: string): Promise<Turns | undefined> =>
      readAs(documents, `${home(run, cluster)}/turns.json`, turnsSchema),
    writeTurns: (run: string, cluster: string, turns: Turns): Promise<void> =>
      documents.write(`${home(run, cluster)}/turns.json`, turns),

    async nodeResults(run: string, cluster: string): Promise<NodeResult[]> {
      const paths = await documents.list(`${home(run, cluster)}/nodes/`);
      const results = await inParallel(paths, (path) => readAs(documents, path, nodeResultSchema));
      return results.filter((result) => result !== undefined);
    },
    writeNodeResult: (run: string, cluster: string, result: NodeResult): Promise<void> =>
      documents.write(`${home(run, cluster)}/nodes/${shortHash(result.node)}.json`, result),

    summary: (run: string, cluster: string): Promise<ClusterSummary | undefined> =>
      readAs(documents, `${home(run, cluster)}/summary.json`, clusterSummarySchema),
    clusterReport: (run: string, cluster: string): Promise<ClusterReport | undefined> =>
      readAs(documents, `${home(run, cluster)}/report.json`, clusterReportSchema),
    async writeClusterReport(run: string, report: ClusterReport): Promise<void> {
      const { nodes: _nodes, ...summary } = report;
      await documents.write(`${home(run, report.cluster)}/report.json`, report);
      await documents.write(`${home(run, report.cluster)}/summary.json`, summary);
    },
  };
}

function preflights(documents: Documents) {
  const latest = 'preflight/latest.json';
  const home = (run: string) => `runs/${run}/preflight`;
  return {
    async checked(run: string): Promise<ClusterPreflight[]> {
      const paths = await documents.list(`${home(run)}/`);
      const all = await inParallel(paths, (path) =>
        readAs(documents, path, clusterPreflightSchema),
      );
      return all.filter((one) => one !== undefined);
    },
    writeChecked: (run: string, checked: ClusterPreflight): Promise<void> =>
      documents.write(`${home(run)}/${checked.cluster}.json`, checked),

    preflight: (): Promise<Preflight | undefined> => readAs(documents, latest, preflightSchema),
    writePreflight: (preflight: Preflight): Promise<void> => documents.write(latest, preflight),
  };
}

function probes(documents: Documents) {
  const home = (run: string, cluster: string) => `runs/${run}/clusters/${cluster}/probes`;
  return {
    async lane(run: string, cluster: string, lane: number): Promise<ProbeLane> {
      return (await readAs(documents, `${home(run, cluster)}/lane-${lane}.json`, laneSchema)) ?? [];
    },
    writeLane: (run: string, cluster: string, lane: number, nodes: ProbeLane): Promise<void> =>
      documents.write(`${home(run, cluster)}/lane-${lane}.json`, nodes),

    /**
     * Answers of a run come in handfuls, one document each, so that lanes never write the same one.
     */
    writeAnswers: (run: string, cluster: string, name: string, answers: Probes): Promise<void> =>
      documents.write(`${home(run, cluster)}/answers-${name}.json`, answers),
    async answers(run: string, cluster: string): Promise<Probes> {
      const paths = await documents.list(`${home(run, cluster)}/answers-`);
      const parts = await inParallel(paths, (path) => readAs(documents, path, probesSchema));
      return Object.assign({}, ...parts) as Probes;
    },

    /** What is still known from earlier runs. */
    async lastProbes(cluster: string): Promise<Probes> {
      return (await readAs(documents, `probes/${cluster}.json`, probesSchema)) ?? {};
    },
    writeLastProbes: (cluster: string, answers: Probes): Promise<void> =>
      documents.write(`probes/${cluster}.json`, answers),

    /** How long the last nodes of each pool took. */
    async paces(cluster: string): Promise<Paces> {
      return (await readAs(documents, `paces/${cluster}.json`, pacesSchema)) ?? {};
    },
    writePaces: (cluster: string, paces: Paces): Promise<void> =>
      documents.write(`paces/${cluster}.json`, paces),
  };
}

export type { ProbeRecord };

/** Inverts a run id's digits so that lexicographic order is newest first. */
function indexPath(run: string): string {
  const inverted = run.replaceAll(/\d/gu, (digit) => String(9 - Number(digit)));
  return `index/${inverted}.json`;
}

const parallelReads = 16;

async function inParallel<A, B>(items: readonly A[], read: (item: A) => Promise<B>): Promise<B[]> {
  const results: B[] = [];
  for (let start = 0; start < items.length; start += parallelReads) {
    results.push(...(await Promise.all(items.slice(start, start + parallelReads).map(read))));
  }
  return results;
}

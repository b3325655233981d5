import { sameArmId } from '../domain/arm.ts';
import { isoInstant } from '../domain/instant.ts';
import { addCounts } from '../domain/outcome.ts';
import type { OutcomeCounts } from '../domain/outcome.ts';
import type { Reason } from '../domain/reason.ts';
import type { ClusterReport, RunRecord } from '../domain/run.ts';
import { chooseClusters } from '../policy/choice.ts';
import type { ClusterSettings } from '../policy/settings.ts';
import type { StepInput, StepOutputs } from '../steps.ts';
import { readSettings } from './scene.ts';
import type { Desk } from './scene.ts';

/** Clusters of a run that are worked on at once; they share their subscription's probes. */
const clustersAtOnce = 10;

/** Opens a run: which clusters it is about, and its record in the index. */
export async function openRun(
  desk: Desk,
  { run, request }: StepInput<'openRun'>,
): Promise<StepOutputs['openRun']> {
  const settings = await readSettings(desk);
  const chosen = chooseClusters(settings, request.clusters);
  if (chosen.kind === 'refused') return chosen;
  const earlier = await desk.reports.run(run);
  const record: RunRecord = {
    run,
    request,
    settings: settings.hash,
    controller: settings.controller,
    startedAt: earlier?.startedAt ?? isoInstant(desk.clock.now()),
    status: 'running',
    counts: {},
    clusters: chosen.clusters.map(({ key }) => key),
  };
  await desk.reports.writeRun(record);
  desk.log({ level: 'info', message: 'run opened', run, detail: { clusters: record.clusters } });
  return {
    kind: 'opened',
    clusters: chosen.clusters.map((cluster) => ({
      cluster: cluster.key,
      probeLanes: probeLanes(cluster, chosen.clusters),
    })),
  };
}

/**
 * Closes a run: the report from what its clusters have left, and the index line. A cluster that
 * left nothing is in the report all the same, as `failed`.
 */
export async function closeRun(
  desk: Desk,
  { run }: StepInput<'closeRun'>,
): Promise<StepOutputs['closeRun']> {
  const record = await desk.reports.run(run);
  if (record === undefined) return { kind: 'closed', counts: {} };
  const clusters: ClusterReport[] = [];
  for (const key of record.clusters) {
    clusters.push((await desk.reports.clusterReport(run, key)) ?? lostCluster(key));
  }
  const counts = clusters.map((cluster) => cluster.counts).reduce(addCounts, {} as OutcomeCounts);
  const canceled = (await desk.reports.cancel(run)) !== undefined;
  const closed: RunRecord = {
    ...record,
    counts,
    endedAt: isoInstant(desk.clock.now()),
    status: canceled ? 'canceled' : 'completed',
  };
  await desk.reports.writeReport({ ...closed, clusters });
  await desk.reports.writeRun(closed);
  desk.log({ level: 'info', message: 'run closed', run, detail: { counts } });
  return { kind: 'closed', counts };
}

function lostCluster(key: string): ClusterReport {
  const reason: Reason = { kind: 'bug', value: 'the cluster left no report' };
  return {
    cluster: key,
    id: key,
    reasons: [reason],
    recovered: [],
    counts: { failed: 1 },
    nodes: [],
  };
}

/** A cluster's share of the probes that its subscription may have in flight. */
function probeLanes(cluster: ClusterSettings, all: readonly ClusterSettings[]): number {
  const neighbours = all.filter((other) =>
    sameArmId(other.id.subscription, cluster.id.subscription),
  );
  const atOnce = Math.min(neighbours.length, clustersAtOnce);
  return Math.max(1, Math.floor(cluster.policy.probeConcurrency / atOnce));
}

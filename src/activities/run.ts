import { sameArmId } from '../domain/arm.ts';
import { isoInstant } from '../domain/instant.ts';
import { addCounts } from '../domain/outcome.ts';
import type { OutcomeCounts } from '../domain/outcome.ts';
import type { Reason } from '../domain/reason.ts';
import type { ClusterReport, RunRecord } from '../domain/run.ts';
import { heldBack } from '../decide/rings.ts';
import type { PassedRing } from '../decide/rings.ts';
import { chooseClusters } from '../policy/choice.ts';
import { ringsOf } from '../policy/rings.ts';
import type { ClusterSettings } from '../policy/settings.ts';
import type { RingTask, StepInput, StepOutputs } from '../steps.ts';
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
  const rings = ringsOf(settings, chosen.clusters);
  const record: RunRecord = {
    run,
    request,
    settings: settings.hash,
    controller: settings.controller,
    startedAt: earlier?.startedAt ?? isoInstant(desk.clock.now()),
    status: 'running',
    counts: {},
    clusters: chosen.clusters.map(({ key }) => key),
    rings: rings.map(({ name, clusters }) => {
      const held = earlier?.rings.find((ring) => ring.name === name)?.held ?? [];
      return { name, clusters: clusters.map(({ key }) => key), held };
    }),
  };
  await desk.reports.writeRun(record);
  desk.log({ level: 'info', message: 'run opened', run, detail: { clusters: record.clusters } });
  return { kind: 'opened', rings: rings.map(({ clusters }) => taskOf(clusters)) };
}

function taskOf(clusters: readonly ClusterSettings[]): RingTask {
  const tasks = clusters.map((cluster) => {
    return { cluster: cluster.key, probeLanes: probeLanes(cluster, clusters) };
  });
  // Each cluster has one probe at the least: with more clusters at once than probes there would be
  // too many.
  const fewest = Math.min(...clusters.map(({ policy }) => policy.probeConcurrency));
  return { clusters: tasks, lanes: Math.min(clustersAtOnce, fewest, clusters.length) };
}

/**
 * Opens the next ring: says whether the earlier ones let anything be begun in it. What it says is
 * kept, and the gates of each of its nodes judge by it. Dead work is finished all the same.
 */
export async function openRing(
  desk: Desk,
  { run, ring: index }: StepInput<'openRing'>,
): Promise<StepOutputs['openRing']> {
  const record = await desk.reports.run(run);
  const ring = record?.rings[index];
  if (record === undefined || ring === undefined || record.request.dryRun) {
    return { kind: 'opened' };
  }
  const { ringStopsOn } = await readSettings(desk);
  const passed: PassedRing[] = [];
  for (const { name, clusters, held } of record.rings.slice(0, index)) {
    const left = [];
    for (const cluster of clusters) {
      left.push({ cluster, summary: await desk.reports.summary(run, cluster) });
    }
    passed.push({ name, held: held.length > 0, clusters: left });
  }
  const held = heldBack(passed, ringStopsOn);
  if (held.length === 0) return { kind: 'opened' };
  await desk.reports.writeRun({ ...record, rings: record.rings.with(index, { ...ring, held }) });
  const detail = `${ring.name || 'the last ring'}: ${held[0]?.value ?? ''}`;
  desk.log({ level: 'warn', message: 'ring held', run, detail: { detail } });
  return { kind: 'opened' };
}

/**
 * Closes a run: the report from what its clusters have left, and the index line. A cluster that
 * left nothing is in the report all the same, as `failed`.
 */
export async function closeRun(
  desk: Desk,
  { run, unopened }: StepInput<'closeRun'>,
): Promise<StepOutputs['closeRun']> {
  const record = await desk.reports.run(run);
  if (record === undefined) return { kind: 'closed', counts: {} };
  const clusters: ClusterReport[] = [];
  for (const key of record.clusters) {
    const known = await desk.reports.clusterReport(run, key);
    clusters.push(known ?? lostCluster(desk, run, key, unopened));
  }
  const counts = clusters.map((cluster) => cluster.counts).reduce(addCounts, {} as OutcomeCounts);
  const canceled = (await desk.reports.cancel(run)) !== undefined;
  const closed: RunRecord = {
    ...record,
    counts,
    endedAt: isoInstant(desk.clock.now()),
    status: canceled ? 'canceled' : 'completed',
  };
  const approvals = await desk.reports.approvals(run);
  await desk.reports.writeReport({ ...closed, approvals, clusters });
  await desk.reports.writeRun(closed);
  const { source, dryRun, purpose } = record.request;
  // Alert rules read this line, and those of the clusters: infra/modules/alerts.bicep.
  const detail = { counts, source, dryRun, purpose, status: closed.status };
  desk.log({ level: 'info', message: 'run closed', run, detail });
  return { kind: 'closed', counts };
}

function lostCluster(
  desk: Desk,
  run: string,
  cluster: string,
  unopened: Reason | undefined,
): ClusterReport {
  const reasons = [unopened ?? { kind: 'bug' as const, value: 'the cluster left no report' }];
  const counts = { failed: 1 };
  const detail = { counts, reasons, needsPerson: 1, halted: false };
  desk.log({ level: 'error', message: 'cluster closed', run, cluster, detail });
  return { cluster, id: cluster, reasons, recovered: [], notes: [], counts, nodes: [] };
}

/** A cluster's share of the probes that its subscription may have in flight. */
function probeLanes(cluster: ClusterSettings, all: readonly ClusterSettings[]): number {
  const neighbours = all.filter((other) =>
    sameArmId(other.id.subscription, cluster.id.subscription),
  );
  const atOnce = Math.min(neighbours.length, clustersAtOnce);
  return Math.max(1, Math.floor(cluster.policy.probeConcurrency / atOnce));
}

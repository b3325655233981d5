import { attentionOf } from '../domain/attention.ts';
import { countOutcomes } from '../domain/outcome.ts';
import type { Outcome, OutcomeCounts, OutcomeKind } from '../domain/outcome.ts';
import { reasonOfTrouble } from '../domain/reason.ts';
import type { Reason } from '../domain/reason.ts';
import { readLastReboot, readMark } from '../domain/mark.ts';
import type { NodeView } from '../domain/node.ts';
import { hasFailed } from '../domain/run.ts';
import type { ClusterReport, NodeReport, NodeResult, RunRequest } from '../domain/run.ts';
import type { Plan, PlannedNode } from '../domain/plan.ts';
import { TroubleError } from '../domain/trouble.ts';
import type { Stops } from '../decide/gate.ts';
import { window } from '../decide/gates/time.ts';
import { lockEntityName } from '../lock/entity.ts';
import { parseLock } from '../lock/lock.ts';
import { policyOf } from '../policy/settings.ts';
import type { StepInput, StepOutputs } from '../steps.ts';
import { findRoom } from './fleet.ts';
import { unrecovered } from './recover.ts';
import { connect, openSite, readStops, rememberedFacts } from './scene.ts';
import type { Desk, Site } from './scene.ts';

/**
 * Closes a cluster: an outcome for every node, and the reasons if it was left alone or cut short.
 */
export async function closeCluster(
  desk: Desk,
  { run, cluster, reasons, recovered }: StepInput<'closeCluster'>,
): Promise<StepOutputs['closeCluster']> {
  const site = await openSite(desk, cluster);
  const planned = await desk.reports.plan(run, cluster);
  const results = inTime(await desk.reports.nodeResults(run, cluster));
  const request = (await desk.reports.run(run))?.request;
  const recovers = request?.purpose === 'recover' && reasons.length === 0;
  const nodes =
    planned !== undefined
      ? await plannedNodes(desk, site, run, planned, results)
      : recovers
        ? await recoveredNodes(desk, site, results, request)
        : await unplannedNodes(desk, site, results, reasons);
  const outcomes = nodes.map(({ outcome }) => outcome);
  const counts =
    outcomes.length > 0
      ? countOutcomes(outcomes)
      : countsOfNobody(reasons, planned !== undefined || recovers);
  const summary = { cluster, id: site.cluster.id.id, reasons, recovered, counts };
  const { access, outlook, notes = [] } = planned ?? {};
  const report: ClusterReport = {
    ...summary,
    ...(access === undefined ? {} : { access }),
    ...(outlook === undefined ? {} : { outlook }),
    notes,
    nodes,
  };
  await desk.reports.writeClusterReport(run, report);
  for (const { node, outcome } of nodes) {
    desk.log({ level: 'info', message: outcome.kind, run, cluster, node, detail: { ...outcome } });
  }
  // Alert rules read this line: infra/modules/alerts.bicep.
  const attention =
    nodes.length > 0
      ? attentionOf(nodes, desk.clock.now())
      : { needsPerson: counts.unknown ?? 0, halted: false };
  const detail = { counts, reasons, ...attention };
  desk.log({ level: 'info', message: 'cluster closed', run, cluster, detail });
  return { kind: 'closed', summary };
}

/** A cluster that has no node is no trouble; one of which nobody knows whether it has any is. */
function countsOfNobody(reasons: readonly Reason[], wasRead: boolean): OutcomeCounts {
  const isKnown = reasons.length === 0 ? wasRead : isWaiting(reasons);
  return isKnown ? {} : { unknown: 1 };
}

/** In the order in which they ended. */
function inTime(results: readonly NodeResult[]): NodeResult[] {
  const ended = ({ instants }: NodeResult) => instants.ended ?? '';
  return results.toSorted((a, b) => (ended(a) < ended(b) ? -1 : 1));
}

async function plannedNodes(
  desk: Desk,
  site: Site,
  run: string,
  { cluster, nodes, turns }: Plan,
  results: readonly NodeResult[],
): Promise<NodeReport[]> {
  const dryRun = (await desk.reports.run(run))?.request.dryRun === true;
  const cancel = await desk.reports.cancel(run);
  const stops = await stopsNow(desk, site, run);
  const room = await findRoom(desk, site, '');
  const fleet: Reason[] = room.kind === 'full' ? [{ kind: 'fleet', value: room.detail }] : [];
  const untouched = (node: PlannedNode): Outcome => {
    if (cancel !== undefined) {
      const value = `${cancel.who}: ${cancel.why}`;
      return { kind: 'canceled', reasons: [{ kind: 'canceled', value }] };
    }
    if (!dryRun) {
      const why = [...failures(site, results), ...outOfHours(site, node, stops), ...fleet];
      const stop = why.length > 0 ? '' : stopOf(results);
      return turnless(`its turn did not come in this run${stop}`, why);
    }
    const place = `${turns.indexOf(node.node) + 1} of ${turns.length}`;
    return turnless(`would be rebooted, turn ${place}`, node.decision.reasons);
  };
  const isDue = ({ node, decision }: PlannedNode) =>
    decision.kind === 'reboot' && resultOf(results, node) === undefined;
  const asks = !dryRun && nodes.some(isDue);
  const seen = asks ? await nodesNow(desk, site) : [];
  const begun = asks ? await begunNodes(desk, run, cluster) : [];
  return nodes.map((node) => {
    if (!isDue(node)) return reportOf(node, resultOf(results, node.node));
    const known = seen.find(({ name }) => name === node.node);
    const result = known && unrecorded(known, run);
    const unended = begun.includes(node.node) ? endless(node.node) : undefined;
    return reportOf({ ...node, outcome: untouched(node) }, result ?? unended);
  });
}

/** Nodes whose slots this run has not given back. */
async function begunNodes(desk: Desk, run: string, cluster: string): Promise<string[]> {
  const { slots } = parseLock(await desk.durable.entity(lockEntityName, cluster));
  return slots.filter(({ holder }) => holder.startsWith(`${run}:`)).map(({ node }) => node);
}

/**
 * Its turn came, and its orchestration has no result: somebody has terminated it, and what it had
 * begun by then may still be carried out.
 */
function endless(node: string): NodeResult {
  const value = 'its orchestration ended without a result: a later run finds out what it has done';
  const outcome: Outcome = { kind: 'unknown', reasons: [{ kind: 'lost', value }] };
  return { node, purpose: 'reboot', instants: {}, outcome };
}

/** The nodes as they are; none when they can't be read. */
async function nodesNow(desk: Desk, site: Site): Promise<NodeView[]> {
  try {
    return await (await connect(desk, site)).nodes();
  } catch (error) {
    if (!(error instanceof TroubleError)) throw error;
    return [];
  }
}

/**
 * The storage may have been away when a node's result was to be kept. The node itself tells what
 * was done to it: its turn did come.
 */
function unrecorded({ name, annotations }: NodeView, run: string): NodeResult | undefined {
  const base = { node: name, purpose: 'reboot' as const, instants: {} };
  const last = readLastReboot(annotations);
  if (last.kind === 'read' && last.value.run === run) {
    const { bootIdBefore, bootIdAfter, kernel } = last.value;
    const value = 'says the node itself: what became of it could not be recorded';
    const outcome: Outcome = { kind: 'rebooted', reasons: [{ kind: 'probe', value }] };
    return { ...base, outcome, bootIdBefore, bootIdAfter, kernelAfter: kernel };
  }
  const mark = readMark(annotations);
  if (mark.kind !== 'read' || mark.value.run !== run) return undefined;
  const value = 'it carries the mark of this run, and what became of it could not be recorded';
  return { ...base, outcome: { kind: 'unknown', reasons: [{ kind: 'lost', value }] } };
}

function turnless(value: string, why: readonly Reason[]): Outcome {
  return { kind: 'deferred', reasons: [{ kind: 'turn', value }, ...why] };
}

/** Why no other node was begun: too many had failed. */
function failures({ policy }: Site, results: readonly NodeResult[]): Reason[] {
  const failed = results.filter((result) => result.purpose === 'reboot' && hasFailed(result));
  if (failed.length < policy.stopAfterFailures) return [];
  const names = failed.map(({ node, outcome }) => `${node} ${outcome.kind}`).join(', ');
  const value = `this run has failed for ${names} (stopAfterFailures ${policy.stopAfterFailures})`;
  return [{ kind: 'failures', value }];
}

/** The window may have closed before its turn; then one wants to know when the next one opens. */
function outOfHours(
  { cluster }: Site,
  { pool }: PlannedNode,
  stops: Stops | { kind: 'trouble'; reason: Reason },
): Reason[] {
  if ('kind' in stops) return [stops.reason];
  const reason = window({ policy: policyOf(cluster, pool), node: { pool } }, stops);
  return reason === undefined ? [] : [reason];
}

/** Azure being away is no reason to close a cluster without its report. */
async function stopsNow(desk: Desk, site: Site, run: string) {
  try {
    return await readStops(desk, site, run, await rememberedFacts(desk, site));
  } catch (error) {
    if (!(error instanceof TroubleError)) throw error;
    return { kind: 'trouble' as const, reason: reasonOfTrouble(error.trouble) };
  }
}

/** What the turns ended with, for those whose turn did not come. */
function stopOf(results: readonly NodeResult[]): string {
  const passing: OutcomeKind[] = ['rebooted', 'notNeeded', 'undrainable', 'skipped'];
  const last = results.findLast(({ outcome, purpose }) => {
    return purpose === 'reboot' && !passing.includes(outcome.kind);
  });
  return last === undefined ? '' : `; ${last.node}: ${last.outcome.reasons[0]?.value ?? ''}`;
}

/**
 * Reasons for which a whole cluster is left alone without anybody having to do something about it.
 */
function isWaiting(reasons: readonly Reason[]): boolean {
  const waiting: Reason['kind'][] = ['lock', 'claim', 'clusterState'];
  return reasons.length > 0 && reasons.every(({ kind }) => waiting.includes(kind));
}

/** Recovering comes before the plan; when a turn followed, that is what counts. */
function resultOf(results: readonly NodeResult[], node: string): NodeResult | undefined {
  return results.find((result) => result.node === node);
}

function reportOf(planned: PlannedNode, result: NodeResult | undefined): NodeReport {
  const { node, pool, probe, decision, turn, outcome, bootId, kernel, unschedulable } = planned;
  const base: NodeReport = {
    node,
    pool,
    ...(probe === undefined ? {} : { probe }),
    decision,
    ...(turn === undefined ? {} : { turn }),
    outcome,
    wasUnschedulable: unschedulable,
    bootIdBefore: bootId,
    kernelBefore: kernel,
    instants: {},
  };
  if (result === undefined) return base;
  return {
    ...base,
    outcome: soberOutcome(result, outcome),
    wasUnschedulable: result.wasUnschedulable ?? base.wasUnschedulable,
    bootIdBefore: result.bootIdBefore ?? base.bootIdBefore,
    bootIdAfter: result.bootIdAfter,
    kernelBefore: result.kernelBefore ?? base.kernelBefore,
    kernelAfter: result.kernelAfter,
    instants: result.instants,
  };
}

/** A node that was recovered and is fine is as the plan, made afterwards, sees it. */
function soberOutcome(result: NodeResult, planned: Outcome): Outcome {
  if (result.purpose === 'reboot' || result.outcome.kind !== 'deferred') return result.outcome;
  return { kind: planned.kind, reasons: [...result.outcome.reasons, ...planned.reasons] };
}

/** A run that only recovers: every node, with what came of its mark. */
async function recoveredNodes(
  desk: Desk,
  site: Site,
  results: readonly NodeResult[],
  { takeOver }: RunRequest,
): Promise<NodeReport[]> {
  const kubernetes = await connect(desk, site);
  const nodes: NodeReport[] = [];
  for (const node of await kubernetes.nodes()) {
    const result = resultOf(results, node.name);
    const outcome = result?.outcome ?? (await unrecovered(desk, site, node, takeOver));
    const { name, pool, bootId, kernel, unschedulable } = node;
    const known = { node: name, pool, instance: '', bootId, kernel, unschedulable };
    const decision = { kind: 'skip' as const, reasons: outcome.reasons };
    nodes.push({ ...reportOf({ ...known, decision, outcome }, result), outcome });
  }
  return nodes;
}

/** Without a plan there still are nodes: each is left alone for the cluster's reasons. */
async function unplannedNodes(
  desk: Desk,
  site: Site,
  results: readonly NodeResult[],
  reasons: Reason[],
): Promise<NodeReport[]> {
  const why = reasons.length > 0 ? reasons : [{ kind: 'bug' as const, value: 'no plan was made' }];
  const outcome: Outcome = { kind: isWaiting(why) ? 'deferred' : 'unknown', reasons: why };
  if (why.some(({ kind }) => kind === 'clusterState')) return [];
  try {
    const kubernetes = await connect(desk, site);
    return (await kubernetes.nodes()).map(({ name, pool, bootId, kernel, unschedulable }) => {
      const decision = { kind: 'wait' as const, reasons: why };
      const known = { node: name, pool, instance: '', bootId, kernel, unschedulable };
      return reportOf({ ...known, decision, outcome }, resultOf(results, name));
    });
  } catch (error) {
    if (!(error instanceof TroubleError)) throw error;
    desk.log({
      level: 'warn',
      message: 'nodes could not be listed for the report',
      cluster: site.cluster.key,
      detail: { ...reasonOfTrouble(error.trouble) },
    });
    return [];
  }
}

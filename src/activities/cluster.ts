import { instanceRefId } from '../domain/arm.ts';
import { epochMs } from '../domain/instant.ts';
import { readMark } from '../domain/mark.ts';
import { withAge } from '../domain/need.ts';
import { countOutcomes } from '../domain/outcome.ts';
import type { Outcome } from '../domain/outcome.ts';
import { reasonOfTrouble } from '../domain/reason.ts';
import type { Reason } from '../domain/reason.ts';
import type {
  ClusterReport,
  NodeReport,
  NodeResult,
  Plan,
  PlannedNode,
  RunRequest,
} from '../domain/run.ts';
import { TroubleError } from '../domain/trouble.ts';
import { worthProbing } from '../decide/gates.ts';
import type { Sight } from '../decide/gate.ts';
import { matchNode } from '../decide/identity.ts';
import { planCluster as plan } from '../decide/plan.ts';
import { policyOf } from '../policy/settings.ts';
import type { ProbeLane, Probes } from '../reports/reports.ts';
import type { StepInput, StepOutputs } from '../steps.ts';
import { unrecovered } from './recover.ts';
import { dropClaim, takeClaim } from './claim.ts';
import {
  connect,
  instanceFinder,
  openSite,
  policyFor,
  readFacts,
  readScene,
  rememberedFacts,
  sleepReasons,
} from './scene.ts';
import type { Desk, Site } from './scene.ts';

export async function claimCluster(
  desk: Desk,
  { run, cluster }: StepInput<'claimCluster'>,
): Promise<StepOutputs['claimCluster']> {
  const site = await openSite(desk, cluster);
  const kubernetes = await connect(desk, site);
  const takeOver = (await desk.reports.run(run))?.request.takeOver;
  const now = desk.clock.now();
  const answer = await takeClaim(kubernetes, site.settings.controller, now, takeOver);
  if (answer.kind !== 'stale') return answer;
  throw new TroubleError({ kind: 'conflict', value: 'somebody else wrote the claim just now' });
}

/** Releases the claim if settings say so, and nothing of ours is left open. */
export async function releaseClaim(
  desk: Desk,
  { cluster }: StepInput<'releaseClaim'>,
): Promise<StepOutputs['releaseClaim']> {
  const site = await openSite(desk, cluster);
  if (site.settings.claim === 'keep') return { kind: 'done' };
  const kubernetes = await connect(desk, site);
  const marks = (await kubernetes.nodes()).map(({ annotations }) => readMark(annotations));
  const { controller } = site.settings;
  const open = marks.some((mark) => mark.kind === 'read' && mark.value.controller === controller);
  if (!open) await dropClaim(kubernetes, controller, desk.clock.now());
  return { kind: 'done' };
}

/** Reads nodes and instances, and deals out the nodes whose probe answer is missing or too old. */
export async function readCluster(
  desk: Desk,
  { run, cluster, lanes }: StepInput<'readCluster'>,
): Promise<StepOutputs['readCluster']> {
  const site = await openSite(desk, cluster);
  const asleep = await sleepReasons(desk, site);
  if (asleep.length > 0) return { kind: 'refused', reasons: asleep };
  const { sights, scene } = await look(desk, site, run, await desk.reports.lastProbes(cluster));
  const toProbe = sights.flatMap((sight): ProbeLane => {
    const { node, match, probe, policy } = sight;
    if (match.kind !== 'matched' || !worthProbing(sight, scene)) return [];
    const freshest = desk.clock.now() - policy.probeMaxAgeHours * 3_600_000;
    const serves =
      probe !== undefined && probe.probe.kind !== 'unknown' && epochMs(probe.at) > freshest;
    const { vmId } = match.instance;
    const instance = instanceRefId(match.ref);
    return serves ? [] : [{ node: node.name, pool: match.pool.name, instance, vmId }];
  });
  const used = Math.min(lanes, toProbe.length);
  for (let lane = 0; lane < used; lane += 1) {
    const mine = toProbe.filter((_node, index) => index % used === lane);
    await desk.reports.writeLane(run, cluster, lane, mine);
  }
  return { kind: 'read', toProbe: toProbe.length, lanes: used };
}

/** Decides for every node, with the answers that there are now. */
export async function planCluster(
  desk: Desk,
  { run, cluster }: StepInput<'planCluster'>,
): Promise<StepOutputs['planCluster']> {
  const site = await openSite(desk, cluster);
  const last = await desk.reports.lastProbes(cluster);
  const probes = { ...last, ...(await desk.reports.answers(run, cluster)) };
  const { sights, scene } = await look(desk, site, run, withAges(probes, last));
  const planned = plan(cluster, sights, scene, site.policy.poolOrder);
  await desk.reports.writePlan(run, planned);
  const known = sights.flatMap(({ node, probe }) => (probe ? [[node.name, probe] as const] : []));
  await desk.reports.writeLastProbes(cluster, Object.fromEntries(known));
  const due = planned.turns.length;
  desk.log({ level: 'info', message: 'planned', run, cluster, detail: { due } });
  // Two lanes that read the same marks at once would not see each other's: together they never give
  // out more slots than are free. One remains: its gate says why nothing can begin.
  const free = Math.max(1, site.policy.concurrency - scene.marked.length);
  return { kind: 'planned', due, lanes: Math.min(free, due) };
}

function withAges(probes: Probes, earlier: Probes): Probes {
  const aged = Object.entries(probes).map(
    ([node, record]) => [node, withAge(record, earlier[node])] as const,
  );
  return Object.fromEntries(aged);
}

/**
 * All nodes with what is known of them. An answer of another machine or boot is not known any more.
 */
async function look(desk: Desk, site: Site, run: string, probes: Probes) {
  const facts = await readFacts(desk, site);
  const kubernetes = await connect(desk, site);
  const nodes = await kubernetes.nodes();
  const at = instanceFinder(await desk.azure.instances(facts), instanceRefId);
  const request = (await desk.reports.run(run))?.request;
  const limits = { pools: request?.pools ?? [], nodes: request?.nodes ?? [] };
  const scene = await readScene(desk, site, run, facts, nodes, limits);
  const sights = nodes.map((node): Sight => {
    const match = matchNode(node, facts, at);
    const probe = probes[node.name];
    const stale =
      probe === undefined ||
      match.kind !== 'matched' ||
      probe.vmId !== match.instance.vmId ||
      (probe.probe.kind !== 'unknown' && probe.probe.bootId !== node.bootId);
    const policy = policyFor(site, node);
    return { node, match, policy, probe: stale ? undefined : probe };
  });
  return { sights, scene };
}

/** The plan's node with this turn; none when the plan is through. */
export async function nextNode(
  desk: Desk,
  { run, cluster, turn }: StepInput<'nextNode'>,
): Promise<StepOutputs['nextNode']> {
  const site = await openSite(desk, cluster);
  const planned = await desk.reports.plan(run, cluster);
  const name = planned?.turns[turn];
  const node = planned?.nodes.find((candidate) => candidate.node === name);
  if (node?.probe === undefined || (await desk.reports.cancel(run)) !== undefined) {
    return { kind: 'none' };
  }
  const { instance, probe, pool } = node;
  const { soakSeconds } = policyOf(site.cluster, pool);
  return { kind: 'node', node: node.node, pool, instance, vmId: probe.vmId, soakSeconds };
}

/**
 * Closes a cluster: an outcome for every node, and the reasons if it was left alone or cut short.
 */
export async function closeCluster(
  desk: Desk,
  { run, cluster, reasons, recovered }: StepInput<'closeCluster'>,
): Promise<StepOutputs['closeCluster']> {
  const site = await openSite(desk, cluster);
  const planned = await desk.reports.plan(run, cluster);
  const results = await desk.reports.nodeResults(run, cluster);
  const request = (await desk.reports.run(run))?.request;
  const nodes =
    planned !== undefined
      ? await plannedNodes(desk, run, planned, results)
      : request?.purpose === 'recover' && reasons.length === 0
        ? await recoveredNodes(desk, site, results, request)
        : await unplannedNodes(desk, site, results, reasons);
  const outcomes = nodes.map(({ outcome }) => outcome);
  const nobody = isWaiting(reasons) ? {} : { unknown: 1 };
  const counts = outcomes.length > 0 ? countOutcomes(outcomes) : nobody;
  const summary = { cluster, id: site.cluster.id.id, reasons, recovered, counts };
  const report: ClusterReport = { ...summary, nodes };
  await desk.reports.writeClusterReport(run, report);
  for (const { node, outcome } of nodes) {
    desk.log({ level: 'info', message: outcome.kind, run, cluster, node, detail: { ...outcome } });
  }
  return { kind: 'closed', summary };
}

async function plannedNodes(
  desk: Desk,
  run: string,
  { nodes, turns }: Plan,
  results: readonly NodeResult[],
): Promise<NodeReport[]> {
  const dryRun = (await desk.reports.run(run))?.request.dryRun === true;
  const cancel = await desk.reports.cancel(run);
  const untouched = (node: PlannedNode): Outcome => {
    if (cancel !== undefined) {
      const value = `${cancel.who}: ${cancel.why}`;
      return { kind: 'canceled', reasons: [{ kind: 'canceled', value }] };
    }
    if (!dryRun) return turnless(`its turn did not come in this run${stopOf(results)}`, []);
    const place = `${turns.indexOf(node.node) + 1} of ${turns.length}`;
    return turnless(`would be rebooted, turn ${place}`, node.decision.reasons);
  };
  return nodes.map((node) => {
    const result = resultOf(results, node.node);
    const due = node.decision.kind === 'reboot' && result === undefined;
    return reportOf(due ? { ...node, outcome: untouched(node) } : node, result);
  });
}

function turnless(value: string, why: readonly Reason[]): Outcome {
  return { kind: 'deferred', reasons: [{ kind: 'turn', value }, ...why] };
}

/** What the turns ended with, for those whose turn did not come. */
function stopOf(results: readonly NodeResult[]): string {
  const last = results.findLast(({ outcome, purpose }) => {
    return purpose === 'reboot' && !['rebooted', 'notNeeded'].includes(outcome.kind);
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
  const { node, pool, probe, decision, outcome, bootId, kernel, unschedulable } = planned;
  const base: NodeReport = {
    node,
    pool,
    ...(probe === undefined ? {} : { probe }),
    decision,
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
    const kubernetes = await desk.azure.kubernetes(await rememberedFacts(desk, site));
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

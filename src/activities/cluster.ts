import { instanceRefId } from '../domain/arm.ts';
import { epochMs } from '../domain/instant.ts';
import { readMark } from '../domain/mark.ts';
import type { Mark } from '../domain/mark.ts';
import { withAge } from '../domain/need.ts';
import { countOutcomes } from '../domain/outcome.ts';
import type { Outcome } from '../domain/outcome.ts';
import { reasonOfTrouble } from '../domain/reason.ts';
import type { Reason } from '../domain/reason.ts';
import { instanceIds } from '../domain/run.ts';
import type { ClusterReport, NodeReport, NodeResult, Plan, PlannedNode } from '../domain/run.ts';
import { TroubleError } from '../domain/trouble.ts';
import { worthProbing } from '../decide/gates.ts';
import type { Sight } from '../decide/gate.ts';
import { matchNode } from '../decide/identity.ts';
import { planCluster as plan } from '../decide/plan.ts';
import { lockEntityName } from '../lock/entity.ts';
import { highestFloor, parseLock } from '../lock/lock.ts';
import { policyOf } from '../policy/settings.ts';
import type { ProbeLane, Probes } from '../reports/reports.ts';
import type { MarkedNode, StepInput, StepOutputs } from '../steps.ts';
import { dropClaim, takeClaim } from './claim.ts';
import {
  connect,
  instanceFinder,
  openSite,
  policyFor,
  readFacts,
  readScene,
  rememberedFacts,
} from './scene.ts';
import type { Desk, Site } from './scene.ts';

/**
 * A holder is stalled when nothing of it has moved for longer than anything it could be waiting
 * for: a Retry-After of Compute (20 minutes in its documentation), a soak, a boot deadline are all
 * told in between.
 */
const stalledAfterMinutes = 180;

/** Finds the marks, whose they are, and the highest fencing number on them. */
export async function readMarks(
  desk: Desk,
  { run, cluster }: StepInput<'readMarks'>,
): Promise<StepOutputs['readMarks']> {
  const site = await openSite(desk, cluster);
  const asleep = await sleepReasons(desk, site);
  if (asleep.length > 0) return { kind: 'refused', reasons: asleep };
  const kubernetes = await connect(desk, site);
  const takeOver = (await desk.reports.run(run))?.request.takeOver !== undefined;
  const marks: MarkedNode[] = [];
  for (const { name, annotations } of await kubernetes.nodes()) {
    const mark = readMark(annotations);
    if (mark.kind === 'none') continue;
    if (mark.kind === 'unreadable' || mark.value.fence > highestFloor) {
      marks.push({ node: name, fence: 0, whose: 'foreign' });
      continue;
    }
    const ours = mark.value.controller === site.settings.controller || takeOver;
    const whose = ours ? await stateOfRun(desk, cluster, name, mark.value) : 'foreign';
    marks.push({ node: name, fence: mark.value.fence, whose });
  }
  return { kind: 'marks', floor: Math.max(0, ...marks.map(({ fence }) => fence)), marks };
}

/** A stopped cluster has no API server: nothing is wrong, and there is nothing to do. */
async function sleepReasons(desk: Desk, site: Site): Promise<Reason[]> {
  const { powerState } = await readFacts(desk, site);
  return powerState === 'Stopped'
    ? [{ kind: 'clusterState', value: 'the cluster is stopped' }]
    : [];
}

/** A mark's run lives while the orchestration that works on the node does, and gets on. */
async function stateOfRun(desk: Desk, cluster: string, node: string, mark: Mark) {
  for (const purpose of ['reboot', 'recover'] as const) {
    const id = instanceIds.node(mark.run, cluster, node, purpose);
    if (await isAlive(desk, id)) {
      return (await isStalled(desk, cluster, mark.fence)) ? 'dead' : 'live';
    }
  }
  return 'dead';
}

async function isAlive(desk: Desk, instanceId: string): Promise<boolean> {
  const status = await desk.durable.status(instanceId);
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

/** A mark whose slot the lock does not know: the slot was taken from a holder that stood still. */
async function isStalled(desk: Desk, cluster: string, fence: number): Promise<boolean> {
  const lock = parseLock(await desk.durable.entity(lockEntityName, cluster));
  const slot = lock.slots.find((candidate) => candidate.fence === fence);
  return slot === undefined || isOld(desk, slot.progressAt);
}

function isOld(desk: Desk, instant: string): boolean {
  return desk.clock.now() - epochMs(instant) > stalledAfterMinutes * 60_000;
}

/** Which of the lock's holders are dead or stalled; with them go the slots of their lanes. */
export async function findLost(
  desk: Desk,
  { cluster, holders }: StepInput<'findLost'>,
): Promise<StepOutputs['findLost']> {
  const lock = parseLock(await desk.durable.entity(lockEntityName, cluster));
  const lost: string[] = [];
  for (const holder of holders) {
    const stalled = lock.owner?.holder === holder && isOld(desk, lock.owner.progressAt);
    if (stalled || !(await isAlive(desk, holder))) lost.push(holder);
  }
  if (lost.length > 0) lost.push(...lock.slots.map((slot) => slot.holder));
  return { kind: 'lost', holders: lost };
}

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
  { run, cluster, reasons }: StepInput<'closeCluster'>,
): Promise<StepOutputs['closeCluster']> {
  const site = await openSite(desk, cluster);
  const planned = await desk.reports.plan(run, cluster);
  const results = await desk.reports.nodeResults(run, cluster);
  const nodes =
    planned === undefined
      ? await unplannedNodes(desk, site, results, reasons)
      : await plannedNodes(desk, run, planned, results);
  const outcomes = nodes.map(({ outcome }) => outcome);
  const nobody = isWaiting(reasons) ? {} : { unknown: 1 };
  const counts = outcomes.length > 0 ? countOutcomes(outcomes) : nobody;
  const summary = { cluster, id: site.cluster.id.id, reasons, counts };
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

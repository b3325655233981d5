import { instanceRefId } from '../domain/arm.ts';
import { epochMs } from '../domain/instant.ts';
import { withAge } from '../domain/need.ts';
import type { Plan } from '../domain/plan.ts';
import type { Turns } from '../domain/turns.ts';
import { worthProbing } from '../decide/gates.ts';
import type { Scene, Sight } from '../decide/gate.ts';
import { markedIn } from '../decide/gates/cluster.ts';
import { matchNode } from '../decide/identity.ts';
import { planCluster as plan } from '../decide/plan.ts';
import { lanesOf } from '../decide/turn.ts';
import { policyOf } from '../policy/settings.ts';
import type { ProbeLane, Probes } from '../reports/reports.ts';
import type { StepInput, StepOutputs } from '../steps.ts';
import { claimLease } from './claim.ts';
import { countMarks } from './fleet.ts';
import { lookAtPods } from './moves.ts';
import {
  connect,
  instanceFinder,
  openSite,
  policyFor,
  readFacts,
  readScene,
  sleepReasons,
} from './scene.ts';
import type { Desk, Site } from './scene.ts';

/** Reads nodes and instances, and deals out the nodes whose probe answer is missing or too old. */
export async function readCluster(
  desk: Desk,
  { run, cluster, lanes }: StepInput<'readCluster'>,
): Promise<StepOutputs['readCluster']> {
  const site = await openSite(desk, cluster);
  const asleep = await sleepReasons(desk, site);
  if (asleep.length > 0) return { kind: 'refused', reasons: asleep };
  const last = await desk.reports.lastProbes(cluster);
  // Whom to ask for their need is nobody's to say but the node's and the settings'.
  const { sights, scene } = await look(desk, site, run, last, 'nothing outside');
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
  const { sights, scene } = await look(desk, site, run, withAges(probes, last), 'outside too');
  const request = (await desk.reports.run(run))?.request;
  const dryRun = request?.dryRun === true;
  const frame = { cluster, run, dryRun, poolOrder: site.policy.poolOrder, moves: new Map() };
  const draft = plan(frame, sights, scene);
  const moves = await lookAtPods(desk, site, draft, sights, scene);
  const planned = plan({ ...frame, moves }, sights, scene);
  await desk.reports.writePlan(planned);
  const limited = scene.limits.nodes.length > 0 || scene.limits.pools.length > 0;
  if (!limited) await desk.reports.writeLatestPlan(planned);
  const known = sights.flatMap(({ node, probe }) => (probe ? [[node.name, probe] as const] : []));
  await desk.reports.writeLastProbes(cluster, Object.fromEntries(known));
  const turns = turnsOf(planned, scene);
  await desk.reports.writeTurns(run, cluster, turns);
  if (!dryRun) {
    const marked = scene.marked.map(({ name }) => name);
    await countMarks(desk, cluster, marked);
  }
  const due = turns.nodes.length;
  const access = scene.access.way;
  desk.log({ level: 'info', message: 'planned', run, cluster, detail: { due, access } });
  const free = site.policy.concurrency - scene.marked.length;
  const mayBeOut = (pool: string) => policyOf(site.cluster, pool).maxUnavailable;
  return { kind: 'planned', due, lanes: lanesOf(turns, free, mayBeOut) };
}

function turnsOf({ turns, nodes }: Plan, { marked }: Scene): Turns {
  const known = new Map(nodes.map((node) => [node.node, node]));
  const due = turns.flatMap((name) => {
    const { pool = '', instance = '', probe } = known.get(name) ?? {};
    return probe === undefined ? [] : [{ node: name, pool, instance, vmId: probe.vmId }];
  });
  const pools = new Set(due.map(({ pool }) => pool));
  const counts = [...pools].map((pool) => [pool, markedIn(pool, marked).length] as const);
  return { nodes: due, marked: Object.fromEntries(counts) };
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
async function look(
  desk: Desk,
  site: Site,
  run: string,
  probes: Probes,
  asks: 'nothing outside' | 'outside too',
) {
  const facts = await readFacts(desk, site);
  const kubernetes = await connect(desk, site);
  kubernetes.ahead({ nodes: true, lease: claimLease });
  const nodes = await kubernetes.nodes();
  const at = instanceFinder(await desk.azure.instances(facts), instanceRefId);
  const request = (await desk.reports.run(run))?.request;
  const limits = { pools: request?.pools ?? [], nodes: request?.nodes ?? [] };
  const policies = asks === 'outside too' ? nodes.map((node) => policyFor(site, node)) : [];
  const scene = await readScene(desk, site, run, { facts, nodes, policies, limits });
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

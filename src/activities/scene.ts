import type { ClusterFacts, Instance } from '../domain/cluster.ts';
import type { InstanceRef } from '../domain/arm.ts';
import { lastRefusalAnnotation, markAnnotation } from '../domain/mark.ts';
import type { NodeView } from '../domain/node.ts';
import type { Reason } from '../domain/reason.ts';
import { TroubleError } from '../domain/trouble.ts';
import type { DrainPolicy } from '../domain/drain.ts';
import { takesCommands } from '../decide/gates/access.ts';
import { servingOf } from '../decide/gates/capacity.ts';
import { claimedPlace, matchNode } from '../decide/identity.ts';
import type { Match } from '../decide/identity.ts';
import type { Scene, Stops } from '../decide/gate.ts';
import { questionsOf } from '../decide/questions.ts';
import { fleetScope, lockEntityName } from '../lock/entity.ts';
import { activeHold, parseLock } from '../lock/lock.ts';
import { parseSettings, policyOf } from '../policy/settings.ts';
import type { ClusterSettings, Policy, Settings } from '../policy/settings.ts';
import { asksForMaintenance } from '../policy/window.ts';
import type { Durable, Kubernetes, Ports } from '../ports.ts';
import { createReports } from '../reports/reports.ts';
import type { Reports } from '../reports/reports.ts';
import { readClaim } from './claim.ts';
import { askOutside } from './outside.ts';

/**
 * What an activity works with: the ports, the durable client of its own invocation, and the
 * reports.
 */
export interface Desk extends Ports {
  durable: Durable;
  reports: Reports;
  memory: Memory;
  /** The ways into clusters that this activity has taken, by key. */
  connections: Map<string, Promise<Kubernetes>>;
}

/** What this process remembers between activities. It may be gone any time: guards read anew. */
export interface Memory {
  /** What the settings' text came to: it is the same for a whole run, as a rule. */
  settings: { text: string; parsed: ReturnType<typeof parseSettings> } | undefined;
  /** What was lately read of clusters, by key. */
  facts: Map<string, { facts: ClusterFacts; at: number }>;
  /** Names of the Events that were told: telling them again would only be refused. */
  told: Set<string>;
}
const rememberedMs = 10 * 60_000;

export function createDesk(ports: Ports, durable: Durable, memory: Memory): Desk {
  const reports = createReports(ports.documents);
  return { ...ports, durable, memory, reports, connections: new Map() };
}

/** The settings as they are now. Throws `invalid` trouble that names every problem. */
export async function readSettings(desk: Desk): Promise<Settings> {
  const text = await desk.settingsText();
  const known = desk.memory.settings;
  const parsed = known?.text === text ? known.parsed : parseSettings(text);
  desk.memory.settings = { text, parsed };
  if (parsed.kind === 'ok') return parsed.value;
  const problems = parsed.problems.map(({ path, problem }) => `${path} ${problem}`).join('; ');
  throw new TroubleError({ kind: 'invalid', value: `settings: ${problems}` });
}

/** One configured cluster, as an activity sees it. */
export interface Site {
  settings: Settings;
  cluster: ClusterSettings;
  /** What holds for the cluster as a whole. */
  policy: Policy;
}

/**
 * What holds for a node. Its pool is what it says itself; gates refuse one whose machine says
 * another.
 */
export function policyFor({ cluster }: Site, { pool }: NodeView): Policy {
  return policyOf(cluster, pool);
}

/**
 * A cluster that is not (any more) in the settings is nobody's to touch, whatever an input says.
 */
export async function openSite(desk: Desk, key: string): Promise<Site> {
  const settings = await readSettings(desk);
  const cluster = settings.clusters.find((candidate) => candidate.key === key);
  if (cluster === undefined) {
    throw new TroubleError({ kind: 'invalid', value: `cluster ${key} is not in the settings` });
  }
  return { settings, cluster, policy: cluster.policy };
}

/** The API server of a site; reads ARM only when nothing recent is remembered. */
export function connect(desk: Desk, site: Site): Promise<Kubernetes> {
  const { key } = site.cluster;
  const known = desk.connections.get(key) ?? connectAnew(desk, site);
  desk.connections.set(key, known);
  return known;
}

async function connectAnew(desk: Desk, site: Site): Promise<Kubernetes> {
  const facts = await rememberedFacts(desk, site);
  const { way } = await desk.azure.access(facts, site.policy.access);
  return desk.azure.kubernetes(facts, way);
}

/** What ARM said lately: good for finding things, not for guarding an effect. */
export async function rememberedFacts(desk: Desk, site: Site): Promise<ClusterFacts> {
  const known = desk.memory.facts.get(site.cluster.key);
  const fresh = known !== undefined && Math.abs(desk.clock.now() - known.at) < rememberedMs;
  return fresh ? known.facts : readFacts(desk, site);
}

/** What ARM says now. */
export async function readFacts(desk: Desk, site: Site): Promise<ClusterFacts> {
  const { id, policy, pools } = site.cluster;
  const also = [policy, ...pools.values()].some(asksForMaintenance) ? 'maintenance' : undefined;
  const facts = await desk.azure.cluster(id, also);
  desk.memory.facts.set(site.cluster.key, { facts, at: desk.clock.now() });
  return facts;
}

/** A stopped cluster has no API server: nothing is wrong, and there is nothing to do. */
export async function sleepReasons(desk: Desk, site: Site): Promise<Reason[]> {
  const { powerState } = await readFacts(desk, site);
  return powerState === 'Stopped'
    ? [{ kind: 'clusterState', value: 'the cluster is stopped' }]
    : [];
}

/** Cross-checks a node with its instance, which is read now (one GET). */
export async function matchNow(desk: Desk, node: NodeView, facts: ClusterFacts): Promise<Match> {
  const place = claimedPlace(node, facts);
  if (place.kind !== 'place') return place;
  const instance = await desk.azure.instance(place.ref);
  return matchNode(node, facts, () => instance);
}

/** Finds instances by place, from one listing. */
export function instanceFinder(
  instances: readonly Instance[],
  idOf: (ref: InstanceRef) => string,
): (ref: InstanceRef) => Instance | undefined {
  const byId = new Map(instances.map((instance) => [instance.id.toLowerCase(), instance]));
  return (ref) => byId.get(idOf(ref).toLowerCase());
}

/** What was read of a cluster, and what else the gates will ask about. */
export interface Surroundings {
  facts: ClusterFacts;
  nodes: readonly NodeView[];
  /** Of the nodes that will be judged: they say which outside sources have to be asked. */
  policies: readonly Policy[];
  /** What the run is limited to; nothing once the plan is made. */
  limits?: Scene['limits'];
}

/** Everything around a node that gates look at, read now. */
export async function readScene(
  desk: Desk,
  site: Site,
  run: string,
  { facts, nodes, policies, limits }: Surroundings,
): Promise<Scene> {
  const kubernetes = await connect(desk, site);
  const outside = await askOutside(desk, kubernetes, questionsOf(policies, facts));
  return {
    ...(await readStops(desk, site, run, facts)),
    run,
    controller: site.settings.controller,
    concurrency: site.policy.concurrency,
    cluster: facts,
    limits: limits ?? { pools: [], nodes: [] },
    access: await desk.azure.access(facts, site.policy.access),
    commandHosts: nodes.filter(takesCommands).map(({ name }) => name),
    approvals: await readApprovals(desk, run, policies, limits === undefined),
    force: (await desk.reports.run(run))?.request.force,
    ringHeld: await heldRing(desk, run, site.cluster.key),
    outside,
    claimedBy: await foreignClaim(kubernetes, site.settings.controller),
    serving: servingOf(nodes),
    marked: nodes.filter(({ annotations }) => markAnnotation in annotations),
    refused: nodes.filter(({ annotations }) => lastRefusalAnnotation in annotations),
  };
}

/** What people have said; nobody is looked for where nobody has to be asked. */
async function readApprovals(
  desk: Desk,
  run: string,
  policies: readonly Policy[],
  asked: boolean,
): Promise<Scene['approvals']> {
  const wanted = policies.some(({ approval }) => approval !== 'off');
  const given = wanted ? await desk.reports.approvals(run) : [];
  return { vouched: desk.vouching.kind !== 'nobody', asked, given };
}

/** What stops work at once, read now. */
export async function readStops(
  desk: Desk,
  site: Site,
  run: string,
  { maintenance }: ClusterFacts,
): Promise<Stops> {
  const cancel = await desk.reports.cancel(run);
  return {
    now: desk.clock.now(),
    holds: await readHolds(desk, site.cluster.key),
    canceled: cancel && `${cancel.who} canceled the run at ${cancel.at}: ${cancel.why}`,
    maintenance,
    paces: await desk.reports.paces(site.cluster.key),
  };
}

/** Why the run begins nothing in this cluster's ring, if it doesn't. */
async function heldRing(desk: Desk, run: string, key: string): Promise<Scene['ringHeld']> {
  const record = await desk.reports.run(run);
  return record?.rings.find(({ clusters }) => clusters.includes(key))?.held ?? [];
}

async function readHolds(desk: Desk, key: string): Promise<Stops['holds']> {
  const holds = await Promise.all(
    [fleetScope, key].map(async (scope) => {
      const lock = parseLock(await desk.durable.entity(lockEntityName, scope));
      const hold = activeHold(lock, desk.clock.now());
      return hold === undefined ? [] : [{ scope, hold }];
    }),
  );
  return holds.flat();
}

async function foreignClaim(kubernetes: Kubernetes, controller: string) {
  const claim = await readClaim(kubernetes);
  return claim.holder === '' || claim.holder === controller ? undefined : claim.holder;
}

/** What the settings say for draining nodes of a pool, in that way. */
export function drainPolicy(policy: Policy, way: DrainPolicy['way'] = 'evict'): DrainPolicy {
  const { gracePeriodSeconds, skipWaitForDeleteSeconds, podSelector, parallelEvictions } = policy;
  const { deleteEmptyDirData, evictUnmanaged } = policy;
  return {
    gracePeriodSeconds,
    skipWaitForDeleteSeconds,
    podSelector,
    deleteEmptyDirData,
    evictUnmanaged,
    parallelEvictions,
    way,
    // Who wants the restart in any case wants as many pods as possible to have left before.
    pastRefused: policy.atDrainDeadline === 'restart',
  };
}

import { instanceRefId } from '../domain/arm.ts';
import { epochMs, isoInstant } from '../domain/instant.ts';
import { channelMeaning } from '../domain/note.ts';
import type { Moves, Plan, PlannedNode, PlannedTurn } from '../domain/plan.ts';
import type { ReasonKind } from '../domain/reason.ts';
import { foretell, openingAt } from './course.ts';
import type { Course, PoolCourse, Span } from './course.ts';
import { expectedOf } from './fit.ts';
import { decide } from './gates.ts';
import { poolOf } from './gate.ts';
import type { Scene, Sight } from './gate.ts';
import { markedIn } from './gates/cluster.ts';
import { orderTurns } from './order.ts';
import { openingOf, outlookOf } from './outlook.ts';

/** What a plan is made with, beside what is seen. */
export interface PlanFrame {
  cluster: string;
  run: string;
  dryRun: boolean;
  /** Pools that come first. */
  poolOrder: readonly string[];
  /** What draining the nodes would come to, as far as somebody has looked. */
  moves: ReadonlyMap<string, Moves>;
}

const hourMs = 60 * 60_000;
const dayMs = 24 * hourMs;
/** What lies further ahead is not foretold. */
const horizonMs = 90 * dayMs;

/** The decisions for all nodes of a cluster, their order, and what is to be expected. Pure. */
export function planCluster(frame: PlanFrame, sights: readonly Sight[], scene: Scene): Plan {
  const planned = sights.map((sight) => ({ sight, node: planNode(frame, sight, scene) }));
  const due = inOrder(
    frame,
    planned.filter(({ node }) => isDue(node)),
    scene.now,
  );
  const course = courseOf(due, scene);
  const waiting = due.map(({ sight, node }) => ({
    node: node.node,
    pool: node.pool,
    needSince: needSince(sight),
    notBefore: oldEnough(sight),
    timely: isTimely(node, scene),
  }));
  const foretold = foretell(
    waiting.filter(({ timely }) => timely),
    course,
  );
  const openings = openingsOf(course, scene.now);
  const turns = new Map(
    due.map(({ sight, node }, index): [string, PlannedTurn] => {
      const { start, end } = foretold.get(node.node) ?? {};
      const known = start !== undefined && end !== undefined;
      const opening = openings.get(node.pool);
      return [
        node.node,
        {
          position: index + 1,
          needSince: sight.probe?.due?.since,
          zone: zoneOf(sight),
          moves: frame.moves.get(node.node),
          expected: known ? { start: isoInstant(start), end: isoInstant(end) } : undefined,
          window: opening && openingOf(opening),
        },
      ];
    }),
  );
  const { cluster, run, dryRun } = frame;
  return {
    at: isoInstant(scene.now),
    run,
    dryRun,
    cluster,
    access: scene.access,
    notes: [{ kind: 'channel', value: channelMeaning(scene.cluster.nodeOsChannel) }],
    outlook: {
      ...outlookOf(waiting, course, foretold, openings, scene.now),
      lookedAt: frame.moves.size,
    },
    nodes: planned.map(({ node }) => ({ ...node, turn: turns.get(node.node) })),
    turns: due.filter(({ node }) => node.decision.kind === 'reboot').map(({ node }) => node.node),
  };
}

interface Planned {
  sight: Sight;
  node: PlannedNode;
}

function planNode({ moves }: PlanFrame, sight: Sight, scene: Scene): PlannedNode {
  const { node, match, probe } = sight;
  const { count = 0, hopeless = [], passing = [] } = moves.get(node.name) ?? {};
  const forecast = { leaving: count, hopeless, passing };
  return {
    node: node.name,
    pool: poolOf(sight),
    instance: match.kind === 'matched' ? instanceRefId(match.ref) : '',
    bootId: node.bootId,
    kernel: node.kernel,
    unschedulable: node.unschedulable,
    ...(probe === undefined ? {} : { probe }),
    ...decide({ ...sight, forecast }, scene),
  };
}

/** Nodes that need a reboot and are to have one, now or later. */
function isDue({ decision, outcome }: PlannedNode): boolean {
  const waits = outcome.kind === 'deferred' || outcome.kind === 'undrainable';
  return decision.kind === 'reboot' || (decision.kind === 'wait' && waits);
}

/** Reasons that pass by themselves, at a time that one can tell. */
const temporal: readonly ReasonKind[] = ['window', 'fit', 'slots', 'poolSlots', 'needAge'];

function isTimely({ node, decision }: PlannedNode, { holds, marked }: Scene): boolean {
  if (decision.kind === 'reboot') return true;
  // Out of service already: what comes of it is not a matter of time.
  if (marked.some(({ name }) => name === node)) return false;
  const ends = holds.every(({ hold }) => hold.until !== undefined);
  return decision.reasons.every(({ kind }) => temporal.includes(kind) || (kind === 'hold' && ends));
}

function inOrder(frame: PlanFrame, due: readonly Planned[], now: number): Planned[] {
  const known = new Map(due.map((one) => [one.node.node, one]));
  const ordered = orderTurns(
    due.map(({ sight, node }) => ({
      node: node.node,
      pool: node.pool,
      system: sight.match.kind === 'matched' && sight.match.pool.mode === 'System',
      zone: zoneOf(sight),
      needSince: needSince(sight),
      affected: frame.moves.get(node.node)?.count,
    })),
    frame.poolOrder,
    now,
  );
  return ordered.flatMap((name) => known.get(name) ?? []);
}

/** The lanes, pools and windows that the cluster's next runs will have. */
function courseOf(due: readonly Planned[], scene: Scene): Course {
  const { now, holds, concurrency, marked, maintenance, paces } = scene;
  const pools = new Map<string, PoolCourse>();
  for (const { sight, node } of due) {
    if (pools.has(node.pool)) continue;
    const { policy } = sight;
    const { drainMinutes, restartMinutes } = expectedOf(policy, node.pool, paces);
    pools.set(node.pool, {
      hours: policy,
      minutes: drainMinutes + restartMinutes,
      soakSeconds: policy.soakSeconds,
      limit: policy.maxUnavailable - markedIn(node.pool, marked).length,
    });
  }
  const lifted = holds.flatMap(({ hold }) => (hold.until === undefined ? [] : epochMs(hold.until)));
  const from = Math.max(now, ...lifted);
  return { from, until: from + horizonMs, lanes: concurrency - marked.length, pools, maintenance };
}

function openingsOf({ pools, maintenance }: Course, now: number): Map<string, Span | undefined> {
  const known = [...pools].map(
    ([pool, { hours }]) => [pool, openingAt(hours, maintenance, now)] as const,
  );
  return new Map(known);
}

function needSince({ probe }: Sight): number | undefined {
  return probe?.due === undefined ? undefined : epochMs(probe.due.since);
}

/** When the need is as old as settings ask for; never for one whose age nobody knows. */
function oldEnough(sight: Sight): number | undefined {
  const { minNeedAgeHours } = sight.policy;
  const since = needSince(sight) ?? Number.POSITIVE_INFINITY;
  return minNeedAgeHours === 0 ? undefined : since + minNeedAgeHours * hourMs;
}

function zoneOf({ node }: Sight): string {
  return node.labels['topology.kubernetes.io/zone'] ?? '';
}

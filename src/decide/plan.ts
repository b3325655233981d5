import { instanceRefId } from '../domain/arm.ts';
import type { Plan, PlannedNode } from '../domain/run.ts';
import { epochMs, isoInstant } from '../domain/instant.ts';
import { decide } from './gates.ts';
import type { Scene, Sight } from './gate.ts';
import { orderTurns } from './order.ts';
import type { Due } from './order.ts';

/** The decisions for all nodes of a cluster, and the order of those that are rebooted. Pure. */
export function planCluster(
  key: string,
  sights: readonly Sight[],
  scene: Scene,
  poolOrder: readonly string[],
): Plan {
  const planned = sights.map((sight) => ({ sight, plan: planNode(sight, scene) }));
  const due = planned
    .filter(({ plan }) => plan.decision.kind === 'reboot')
    .map(({ sight }) => dueOf(sight));
  return {
    at: isoInstant(scene.now),
    cluster: key,
    access: scene.access,
    nodes: planned.map(({ plan }) => plan),
    turns: orderTurns(due, poolOrder, scene.now),
  };
}

function planNode(sight: Sight, scene: Scene): PlannedNode {
  const { node, match, probe } = sight;
  return {
    node: node.name,
    pool: poolOf(sight),
    instance: match.kind === 'matched' ? instanceRefId(match.ref) : '',
    bootId: node.bootId,
    kernel: node.kernel,
    unschedulable: node.unschedulable,
    ...(probe === undefined ? {} : { probe }),
    ...decide(sight, scene),
  };
}

function dueOf(sight: Sight): Due {
  const { node, match, probe } = sight;
  return {
    node: node.name,
    pool: poolOf(sight),
    system: match.kind === 'matched' && match.pool.mode === 'System',
    zone: node.labels['topology.kubernetes.io/zone'] ?? '',
    needSince: probe?.due === undefined ? undefined : epochMs(probe.due.since),
    affected: undefined,
  };
}

/** What the instance says counts; the node's own word is for those that have none. */
function poolOf({ match, node }: Sight): string {
  return match.kind === 'matched' ? match.pool.name : node.pool;
}

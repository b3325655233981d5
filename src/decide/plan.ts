import { instanceRefId } from '../domain/arm.ts';
import type { Plan, PlannedNode } from '../domain/run.ts';
import { isoInstant } from '../domain/instant.ts';
import { decide } from './gates.ts';
import type { Scene, Sight } from './gate.ts';

/** The decisions for all nodes of a cluster, and the order of those that are rebooted. Pure. */
export function planCluster(key: string, sights: readonly Sight[], scene: Scene): Plan {
  const planned = sights.map((sight) => ({ sight, plan: planNode(sight, scene) }));
  const turns = planned
    .filter(({ plan }) => plan.decision.kind === 'reboot')
    .sort((a, b) => compareTurns(a.sight, b.sight))
    .map(({ plan }) => plan.node);
  return {
    at: isoInstant(scene.now),
    cluster: key,
    nodes: planned.map(({ plan }) => plan),
    turns,
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

/**
 * System pools last, because what they run serves the others; then pool by pool; within a pool the
 * node that has been up longest first; and the name, so that the order is the same whoever computes
 * it.
 */
function compareTurns(a: Sight, b: Sight): number {
  return (
    Number(isSystem(a)) - Number(isSystem(b)) ||
    compareText(poolOf(a), poolOf(b)) ||
    uptime(b) - uptime(a) ||
    compareText(a.node.name, b.node.name)
  );
}

/** What the instance says counts; the node's own word is for those that have none. */
function poolOf({ match, node }: Sight): string {
  return match.kind === 'matched' ? match.pool.name : node.pool;
}

function isSystem({ match }: Sight): boolean {
  return match.kind === 'matched' && match.pool.mode === 'System';
}

function uptime({ probe }: Sight): number {
  return probe === undefined || probe.probe.kind === 'unknown' ? 0 : probe.probe.uptimeSeconds;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

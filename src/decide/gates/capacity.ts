import { readMark } from '../../domain/mark.ts';
import type { NodeView } from '../../domain/node.ts';
import type { Reason } from '../../domain/reason.ts';
import { poolOf } from '../gate.ts';
import type { Scene, Sight } from '../gate.ts';
import { aheadIn, markedIn } from './cluster.ts';

/** The nodes that take pods now, by their pool's name in lower case. */
export type Serving = ReadonlyMap<string, readonly NodeView[]>;

export function servingOf(nodes: readonly NodeView[]): Serving {
  return Map.groupBy(nodes.filter(serves), ({ pool }) => pool.toLowerCase());
}

function serves({ ready, unschedulable }: NodeView): boolean {
  return ready && !unschedulable;
}

/**
 * Pods that have to leave need somewhere to go: nodes of the same pool, because taints, labels and
 * sizes are the pool's; and of the same zone, because disks are.
 *
 * @param leaving nodes of the pool that are about to be taken out of service; negative: that will
 * be back
 */
export function capacity(
  sight: Sight,
  { serving }: { serving: Serving },
  leaving = 0,
): Reason | undefined {
  const { node, policy } = sight;
  const pool = poolOf(sight);
  const { minReadyInPool, minReadyInZone } = policy;
  const all = serving.get(pool.toLowerCase()) ?? [];
  const own = Number(serves(node));
  const left = Math.max(0, all.length - own - leaving);
  if (left < minReadyInPool) return tooFew(`pool ${pool}`, left, { minReadyInPool });
  if (minReadyInZone === 0) return undefined;
  const zone = zoneOf(node);
  const inZone = all.filter((other) => zoneOf(other) === zone).length;
  const near = Math.max(0, inZone - own - leaving);
  return near < minReadyInZone
    ? tooFew(`zone ${zone || 'none'} of pool ${pool}`, near, { minReadyInZone })
    : undefined;
}

/**
 * Lanes of this run work on nodes of one pool side by side: a node that only they leave too little
 * room for waits until they are through, and is not set aside.
 *
 * @returns what it waits for
 */
export function waitsForRoom(sight: Sight, scene: Scene): Reason | undefined {
  const pool = poolOf(sight);
  const crowded = capacity(sight, scene, aheadIn(pool, scene).length);
  if (crowded === undefined) return undefined;
  const atWork = markedIn(pool, scene.marked).filter(({ annotations }) => {
    const mark = readMark(annotations);
    return mark.kind === 'read' && mark.value.run === scene.run && mark.value.stuck === undefined;
  });
  return capacity(sight, scene, -atWork.length) === undefined ? crowded : undefined;
}

function tooFew(where: string, left: number, setting: Record<string, number>): Reason {
  const [[name, least] = []] = Object.entries(setting);
  const nodes = left === 1 ? '1 Ready node' : `${left} Ready nodes`;
  const value = `${where} would have ${nodes} left to take its pods (${name} is ${least})`;
  return { kind: 'capacity', value };
}

function zoneOf({ labels }: NodeView): string {
  return labels['topology.kubernetes.io/zone'] ?? '';
}

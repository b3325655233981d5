import { sameArmId } from '../../domain/arm.ts';
import { readMark } from '../../domain/mark.ts';
import type { NodeView } from '../../domain/node.ts';
import type { Reason } from '../../domain/reason.ts';
import { poolOf } from '../gate.ts';
import type { Scene, Sight } from '../gate.ts';

/** Gates that the state of the cluster, its pools and its other nodes closes. */

export function claim(_sight: Sight, { claimedBy }: Scene): Reason | undefined {
  return claimedBy === undefined
    ? undefined
    : { kind: 'claim', value: `controller "${claimedBy}" has claimed the cluster` };
}

/** A node that was restarted and is not proved stops everything but its own recovery. */
export function halted({ node }: Sight, { marked }: Scene): Reason | undefined {
  for (const other of marked) {
    if (other.name === node.name) continue;
    const mark = readMark(other.annotations);
    if (mark.kind === 'read' && mark.value.stuck !== undefined) {
      const { kind, at } = mark.value.stuck;
      return { kind: 'halted', value: `node ${other.name} is out of service: ${kind} since ${at}` };
    }
  }
  return undefined;
}

export function clusterState(_sight: Sight, { cluster }: Scene): Reason | undefined {
  if (cluster.provisioningState !== 'Succeeded') {
    return {
      kind: 'clusterState',
      value: `the cluster is ${cluster.provisioningState || 'unknown'}`,
    };
  }
  if (cluster.powerState !== 'Running') {
    return { kind: 'clusterState', value: `the cluster is ${cluster.powerState || 'unknown'}` };
  }
  return undefined;
}

export function poolState({ match }: Sight, _scene: Scene): Reason | undefined {
  if (match.kind !== 'matched') return undefined;
  const { name, provisioningState, powerState } = match.pool;
  if (provisioningState !== 'Succeeded') {
    return { kind: 'poolState', value: `pool ${name} is ${provisioningState || 'unknown'}` };
  }
  if (powerState !== 'Running') {
    return { kind: 'poolState', value: `pool ${name} is ${powerState || 'unknown'}` };
  }
  return undefined;
}

/** Slots are counted from the marks on the nodes, whoever's; a marked node is not begun again. */
export function slots(
  { node }: Sight,
  { marked, concurrency, ahead = [] }: Scene,
): Reason | undefined {
  if (readMark(node.annotations).kind !== 'none') {
    return { kind: 'slots', value: 'it carries a mark: it is out of service already' };
  }
  const others = marked.filter(({ name }) => name !== node.name);
  if (others.length + ahead.length < concurrency) return undefined;
  const value = `out of service already: ${namesOf(others, ahead)} (${concurrency} may be)`;
  return { kind: 'slots', value };
}

function namesOf(others: readonly NodeView[], ahead: readonly string[]): string {
  const about = ahead.length === 0 ? [] : [`${ahead.length} about to be`];
  return [...others.map(({ name }) => name), ...about].join(', ');
}

/** The same of the node's pool. */
export function poolSlots(sight: Sight, scene: Scene): Reason | undefined {
  const { node, policy } = sight;
  const pool = poolOf(sight);
  const others = markedIn(pool, scene.marked).filter(({ name }) => name !== node.name);
  const first = aheadIn(pool, scene);
  if (others.length + first.length < policy.maxUnavailable) return undefined;
  const names = namesOf(others, first);
  const value = `out of service in pool ${pool}: ${names} (${policy.maxUnavailable} may be)`;
  return { kind: 'poolSlots', value };
}

/** The slots ahead that are of a pool. */
export function aheadIn(pool: string, { ahead = [] }: Pick<Scene, 'ahead'>): string[] {
  return ahead.filter((other) => sameArmId(other, pool));
}

/** Marks that count against a pool; one on a node of no pool counts against every one. */
export function markedIn(pool: string, marked: readonly NodeView[]): NodeView[] {
  return marked.filter((node) => node.pool === '' || sameArmId(node.pool, pool));
}

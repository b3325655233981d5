import { readMark } from '../../domain/mark.ts';
import type { NodeView } from '../../domain/node.ts';
import type { Reason } from '../../domain/reason.ts';
import { namesTaint, selects } from '../../domain/selector.ts';
import type { Policy } from '../../policy/settings.ts';
import type { Match } from '../identity.ts';
import { poolOf } from '../gate.ts';
import type { Scene, Sight } from '../gate.ts';

/** Gates that say: not this node, by settings or by what it is. */

export function excluded(sight: Sight, { limits }: Scene): Reason | undefined {
  const { node, match, policy } = sight;
  const pool = poolOf(sight);
  const why =
    excludedByName(node, pool, policy) ??
    excludedByLabels(node, policy) ??
    excludedByTaints(node, policy) ??
    excludedByKind(node, match, policy);
  if (why !== undefined) return { kind: 'excluded', value: why };
  const limited = (value: string): Reason => ({ kind: 'excluded', value });
  if (limits.nodes.length > 0 && !limits.nodes.includes(node.name)) {
    return limited('this run is limited to other nodes');
  }
  if (limits.pools.length > 0 && !limits.pools.includes(pool)) {
    return limited('this run is limited to other pools');
  }
  return undefined;
}

function excludedByName(
  { name }: NodeView,
  pool: string,
  { excludeNodes, excludePools, includePools }: Policy,
): string | undefined {
  if (excludeNodes.includes(name)) return 'excludeNodes names it';
  if (excludePools.includes(pool)) return `excludePools names its pool ${pool}`;
  return includePools.length > 0 && !includePools.includes(pool)
    ? `includePools does not name its pool ${pool}`
    : undefined;
}

function excludedByLabels(
  { labels }: NodeView,
  { excludeLabels, includeLabels }: Policy,
): string | undefined {
  const found = excludeLabels.find((selector) => selects(selector, labels));
  if (found !== undefined) return `excludeLabels selects it: ${found}`;
  return includeLabels.length > 0 && !includeLabels.some((selector) => selects(selector, labels))
    ? `no selector of includeLabels selects it: ${includeLabels.join('; ')}`
    : undefined;
}

function excludedByTaints(
  { taints }: NodeView,
  { excludeTaints, includeTaints }: Policy,
): string | undefined {
  const carried = (pattern: string) => taints.some((taint) => namesTaint(pattern, taint));
  const found = excludeTaints.find(carried);
  if (found !== undefined) return `excludeTaints names a taint of it: ${found}`;
  return includeTaints.length > 0 && !includeTaints.some(carried)
    ? `it has no taint that includeTaints names: ${includeTaints.join('; ')}`
    : undefined;
}

const spotLabel = 'kubernetes.azure.com/scalesetpriority';
const modeLabel = 'kubernetes.azure.com/mode';

function excludedByKind(
  { labels }: NodeView,
  match: Match,
  { spot, gateway }: Policy,
): string | undefined {
  const pool = match.kind === 'matched' ? match.pool : undefined;
  if (spot === 'skip' && (pool?.spot === true || labels[spotLabel] === 'spot')) {
    return 'it is a Spot node, and spot is "skip"';
  }
  if (gateway === 'skip' && (pool?.mode === 'Gateway' || labels[modeLabel] === 'gateway')) {
    return 'it is a node of a gateway pool: a restart interrupts static egress (gateway is "skip")';
  }
  return undefined;
}

/** AKS Automatic names the nodes of its hosted system pool so. */
const hostedName = /^aks-hostedpool-/u;

export function unsupported({ node, match }: Sight, { cluster }: Scene): Reason | undefined {
  const say = (value: string): Reason => ({ kind: 'unsupported', value });
  const pool = match.kind === 'matched' ? match.pool : undefined;
  if (hostedName.test(node.name)) {
    return say("AKS Automatic hosts it in Microsoft's own subscription, and looks after it");
  }
  if (cluster.nodeResourceGroupLocked) {
    return say('the node resource group is locked down (ReadOnly): AKS lets nobody act on its VMs');
  }
  if (node.os === 'windows' || pool?.os === 'Windows') {
    return say('Windows nodes have no reboot-required file; AKS updates them by new node images');
  }
  if ('karpenter.sh/nodepool' in node.labels) {
    return say('node auto-provisioning owns it and replaces it instead of patching it');
  }
  if (match.kind === 'foreign') return say(match.value);
  return pool?.type === 'other'
    ? say(`pool ${pool.name} is neither of scale sets nor of Virtual Machines`)
    : undefined;
}

export function cordonedByPerson({ node, policy }: Sight, _scene: Scene): Reason | undefined {
  if (!node.unschedulable || readMark(node.annotations).kind !== 'none') return undefined;
  if (policy.cordonedByPerson === 'reboot') return undefined;
  return {
    kind: 'cordonedByPerson',
    value:
      'somebody cordoned it; set cordonedByPerson to "reboot" to have it rebooted all the same',
  };
}

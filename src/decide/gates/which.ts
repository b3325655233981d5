import { readMark } from '../../domain/mark.ts';
import type { Reason } from '../../domain/reason.ts';
import type { Scene, Sight } from '../gate.ts';

/** Gates that say: not this node, by settings or by what it is. */

export function excluded(
  { node, match, policy }: Sight,
  { excludePools, limits }: Scene,
): Reason | undefined {
  const pool = match.kind === 'matched' ? match.pool.name : node.pool;
  const say = (value: string): Reason => ({ kind: 'excluded', value });
  if (policy.excludeNodes.includes(node.name)) return say('excludeNodes names it');
  if (excludePools.includes(pool)) return say(`excludePools names its pool ${pool}`);
  if (limits.nodes.length > 0 && !limits.nodes.includes(node.name)) {
    return say('this run is limited to other nodes');
  }
  if (limits.pools.length > 0 && !limits.pools.includes(pool)) {
    return say('this run is limited to other pools');
  }
  return undefined;
}

export function unsupported({ node, match }: Sight, { cluster }: Scene): Reason | undefined {
  const say = (value: string): Reason => ({ kind: 'unsupported', value });
  if (cluster.nodeResourceGroupLocked) {
    return say('the node resource group is locked down (ReadOnly): AKS lets nobody act on its VMs');
  }
  if (node.os === 'windows') return say('Windows nodes have no reboot-required file');
  if ('karpenter.sh/nodepool' in node.labels) {
    return say('node auto-provisioning owns it and replaces it instead of patching it');
  }
  if (match.kind === 'foreign') return say(match.value);
  return undefined;
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

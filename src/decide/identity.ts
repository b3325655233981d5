import { instanceRefId, parseInstanceRef, sameArmId } from '../domain/arm.ts';
import type { InstanceRef } from '../domain/arm.ts';
import type { ClusterFacts, Instance, PoolFacts } from '../domain/cluster.ts';
import type { NodeView } from '../domain/node.ts';

/**
 * Which machine is this node? A compromised cluster can write anything into its Node objects; it
 * must not be able to point us at another cluster's machine. So the id from the Node is only a
 * claim: the instance has to lie in this cluster's node resource group, carry the pool's tag, and
 * bear the node's name.
 */
export type Match =
  | { kind: 'matched'; ref: InstanceRef; instance: Instance; pool: PoolFacts }
  | { kind: 'mismatch'; value: string }
  /** The place is right, and ARM has nothing there: deleted, and the Node does not know yet. */
  | { kind: 'absent'; value: string }
  /** Not a machine that we could restart at all, e.g. one of AKS's own hosted pools. */
  | { kind: 'foreign'; value: string };

/** The place that a node claims to be, if it is within the cluster's own node resource group. */
export function claimedPlace(
  node: NodeView,
  cluster: ClusterFacts,
): { kind: 'place'; ref: InstanceRef } | { kind: 'mismatch' | 'foreign'; value: string } {
  const ref = parseInstanceRef(node.providerId);
  if (ref === undefined) {
    return { kind: 'foreign', value: `providerID "${node.providerId}" names no VM` };
  }
  const ours =
    sameArmId(ref.subscription, cluster.id.subscription) &&
    sameArmId(ref.resourceGroup, cluster.nodeResourceGroup);
  return ours
    ? { kind: 'place', ref }
    : {
        kind: 'mismatch',
        value:
          'providerID names a VM outside the node resource group ' +
          `${cluster.nodeResourceGroup}: ${instanceRefId(ref)}`,
      };
}

/** Cross-checks a node with the instance that it claims to be. */
export function matchNode(
  node: NodeView,
  cluster: ClusterFacts,
  instanceAt: (ref: InstanceRef) => Instance | undefined,
): Match {
  const place = claimedPlace(node, cluster);
  if (place.kind !== 'place') return place;
  const instance = instanceAt(place.ref);
  if (instance === undefined) {
    return { kind: 'absent', value: `ARM has no instance ${instanceRefId(place.ref)}` };
  }
  if (instance.computerName.toLowerCase() !== node.name.toLowerCase()) {
    return {
      kind: 'mismatch',
      value:
        `the instance's computer name is "${instance.computerName}", ` +
        `the node's name "${node.name}"`,
    };
  }
  const pool = cluster.pools.find(({ name }) => sameArmId(name, instance.pool));
  if (pool === undefined) {
    return {
      kind: 'foreign',
      value: `the instance belongs to no agent pool of this cluster (tag "${instance.pool}")`,
    };
  }
  if (node.pool !== '' && !sameArmId(node.pool, pool.name)) {
    return {
      kind: 'mismatch',
      value: `the node says pool "${node.pool}", its instance "${pool.name}"`,
    };
  }
  if (instance.vmId === '') return { kind: 'mismatch', value: 'the instance has no vmId' };
  return { kind: 'matched', ref: place.ref, instance, pool };
}

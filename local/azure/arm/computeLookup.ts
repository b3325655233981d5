import type { Cluster, Machine, Pool, World } from '../world/world.ts';
import {
  instanceNotFound,
  resourceGroupNotFound,
  resourceNotFound,
  subscriptionNotFound,
} from './answer.ts';
import type { ArmAnswer } from './answer.ts';
import { named } from './route.ts';
import type { Call } from './route.ts';

/** What a compute path names, or the answer for a path that names nothing. */
export type Found<Kind extends string, Value> =
  { kind: Kind; value: Value } | { kind: 'answer'; value: ArmAnswer };

const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();

/** The cluster whose node resource group the path names. */
export function findGroup(world: World, call: Call): Found<'cluster', Cluster> {
  const inSubscription = world.clusters.filter((cluster) =>
    same(cluster.subscription, named(call, 'subscription')),
  );
  if (inSubscription.length === 0) {
    return { kind: 'answer', value: subscriptionNotFound(named(call, 'subscription')) };
  }
  const cluster = inSubscription.find((c) => same(c.nodeResourceGroup, named(call, 'group')));
  return cluster === undefined
    ? { kind: 'answer', value: resourceGroupNotFound(named(call, 'group')) }
    : { kind: 'cluster', value: cluster };
}

export interface ScaleSet {
  cluster: Cluster;
  pool: Pool;
  id: string;
  name: string;
}

export const scaleSets = (cluster: Cluster): ScaleSet[] =>
  cluster.pools.flatMap((pool) =>
    pool.scaleSetId === undefined || pool.vmssName === undefined
      ? []
      : [{ cluster, pool, id: pool.scaleSetId, name: pool.vmssName }],
  );

export function findScaleSet(world: World, call: Call): Found<'pool', ScaleSet> {
  const found = findGroup(world, call);
  if (found.kind !== 'cluster') return found;
  const set = scaleSets(found.value).find(({ name }) => same(name, named(call, 'vmss')));
  return set === undefined
    ? {
        kind: 'answer',
        value: resourceNotFound(
          'Microsoft.Compute/virtualMachineScaleSets',
          named(call, 'vmss'),
          named(call, 'group'),
        ),
      }
    : { kind: 'pool', value: set };
}

export function findInstance(world: World, call: Call): Found<'machine', Machine> {
  const found = findScaleSet(world, call);
  if (found.kind !== 'pool') return found;
  const machine = world.machine(`${found.value.id}/virtualMachines/${named(call, 'instance')}`);
  return machine === undefined
    ? { kind: 'answer', value: instanceNotFound(named(call, 'instance')) }
    : { kind: 'machine', value: machine };
}

export function findMachine(world: World, call: Call): Found<'machine', Machine> {
  const found = findGroup(world, call);
  if (found.kind !== 'cluster') return found;
  const { subscription, nodeResourceGroup } = found.value;
  const machine = world.machine(
    `/subscriptions/${subscription}/resourceGroups/${nodeResourceGroup}` +
      `/providers/Microsoft.Compute/virtualMachines/${named(call, 'vm')}`,
  );
  return machine === undefined
    ? {
        kind: 'answer',
        value: resourceNotFound(
          'Microsoft.Compute/virtualMachines',
          named(call, 'vm'),
          named(call, 'group'),
        ),
      }
    : { kind: 'machine', value: machine };
}

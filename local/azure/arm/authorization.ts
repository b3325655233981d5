import type { Cluster, World } from '../world/world.ts';
import { ok, resourceGroupNotFound, resourceNotFound, subscriptionNotFound } from './answer.ts';
import { named, scopeOf } from './route.ts';
import type { Call, Route } from './route.ts';

export interface AuthorizationOptions {
  world: World;
  /** Every action that some operation of this Azure needs. */
  actions: readonly string[];
  isAllowed: (action: string, scope: string, actor: string) => boolean;
}

const apiVersions = ['2015-07-01', '2018-07-01', '2022-04-01'];
const type = 'Microsoft.Authorization/permissions';
const group = '/subscriptions/{subscription}/resourceGroups/{group}';
const clusters = 'Microsoft.ContainerService/managedClusters';

/**
 * What the caller may do at a scope: a subscription, a resource group, or a cluster. The real
 * service answers what the role definitions say, wildcards included; here each action is told by
 * its name.
 */
export function authorizationRoutes(options: AuthorizationOptions): Route[] {
  const { world } = options;
  const actions = [...options.actions, `${type}/read`];
  const route = (scope: string, find: (call: Call) => Cluster | undefined): Route => {
    const template = `${scope}/providers/${type}`;
    return {
      method: 'GET',
      template,
      action: `${type}/read`,
      type,
      apiVersions,
      buckets: () => [],
      answer: (call) => {
        const path = call.url.split('?')[0] ?? '';
        if (find(call) === undefined) return notFound(call);
        const granted = actions.filter((action) =>
          options.isAllowed(action, scopeOf(template, path), call.actor),
        );
        const none = { notActions: [], dataActions: [], notDataActions: [] };
        return ok({ value: granted.length === 0 ? [] : [{ actions: granted, ...none }] });
      },
    };
  };
  return [
    route('/subscriptions/{subscription}', (call) =>
      world.clusters.find((one) => same(one.subscription, named(call, 'subscription'))),
    ),
    route(group, (call) =>
      world.clusters.find((one) =>
        [one.nodeResourceGroup, one.resourceGroup].some((name) => same(name, named(call, 'group'))),
      ),
    ),
    route(`${group}/providers/${clusters}/{cluster}`, (call) =>
      world.clusters.find(
        (one) =>
          same(one.resourceGroup, named(call, 'group')) && same(one.name, named(call, 'cluster')),
      ),
    ),
  ];
}

function notFound(call: Call) {
  const { cluster, group } = call.names;
  if (group === undefined) return subscriptionNotFound(named(call, 'subscription'));
  return cluster === undefined
    ? resourceGroupNotFound(group)
    : resourceNotFound(clusters, cluster, group);
}

const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();

import type { Fleet } from '../fleet.ts';
import type { Cluster, Machine, Pool, World } from '../world/world.ts';
import {
  failure,
  ok,
  resourceGroupNotFound,
  resourceNotFound,
  subscriptionNotFound,
} from './answer.ts';
import type { ArmAnswer } from './answer.ts';
import type { ClusterCommands } from './clusterCommand.ts';
import { named, page } from './route.ts';
import type { Call, Route } from './route.ts';
import { aksBucket } from './throttle.ts';
import type { Bucket } from './throttle.ts';

export interface ContainerServiceOptions {
  world: World;
  fleet: Fleet;
  origin: () => string;
  /** The kubeconfig that listClusterUserCredential hands to `actor`. */
  credential: (cluster: Cluster, actor: string) => Promise<string>;
  commands: ClusterCommands;
}

const apiVersions = [
  '2025-10-01',
  '2026-01-01',
  '2026-02-01',
  '2026-03-01',
  '2026-05-01',
  '2026-06-01',
];
const type = 'Microsoft.ContainerService/managedClusters';
const group = '/subscriptions/{subscription}/resourceGroups/{group}';
const clusters = `${group}/providers/${type}`;
const cluster = `${clusters}/{cluster}`;

/** The operations of Microsoft.ContainerService that this program and its preflight use. */
export function containerServiceRoutes(options: ContainerServiceOptions): Route[] {
  return [
    ...clusterRoutes(options),
    ...poolRoutes(options),
    ...credentialRoutes(options),
    ...commandRoutes(options),
  ];
}

/**
 * Whatever has no bucket of its own shares one: 60 at once, one a second, per subscription and
 * region.
 */
const otherBucket = (call: Call): Bucket[] => [
  aksBucket('aks-other', named(call, 'subscription'), 60),
];

function clusterRoutes({ world, fleet, origin }: ContainerServiceOptions): Route[] {
  const common = { method: 'GET', type, apiVersions, action: `${type}/read` } as const;
  const list = (call: Call, within: (candidate: Cluster) => boolean) => {
    const found = world.clusters.filter(
      (candidate) => same(candidate.subscription, named(call, 'subscription')) && within(candidate),
    );
    return page(call, found.map(clusterShape), fleet.pageSize, origin());
  };
  return [
    {
      ...common,
      template: `/subscriptions/{subscription}/providers/${type}`,
      buckets: (call) => [aksBucket('aks-list', named(call, 'subscription'), 500)],
      answer: (call) => list(call, () => true),
    },
    {
      ...common,
      template: clusters,
      buckets: (call) => [
        aksBucket('aks-list-group', `${named(call, 'subscription')}/${named(call, 'group')}`, 60),
      ],
      answer: (call) =>
        list(call, (candidate) => same(candidate.resourceGroup, named(call, 'group'))),
    },
    {
      ...common,
      template: cluster,
      buckets: (call) => [aksBucket('aks-get', call.url.split('?')[0] ?? '', 60)],
      answer: (call) => withCluster(world, call, (found) => ok(clusterShape(found))),
    },
    {
      ...common,
      template: `${cluster}/maintenanceConfigurations`,
      action: `${type}/maintenanceConfigurations/read`,
      buckets: otherBucket,
      answer: (call) =>
        withCluster(world, call, (found) =>
          page(
            call,
            found.settings.maintenance.map((one) => ({
              id: `${found.id}/maintenanceConfigurations/${one.name}`,
              name: one.name,
              properties: one.properties,
            })),
            fleet.pageSize,
            origin(),
          ),
        ),
    },
  ];
}

function poolRoutes({ world, fleet, origin }: ContainerServiceOptions): Route[] {
  const pools = `${cluster}/agentPools`;
  const action = `${type}/agentPools/read`;
  const common = { method: 'GET', apiVersions, buckets: otherBucket, action } as const;
  const withPool = (call: Call, answer: (found: Cluster, pool: Pool) => ArmAnswer) =>
    withCluster(world, call, (found) => {
      const pool = agentPools(found).find((one) => same(one.settings.name, named(call, 'pool')));
      return pool === undefined
        ? failure(404, {
            code: 'NotFound',
            message: `Could not find agent pool ${named(call, 'pool')}`,
          })
        : answer(found, pool);
    });
  return [
    {
      ...common,
      type: `${type}/agentPools`,
      template: pools,
      answer: (call) =>
        withCluster(world, call, (found) =>
          page(
            call,
            agentPools(found).map((pool) => agentPoolShape(found, pool)),
            fleet.pageSize,
            origin(),
          ),
        ),
    },
    {
      ...common,
      type: `${type}/agentPools`,
      template: `${pools}/{pool}`,
      answer: (call) => withPool(call, (found, pool) => ok(agentPoolShape(found, pool))),
    },
    {
      ...common,
      type: `${type}/agentPools/machines`,
      action: `${type}/agentPools/machines/read`,
      template: `${pools}/{pool}/machines`,
      answer: (call) =>
        withPool(call, (found, pool) =>
          page(
            call,
            pool.machines.map((machine) => machineShape(found, pool, machine)),
            fleet.pageSize,
            origin(),
          ),
        ),
    },
  ];
}

function credentialRoutes({ world, credential }: ContainerServiceOptions): Route[] {
  const post = (
    name: string,
    answer: (found: Cluster, call: Call) => Promise<ArmAnswer>,
  ): Route => ({
    method: 'POST',
    template: `${cluster}/${name}`,
    action: `${type}/${name}/action`,
    type,
    apiVersions,
    buckets: otherBucket,
    answer: (call) => withCluster(world, call, (found) => answer(found, call)),
  });
  return [
    post('listClusterUserCredential', async (found, call) => {
      const value = Buffer.from(await credential(found, call.actor)).toString('base64');
      return ok({ kubeconfigs: [{ name: 'clusterUser', value }] });
    }),
  ];
}

function commandRoutes({ world, commands }: ContainerServiceOptions): Route[] {
  const common = { apiVersions, type, buckets: otherBucket } as const;
  return [
    {
      ...common,
      method: 'POST',
      template: `${cluster}/runCommand`,
      action: `${type}/runCommand/action`,
      audit: {
        action: () => 'runCommand',
        machine: () => undefined,
        cluster: (call) => world.cluster(call.url.split(/\/runCommand/i)[0] ?? ''),
      },
      answer: (call) => withCluster(world, call, (found) => commands.start(found, call)),
    },
    {
      ...common,
      method: 'GET',
      template: `${cluster}/commandResults/{command}`,
      action: `${type}/commandResults/read`,
      answer: (call) =>
        withCluster(world, call, (found) => commands.result(found, named(call, 'command'), call)),
    },
  ];
}

const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();

/** NAP's machines belong to no agent pool. */
const agentPools = (found: Cluster) =>
  found.pools.filter((pool) => pool.settings.type !== 'NodeAutoProvisioning');

function withCluster<Answer>(
  world: World,
  call: Call,
  answer: (found: Cluster) => Answer,
): Answer | ArmAnswer {
  const subscription = named(call, 'subscription');
  const inSubscription = world.clusters.filter((one) => same(one.subscription, subscription));
  if (inSubscription.length === 0) return subscriptionNotFound(subscription);
  const inGroup = inSubscription.filter((one) => same(one.resourceGroup, named(call, 'group')));
  if (inGroup.length === 0) return resourceGroupNotFound(named(call, 'group'));
  const found = inGroup.find((one) => same(one.name, named(call, 'cluster')));
  return found === undefined
    ? resourceNotFound(type, named(call, 'cluster'), named(call, 'group'))
    : answer(found);
}

function poolProperties(found: Cluster, { settings, state, machines }: Pool) {
  return {
    count: machines.length,
    vmSize: 'Standard_D4s_v5',
    osType: settings.os,
    osSKU: settings.osSku,
    mode: settings.mode,
    type: settings.type,
    orchestratorVersion: found.settings.version,
    currentOrchestratorVersion: found.settings.version,
    provisioningState: state,
    powerState: { code: settings.power },
    ...(settings.zones.length > 0 ? { availabilityZones: settings.zones } : {}),
    ...(settings.spot ? { scaleSetPriority: 'Spot' } : {}),
    nodeLabels: settings.labels,
    nodeTaints: settings.taints.map(({ key, value, effect }) => `${key}=${value ?? ''}:${effect}`),
  };
}

const agentPoolShape = (found: Cluster, pool: Pool) => ({
  id: `${found.id}/agentPools/${pool.settings.name}`,
  name: pool.settings.name,
  type: `${type}/agentPools`,
  properties: poolProperties(found, pool),
});

const machineShape = (found: Cluster, pool: Pool, machine: Machine) => ({
  id: `${found.id}/agentPools/${pool.settings.name}/machines/${machine.nodeName}`,
  name: machine.nodeName,
  type: `${type}/agentPools/machines`,
  ...(machine.zone === undefined ? {} : { zones: [machine.zone] }),
  properties: { resourceId: machine.id, network: { ipAddresses: [] } },
});

function clusterShape(found: Cluster) {
  const { settings } = found;
  const automatic = found.pools.some((pool) => pool.settings.type === 'NodeAutoProvisioning');
  return {
    id: found.id,
    name: found.name,
    type,
    location: settings.region,
    sku: { name: 'Base', tier: 'Standard' },
    properties: {
      provisioningState: found.state,
      powerState: { code: settings.power },
      kubernetesVersion: settings.version,
      currentKubernetesVersion: settings.version,
      dnsPrefix: found.name,
      fqdn: `${found.name}-${found.suffix}.hcp.${settings.region}.azmk8s.io`,
      nodeResourceGroup: found.nodeResourceGroup,
      enableRBAC: true,
      disableLocalAccounts: settings.access === 'entra',
      ...(settings.access === 'entra'
        ? { aadProfile: { managed: true, enableAzureRBAC: false } }
        : {}),
      agentPoolProfiles: agentPools(found).map((pool) => ({
        name: pool.settings.name,
        ...poolProperties(found, pool),
      })),
      apiServerAccessProfile: {
        enablePrivateCluster: settings.private,
        disableRunCommand: settings.disableRunCommand,
        authorizedIPRanges: settings.authorizedIPRanges,
      },
      autoUpgradeProfile: { nodeOSUpgradeChannel: settings.nodeOSUpgradeChannel },
      nodeProvisioningProfile: { mode: automatic ? 'Auto' : 'Manual' },
      nodeResourceGroupProfile: {
        restrictionLevel: settings.nodeResourceGroupLockdown ? 'ReadOnly' : 'Unrestricted',
      },
    },
  };
}

import type {
  InstanceViewStatus,
  VirtualMachine,
  VirtualMachineScaleSetVM,
} from '@azure/arm-compute';
import type { ManagedCluster } from '@azure/arm-containerservice';
import type { ClusterId } from '../domain/arm.ts';
import type { ClusterFacts, Instance, PoolFacts } from '../domain/cluster.ts';
import type { Maintenance } from '../domain/maintenance.ts';

/**
 * What ARM answers, as facts. Whatever is missing becomes an empty text, which no gate takes for a
 * yes.
 */
export function clusterFacts(
  id: ClusterId,
  cluster: ManagedCluster,
  maintenance: Maintenance,
): ClusterFacts {
  return {
    id,
    location: text(cluster.location),
    provisioningState: text(cluster.provisioningState),
    powerState: text(cluster.powerState?.code),
    nodeResourceGroup: groupName(cluster.nodeResourceGroup),
    nodeResourceGroupLocked: cluster.nodeResourceGroupProfile?.restrictionLevel === 'ReadOnly',
    kubernetesVersion: text(cluster.currentKubernetesVersion ?? cluster.kubernetesVersion),
    entra: cluster.aadProfile !== undefined,
    privateCluster: cluster.apiServerAccessProfile?.enablePrivateCluster === true,
    restrictedAddresses: (cluster.apiServerAccessProfile?.authorizedIPRanges ?? []).length > 0,
    runCommandDisabled: cluster.apiServerAccessProfile?.disableRunCommand === true,
    nodeOsChannel: text(cluster.autoUpgradeProfile?.nodeOSUpgradeChannel),
    maintenance,
    pools: (cluster.agentPoolProfiles ?? []).map(poolFacts),
  };
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** A name that a URL reads as a way (`..`) would lead to what is none of the cluster's. */
function groupName(value: unknown): string {
  const name = text(value);
  return /^[\p{L}\p{N}._()-]*[\p{L}\p{N}_()-]$/u.test(name) ? name : '';
}

type Pool = NonNullable<ManagedCluster['agentPoolProfiles']>[number];

function poolFacts(pool: Pool): PoolFacts {
  return {
    name: text(pool.name),
    type: poolType(pool.type),
    mode: text(pool.mode),
    provisioningState: text(pool.provisioningState),
    powerState: text(pool.powerState?.code),
    // Only what is said to be Linux is taken for it: Windows nodes are left alone.
    os: pool.osType === 'Linux' ? 'Linux' : 'Windows',
    spot: pool.scaleSetPriority === 'Spot',
    count: typeof pool.count === 'number' ? pool.count : 0,
  };
}

function poolType(type: string | undefined): PoolFacts['type'] {
  return type === 'VirtualMachineScaleSets' || type === 'VirtualMachines' ? type : 'other';
}

/**
 * Either kind of VM behind a node; `tags` are those of its scale set where it has none of its own.
 */
export function instanceFacts(
  id: string | undefined,
  vm: VirtualMachine | VirtualMachineScaleSetVM,
  setTags: Record<string, string> = {},
): Instance {
  return {
    id: text(id),
    pool: poolTag(vm.tags ?? {}) || poolTag(setTags),
    computerName: text(vm.osProfile?.computerName ?? vm.instanceView?.computerName),
    vmId: text(vm.vmId),
    provisioningState: text(vm.provisioningState),
    powerState: powerState(vm.instanceView?.statuses ?? []),
    agent: agentState(vm.instanceView?.vmAgent?.statuses ?? []),
  };
}

/** ARM keeps the case of tag names, but does not tell them apart by it. */
export function poolTag(tags: Record<string, string>): string {
  const tag = Object.entries(tags).find(([name]) => name.toLowerCase() === 'aks-managed-poolname');
  return text(tag?.[1]);
}

function agentState(statuses: readonly InstanceViewStatus[]): Instance['agent'] {
  const [status] = statuses;
  if (status === undefined) return 'unknown';
  return status.displayStatus === 'Ready' ? 'ready' : 'notReady';
}

function powerState(statuses: readonly InstanceViewStatus[]): string {
  const prefix = 'PowerState/';
  const codes = statuses.map(({ code }) => text(code));
  return codes.find((code) => code.startsWith(prefix))?.slice(prefix.length) ?? '';
}

import { hash, pick, seededRandom } from '../random.ts';

/** How AKS names things. All from public sources; docs/fidelity.md says which. */

export interface ClusterId {
  subscription: string;
  resourceGroup: string;
  name: string;
}

const clusterIdPattern = new RegExp(
  '^/subscriptions/([^/]+)/resourceGroups/([^/]+)' +
    '/providers/Microsoft\\.ContainerService/managedClusters/([^/]+)$',
  'i',
);

/** Splits a managed cluster's ARM id; throws on anything else. */
export function parseClusterId(id: string): ClusterId {
  const [, subscription, resourceGroup, name] = clusterIdPattern.exec(id) ?? [];
  if (subscription === undefined || resourceGroup === undefined || name === undefined) {
    throw new Error(`not the ARM id of a managed cluster: ${id}`);
  }
  return { subscription, resourceGroup, name };
}

export function nodeResourceGroupName(cluster: ClusterId, region: string): string {
  return `MC_${cluster.resourceGroup}_${cluster.name}_${region}`;
}

/** The eight digits that AKS puts into the names of everything it makes for a cluster. */
export function nameSuffix(clusterId: string): string {
  const random = seededRandom(hash(clusterId.toLowerCase()), 'name suffix');
  return pick(random, '123456789', 1) + pick(random, '0123456789', 7);
}

export function scaleSetName(pool: string, suffix: string, os: 'Linux' | 'Windows'): string {
  return os === 'Windows' ? `aks${pool}` : `aks-${pool}-${suffix}-vmss`;
}

/** VMSS computer names end in the instance id, base 36, six characters: `…vmss00000m` is 22. */
export function computerName(scaleSet: string, instanceId: number): string {
  return scaleSet + instanceId.toString(36).padStart(6, '0');
}

export function machineName(pool: string, suffix: string, index: number): string {
  return `aks-${pool}-${suffix}-vms${index + 1}`;
}

/** `spec.providerID`: the ARM id behind `azure://`, its resource group in lower case. */
export function providerId(armId: string): string {
  const lowered = armId.replace(
    /\/resourceGroups\/([^/]+)\//i,
    (_, group: string) => `/resourceGroups/${group.toLowerCase()}/`,
  );
  return `azure://${lowered}`;
}

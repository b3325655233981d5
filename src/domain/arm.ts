/** ARM resource ids: parsed once at the boundary, compared without case, as ARM itself does. */

export interface ClusterId {
  readonly subscription: string;
  readonly resourceGroup: string;
  readonly name: string;
  /** The whole ARM id, as it was written. */
  readonly id: string;
}

/** A VM behind a node: an instance of a scale set (Uniform), or a standalone VM. */
export type InstanceRef =
  | {
      kind: 'scaleSetVm';
      subscription: string;
      resourceGroup: string;
      scaleSet: string;
      instanceId: string;
    }
  | { kind: 'vm'; subscription: string; resourceGroup: string; name: string };

const clusterPattern = new RegExp(
  '^/subscriptions/([0-9a-f-]{36})/resourceGroups/([^/]{1,90})' +
    '/providers/Microsoft\\.ContainerService/managedClusters/([A-Za-z0-9_-]{1,63})$',
  'i',
);

/**
 * AKS names machines with letters, digits, `-` and `_`. A Node can claim anything: names that a URL
 * reads as more than a name (`..`, `%2f`, `?`) are none.
 */
const machine = '([A-Za-z0-9_-][A-Za-z0-9._-]*)';
const machinePattern = new RegExp(`^${machine}$`, 'u');

export function isMachineName(name: string | undefined): name is string {
  return machinePattern.test(name ?? '');
}

const inCompute =
  '^(?:azure://)?/subscriptions/([^/]+)/resourceGroups/([^/]+)/providers/Microsoft\\.Compute';
const scaleSetVmPattern = new RegExp(
  `${inCompute}/virtualMachineScaleSets/${machine}/virtualMachines/${machine}$`,
  'i',
);
const vmPattern = new RegExp(`${inCompute}/virtualMachines/${machine}$`, 'i');

/** Parses a managed cluster's ARM id; `undefined` when it is not one. */
export function parseClusterId(id: string): ClusterId | undefined {
  const [, subscription, resourceGroup, name] = clusterPattern.exec(id) ?? [];
  if (subscription === undefined || resourceGroup === undefined || name === undefined) {
    return undefined;
  }
  return { subscription, resourceGroup, name, id };
}

/** Parses an instance's ARM id or a node's `spec.providerID`; `undefined` when it is neither. */
export function parseInstanceRef(id: string): InstanceRef | undefined {
  const [, subscription, resourceGroup, scaleSet, instanceId] = scaleSetVmPattern.exec(id) ?? [];
  if (subscription && resourceGroup && scaleSet && instanceId) {
    return { kind: 'scaleSetVm', subscription, resourceGroup, scaleSet, instanceId };
  }
  const [, vmSubscription, vmGroup, name] = vmPattern.exec(id) ?? [];
  if (vmSubscription && vmGroup && name) {
    return { kind: 'vm', subscription: vmSubscription, resourceGroup: vmGroup, name };
  }
  return undefined;
}

/** An instance's ARM id. */
export function instanceRefId(ref: InstanceRef): string {
  const group = `/subscriptions/${ref.subscription}/resourceGroups/${ref.resourceGroup}`;
  const compute = `${group}/providers/Microsoft.Compute`;
  switch (ref.kind) {
    case 'scaleSetVm':
      return `${compute}/virtualMachineScaleSets/${ref.scaleSet}/virtualMachines/${ref.instanceId}`;
    case 'vm':
      return `${compute}/virtualMachines/${ref.name}`;
  }
}

/** Whether two ARM ids, provider ids or names mean the same thing: ARM ignores case. */
export function sameArmId(a: string, b: string): boolean {
  return normal(a) === normal(b);
}

function normal(id: string): string {
  return id.replace(/^azure:\/\//u, '').toLowerCase();
}

/**
 * A short name for a cluster that is safe in instance ids, entity keys, URLs and file names:
 * the cluster's name and a hash of its whole id.
 */
export function clusterKey(cluster: ClusterId): string {
  return `${cluster.name.toLowerCase().slice(0, 30)}-${shortHash(cluster.id.toLowerCase())}`;
}

/**
 * FNV-1a over UTF-16 code units, 2 × 32 bits, base 36. Not for secrets: it only keeps names apart,
 * and it must be the same in orchestrators on every machine, which have no `crypto`.
 */
export function shortHash(text: string): string {
  let a = 0x811c9dc5;
  let b = 0x01000193;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    a = Math.imul(a ^ unit, 0x01000193);
    b = Math.imul(b ^ unit, 0x85ebca6b);
  }
  return ((a >>> 0) * 2 ** 20 + ((b >>> 0) >>> 12)).toString(36).padStart(10, '0');
}

import type { ClusterId } from './arm.ts';
import type { Maintenance } from './maintenance.ts';

/** What ARM says about a cluster at one moment. */
export interface ClusterFacts {
  id: ClusterId;
  location: string;
  /** `Succeeded` and nothing else means that no operation runs on it. */
  provisioningState: string;
  /** `Running` or `Stopped`. */
  powerState: string;
  nodeResourceGroup: string;
  /** `ReadOnly` forbids us everything there (always so on AKS Automatic). */
  nodeResourceGroupLocked: boolean;
  kubernetesVersion: string;
  /** Entra-integrated: the API server takes Entra tokens. */
  entra: boolean;
  /** Its API server has a private address only. */
  privateCluster: boolean;
  /** Its API server answers certain addresses only (`authorizedIPRanges`). */
  restrictedAddresses: boolean;
  /** `apiServerAccessProfile.disableRunCommand`. */
  runCommandDisabled: boolean;
  /** `autoUpgradeProfile.nodeOSUpgradeChannel`: says whether the sentinel can appear at all. */
  nodeOsChannel: string;
  maintenance: Maintenance;
  pools: PoolFacts[];
}

export interface PoolFacts {
  name: string;
  type: 'VirtualMachineScaleSets' | 'VirtualMachines' | 'other';
  mode: string;
  provisioningState: string;
  powerState: string;
  os: 'Linux' | 'Windows';
  /** Its machines may be evicted by Azure at any time. */
  spot: boolean;
  count: number;
}

/** What ARM says about the VM behind a node. */
export interface Instance {
  /** ARM id. */
  id: string;
  /** The AKS pool it belongs to (tag `aks-managed-poolName`); empty when it carries none. */
  pool: string;
  /** `osProfile.computerName`: the node's name, but for case. */
  computerName: string;
  /** Unique to this machine; a reimaged or re-created instance under the same name has another. */
  vmId: string;
  provisioningState: string;
  /** `running`, `stopped`, `deallocated`, …; empty when unknown. */
  powerState: string;
  /** Of the VM agent, which runs our scripts; lists of standalone VMs don't tell it. */
  agent: 'ready' | 'notReady' | 'unknown';
}

import type { FleetFaults, Otherwise } from '../fleet.ts';
import type { Cluster, Machine, Pool } from '../world/world.ts';
import type { ScaleSet } from './computeLookup.ts';
import type { Call } from './route.ts';

/** Scale sets and machines, as Microsoft.Compute shows them. */

const poolTags = (cluster: Cluster, pool: Pool) => ({
  'aks-managed-poolName': pool.settings.name,
  'aks-managed-orchestrator': `Kubernetes:${cluster.settings.version}`,
  'aks-managed-resourceNameSuffix': cluster.suffix,
});

export function scaleSetShape({ cluster, pool, id, name }: ScaleSet) {
  return {
    name,
    id,
    type: 'Microsoft.Compute/virtualMachineScaleSets',
    location: cluster.settings.region,
    tags: poolTags(cluster, pool),
    sku: { name: 'Standard_D4s_v5', tier: 'Standard', capacity: pool.machines.length },
    ...(pool.settings.zones.length > 0 ? { zones: pool.settings.zones } : {}),
    properties: {
      orchestrationMode: 'Uniform',
      singlePlacementGroup: false,
      overprovision: false,
      provisioningState: 'Succeeded',
      upgradePolicy: { mode: 'Manual' },
    },
  };
}

export function machineShape(machine: Machine, call: Call, faults: FleetFaults) {
  const { instanceState, otherwise } = faults;
  const { cluster, pool } = machine;
  const ofSet = machine.instanceId !== undefined;
  return {
    name: machine.armName,
    id: machine.id,
    type: ofSet
      ? 'Microsoft.Compute/virtualMachineScaleSets/virtualMachines'
      : 'Microsoft.Compute/virtualMachines',
    location: cluster.settings.region,
    ...(ofSet ? { instanceId: machine.instanceId, sku: { name: 'Standard_D4s_v5' } } : {}),
    tags: !ofSet && otherwise.includes('untaggedMachines') ? {} : poolTags(cluster, pool),
    ...(machine.zone === undefined ? {} : { zones: [machine.zone] }),
    properties: {
      ...(ofSet ? { latestModelApplied: true } : {}),
      vmId: machine.vmId,
      provisioningState: instanceState === 'follows' ? stateOf(machine) : 'Succeeded',
      timeCreated: new Date(machine.bornAt).toISOString(),
      hardwareProfile: ofSet ? {} : { vmSize: 'Standard_D4s_v5' },
      storageProfile: { osDisk: { osType: pool.settings.os } },
      osProfile: { computerName: machine.computerName },
      ...(call.query.get('$expand') === 'instanceView'
        ? { instanceView: instanceView(machine, otherwise) }
        : {}),
    },
  };
}

/** What ARM's last operation on the machine makes of it. */
function stateOf({ restarts }: Machine): string {
  if (restarts.running > 0) return 'Updating';
  return restarts.failed ? 'Failed' : 'Succeeded';
}

/** A machine that boots, or never does, is `running` to ARM; its agent is what falls silent. */
export function instanceView(machine: Machine, otherwise: readonly Otherwise[]) {
  const isOff = machine.phase !== 'up' && otherwise.includes('stoppedWhileBooting');
  const power = isOff ? ['stopped', 'VM stopped'] : ['running', 'VM running'];
  const { probe = 'healthy' } = machine.behaviour;
  const agentReady = (machine.phase === 'up' || isOff) && probe !== 'agentDead';
  return {
    computerName: machine.computerName,
    osName: machine.pool.settings.osSku.toLowerCase(),
    vmAgent: {
      vmAgentVersion: agentReady ? '2.14.0.1' : 'Unknown',
      statuses: [
        {
          code: agentReady ? 'ProvisioningState/succeeded' : 'ProvisioningState/Unavailable',
          level: agentReady ? 'Info' : 'Warning',
          displayStatus: agentReady ? 'Ready' : 'Not Ready',
        },
      ],
    },
    statuses: [
      {
        code: 'ProvisioningState/succeeded',
        level: 'Info',
        displayStatus: 'Provisioning succeeded',
      },
      { code: `PowerState/${power[0]}`, level: 'Info', displayStatus: power[1] },
    ],
  };
}

import type { NodeView } from '../../domain/node.ts';
import type { Reason } from '../../domain/reason.ts';
import type { Scene, Sight } from '../gate.ts';

/** Gates that close on what others have written on the node. */

const autoscalerTaints = ['ToBeDeletedByClusterAutoscaler', 'DeletionCandidateOfClusterAutoscaler'];

export function autoscaler({ node }: Sight, _scene: Scene): Reason | undefined {
  const taint = node.taints.find(({ key }) => autoscalerTaints.includes(key));
  return (
    taint && { kind: 'autoscaler', value: `the autoscaler is about to delete it (${taint.key})` }
  );
}

/** Of AKS's auto-drain, and of the cloud provider. */
const repairTaints = new Map([
  ['remediator.kubernetes.azure.com/unschedulable', 'AKS drains it before a scheduled event'],
  ['remediator.aks.microsoft.com/unschedulable', 'AKS drains it before a scheduled event'],
  ['node.cloudprovider.kubernetes.io/shutdown', 'its VM is shut down'],
]);
/** With the value `upgrade`: AKS's own word that it replaces the node. */
const upgradeAnnotation =
  'kubernetes.azure.com/azure-cluster-autoscaler-scale-down-disabled-reason';
const upgradeLabel = 'kubernetes.azure.com/upgrade-status';

/** AKS repairs, drains or upgrades the node itself; two hands on one node are one too many. */
export function aksAtWork({ node }: Sight, _scene: Scene): Reason | undefined {
  const say = (value: string): Reason => ({ kind: 'aksAtWork', value });
  const taint = node.taints.find(({ key }) => repairTaints.has(key));
  if (taint !== undefined) return say(`${repairTaints.get(taint.key)} (taint ${taint.key})`);
  const reason = node.annotations[upgradeAnnotation];
  if (reason !== undefined) return say(`AKS works on it: ${reason} (annotation)`);
  return node.labels[upgradeLabel] === 'Quarantined'
    ? say('an upgrade could not drain it, and has quarantined it; delete it, or mend its budgets')
    : undefined;
}

/**
 * Node conditions that AKS's node-problem-detector sets from the VM's Scheduled Events. Where there
 * is none nobody looks at them.
 */
const eventConditions = [
  'VMEventScheduled',
  'RebootScheduled',
  'FreezeScheduled',
  'RedeployScheduled',
  'PreemptScheduled',
  'TerminateScheduled',
];

/** The condition that says, or can't say, that Azure is about to do something to the VM. */
export function plannedEvent({ conditions }: NodeView): NodeView['conditions'][0] | undefined {
  return conditions.find(
    ({ type, status }) => eventConditions.includes(type) && status !== 'False',
  );
}

export function scheduledEvent({ node }: Sight, _scene: Scene): Reason | undefined {
  const found = plannedEvent(node);
  if (found === undefined) return undefined;
  const { type, status, message } = found;
  const value =
    status === 'True'
      ? `Azure is about to act on its VM (${type}: ${message})`
      : `it can't be told whether Azure is about to act on its VM (${type} is ${status})`;
  return { kind: 'scheduledEvent', value };
}

export function nodeNotReady({ node }: Sight, _scene: Scene): Reason | undefined {
  return node.ready
    ? undefined
    : { kind: 'nodeNotReady', value: `it is not Ready since ${node.readySince || 'unknown'}` };
}

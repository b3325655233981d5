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

export function nodeNotReady({ node }: Sight, _scene: Scene): Reason | undefined {
  return node.ready
    ? undefined
    : { kind: 'nodeNotReady', value: `it is not Ready since ${node.readySince || 'unknown'}` };
}

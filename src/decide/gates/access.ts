import type { NodeView } from '../../domain/node.ts';
import type { Reason } from '../../domain/reason.ts';
import type { Scene, Sight } from '../gate.ts';

/**
 * By AKS run command each further step needs a node for the command's pod, the uncordon most of
 * all. So one has to be left when this node and all that may join it are out of service.
 */
export function access({ node }: Sight, scene: Scene): Reason | undefined {
  const { access, commandHosts, concurrency, marked } = scene;
  if (access.way === 'api') return undefined;
  const others = commandHosts.filter((name) => name !== node.name);
  const out = marked.filter(({ name }) => name !== node.name);
  const mayFollow = Math.max(0, concurrency - 1 - out.length);
  if (others.length > mayFollow) return undefined;
  const value =
    'the cluster is reached by AKS run command, whose pods need a Ready, schedulable node ' +
    `without taints; beside this one there are ${others.length}, and ${mayFollow} may follow it`;
  return { kind: 'access', value };
}

/** Whether the pod of an AKS command could be put on the node: it tolerates nothing. */
export function takesCommands({ ready, unschedulable, os, taints }: NodeView): boolean {
  const repels = taints.some(({ effect }) => effect === 'NoSchedule' || effect === 'NoExecute');
  return ready && !unschedulable && os === 'linux' && !repels;
}

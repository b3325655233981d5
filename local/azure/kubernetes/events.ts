/**
 * Events that kubelets and controllers record about nodes, as `kubectl describe node` shows them.
 */
import { stamped, type Cluster } from './cluster.ts';
import { keyOf, timestamp, type Node } from './objects.ts';

export type NodeEvent =
  'Rebooted' | 'NodeReady' | 'NodeNotReady' | 'NodeNotSchedulable' | 'NodeSchedulable';

/** A real server forgets events after an hour (--event-ttl); here the oldest make room. */
const keptEvents = 1000;

export function recordNodeEvent(cluster: Cluster, node: Node, reason: NodeEvent): void {
  const { objects } = cluster.kinds.events;
  const { name } = node.metadata;
  const now = cluster.timers.now();
  // Named as k8s.io/client-go/tools/record does: the object and the instant in hexadecimal.
  const serial = objects.revision.toString(16).padStart(6, '0');
  const at = timestamp(now);
  objects.put({
    apiVersion: 'v1',
    kind: 'Event',
    metadata: stamped(cluster, {
      name: `${name}.${now.toString(16)}${serial}`,
      namespace: 'default',
    }),
    // A kubelet gives the node's name as its uid.
    involvedObject: { kind: 'Node', name, uid: name },
    reason,
    message: messageOf(node, reason),
    source: { component: 'kubelet', host: name },
    type: reason === 'Rebooted' ? 'Warning' : 'Normal',
    count: 1,
    firstTimestamp: at,
    lastTimestamp: at,
  });
  if (objects.size <= keptEvents) return;
  for (const oldest of objects.values()) {
    objects.remove(keyOf(oldest));
    break;
  }
}

function messageOf(node: Node, reason: NodeEvent): string {
  const { name } = node.metadata;
  if (reason !== 'Rebooted') return `Node ${name} status is now: ${reason}`;
  return `Node ${name} has been rebooted, boot id: ${node.status.nodeInfo.bootID}`;
}

import type { CoreV1Event } from '@kubernetes/client-node';
import type { CoreV1Api } from '@kubernetes/client-node/dist/gen/index.js';
import type { NodeEvent } from '../domain/nodeEvent.ts';
import { readable, refusedWith } from './answers.ts';

const component = 'aks-reboot-orchestrator';
/** Events about what has no namespace are kept there (kubernetes pkg/apis/core/validation). */
const namespace = 'default';

/** Tells an Event once: one of that name that is there already says the same. */
export async function recordEvent(core: CoreV1Api, event: NodeEvent): Promise<void> {
  try {
    await readable(core.createNamespacedEvent({ namespace, body: eventBody(event) }));
  } catch (error) {
    if (refusedWith(error) !== 409) throw error;
  }
}

function eventBody({ name, node, uid, reason, type, message, at }: NodeEvent): CoreV1Event {
  const instant = new Date(at);
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name, namespace },
    involvedObject: { apiVersion: 'v1', kind: 'Node', name: node, uid },
    reason,
    message,
    type,
    source: { component },
    reportingComponent: component,
    reportingInstance: component,
    firstTimestamp: instant,
    lastTimestamp: instant,
    count: 1,
  };
}

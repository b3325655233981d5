import { isoInstant } from '../domain/instant.ts';
import { nodeEvent } from '../domain/nodeEvent.ts';
import type { NodeEventReason } from '../domain/nodeEvent.ts';
import type { NodeView } from '../domain/node.ts';
import { TroubleError } from '../domain/trouble.ts';
import type { Kubernetes } from '../ports.ts';
import type { Desk } from './scene.ts';

/** A node at work, and whose work it is. */
export interface Subject {
  kubernetes: Kubernetes;
  node: Pick<NodeView, 'name' | 'uid'>;
  mark: { run: string; fence: number };
}

const rememberedEvents = 10_000;

/**
 * Tells people something about a node by a Kubernetes Event. An Event is good to have and nothing
 * depends on it: trouble with it is logged, and never stops a step.
 *
 * @param news what makes it different from the one before; the message, unless that counts up
 */
export async function tell(
  desk: Desk,
  { kubernetes, node, mark }: Subject,
  reason: NodeEventReason,
  message: string,
  news?: string,
): Promise<void> {
  const event = nodeEvent(node, mark, { reason, message, at: isoInstant(desk.clock.now()) }, news);
  const { told } = desk.memory;
  if (told.has(event.name)) return;
  try {
    await kubernetes.recordEvent(event);
  } catch (error) {
    if (!(error instanceof TroubleError)) throw error;
    const { trouble } = error;
    const line = { run: mark.run, node: node.name, detail: { reason, ...trouble } };
    desk.log({ level: 'warn', message: 'event not told', ...line });
    return;
  }
  if (told.size >= rememberedEvents) told.clear();
  told.add(event.name);
}

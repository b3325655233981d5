import { shortHash } from './arm.ts';

/** Kubernetes Events about a node at work: what `kubectl describe node` shows of us. */
export interface NodeEvent {
  node: string;
  /** The Node object's: by it kubectl finds its Events. */
  uid: string;
  /** The same again for the same news, so that an activity that is repeated tells it once. */
  name: string;
  reason: NodeEventReason;
  type: 'Normal' | 'Warning';
  message: string;
  /** ISO 8601. */
  at: string;
}

const types = {
  TakenOver: 'Normal', // a later run goes on with a dead one's mark
  Cordoned: 'Normal',
  DrainBlocked: 'Warning', // disruption budgets keep pods here
  Drained: 'Normal',
  RestartAsked: 'Normal',
  RestartRefused: 'Warning',
  RestartDelayed: 'Normal', // Azure waits with it: a scheduled event
  Booted: 'Normal',
  RebootProved: 'Normal', // back in service
  StillRequired: 'Warning', // back in service, and it says again that it has to
  MachineReplaced: 'Warning', // back in service, but it is another machine
  RebootUndone: 'Normal', // back in service without a reboot
  RebootStuck: 'Warning', // out of service until a person or a later run has mended it
} as const;

export type NodeEventReason = keyof typeof types;
export const nodeEventReasons = Object.keys(types) as NodeEventReason[];

/** Longer ones are refused (kubernetes pkg/apis/core/validation/events.go, NoteLengthLimit). */
const longestMessage = 1000;
const longestName = 240;

/**
 * An Event.
 *
 * @param told whose news it is: the run and the fencing number on the node's mark
 * @param news what makes it different from the one before; the message, unless that counts up
 */
export function nodeEvent(
  { name: node, uid }: { name: string; uid: string },
  told: { run: string; fence: number },
  event: Pick<NodeEvent, 'reason' | 'message' | 'at'>,
  news: string = event.message,
): NodeEvent {
  const { reason, message, at } = event;
  const hash = shortHash([told.run, told.fence, uid, reason, news].join('\n'));
  // Lists come by name, and kubectl sorts them by whole seconds: within one second the steps
  // keep their order.
  const step = nodeEventReasons.indexOf(reason).toString(36);
  return {
    node,
    uid,
    name: `${node.slice(0, longestName)}.${step}${hash}`,
    reason,
    type: types[reason],
    message: message.slice(0, longestMessage),
    at,
  };
}

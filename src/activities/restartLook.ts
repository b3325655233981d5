import type { InstanceRef } from '../domain/arm.ts';
import { parseRestart } from '../domain/guestRestart.ts';
import type { Mark } from '../domain/mark.ts';
import { TroubleError } from '../domain/trouble.ts';
import { claimedPlace } from '../decide/identity.ts';
import type { Held } from './node.ts';
import { rememberedFacts } from './scene.ts';
import type { Desk } from './scene.ts';

/**
 * What is known of a restart that was asked for. It is for people, and forbids a second one while
 * it runs; whether the node was restarted, the boot id alone says.
 */
export type RestartLook =
  /** The token continues it, where the next look needs one. */
  | { kind: 'running' | 'notRunning'; detail: string; token?: string }
  /** The node itself says that it restarts nothing: nothing was asked for. */
  | { kind: 'refused'; value: string };

/** One look at what carries the attempt out: ARM's operation, or the script on the node. */
export async function lookAtRestart(
  desk: Desk,
  held: Held,
  { method = 'arm' }: NonNullable<Mark['attempt']>,
  token: string | undefined,
): Promise<RestartLook> {
  if (token === undefined) return { kind: 'notRunning', detail: 'the operation is not followed' };
  const place = claimedPlace(held.node, await rememberedFacts(desk, held.site));
  if (place.kind !== 'place') return { kind: 'notRunning', detail: place.value, token };
  try {
    switch (method) {
      case 'arm':
        return await lookAtOperation(desk, place.ref, token);
      case 'guest':
        return await lookAtScript(desk, place.ref, token);
    }
  } catch (error) {
    // Only the look failed. But what can't be seen may still run: only an operation that Azure has
    // forgotten is over.
    if (!(error instanceof TroubleError)) throw error;
    const { trouble } = error;
    const kind = trouble.kind === 'notFound' ? 'notRunning' : 'running';
    return { kind, detail: `the operation can't be seen: ${trouble.value}`, token };
  }
}

/**
 * A restart of an AKS node may start 15 minutes late (Scheduled Events): that is waiting, not
 * failure.
 */
const usualDelayMinutes = 15;

/** The operation may end long before or after the boot, or never. */
async function lookAtOperation(desk: Desk, ref: InstanceRef, token: string): Promise<RestartLook> {
  const poll = await desk.azure.pollRestart(ref, token);
  switch (poll.kind) {
    case 'running': {
      const detail = `Azure is restarting it (it may wait ${usualDelayMinutes} minutes)`;
      return { kind: 'running', detail, token: poll.token };
    }
    case 'succeeded':
      return { kind: 'notRunning', detail: 'Azure says the restart is done' };
    case 'failed':
      return { kind: 'notRunning', detail: `Azure says the restart failed: ${poll.value}` };
  }
}

/**
 * A script that does not end well, or without an answer, says nothing: its machine went down while
 * it ran ("Last script execution didn't finish").
 */
async function lookAtScript(desk: Desk, ref: InstanceRef, token: string): Promise<RestartLook> {
  const poll = await desk.azure.pollScript(ref, token);
  switch (poll.kind) {
    case 'running': {
      const detail = 'the script that has it restart itself is on its way';
      return { kind: 'running', detail, token: poll.token };
    }
    case 'failed':
      return { kind: 'notRunning', detail: `the script has no answer: ${poll.value}` };
    case 'ended': {
      const answer = parseRestart(poll.stdout);
      switch (answer.kind) {
        case 'scheduled':
          return { kind: 'notRunning', detail: `it restarts itself (${answer.by})` };
        case 'otherBoot':
          return { kind: 'notRunning', detail: 'it says that it is on another boot already' };
        case 'unknown':
          return { kind: 'notRunning', detail: `the script has no answer: ${answer.why}` };
        case 'refused':
          return { kind: 'refused', value: `the node can't restart itself: ${answer.by}` };
      }
    }
  }
}

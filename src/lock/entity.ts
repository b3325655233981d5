import type { EntityContext } from 'durable-functions';
import * as z from 'zod';
import { applyLock, lockOperation, parseLock } from './lock.ts';

/** The durable entity's name; its keys are cluster keys, and `fleetScope`. */
export const lockEntityName = 'lock';
/** The scope whose hold stops every cluster. */
export const fleetScope = 'fleet';

/**
 * The durable entity around the lock: one message in, new state and an answer out. Messages are
 * untrusted (anyone with the durable extension's key can signal an entity): what does not parse
 * changes nothing.
 */
export function lockEntity(context: EntityContext<unknown>): void {
  const input: unknown = context.df.getInput();
  const fields = z.record(z.string(), z.unknown()).safeParse(input ?? {});
  const message = lockOperation.safeParse({
    ...(fields.success ? fields.data : {}),
    op: context.df.operationName,
  });
  const before = parseLock(context.df.getState(() => undefined));
  if (!message.success) {
    context.df.return({ kind: 'refused', value: z.prettifyError(message.error) });
    return;
  }
  const { state, answer } = applyLock(before, message.data);
  context.df.setState(state);
  context.df.return(answer);
}

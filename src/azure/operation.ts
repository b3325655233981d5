import { failureOf, forPeople, TroubleError } from '../domain/trouble.ts';
import type { Started } from '../ports.ts';
import { isRefusal, troubleOfUnexpected } from './trouble.ts';

/**
 * Long-running operations, begun in one activity and looked at in others. The SDKs' pollers are
 * promises too, so awaiting one, or returning it from an async function, waits for the whole
 * operation: they are made and used within one function here and never leave it.
 */
export interface Poller<Result> {
  readonly isDone: boolean;
  readonly result: Result | undefined;
  readonly operationState: { status: string; error?: Error } | undefined;
  submitted(): Promise<void>;
  poll(): Promise<unknown>;
  serialize(): Promise<string>;
}

export type Look<Result> =
  | { kind: 'running'; token: string }
  | { kind: 'succeeded'; result: Result | undefined }
  | { kind: 'failed'; value: string };

/**
 * The API lets a service answer 200 at once instead of 202, and the SDK's token of that can't be
 * restored. An answer in it is lost: a script's becomes `unknown` and is asked again.
 */
const endedToken = 'ended';

/** Sends the request that begins an operation, once, and says what became of it. */
export async function startOperation<Result>(begin: () => Poller<Result>): Promise<Started> {
  try {
    const poller = begin();
    await poller.submitted();
    return { kind: 'started', token: poller.isDone ? endedToken : await poller.serialize() };
  } catch (error) {
    const trouble = error instanceof TroubleError ? error.trouble : troubleOfUnexpected(error);
    return { kind: isRefusal(trouble) ? 'refused' : 'unsure', trouble };
  }
}

/**
 * One look at an operation. Throws `TroubleError` when the look itself failed: then the old token
 * serves again, because the poller that saw the failure counts it as the operation's own.
 */
export async function lookAtOperation<Result>(
  token: string,
  restore: (token: string) => Poller<Result>,
): Promise<Look<Result>> {
  if (token === endedToken) return { kind: 'succeeded', result: undefined };
  const poller = restored(token, restore);
  try {
    await poller.poll();
  } catch (error) {
    return lookAfter(error, poller.operationState);
  }
  return poller.isDone
    ? { kind: 'succeeded', result: poller.result }
    : { kind: 'running', token: await poller.serialize() };
}

function restored<Result>(
  token: string,
  restore: (token: string) => Poller<Result>,
): Poller<Result> {
  try {
    return restore(token);
  } catch {
    // The SDK puts the whole token into its message, so that must not travel on.
    throw new TroubleError({ kind: 'invalid', value: 'not a token of an operation', status: 400 });
  }
}

function lookAfter(error: unknown, state: Poller<unknown>['operationState']): Look<never> {
  if (error instanceof TroubleError) throw error;
  const { status } = failureOf(error);
  if (status === 204) {
    // ARM may end an operation with 200 or 204; the SDK takes only the former for an answer:
    // learn.microsoft.com/azure/azure-resource-manager/management/async-operations
    return { kind: 'succeeded', result: undefined };
  }
  if (state?.status === 'canceled') return { kind: 'failed', value: 'Azure canceled it' };
  if (state?.status === 'failed' && status === undefined) {
    return { kind: 'failed', value: forPeople(state.error?.message ?? 'Azure says no more') };
  }
  throw new TroubleError(troubleOfUnexpected(error));
}

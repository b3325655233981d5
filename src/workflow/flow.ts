import * as df from 'durable-functions';
import type { OrchestrationContext, Task } from 'durable-functions';
import { epochMs, isoInstant } from '../domain/instant.ts';
import { isTransient } from '../domain/trouble.ts';
import type { Trouble } from '../domain/trouble.ts';
import { lockEntityName } from '../lock/entity.ts';
import type { LockAnswer, LockOperation } from '../lock/lock.ts';
import type { InTrouble, StepInput, StepName, StepOutput, StepOutputs } from '../steps.ts';

/**
 * One orchestrator's way: its context, and how many things it has waited for in this generation.
 */
export interface Flow {
  readonly context: OrchestrationContext;
  /**
   * Each wait is about four history events; replay costs their square, so generations are short.
   */
  spent: number;
}

/** What an orchestrator yields; what it is sent back is typed by the functions of this file. */
export type Steps<T> = Generator<Task, T, never>;

/** Continue as new after so many waits: keeps every history under 500 events. */
export const spendingLimit = 60;

/**
 * Versions of orchestrations that this code can go on with, oldest first. New ones begin under the
 * last, which is host.json's `defaultVersion`. How one is added: docs/decisions/0020.
 */
export const orchestrationVersions = ['1.0'] as const;

/** All but the oldest: there is nothing before that, so a step to it is none any more. */
type LaterVersion = typeof orchestrationVersions extends readonly [string, ...infer Later]
  ? Later[number]
  : never;

/**
 * Whether an orchestration began under this version or a later one. It keeps its version however
 * often it continues as new, so what is done differently since then is done behind this.
 */
export function isSince({ context }: Flow, version: LaterVersion): boolean {
  return isFrom(version, context.df.version ?? '');
}

/** Whether a version is that one or a later one; none at all is older than any. */
export function isFrom(first: string, version: string): boolean {
  const [major = 0, minor = 0] = numbersOf(first);
  const [ownMajor = 0, ownMinor = 0] = numbersOf(version);
  return ownMajor > major || (ownMajor === major && ownMinor >= minor);
}

const numbersOf = (version: string) => version.split('.').map(Number);

export function newFlow(context: OrchestrationContext): Flow {
  return { context, spent: 0 };
}

/** The orchestration's own time, ISO 8601: the same on every replay. */
export function nowOf(flow: Flow): string {
  return isoInstant(flow.context.df.currentUtcDateTime.getTime());
}

/** Runs one activity, typed by its declaration. */
export function* perform<N extends StepName>(
  flow: Flow,
  name: N,
  input: StepInput<N>,
): Steps<StepOutput<N>> {
  flow.spent += 1;
  return yield flow.context.df.callActivity(name, input);
}

/** Sleeps on a durable timer. */
export function* wait(flow: Flow, seconds: number): Steps<void> {
  if (seconds <= 0) return;
  flow.spent += 1;
  // A copy: the context hands out its own Date object.
  const until = structuredClone(flow.context.df.currentUtcDateTime);
  until.setTime(until.getTime() + seconds * 1000);
  yield flow.context.df.createTimer(until);
}

const firstWaitSeconds = 15;
const longestWaitSeconds = 300;

/**
 * Runs an activity until it says something other than passing trouble. What a person has to mend,
 * and what lasts longer than the patience, is returned as trouble.
 */
export function* patiently<N extends StepName>(
  flow: Flow,
  name: N,
  input: StepInput<N>,
  patienceMinutes: number,
  passes: (trouble: Trouble) => boolean = isTransient,
): Steps<StepOutputs[N] | InTrouble> {
  const deadline = epochMs(nowOf(flow)) + patienceMinutes * 60_000;
  for (let tries = 0; ; tries += 1) {
    const answer = yield* perform(flow, name, input);
    if (!isTrouble(answer) || !passes(answer.trouble)) return answer;
    const pause = Math.min(firstWaitSeconds * 2 ** tries, longestWaitSeconds);
    const seconds = Math.max(answer.trouble.retryAfterSeconds ?? 0, pause);
    if (epochMs(nowOf(flow)) + seconds * 1000 > deadline) return answer;
    yield* wait(flow, seconds);
  }
}

const stubbornMinutes = 120;

/**
 * For what puts a node back into service: nothing else is more urgent than to keep trying, and even
 * what a person has to mend (a right, the settings) may be mended meanwhile.
 */
export function* stubbornly<N extends StepName>(
  flow: Flow,
  name: N,
  input: StepInput<N>,
): Steps<StepOutputs[N] | InTrouble> {
  return yield* patiently(flow, name, input, stubbornMinutes, () => true);
}

export function isTrouble(answer: { kind: string }): answer is InTrouble {
  return answer.kind === 'trouble';
}

/** Asks the lock of a scope and waits for its answer. */
export function* askLock(flow: Flow, scope: string, operation: LockOperation): Steps<LockAnswer> {
  flow.spent += 1;
  const { op, ...input } = operation;
  return yield flow.context.df.callEntity(new df.EntityId(lockEntityName, scope), op, input);
}

/** Tells the lock something without waiting. */
export function tellLock(flow: Flow, scope: string, operation: LockOperation): void {
  const { op, ...input } = operation;
  flow.context.df.signalEntity(new df.EntityId(lockEntityName, scope), op, input);
}

/** Runs a sub-orchestration under an id of ours. */
export function* subOrchestrate<Result>(
  flow: Flow,
  name: string,
  input: unknown,
  instanceId: string,
): Steps<Result> {
  flow.spent += 1;
  return yield flow.context.df.callSubOrchestrator(name, input, instanceId);
}

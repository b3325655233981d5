/**
 * Asking an orchestrator what comes next: the whole history goes in, everything that it ever asked
 * for comes out (sources: azure-functions-durable-extension,
 * Bindings/OrchestrationTriggerAttributeBindingProvider.cs and OutOfProcExceptionHelpers.cs;
 * durable-functions, lib/src/orchestrations/OrchestratorState.js).
 */
import { readActions, type ActionList } from './actions.ts';
import type { Execution } from './executions.ts';
import { eventText, type HistoryEvent } from './history.ts';
import { call, messageOf, type Runtime } from './runtime.ts';
import type { Instance } from './store.ts';

/** What an orchestrator answered to its history. */
export type Answer =
  | { readonly kind: 'broken'; readonly message: string }
  | {
      readonly kind: 'replayed';
      readonly list: ActionList;
      /** The list holds the SDK's own objects, not copies: one task is one object. */
      readonly live: boolean;
      readonly outcome: Outcome;
      readonly customStatus: string | null;
    };

/** Outputs and inputs are JSON text. */
export type Outcome =
  | { readonly kind: 'waiting' }
  | { readonly kind: 'completed'; readonly output: string }
  | { readonly kind: 'continued'; readonly input: string }
  | { readonly kind: 'failed'; readonly error: string };

/** What of a host and of an instance it takes to replay. */
export type Replaying = Pick<Runtime, 'app' | 'functions' | 'newId' | 'log' | 'clientBinding'>;
export type Replayed = Pick<Instance, 'id' | 'name' | 'input' | 'parent'>;

/** Replays one orchestrator with its past and the news. */
export async function replay(
  runtime: Replaying,
  instance: Replayed,
  execution: Pick<Execution, 'past'>,
  news: readonly HistoryEvent[],
): Promise<Answer> {
  const { functions } = runtime;
  const orchestrator = functions.find('orchestration', instance.name);
  if (orchestrator === undefined) {
    return { kind: 'broken', message: functions.unknown('orchestration', instance.name) };
  }
  try {
    const data = { string: payloadOf(instance, execution, news) };
    const { result } = await call(runtime, orchestrator, data, { instance: instance.id });
    return readState(result, true);
  } catch (error) {
    return readFailure(messageOf(error));
  }
}

/** Schema V3 (2) is advertised: all that V4 adds is locks. */
function payloadOf(
  instance: Replayed,
  execution: Pick<Execution, 'past'>,
  news: readonly HistoryEvent[],
): string {
  const past = execution.past === '' ? '' : `${execution.past},`;
  const history = `${past}${news.map((event) => eventText(event, false)).join(',')}`;
  const rest = JSON.stringify({
    instanceId: instance.id,
    isReplaying: past !== '',
    parentInstanceId: instance.parent?.OrchestrationInstance.InstanceId ?? null,
    upperSchemaVersion: 1,
    upperSchemaVersionNew: 2,
    longRunningTimerIntervalDuration: '3.00:00:00',
    maximumShortTimerDuration: '6.00:00:00',
    defaultHttpAsyncRequestSleepTimeMillseconds: 30_000,
  });
  return `{"history":[${history}],"input":${instance.input ?? 'null'},${rest.slice(1)}`;
}

const outOfProcessData = '\n\n$OutOfProcData$:';

/**
 * An orchestrator that threw: its state travels in the message; without one, the replay itself
 * failed.
 */
function readFailure(message: string): Answer {
  const at = message.indexOf(outOfProcessData);
  if (at < 0) return { kind: 'broken', message };
  try {
    return readState(JSON.parse(message.slice(at + outOfProcessData.length)), false);
  } catch (error) {
    return { kind: 'broken', message: messageOf(error) };
  }
}

function readState(state: unknown, returned: boolean): Answer {
  const found =
    typeof state === 'object' && state !== null ? (state as Record<string, unknown>) : {};
  const actions = found['actions'];
  if (!Array.isArray(actions) || !Array.isArray(actions[0])) {
    const message = 'The orchestrator did not return the state of a durable orchestration.';
    return { kind: 'broken', message };
  }
  const list = readActions(actions[0]);
  const { customStatus } = found;
  return {
    kind: 'replayed',
    list,
    live: returned,
    outcome: returned ? endOf(found, list) : { kind: 'failed', error: errorText(found['error']) },
    // The SDK sends nothing for what is falsy.
    customStatus: customStatus ? JSON.stringify(customStatus) : null,
  };
}

function endOf(state: Readonly<Record<string, unknown>>, { atoms }: ActionList): Outcome {
  if (state['isDone'] !== true) return { kind: 'waiting' };
  const last = atoms.at(-1)?.action;
  if (last?.kind === 'continueAsNew') return { kind: 'continued', input: last.input };
  return { kind: 'completed', output: JSON.stringify(state['output']) ?? 'null' };
}

function errorText(error: unknown): string {
  if (typeof error === 'string' && error !== '') return error;
  return (
    'The orchestrator threw something that has no message. (In Azure the instance would hang, ' +
    'because the extension learns of a failure by its text. Throw an Error with a message.)'
  );
}

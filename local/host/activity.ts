/**
 * Activities: each is run at least once. Its work row goes and its completion comes in one
 * transaction, so a crash before that runs it again and a crash after never does (source:
 * durabletask, src/DurableTask.Core/TaskActivityDispatcher.cs).
 */
import * as z from 'zod';
import type { TypedData } from './core.ts';
import { eventType, happened, parseText, type EventBody, type FailureDetails } from './history.ts';
import { call, messageOf, type Runtime } from './runtime.ts';
import type { Work } from './store.ts';

/** Runs one activity and reports its end to whoever waits for it. */
export async function runActivity(runtime: Runtime, work: Work): Promise<void> {
  const end = await endOf(runtime, work);
  const now = runtime.now();
  runtime.store.transaction(now, () => {
    if (!runtime.store.finishWork(work)) return;
    runtime.store.post(work.instance, work.execution, now, happened(now, end));
  });
}

async function endOf(runtime: Runtime, work: Work): Promise<EventBody> {
  const TaskScheduledId = work.task;
  const activity = runtime.functions.find('activity', work.name);
  const data = work.input === null ? {} : { string: work.input };
  const instanceId = { string: work.instance };
  try {
    if (activity === undefined) throw new Error(runtime.functions.unknown('activity', work.name));
    const { returnValue } = await call(runtime, activity, data, {
      instance: work.instance,
      triggerMetadata: { instanceId, data },
    });
    const Result = resultText(await returnValue());
    return { EventType: eventType.taskCompleted, TaskScheduledId, Result };
  } catch (error) {
    return failure(work.name, TaskScheduledId, messageOf(error));
  }
}

/** A returned value as JSON text. */
function resultText(value: TypedData | undefined): string {
  if (value?.string !== undefined) return JSON.stringify(value.string);
  if (value?.bytes !== undefined)
    return JSON.stringify(Buffer.from(value.bytes).toString('base64'));
  return value?.json ?? JSON.stringify(value?.int ?? value?.double ?? null);
}

/** What the SDK puts in place of the message when the app describes its errors. */
const described = z.object({
  errorType: z.string(),
  errorMessage: z.string(),
  isNonRetriable: z.boolean().default(false),
  properties: z.unknown(),
  stackTrace: z.string().optional(),
});

/**
 * A failure as the extension reports it. The space before the message is its own: it cuts the text
 * out of "Exception: <message>" (source: azure-functions-durable-extension,
 * OutOfProcExceptionHelpers.cs).
 */
function failure(name: string, TaskScheduledId: number, message: string): EventBody {
  const details = described.safeParse(parseText(message));
  const FailureDetails: FailureDetails | undefined = details.data && {
    ErrorType: details.data.errorType,
    ErrorMessage: details.data.errorMessage,
    StackTrace: details.data.stackTrace ?? null,
    IsNonRetriable: details.data.isNonRetriable,
    Properties: details.data.properties,
    InnerFailure: null,
  };
  return {
    EventType: eventType.taskFailed,
    TaskScheduledId,
    Reason: `Activity function '${name}' failed:  ${message}`,
    Details: JSON.stringify({
      $type: 'System.Exception, System.Private.CoreLib',
      ClassName: 'System.Exception',
      Message: ` ${message}`,
    }),
    ...(FailureDetails && { FailureDetails }),
  };
}

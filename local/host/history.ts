/**
 * The events of which an orchestration's history consists, spelled as they travel to the language
 * worker (source: durabletask, src/DurableTask.Core/History; durable-functions, lib/src/history).
 */

export const eventType = {
  executionStarted: 0,
  executionCompleted: 1,
  executionTerminated: 3,
  taskScheduled: 4,
  taskCompleted: 5,
  taskFailed: 6,
  childCreated: 7,
  childCompleted: 8,
  childFailed: 9,
  timerCreated: 10,
  timerFired: 11,
  orchestratorStarted: 12,
  orchestratorCompleted: 13,
  eventSent: 14,
  eventRaised: 15,
  continuedAsNew: 16,
  executionSuspended: 19,
  executionResumed: 20,
} as const;

type Type = typeof eventType;

/** Who started a child, and under which task of its own the parent waits. */
export interface Parent {
  readonly Name: string;
  readonly OrchestrationInstance: { readonly InstanceId: string; readonly ExecutionId: string };
  readonly TaskScheduleId: number;
}

/** An error that the app described itself (`df.app.setExceptionPropertiesProvider`). */
export interface FailureDetails {
  readonly ErrorType: string;
  readonly ErrorMessage: string;
  readonly StackTrace: string | null;
  readonly IsNonRetriable: boolean;
  readonly Properties: unknown;
  readonly InnerFailure: null;
}

/**
 * Inputs, results and data are JSON text. `Details` is null only for a child that was terminated.
 */
export type EventBody =
  | {
      EventType: Type['executionStarted'];
      Name: string;
      Version: string;
      Input: string | null;
      OrchestrationInstance: { InstanceId: string; ExecutionId: string };
      ParentInstance: Parent | null;
    }
  | {
      EventType: Type['executionCompleted' | 'continuedAsNew'];
      OrchestrationStatus: string;
      Result: string | null;
    }
  | {
      EventType: Type['executionTerminated' | 'executionSuspended' | 'executionResumed'];
      Input: string;
    }
  | { EventType: Type['taskScheduled']; Name: string; Version: string; Input: string | null }
  | { EventType: Type['taskCompleted' | 'childCompleted']; TaskScheduledId: number; Result: string }
  | {
      EventType: Type['taskFailed' | 'childFailed'];
      TaskScheduledId: number;
      Reason: string;
      Details: string | null;
      FailureDetails?: FailureDetails;
    }
  | {
      EventType: Type['childCreated'];
      Name: string;
      Version: string;
      InstanceId: string;
      Input: string | null;
    }
  | { EventType: Type['timerCreated']; FireAt: string }
  | { EventType: Type['timerFired']; TimerId: number; FireAt: string }
  | { EventType: Type['orchestratorStarted' | 'orchestratorCompleted'] }
  | { EventType: Type['eventSent']; InstanceId: string; Name: string; Input: string }
  | { EventType: Type['eventRaised']; Name: string; Input: string | null };

export type HistoryEvent = EventBody & {
  readonly EventId: number;
  readonly IsPlayed: boolean;
  readonly Timestamp: string;
};

/** An event that happened at `now`; only what an orchestrator scheduled has an id of its own. */
export function happened(now: number, body: EventBody, id = -1): HistoryEvent {
  return { EventId: id, IsPlayed: false, Timestamp: new Date(now).toISOString(), ...body };
}

/** The event as JSON text, as it must read in an episode (`played`: in one of the past). */
export function eventText(event: HistoryEvent, played: boolean): string {
  return JSON.stringify({ ...event, IsPlayed: played });
}

/** Which task an event ends, and how; undefined when it ends none. */
export function endOfTask(
  event: HistoryEvent,
): { readonly kind: 'completed' | 'failed' | 'fired'; readonly id: number } | undefined {
  const type = event.EventType;
  if (type === eventType.timerFired) return { kind: 'fired', id: event.TimerId };
  if (type === eventType.taskCompleted || type === eventType.childCompleted) {
    return { kind: 'completed', id: event.TaskScheduledId };
  }
  if (type === eventType.taskFailed || type === eventType.childFailed) {
    return { kind: 'failed', id: event.TaskScheduledId };
  }
  return undefined;
}

const names = new Map<number, string>([
  [eventType.executionStarted, 'ExecutionStarted'],
  [eventType.executionCompleted, 'ExecutionCompleted'],
  [eventType.executionTerminated, 'ExecutionTerminated'],
  [eventType.taskCompleted, 'TaskCompleted'],
  [eventType.taskFailed, 'TaskFailed'],
  [eventType.childCompleted, 'SubOrchestrationInstanceCompleted'],
  [eventType.childFailed, 'SubOrchestrationInstanceFailed'],
  [eventType.timerCreated, 'TimerCreated'],
  [eventType.timerFired, 'TimerFired'],
  [eventType.eventSent, 'EventSent'],
  [eventType.eventRaised, 'EventRaised'],
  [eventType.continuedAsNew, 'ContinueAsNew'],
]);

/** How .NET calls a type of event. */
export const eventName = (type: number): string => names.get(type) ?? `event type ${type}`;

/** Stored text as the JSON that it is, or as a plain string when it is none. */
export function parseText(text: string | null): unknown {
  if (text === null) return null;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/**
 * The history as status queries show it: what was scheduled is merged into its completion (source:
 * azure-functions-durable-extension, DurableOrchestrationStatus built by DurableClient.cs).
 */
export function shownHistory(events: readonly HistoryEvent[], withOutput: boolean): object[] {
  const scheduled = new Map<number, object>();
  const shown: object[] = [];
  for (const event of events) {
    const common = { EventType: names.get(event.EventType), Timestamp: event.Timestamp };
    switch (event.EventType) {
      case eventType.orchestratorStarted:
      case eventType.orchestratorCompleted:
        break;
      case eventType.taskScheduled:
      case eventType.childCreated:
        scheduled.set(event.EventId, {
          ScheduledTime: event.Timestamp,
          FunctionName: event.Name,
          Input: parseText(event.Input),
        });
        break;
      case eventType.taskCompleted:
      case eventType.childCompleted: {
        const result = withOutput ? { Result: parseText(event.Result) } : {};
        shown.push({ ...common, ...scheduled.get(event.TaskScheduledId), ...result });
        break;
      }
      case eventType.taskFailed:
      case eventType.childFailed: {
        const { Reason, Details } = event;
        shown.push({ ...common, ...scheduled.get(event.TaskScheduledId), Reason, Details });
        break;
      }
      case eventType.executionStarted:
        shown.push({ ...common, FunctionName: event.Name, Input: parseText(event.Input) });
        break;
      case eventType.executionCompleted:
      case eventType.continuedAsNew: {
        const result = withOutput ? { Result: parseText(event.Result) } : {};
        shown.push({ ...common, OrchestrationStatus: event.OrchestrationStatus, ...result });
        break;
      }
      case eventType.timerCreated:
      case eventType.timerFired:
        shown.push({ ...common, FireAt: event.FireAt });
        break;
      case eventType.eventSent:
      case eventType.eventRaised:
        shown.push({ ...common, Name: event.Name, Input: parseText(event.Input) });
        break;
      case eventType.executionTerminated:
      case eventType.executionSuspended:
      case eventType.executionResumed:
        shown.push({ ...common, Input: event.Input });
        break;
    }
  }
  return shown;
}

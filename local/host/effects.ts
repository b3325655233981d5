/**
 * What an orchestrator asked for becomes rows: work, messages to others, messages to itself
 * (source: durabletask, src/DurableTask.Core/TaskOrchestrationDispatcher.cs). Callers hold the
 * transaction.
 */
import { eventType, happened, type EventBody, type HistoryEvent } from './history.ts';
import type { Effect } from './ledger.ts';
import type { Runtime } from './runtime.ts';
import type { Instance } from './store.ts';

type Scheduled = Extract<Effect, { kind: 'schedule' }>['action'];

/** Why the extension would not carry this out, if so. */
export function refusal(
  { functions }: Runtime,
  instance: Instance,
  effect: Effect,
): string | undefined {
  if (effect.kind !== 'schedule') return undefined;
  const { action } = effect;
  switch (action.kind) {
    case 'activity':
      return functions.find('activity', action.name) === undefined
        ? functions.unknown('activity', action.name)
        : undefined;
    case 'child': {
      const { instanceId, name } = action;
      if (functions.find('orchestration', name) === undefined) {
        return functions.unknown('orchestration', name);
      }
      const parent = instance.parent?.OrchestrationInstance.InstanceId;
      return instanceId !== undefined && [instance.id, parent].includes(instanceId)
        ? `The sub-orchestration's instance id '${instanceId}' ` +
            'is that of its parent or grandparent.'
        : undefined;
    }
    case 'entityCall':
    case 'entitySignal': {
      const [, name = ''] = action.target.split('@');
      return functions.find('entity', name) === undefined
        ? functions.unknown('entity', name)
        : undefined;
    }
    case 'timer':
    case 'event':
    case 'continueAsNew':
    case 'unsupported':
      return undefined;
  }
}

/**
 * Puts one effect where it will be found, and returns the event that tells of it in the history.
 */
export function carryOut(
  runtime: Runtime,
  instance: Instance,
  effect: Effect,
  now: number,
): HistoryEvent {
  const { id } = effect;
  switch (effect.kind) {
    case 'timer': {
      const FireAt = new Date(effect.fireAt).toISOString();
      const fired = { EventType: eventType.timerFired, TimerId: id, FireAt };
      const message = happened(effect.fireAt, fired);
      runtime.store.post(instance.id, instance.execution, effect.fireAt, message);
      return happened(now, { EventType: eventType.timerCreated, FireAt }, id);
    }
    case 'schedule':
      return happened(now, schedule(runtime, instance, id, effect.action, now), id);
  }
}

function schedule(
  runtime: Runtime,
  instance: Instance,
  task: number,
  action: Scheduled,
  now: number,
): EventBody {
  const { id, execution } = instance;
  switch (action.kind) {
    case 'activity': {
      const { name, input, data } = action;
      runtime.store.addWork({ instance: id, execution, task, name, input: data });
      return { EventType: eventType.taskScheduled, Name: name, Version: '', Input: input };
    }
    case 'child': {
      const child = {
        id: action.instanceId ?? `${execution}:${task}`,
        name: action.name,
        version: action.version ?? runtime.settings.durable.defaultVersion,
        execution: runtime.newId(),
        input: action.input,
        parent: {
          Name: instance.name,
          OrchestrationInstance: { InstanceId: id, ExecutionId: execution },
          TaskScheduleId: task,
        },
      };
      runtime.store.post(child.id, null, now, startOf(child, now));
      const { name: Name, version: Version, id: InstanceId, input: Input } = child;
      return { EventType: eventType.childCreated, Name, Version, InstanceId, Input };
    }
    case 'entityCall':
    case 'entitySignal': {
      const { target: InstanceId, operation: op, input } = action;
      const signal = action.kind === 'entitySignal';
      const request = { op, input, id: runtime.newId(), signal };
      const Input = JSON.stringify({ ...request, parent: id, parentExecution: execution });
      const body = { Name: 'op', Input };
      const message = happened(now, { EventType: eventType.eventRaised, ...body });
      runtime.store.post(InstanceId, null, now, message);
      return { EventType: eventType.eventSent, InstanceId, ...body };
    }
    case 'timer':
    case 'event':
    case 'continueAsNew':
    case 'unsupported':
      throw new Error(`Nothing is to be scheduled for '${action.kind}'.`);
  }
}

/** The message that starts an execution. */
export function startOf(
  one: Pick<Instance, 'id' | 'name' | 'version' | 'execution' | 'input' | 'parent'>,
  now: number,
): HistoryEvent {
  return happened(now, {
    EventType: eventType.executionStarted,
    Name: one.name,
    Version: one.version,
    Input: one.input,
    OrchestrationInstance: { InstanceId: one.id, ExecutionId: one.execution },
    ParentInstance: one.parent,
  });
}

export type End =
  | { readonly kind: 'completed'; readonly result: string }
  | { readonly kind: 'failed'; readonly reason: string; readonly details: string | null };

/** Reports the end of a child to the one that waits for it. */
export function tellParent({ store }: Runtime, { parent }: Instance, now: number, end: End): void {
  if (parent === null) return;
  const { InstanceId, ExecutionId } = parent.OrchestrationInstance;
  const TaskScheduledId = parent.TaskScheduleId;
  const body: EventBody =
    end.kind === 'completed'
      ? { EventType: eventType.childCompleted, TaskScheduledId, Result: end.result }
      : {
          EventType: eventType.childFailed,
          TaskScheduledId,
          Reason: end.reason,
          Details: end.details,
        };
  store.post(InstanceId, ExecutionId, now, happened(now, body));
}

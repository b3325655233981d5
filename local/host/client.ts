/**
 * What a durable client can ask for. Nothing here runs an orchestrator: a request becomes a message
 * (source: azure-functions-durable-extension, ContextImplementations/DurableClient.cs).
 */
import { entityId, signalOf, stateOf } from './entity.ts';
import {
  eventType,
  happened,
  parseText,
  shownHistory,
  type EventBody,
  type HistoryEvent,
} from './history.ts';
import { startOf } from './effects.ts';
import type { Runtime } from './runtime.ts';
import { isLive, type Instance, type InstanceFilter, type Status, type Store } from './store.ts';

/** The status of an instance, as the extension words it; times in whole seconds. */
export interface InstanceStatus {
  readonly name: string;
  readonly instanceId: string;
  readonly runtimeStatus: Status;
  readonly input: unknown;
  readonly customStatus: unknown;
  readonly output: unknown;
  readonly createdTime: string;
  readonly lastUpdatedTime: string;
  readonly historyEvents?: readonly object[];
}

export interface StatusOptions {
  readonly showInput?: boolean;
  readonly showHistory?: boolean;
  readonly showHistoryOutput?: boolean;
}

export interface StartOptions {
  readonly instanceId?: string;
  readonly input?: unknown;
  readonly version?: string;
}

export type Started =
  | { readonly kind: 'started'; readonly id: string }
  | { readonly kind: 'invalid' | 'exists'; readonly message: string };

export type Signalled =
  { readonly kind: 'accepted' } | { readonly kind: 'invalid'; readonly message: string };

/** `notNow`: the instance is there, but not in a state in which this makes sense. */
export type Asked =
  | { readonly kind: 'accepted' | 'unknown' | 'finished' }
  | { readonly kind: 'notNow'; readonly message: string };

export interface DurableClientPort {
  start(name: string, options?: StartOptions): Started;
  status(id: string, options?: StatusOptions): InstanceStatus | undefined;
  /** In the order of their ids, entities (`@name@key`) included. */
  list(filter?: InstanceFilter, options?: StatusOptions): InstanceStatus[];
  raise(id: string, event: string, data?: unknown): Asked;
  terminate(id: string, reason: string): Asked;
  suspend(id: string, reason: string): Asked;
  resume(id: string, reason: string): Asked;
  /** Starts again what has this name and input; under a new id, unless told otherwise. */
  restart(id: string, withNewId: boolean): Started | undefined;
  /** Whether there was something to forget. A running instance is forgotten too. */
  purge(id: string): boolean;
  /** How many finished instances were forgotten. */
  purgeAll(filter: InstanceFilter): number;
  signal(entity: string, key: string, operation: string, input?: unknown): Signalled;
  entityState(entity: string, key: string): { exists: boolean; state: unknown };
}

const finishedStatuses = ['Completed', 'Failed', 'Terminated'];

/** The client of one host, in its own process. */
export class DurableClient implements DurableClientPort {
  readonly #runtime: Runtime;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  start(name: string, { instanceId, input, version }: StartOptions = {}): Started {
    return this.#start(name, instanceId ?? this.#runtime.newId(), textOf(input), version);
  }

  restart(id: string, withNewId: boolean): Started | undefined {
    const instance = this.#runtime.store.instance(id);
    if (instance === undefined) return undefined;
    return this.#start(instance.name, withNewId ? this.#runtime.newId() : id, instance.input);
  }

  status(id: string, options?: StatusOptions): InstanceStatus | undefined {
    const instance = this.#runtime.store.instance(id);
    return instance && show(this.#runtime, instance, options);
  }

  list(filter: InstanceFilter = {}, options?: StatusOptions): InstanceStatus[] {
    const found = this.#runtime.store.list(filter);
    return found.map((instance) => show(this.#runtime, instance, options));
  }

  raise(id: string, Name: string, data?: unknown): Asked {
    const body = { EventType: eventType.eventRaised, Name, Input: textOf(data) };
    return this.#ask(id, body, () =>
      // durable-functions keeps tasks and events under one key: event "0" would complete task 0.
      /^\d+$/.test(Name) ? `The SDK takes event '${Name}' for the number of a task.` : undefined,
    );
  }

  terminate(id: string, Input: string): Asked {
    return this.#ask(id, { EventType: eventType.executionTerminated, Input });
  }

  suspend(id: string, Input: string): Asked {
    return this.#ask(id, { EventType: eventType.executionSuspended, Input }, (status) =>
      status === 'Suspended' ? 'The orchestration is already suspended.' : undefined,
    );
  }

  resume(id: string, Input: string): Asked {
    return this.#ask(id, { EventType: eventType.executionResumed, Input }, (status) =>
      status === 'Suspended' ? undefined : 'The orchestration is not suspended.',
    );
  }

  purge(id: string): boolean {
    return this.#write((store) => store.purge(id));
  }

  purgeAll(filter: InstanceFilter): number {
    const statuses = filter.statuses?.filter((one) => finishedStatuses.includes(one));
    return this.#write((store) => {
      const found = store.list({ ...filter, statuses: statuses ?? finishedStatuses });
      return found.filter(({ id }) => store.purge(id)).length;
    });
  }

  signal(entity: string, key: string, operation: string, input?: unknown): Signalled {
    const { functions, newId } = this.#runtime;
    if (functions.find('entity', entity) === undefined) {
      return { kind: 'invalid', message: functions.unknown('entity', entity) };
    }
    this.#write((store, now) => {
      const signal = signalOf(operation, textOf(input), newId(), now);
      store.post(entityId(entity, key), null, now, signal);
    });
    return { kind: 'accepted' };
  }

  entityState(entity: string, key: string): { exists: boolean; state: unknown } {
    const { exists, state } = stateOf(this.#runtime.store.instance(entityId(entity, key)));
    return { exists, state: exists ? parseText(state) : null };
  }

  #write<T>(body: (store: Store, now: number) => T): T {
    const { store } = this.#runtime;
    const now = this.#runtime.now();
    const result = store.transaction(now, () => body(store, now));
    this.#runtime.wake();
    return result;
  }

  #start(
    name: string,
    id: string,
    input: string | null,
    version = this.#runtime.settings.durable.defaultVersion,
  ): Started {
    const { functions, settings, store, newId } = this.#runtime;
    const known = functions.find('orchestration', name) !== undefined;
    const wrong = known ? wrongId(id) : functions.unknown('orchestration', name);
    if (wrong !== undefined) return { kind: 'invalid', message: wrong };
    const existing = store.instance(id);
    const overridable = settings.durable.overridableExistingInstanceStates === 'AnyState';
    if (existing !== undefined && isLive(existing.status) && !overridable) {
      const was = existing.status;
      const message = `An Orchestration instance with the status ${was} already exists.`;
      return { kind: 'exists', message };
    }
    this.#write((_, now) => {
      const times = { created: now, updated: now };
      const given = { id, name, version, input, execution: newId(), parent: null };
      store.purge(id);
      store.putInstance({
        ...given,
        ...times,
        status: 'Pending',
        output: null,
        customStatus: null,
      });
      store.post(id, null, now, startOf(given, now));
    });
    return { kind: 'started', id };
  }

  #ask(
    id: string,
    body: EventBody,
    notNow: (status: Status) => string | undefined = () => undefined,
  ): Asked {
    const instance = this.#runtime.store.instance(id);
    if (instance === undefined) return { kind: 'unknown' };
    if (!isLive(instance.status)) return { kind: 'finished' };
    const message = notNow(instance.status);
    if (message !== undefined) return { kind: 'notNow', message };
    this.#write((store, now) => store.post(id, null, now, happened(now, body)));
    return { kind: 'accepted' };
  }
}

function textOf(value: unknown): string | null {
  return JSON.stringify(value) ?? null;
}

/** Source: azure-functions-durable-extension, DurableClient.cs, the checks of StartNewAsync. */
function wrongId(id: string): string | undefined {
  if (id.startsWith('@')) return 'Orchestration instance ids must not start with @.';
  // oxlint-disable-next-line no-control-regex -- the rule is about control characters
  if (/[/\\#?\u0000-\u001f\u007f-\u009f]/.test(id)) {
    return 'Orchestration instance ids must not contain /, \\, #, ? or control characters.';
  }
  return id.length > 256 ? 'Instance ID lengths must not exceed 256 characters.' : undefined;
}

function show(
  runtime: Runtime,
  instance: Instance,
  { showInput = true, showHistory = false, showHistoryOutput = false }: StatusOptions = {},
): InstanceStatus {
  const seconds = (instant: number) => new Date(instant).toISOString().replace(/\.\d+/, '');
  const events = () => JSON.parse(`[${runtime.store.history(instance.id)}]`) as HistoryEvent[];
  return {
    name: instance.name,
    instanceId: instance.id,
    runtimeStatus: instance.status,
    input: showInput ? parseText(instance.input) : null,
    customStatus: parseText(instance.customStatus),
    output: parseText(instance.output),
    createdTime: seconds(instance.created),
    lastUpdatedTime: seconds(instance.updated),
    ...(showHistory && { historyEvents: shownHistory(events(), showHistoryOutput) }),
  };
}

/**
 * Orchestrations: one message to an instance makes one episode, and one episode makes one
 * transaction (sources: durabletask, src/DurableTask.Core/TaskOrchestrationDispatcher.cs and
 * TaskOrchestrationExecutor.cs; azure-functions-durable-extension,
 * Listener/OutOfProcOrchestrationShim.cs).
 */
import { carryOut, refusal, startOf, tellParent } from './effects.ts';
import { Executions, type Execution } from './executions.ts';
import { eventText, eventType, happened, type HistoryEvent } from './history.ts';
import {
  awaits,
  count,
  emit,
  hasOpenTasks,
  settle,
  unconsumed,
  type Effect,
  type Ledger,
} from './ledger.ts';
import { replay, type Answer, type Outcome } from './replay.ts';
import type { Runtime } from './runtime.ts';
import { isLive, type Instance, type Message } from './store.ts';
import { isServed } from './version.ts';

/** One delivery of one message to an orchestrator. */
interface Episode {
  readonly message: Message;
  readonly instance: Instance;
  readonly execution: Execution;
  readonly now: number;
  readonly news: readonly HistoryEvent[];
}

interface Decision {
  readonly outcome: Outcome;
  readonly effects: readonly Effect[];
  readonly customStatus: string | null;
}

/** What one instance cost since the start of the process. */
export interface InstanceStats {
  /** In its longest generation. */
  readonly events: number;
  readonly episodes: number;
  readonly replayMs: number;
}

export class Orchestrations {
  readonly stats = new Map<string, InstanceStats>();
  readonly #runtime: Runtime;
  readonly #executions: Executions;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
    this.#executions = new Executions(runtime.store);
  }

  /** Does everything that one due message asks for. Throws only what is a fault of this host. */
  async deliver(message: Message): Promise<void> {
    const { event } = message;
    const instance =
      event.EventType === eventType.executionStarted
        ? this.#begin(message, event)
        : this.#runtime.store.instance(message.instance);
    const isForIt =
      instance !== undefined &&
      isLive(instance.status) &&
      (message.execution === null || message.execution === instance.execution);
    if (!isForIt) return this.#put(message, 'aside');
    if (event.EventType === eventType.executionTerminated) {
      return this.#terminate(message, instance, event.Input);
    }
    if (event.EventType === eventType.executionSuspended) {
      return this.#setStatus(message, instance, 'Suspended');
    }
    if (event.EventType === eventType.executionResumed) {
      return this.#setStatus(message, instance, 'Running');
    }
    return this.#deliverToCode(message, instance);
  }

  async #deliverToCode(message: Message, instance: Instance): Promise<void> {
    const { event } = message;
    const { versionFailureStrategy } = this.#runtime.settings.durable;
    const execution = this.#executions.recall(instance);
    // What comes after the call of continueAsNew is for the next generation.
    const isForNext = execution.ledger.continuing && isExternal(message);
    if (instance.status === 'Suspended' || isForNext) return this.#put(message, 'back');
    const served = isServed(instance.version, this.#runtime.settings.durable);
    if (!served && versionFailureStrategy === 'Reject') {
      this.#warn(instance, `Version '${instance.version}' is not served here: it is left waiting.`);
      return this.#put(message, 'back');
    }
    const isFirst = event.EventType === eventType.executionStarted;
    if (isFirst !== (execution.events === 0) || !awaits(execution.ledger, event)) {
      return this.#put(message, 'aside');
    }

    // Time as an orchestrator sees it never goes back.
    const now = Math.max(this.#runtime.now(), execution.lastStarted);
    const news = [happened(now, { EventType: eventType.orchestratorStarted }), event];
    const began = performance.now();
    const answer: Answer = served
      ? await replay(this.#runtime, instance, execution, news)
      : { kind: 'broken', message: 'Orchestration version did not comply with Worker Versioning' };
    const replayMs = performance.now() - began;
    const events = this.#finishEpisode({ message, instance, execution, now, news }, answer);

    const before = this.stats.get(instance.id) ?? { events: 0, episodes: 0, replayMs: 0 };
    this.stats.set(instance.id, {
      events: Math.max(before.events, events),
      episodes: before.episodes + 1,
      replayMs: before.replayMs + replayMs,
    });
  }

  /**
   * A start of an instance: by a client (then it exists, pending), by a parent, or by
   * continueAsNew.
   */
  #begin(
    message: Message,
    event: HistoryEvent & { EventType: typeof eventType.executionStarted },
  ): Instance | undefined {
    const { store } = this.#runtime;
    const existing = store.instance(message.instance);
    const { ExecutionId } = event.OrchestrationInstance;
    if (existing !== undefined && isLive(existing.status)) {
      if (existing.execution === ExecutionId) return existing;
      this.#warn(
        existing,
        'A second start of a running instance is dropped; who waits for it hangs.',
      );
      return undefined;
    }
    const now = this.#runtime.now();
    const instance: Instance = {
      id: message.instance,
      name: event.Name,
      version: event.Version,
      execution: ExecutionId,
      status: 'Pending',
      input: event.Input,
      output: null,
      customStatus: null,
      parent: event.ParentInstance,
      created: now,
      updated: now,
    };
    store.transaction(now, () => {
      store.forgetHistory(instance.id);
      store.putInstance(instance);
    });
    return instance;
  }

  /** Aside: nobody wants it. Back: it gets its turn later. */
  #put(message: Message, where: 'aside' | 'back'): void {
    const { store } = this.#runtime;
    store.transaction(this.#runtime.now(), () => {
      if (where === 'aside') store.remove(message);
      else store.hold(message);
    });
  }

  #setStatus(message: Message, instance: Instance, status: 'Suspended' | 'Running'): void {
    const { store } = this.#runtime;
    const now = this.#runtime.now();
    store.transaction(now, () => {
      store.remove(message);
      store.setStatus(instance.id, status, null, now);
      if (status === 'Running') store.release(instance.id);
    });
  }

  #terminate(message: Message, instance: Instance, reason: string): void {
    const { store } = this.#runtime;
    const now = this.#runtime.now();
    const { events } = this.#executions.recall(instance);
    store.transaction(now, () => {
      store.remove(message);
      store.append(instance.id, events, eventText(message.event, true));
      store.setStatus(instance.id, 'Terminated', reason, now);
      store.dropExecution(instance);
      // Details are null here, as in the real one: the SDK then fails the parent with an error of
      // its own.
      tellParent(this.#runtime, instance, now, { kind: 'failed', reason, details: null });
    });
    this.#executions.forget(instance);
  }

  /** Decides and commits; returns how many events the history has now. */
  #finishEpisode(episode: Episode, answer: Answer): number {
    const { store } = this.#runtime;
    const { message, instance, execution, news, now } = episode;
    if (store.instance(instance.id)?.execution !== instance.execution) {
      // It was purged while its code ran.
      this.#put(message, 'aside');
      this.#executions.forget(instance);
      return execution.events;
    }
    try {
      const decision = this.#decide(episode, answer);
      const ended = happened(now, { EventType: eventType.orchestratorCompleted });
      const events = store.transaction(now, () => {
        store.remove(message);
        const scheduled = decision.effects.map((effect) =>
          carryOut(this.#runtime, instance, effect, now),
        );
        const all = [...news, ...scheduled, ...ending(decision.outcome, instance, now), ended];
        const text = all.map((event) => eventText(event, true)).join(',');
        store.append(instance.id, execution.events, text);
        this.#conclude(episode, decision);
        return { text, count: all.length };
      });
      this.#runtime.onEpisode(instance, events.text);
      if (decision.outcome.kind === 'waiting') {
        this.#executions.grow(instance, execution, events.text, events.count, now);
      } else {
        this.#executions.forget(instance);
      }
      return execution.events + events.count;
    } catch (error) {
      // The ledger was changed in place: what is in memory is not what was committed.
      this.#executions.forget(instance);
      throw error;
    }
  }

  #decide({ message, instance, execution, now }: Episode, answer: Answer): Decision {
    const { ledger } = execution;
    const failAtOnce = (error: string, effects: readonly Effect[] = []): Decision => ({
      outcome: { kind: 'failed', error },
      effects,
      customStatus: instance.customStatus,
    });
    if (answer.kind === 'broken') return failAtOnce(answer.message);
    const { list, outcome } = answer;
    const settled = settle(ledger, message.event, list, now);
    if (isExternal(message)) noteRaised(ledger, message.event);
    const counted = count(ledger, list, answer.live);
    if (counted.kind === 'changed') return failAtOnce(counted.message);
    if (counted.kind === 'unsupported') {
      return failAtOnce(`The local host does not play '${counted.what}'.`);
    }
    for (const what of counted.repeats) this.#warnOfRepeat(instance, what);

    const effects = [...settled, ...emit(ledger, list, now)];
    for (const [at, effect] of effects.entries()) {
      const error = refusal(this.#runtime, instance, effect);
      if (error !== undefined) return failAtOnce(error, effects.slice(0, at));
    }
    // A new generation keeps the status of the one before until it sets its own.
    const customStatus = answer.customStatus ?? (ledger.statusSet ? null : instance.customStatus);
    ledger.statusSet ||= answer.customStatus !== null;
    ledger.continuing = outcome.kind === 'continued';
    return hasOpenTasks(ledger, list)
      ? { outcome: { kind: 'waiting' }, effects, customStatus }
      : { outcome, effects, customStatus };
  }

  /** What becomes of the instance. Within the transaction of the episode. */
  #conclude({ instance, execution, now }: Episode, { outcome, customStatus }: Decision): void {
    const { store } = this.#runtime;
    const next = { ...instance, customStatus, updated: now };
    if (outcome.kind !== 'waiting') store.dropExecution(instance);
    switch (outcome.kind) {
      case 'waiting':
        store.progress({ ...next, status: 'Running' }, JSON.stringify(execution.ledger));
        return;
      case 'continued':
        this.#continue(next, execution.ledger, outcome.input);
        return;
      case 'completed':
        store.progress({ ...next, status: 'Completed', output: outcome.output }, null);
        tellParent(this.#runtime, instance, now, { kind: 'completed', result: outcome.output });
        return;
      case 'failed': {
        const reason = failureReason(instance, outcome.error);
        const details = `Message: ${outcome.error}, StackTrace: `;
        store.progress({ ...next, status: 'Failed', output: reason }, null);
        tellParent(this.#runtime, instance, now, { kind: 'failed', reason, details });
      }
    }
  }

  #continue(instance: Instance, ledger: Ledger, input: string): void {
    const { store } = this.#runtime;
    const lost = unconsumed(ledger);
    if (lost.length > 0) {
      // The extension continues with preserveUnprocessedEvents = false.
      this.#warn(
        instance,
        `continueAsNew lost events that nothing waited for: ${lost.join(', ')}.`,
      );
    }
    const execution = this.#runtime.newId();
    const next: Instance = { ...instance, execution, status: 'Running', input };
    store.forgetHistory(instance.id);
    store.putInstance(next);
    // Due before anything that already waits in the inbox.
    store.post(next.id, null, 0, startOf(next, instance.updated));
    store.release(next.id);
  }

  #warnOfRepeat(instance: Instance, what: string): void {
    this.#warn(
      instance,
      `'${what}' was yielded again inside another task: here it is still one, but in Azure ` +
        `the extension schedules it a second time and numbers differ ` +
        `(azure-functions-durable-js, issue 574).`,
    );
  }

  #warn({ id, name }: Instance, message: string): void {
    const about = { function: name, instance: id };
    this.#runtime.log({ level: 'warning', category: 'host', ...about, message });
  }
}

/** An event from outside is for whatever execution runs; an entity's answer is for one. */
function isExternal({ event, execution }: Message): boolean {
  return event.EventType === eventType.eventRaised && execution === null;
}

function noteRaised({ raised }: Ledger, event: HistoryEvent): void {
  if (event.EventType !== eventType.eventRaised) return;
  raised[event.Name] = (raised[event.Name] ?? 0) + 1;
}

function failureReason(instance: Instance, error: string): string {
  return `Orchestrator function '${instance.name}' failed: ${error}`;
}

/** The event that tells of the end, where there is one. */
function ending(outcome: Outcome, instance: Instance, now: number): HistoryEvent[] {
  const { executionCompleted, continuedAsNew } = eventType;
  const ended = (
    EventType: typeof executionCompleted | typeof continuedAsNew,
    OrchestrationStatus: string,
    Result: string,
  ) => [happened(now, { EventType, OrchestrationStatus, Result })];
  switch (outcome.kind) {
    case 'completed':
      return ended(executionCompleted, 'Completed', outcome.output);
    case 'failed':
      return ended(executionCompleted, 'Failed', failureReason(instance, outcome.error));
    case 'continued':
      return ended(continuedAsNew, 'ContinuedAsNew', outcome.input);
    case 'waiting':
      return [];
  }
}

/**
 * The loop that hands due messages to their instances, one at a time and in order, while activities
 * run beside it. It holds the clock while anything is in flight, and asks to be woken when the next
 * is due.
 */
import type { Cancel } from '../clock.ts';
import { runActivity } from './activity.ts';
import { deliverToEntity } from './entity.ts';
import { Orchestrations } from './orchestration.ts';
import { messageOf, type Runtime } from './runtime.ts';

/** Messages that the loop may handle before others get their turn: a count, so that runs repeat. */
const turnMax = 8;

export class Engine {
  readonly orchestrations: Orchestrations;
  readonly #runtime: Runtime;
  readonly #activitiesMax: number;
  readonly #activities = new Set<Promise<void>>();
  #workTaken = 0;
  #pumping: Promise<void> | undefined;
  /** Asked to look while looking. */
  #wakened = false;
  #stopping = true;
  #fault: Error | undefined;
  #cancelWake: Cancel = () => {};
  #idlers: { resolve: () => void; reject: (fault: Error) => void }[] = [];

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
    this.orchestrations = new Orchestrations(runtime);
    this.#activitiesMax = runtime.settings.durable.maxConcurrentActivityFunctions;
  }

  /** Begins, or goes on after a crash: what was kept back gets another chance. */
  start(): void {
    const { store } = this.#runtime;
    store.transaction(this.#runtime.now(), () => store.releaseAll());
    this.#stopping = false;
    this.wake();
  }

  /** Takes nothing new and resolves when what is running has ended. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#cancelWake();
    await this.#pumping;
    await Promise.all(this.#activities);
    this.#idlers.forEach(({ reject }) => reject(new Error('The host was stopped.')));
    this.#idlers = [];
  }

  /** Looks for what is due. To be called after every change of the store. */
  wake(): void {
    if (this.#stopping) return;
    this.#wakened = true;
    if (this.#pumping !== undefined) return;
    const release = this.#runtime.clock.busy();
    this.#pumping = this.#pump()
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        this.#pumping = undefined;
        if (this.#wakened) this.wake();
        release();
      });
  }

  /**
   * Resolves when no orchestration is pending or running and nothing is queued.
   * Rejects when the host is stopped first, or has a fault.
   */
  idle(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#idlers.push({ resolve, reject });
      this.wake();
      this.#tellIdlers();
    });
  }

  async #pump(): Promise<void> {
    const { store } = this.#runtime;
    let handled = 0;
    // Not synchronously: who wakes the loop is perhaps within a transaction of its own.
    await Promise.resolve();
    while (!this.#stopping) {
      this.#wakened = false;
      this.#startActivities();
      const message = store.nextMessage(this.#runtime.now());
      if (message === undefined) break;
      await (message.instance.startsWith('@')
        ? deliverToEntity(this.#runtime, message)
        : this.orchestrations.deliver(message));
      handled += 1;
      if (handled % turnMax === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    this.#cancelWake();
    const due = this.#stopping ? undefined : store.nextDue();
    if (due !== undefined) this.#cancelWake = this.#runtime.clock.at(due, () => this.wake());
    this.#tellIdlers();
  }

  #startActivities(): void {
    const { store, clock } = this.#runtime;
    while (this.#activities.size < this.#activitiesMax) {
      const work = store.nextWork(this.#workTaken);
      if (work === undefined) return;
      this.#workTaken = work.n;
      const running = clock.work(() =>
        runActivity(this.#runtime, work)
          .catch((error: unknown) => this.#fail(error))
          .finally(() => {
            this.#activities.delete(running);
            this.wake();
          }),
      );
      this.#activities.add(running);
    }
  }

  /**
   * A fault of the host itself: nothing goes on, because what it would do next cannot be trusted.
   */
  #fail(error: unknown): void {
    const fault = error instanceof Error ? error : new Error(messageOf(error));
    this.#fault ??= fault;
    this.#stopping = true;
    const message = `The host stops: ${fault.stack ?? fault.message}`;
    this.#runtime.log({ level: 'critical', category: 'host', message });
    this.#tellIdlers();
  }

  #tellIdlers(): void {
    const fault = this.#fault;
    if (fault !== undefined) {
      this.#idlers.forEach(({ reject }) => reject(fault));
      this.#idlers = [];
    }
    if (this.#idlers.length === 0 || this.#isBusy()) return;
    this.#idlers.forEach(({ resolve }) => resolve());
    this.#idlers = [];
  }

  #isBusy(): boolean {
    const { store } = this.#runtime;
    if (this.#activities.size > 0 || store.nextWork(this.#workTaken) !== undefined) return true;
    return store.anyLive() || store.nextMessage(this.#runtime.now()) !== undefined;
  }
}

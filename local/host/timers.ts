/**
 * Timer triggers (source: azure-webjobs-sdk-extensions, src/WebJobs.Extensions/Extensions/Timers:
 * TimerListener.cs and ScheduleMonitor.cs).
 */
import type { Cancel } from '../clock.ts';
import type { TimerCallable } from './functions.ts';
import { call, messageOf, type Runtime } from './runtime.ts';
import type { TimerStatus } from './store.ts';

export class Timers {
  readonly #runtime: Runtime;
  readonly #waiting = new Map<string, Cancel>();
  readonly #running = new Map<string, Promise<void>>();
  #stopped = false;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /**
   * Sets every timer; runs at once what was missed (once, however often) or wants to run on
   * start-up.
   */
  start(): void {
    for (const timer of this.#runtime.functions.timers) this.#begin(timer);
  }

  /** Sets nothing more and resolves when what is running has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#waiting.forEach((cancel) => cancel());
    await Promise.all(this.#running.values());
  }

  /** Runs a timer trigger out of turn; false when there is none of that name. */
  run(name: string): boolean {
    const timer = this.#runtime.functions.timers.find(
      ({ info }) => info.name.toLowerCase() === name.toLowerCase(),
    );
    if (timer !== undefined) this.#track(timer, () => this.#invoke(timer, undefined, false));
    return timer !== undefined;
  }

  #begin(timer: TimerCallable): void {
    const { info, times } = timer;
    const now = this.#runtime.now();
    const status = isMonitored(timer) ? this.#reviewed(timer, now) : undefined;
    const isPastDue = status?.next !== undefined && status.next !== null && now > status.next;
    if (isPastDue || info.runOnStartup) this.#track(timer, () => this.#fire(timer, isPastDue, now));
    else this.#await(timer, status?.next ?? times.next(now));
  }

  /** What is stored, put right when the schedule was changed since. */
  #reviewed({ info, times }: TimerCallable, now: number): TimerStatus {
    const { store } = this.#runtime;
    const stored = store.timer(info.name);
    const expected = stored && (times.next(stored.last ?? stored.updated) ?? null);
    if (stored !== undefined && stored.next === expected) return stored;
    const next =
      expected !== undefined && expected !== null && expected > now
        ? expected
        : (times.next(now) ?? null);
    const status = { last: null, next, updated: now };
    store.setTimer(info.name, status);
    return status;
  }

  #await(timer: TimerCallable, next: number | undefined): void {
    if (next === undefined || this.#stopped) return;
    const fire = () => this.#track(timer, () => this.#fire(timer, false, next));
    this.#waiting.set(timer.info.name, this.#runtime.clock.at(next, fire));
  }

  #track(timer: TimerCallable, run: () => Promise<void>): void {
    const { name } = timer.info;
    const release = this.#runtime.clock.busy();
    const running = (this.#running.get(name) ?? Promise.resolve()).then(run).finally(() => {
      if (this.#running.get(name) === running) this.#running.delete(name);
      release();
    });
    this.#running.set(name, running);
  }

  /** One run and what follows it. `at`: when it was due. */
  async #fire(timer: TimerCallable, isPastDue: boolean, at: number): Promise<void> {
    const { store } = this.#runtime;
    const { info, times } = timer;
    const before = isMonitored(timer) ? store.timer(info.name) : undefined;
    const began = Math.max(this.#runtime.now(), isPastDue ? 0 : at);
    await this.#invoke(timer, before, isPastDue);
    // Counted from the run, so that nothing is caught up that fell due while it ran.
    const next = times.next(began);
    if (before !== undefined) {
      const status = { last: began, next: next ?? null, updated: began };
      store.transaction(this.#runtime.now(), () => store.setTimer(info.name, status));
    }
    this.#await(timer, next);
  }

  async #invoke(
    timer: TimerCallable,
    status: TimerStatus | undefined,
    isPastDue: boolean,
  ): Promise<void> {
    const instant = (at: number | null) =>
      at === null ? '0001-01-01T00:00:00+00:00' : new Date(at).toISOString().replace('Z', '+00:00');
    const json = JSON.stringify({
      Schedule: { AdjustForDST: true },
      ScheduleStatus: status
        ? {
            Last: instant(status.last),
            Next: instant(status.next),
            LastUpdated: instant(status.last === null ? null : status.updated),
          }
        : null,
      IsPastDue: isPastDue,
    });
    try {
      await call(this.#runtime, timer, { json });
    } catch (error) {
      const { name } = timer.info;
      const message = `The function failed: ${messageOf(error)}`;
      this.#runtime.log({ level: 'error', category: 'host', function: name, message });
    }
  }
}

/** Schedules finer than a minute keep no status. */
function isMonitored({ info, times }: TimerCallable): boolean {
  return info.useMonitor && !times.withinMinutes;
}

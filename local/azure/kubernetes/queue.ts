import type { Cancel, Clock } from '../../clock.ts';

/**
 * A clock whose pending events can all be forgotten at once, so that a cluster that is closed
 * leaves nothing behind.
 */
export interface Timers {
  now(): number;
  after(delayMs: number, action: () => void): Cancel;
  close(): void;
}

export function createTimers(clock: Clock): Timers {
  const pending = new Set<Cancel>();
  return {
    now: () => clock.now(),
    after(delayMs, action) {
      const forget = clock.at(clock.now() + delayMs, () => {
        pending.delete(cancel);
        action();
      });
      const cancel = () => {
        pending.delete(cancel);
        forget();
      };
      pending.add(cancel);
      return cancel;
    },
    close() {
      for (const cancel of pending) cancel();
    },
  };
}

/**
 * A controller's work queue: keys that wait are worked off together, each once, a delay after the
 * first.
 */
export interface Queue {
  add(key: string): void;
  /** Works off what waits, at once; tells whether there was anything. */
  flush(): boolean;
}

export function createQueue(timers: Timers, delayMs: number, work: (key: string) => void): Queue {
  let waiting = new Set<string>();
  let cancel: Cancel | undefined;
  const flush = () => {
    cancel?.();
    cancel = undefined;
    const batch = waiting;
    waiting = new Set();
    for (const key of batch) work(key);
    return batch.size > 0;
  };
  return {
    add(key) {
      waiting.add(key);
      cancel ??= timers.after(delayMs, flush);
    },
    flush,
  };
}

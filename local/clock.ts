import { AsyncLocalStorage } from 'node:async_hooks';

/**
 * The clock that the local host and simulated Azure share. Three implementations: `systemClock`
 * (real), `compressedClock` (real, times a factor) and `virtualClock` (jumps to the next event when
 * nothing is in flight). All instants are epoch milliseconds.
 */
export interface Clock {
  /** The present instant; never goes back. */
  now(): number;
  /** Runs `action` once at `instant` (at once, but never synchronously, when that has passed). */
  at(instant: number, action: () => void): Cancel;
  /**
   * Says that work is in flight: virtual time stands still until the returned function is called.
   * On the other clocks it does nothing. Calling the release twice is harmless.
   */
  busy(): () => void;
  /** Runs something for which virtual time stands still, except while it sleeps. */
  work<T>(what: () => Promise<T>): Promise<T>;
  /** Resolves after so many milliseconds; the work that it belongs to lets time pass meanwhile. */
  sleep(milliseconds: number): Promise<void>;
}

export type Cancel = () => void;

/** Resolves at `instant`. */
export function sleepUntil(clock: Clock, instant: number): Promise<void> {
  return new Promise((resolve) => {
    clock.at(instant, resolve);
  });
}

/** setTimeout fires at once for longer delays (a signed 32-bit count of milliseconds). */
const longestTimeoutMs = 2 ** 31 - 1;

/**
 * Wall-clock time, sped up: at wall instant `anchor.wall` it shows `anchor.shown`. Two processes
 * that are given the same anchor and factor show the same time, which is how a killed run finds its
 * clock again.
 *
 * @param factor shown milliseconds per wall millisecond, > 0
 */
export function compressedClock(factor: number, anchor: { wall: number; shown: number }): Clock {
  const now = () => anchor.shown + (Date.now() - anchor.wall) * factor;
  const clock: Clock = {
    now: () => Math.floor(now()),
    busy: () => () => {},
    work: (what) => what(),
    sleep: (milliseconds) => sleepUntil(clock, now() + milliseconds),
    at(instant, action) {
      let timer: NodeJS.Timeout;
      const arm = () => {
        const wait = Math.max(0, Math.ceil((instant - now()) / factor));
        timer = setTimeout(
          () => (now() + 0.5 < instant ? arm() : action()),
          Math.min(wait, longestTimeoutMs),
        );
      };
      arm();
      return () => clearTimeout(timer);
    },
  };
  return clock;
}

/** The real clock. */
export function systemClock(): Clock {
  return compressedClock(1, { wall: 0, shown: 0 });
}

/** Something at work on a virtual clock. */
interface Worker {
  /** How many of its branches sleep: while any does, time may pass. */
  sleepers: number;
  takeBack: () => void;
  over: boolean;
}

/** What runs on a virtual clock, and when it is asleep. */
function workersOn(clockOf: () => VirtualClock): Pick<Clock, 'work' | 'sleep'> {
  const workers = new AsyncLocalStorage<Worker>();
  return {
    async work<T>(what: () => Promise<T>): Promise<T> {
      const worker: Worker = { sleepers: 0, takeBack: () => {}, over: false };
      const release = clockOf().busy();
      try {
        return await workers.run(worker, what);
      } finally {
        worker.over = true;
        worker.takeBack();
        release();
      }
    },
    async sleep(milliseconds) {
      const clock = clockOf();
      const worker = workers.getStore();
      const until = clock.now() + milliseconds;
      if (worker === undefined || worker.over) return sleepUntil(clock, until);
      if (worker.sleepers++ === 0) worker.takeBack = clock.lend();
      await new Promise<void>((resolve) => {
        clock.at(until, () => {
          worker.sleepers -= 1;
          // Within the event, so that time does not pass between it and who waits for it. Branches
          // that sleep longer let time pass while this one works, by no more than their sleep.
          if (worker.sleepers === 0) worker.takeBack();
          resolve();
        });
      });
    },
  };
}

interface Event {
  instant: number;
  order: number;
  action: () => void;
}

export interface VirtualClock extends Clock {
  /**
   * For who is busy and now waits for this very clock: lets time pass until the returned function
   * is called.
   */
  lend(): () => void;
  stop(): void;
}

function counter(): () => number {
  let count = 0;
  return () => count++;
}

function once(action: () => void): () => void {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    action();
  };
}

/**
 * Virtual time: when nobody is `busy`, the clock jumps to the earliest event and runs it. Between
 * two events it lets the event loop turn, so that whatever the first one woke can say that it is
 * busy. It runs from the moment on which the first event is added; `stop` forgets what is still to
 * come.
 *
 * @param start the first instant shown, epoch milliseconds
 * @param nextOrder gives each event its place among those of the same instant; first come, first
 *   served, unless told otherwise
 */
export function virtualClock(start: number, nextOrder = counter()): VirtualClock {
  let present = start;
  let busy = 0;
  let stepping = false;
  let stopped = false;
  const events: Event[] = [];

  const earlier = (a: Event, b: Event) => a.instant - b.instant || a.order - b.order;
  const push = (event: Event) => {
    // Binary search keeps the list sorted; lists here are short (one entry a node, a timer, a pod).
    let low = 0;
    let high = events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = events[middle];
      if (other !== undefined && earlier(other, event) <= 0) low = middle + 1;
      else high = middle;
    }
    events.splice(low, 0, event);
  };

  const step = () => {
    stepping = false;
    if (busy > 0 || stopped) return;
    const next = events.shift();
    if (next === undefined) return;
    present = Math.max(present, next.instant);
    next.action();
    schedule();
  };
  const schedule = () => {
    if (stepping || busy > 0 || stopped || events.length === 0) return;
    stepping = true;
    // Two turns: one for what the event did at once, one for what its promises started.
    setImmediate(() => setImmediate(step));
  };

  const clock: VirtualClock = {
    now: () => present,
    at(instant: number, action: () => void) {
      const event = { instant: Math.max(instant, present), order: nextOrder(), action };
      push(event);
      schedule();
      return () => {
        const index = events.indexOf(event);
        if (index >= 0) events.splice(index, 1);
      };
    },
    busy() {
      busy += 1;
      return once(() => {
        busy -= 1;
        schedule();
      });
    },
    lend() {
      busy -= 1;
      schedule();
      return once(() => {
        busy += 1;
      });
    },
    ...workersOn(() => clock),
    stop() {
      stopped = true;
      events.length = 0;
    },
  };
  return clock;
}

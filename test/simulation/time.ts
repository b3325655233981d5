import { AsyncLocalStorage } from 'node:async_hooks';
import { hash, seededRandom } from '../../local/azure/random.ts';
import type { Clock, VirtualClock } from '../../local/clock.ts';
import { virtualClock } from '../../local/clock.ts';

/**
 * One invocation of a function of the app: what it does in the simulation is counted by where it
 * is, so that a fault can say "the third exchange of the second cordon".
 */
export interface Unit {
  /** Which process runs it. */
  readonly life: Life;
  /** The function's name. */
  readonly step: string;
  /** The orchestration that it belongs to; empty for others. */
  readonly instance: string;
  /** 1 for the first execution of this step in the whole simulation. */
  readonly nth: number;
  /** Exchanges with the outside so far. */
  exchanges: number;
}

/** A process, from its start to its end. */
export interface Life {
  readonly actor: string;
  over: boolean;
  /** What waits for time to pass, to be woken when it dies. */
  readonly sleepers: Set<() => void>;
}

export class DeadProcess extends Error {
  constructor() {
    super('the process is dead');
  }
}

export interface Time {
  readonly clock: VirtualClock;
  /** Minutes since the start. */
  minutes(): number;
  /** Lets time pass for the present unit, and for everybody else. Throws when its process dies. */
  sleep(milliseconds: number): Promise<void>;
  /** The same for what goes wrong: over at once when everything is mended. */
  standStill(milliseconds: number): Promise<void>;
  /** Nobody stands still any more. */
  mend(): void;
  /** At a minute after the start; `seconds` on top. */
  at(minute: number, action: () => unknown): void;
  /** After so many seconds from now. */
  after(seconds: number, action: () => unknown): void;
  /** In [0, 1): always the same for a key, whatever else happens. */
  dice(key: string): number;
}

const units = new AsyncLocalStorage<Unit>();

export const presentUnit = () => units.getStore();

/** Runs it as that unit. */
export function within<T>(unit: Unit, action: () => T): T {
  return units.run(unit, action);
}

export function newLife(actor: string): Life {
  return { actor, over: false, sleepers: new Set() };
}

/** Everything that its process still waits for ends now. */
export function end(life: Life): void {
  life.over = true;
  for (const wake of life.sleepers) wake();
  life.sleepers.clear();
}

/** @param fail told of what an action throws */
export function createTime(start: number, seed: number, fail: (error: unknown) => void): Time {
  const clock = virtualClock(start, seededRandom(seed, 'ties'));
  const after = (milliseconds: number, action: () => unknown) => {
    // Nobody's invocation, whoever's it is in which the clock happens to move on.
    const alone = () => units.exit(async () => action());
    clock.at(clock.now() + milliseconds, () => void alone().catch(fail));
  };
  const standing = new Set<() => void>();
  let mended = false;
  const sleep = async (milliseconds: number, ...more: Set<() => void>[]) => {
    const life = units.getStore()?.life;
    const isDead = () => life?.over === true;
    if (isDead()) throw new DeadProcess();
    await pause(clock, milliseconds, life === undefined ? more : [life.sleepers, ...more]);
    if (isDead()) throw new DeadProcess();
  };
  return {
    clock,
    minutes: () => (clock.now() - start) / 60_000,
    sleep: (milliseconds) => sleep(milliseconds),
    standStill: async (milliseconds) => {
      if (!mended) await sleep(milliseconds, standing);
    },
    mend() {
      mended = true;
      for (const wake of standing) wake();
    },
    at: (minute, action) => after(Math.max(0, start + minute * 60_000 - clock.now()), action),
    after: (seconds, action) => after(seconds * 1000, action),
    dice: (key) => seededRandom(seed ^ hash(key), 'dice')(),
  };
}

/** @param wakers where to leave what ends it before its time */
function pause(
  clock: Clock,
  milliseconds: number,
  wakers: readonly Set<() => void>[],
): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      for (const those of wakers) those.delete(wake);
      resolve();
    };
    const cancel = clock.at(clock.now() + Math.max(1, Math.round(milliseconds)), end);
    const wake = () => {
      cancel();
      end();
    };
    for (const those of wakers) those.add(wake);
  });
}

/**
 * The clock as a process sees it: wrong by so much. What runs there does not hold it, because it
 * waits for nothing but this clock, and for others that do.
 */
export function clockFor(time: Time, skewMilliseconds: number): Clock {
  const { clock } = time;
  return {
    now: () => clock.now() + skewMilliseconds,
    at: (instant, action) => clock.at(instant - skewMilliseconds, action),
    busy: () => clock.busy(),
    work: (what) => what(),
    sleep: (milliseconds) => time.sleep(milliseconds),
  };
}

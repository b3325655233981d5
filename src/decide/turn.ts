import type { ProbeAddress } from '../domain/need.ts';
import type { Turns } from '../domain/turns.ts';
import type { Slot } from '../lock/lock.ts';

/** What was given out already, as the lock knows it. */
export interface Given {
  /** Turns, by pool. */
  turns: Readonly<Record<string, number>>;
  /** Slots that are taken, by whomever else. */
  slots: readonly Pick<Slot, 'pool'>[];
}

export interface NextTurn {
  address: ProbeAddress;
  /** Its place among its pool's turns. */
  index: number;
  /** Slots that the pool may have. */
  limit: number;
}

/**
 * The first node of the plan whose turn was not given yet and whose pool has room: a lane that
 * finds its next node's pool full takes another one. Nothing when there is none: then at least as
 * many other lanes are at work as the pools that are left have room for, and they come back.
 *
 * @param mayBeOut nodes of a pool that may be out of service at once
 */
export function nextTurn(
  { nodes, marked }: Turns,
  { turns, slots }: Given,
  mayBeOut: (pool: string) => number,
): NextTurn | undefined {
  const seen = new Map<string, number>();
  for (const address of nodes) {
    const { pool } = address;
    const index = seen.get(pool) ?? 0;
    seen.set(pool, index + 1);
    if (index < (turns[pool] ?? 0)) continue;
    const limit = roomOf(pool, marked, mayBeOut);
    const taken = slots.filter((slot) => slot.pool === pool).length;
    if (taken < limit) return { address, index, limit };
  }
  return undefined;
}

/** Lanes that can be at work at once: more would only find that there is no room. */
export function lanesOf(
  { nodes, marked }: Turns,
  free: number,
  mayBeOut: (pool: string) => number,
): number {
  const pools = Map.groupBy(nodes, ({ pool }) => pool);
  const rooms = [...pools].map(([pool, due]) =>
    Math.min(due.length, roomOf(pool, marked, mayBeOut)),
  );
  return Math.min(
    free,
    rooms.reduce((sum, room) => sum + room, 0),
  );
}

/**
 * What was out of service before the plan keeps its place: two lanes that look at the marks at once
 * don't see each other's, so together they must never be given more slots than are free.
 */
function roomOf(pool: string, marked: Turns['marked'], mayBeOut: (pool: string) => number): number {
  return mayBeOut(pool) - (marked[pool] ?? 0);
}

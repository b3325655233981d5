import type { Maintenance } from '../domain/maintenance.ts';
import { viewWindows } from '../policy/window.ts';
import type { OpenHours } from '../policy/window.ts';

/**
 * When each node's turn is expected to come: the same lanes, pools and windows that a run has, on
 * an imagined clock. Nothing is decided by it. Pure; instants are epoch milliseconds.
 */
export interface Course {
  from: number;
  /** Beyond that nothing is foretold. */
  until: number;
  /** Nodes of the cluster out of service at once. */
  lanes: number;
  /** By pool. */
  pools: ReadonlyMap<string, PoolCourse>;
  maintenance: Maintenance;
}

export interface PoolCourse {
  hours: OpenHours;
  /** What a node takes, from the cordon to the uncordon. */
  minutes: number;
  soakSeconds: number;
  /** Nodes of the pool out of service at once. */
  limit: number;
}

/** A node that waits for its turn. */
export interface Waiter {
  node: string;
  pool: string;
  /** Not begun before, epoch milliseconds. */
  notBefore?: number | undefined;
}

export interface Foretold {
  start: number;
  end: number;
}

/** An opening as far as it is known; `closesAt` may be infinite. */
export interface Span {
  opensAt: number;
  closesAt: number;
}

const minuteMs = 60_000;

/**
 * Foretells starts and ends by name; a node that is not named has none before `until`.
 *
 * @param nodes in the order of their turns
 */
export function foretell(nodes: readonly Waiter[], course: Course): Map<string, Foretold> {
  const queues = queuesOf(nodes, course);
  const lanes = Array.from({ length: Math.max(1, course.lanes) }, () => course.from);
  const found = new Map<string, Foretold>();
  let now = course.from;
  for (;;) {
    const lane = lanes.findIndex((freeAt) => freeAt <= now);
    const ready = lane < 0 ? undefined : firstReady(queues, now);
    if (ready !== undefined) {
      const { queue, index } = ready;
      const end = now + queue.ms;
      for (const { node } of queue.waiting.splice(index, 1)) found.set(node, { start: now, end });
      queue.ends.push(end);
      lanes[lane] = end + queue.soakMs;
      continue;
    }
    const later = nextMoment(queues, lanes, now);
    if (later === undefined || later >= course.until) return found;
    now = later;
  }
}

/** The opening of these hours that holds at `now`, or the next one. */
export function openingAt(
  hours: OpenHours,
  maintenance: Maintenance,
  now: number,
): Span | undefined {
  const view = viewWindows(hours, maintenance, now);
  if (view.kind === 'open') return { opensAt: now, closesAt: view.closesAt };
  if (view.opensAt === undefined) return undefined;
  const next = viewWindows(hours, maintenance, view.opensAt);
  return next.kind === 'open' ? { opensAt: view.opensAt, closesAt: next.closesAt } : undefined;
}

interface Queue {
  waiting: { node: string; place: number; notBefore: number }[];
  /** Moments at which more of them may be begun, in order. */
  later: number[];
  ms: number;
  soakMs: number;
  limit: number;
  /** When those that are out of service come back. */
  ends: number[];
  /** When the next node may be begun, at this moment or after it; `undefined`: never. */
  mayBegin: (now: number) => number | undefined;
}

function queuesOf(nodes: readonly Waiter[], course: Course): Queue[] {
  const places = nodes.map(({ node, pool, notBefore = course.from }, place) => {
    return { node, pool, notBefore, place };
  });
  return [...Map.groupBy(places, ({ pool }) => pool)].flatMap(([pool, waiting]): Queue[] => {
    const known = course.pools.get(pool);
    if (known === undefined) return [];
    const ms = Math.max(1, known.minutes) * minuteMs;
    return [
      {
        waiting,
        later: waiting.map(({ notBefore }) => notBefore).sort((a, b) => a - b),
        ms,
        soakMs: known.soakSeconds * 1000,
        limit: Math.max(1, known.limit),
        ends: [],
        mayBegin: openingsFor(known.hours, course, ms),
      },
    ];
  });
}

/** Reckons each opening once: that is what takes time. Asked later and later. */
function openingsFor(hours: OpenHours, { maintenance, from, until }: Course, ms: number) {
  let span = openingAt(hours, maintenance, from);
  return (now: number): number | undefined => {
    while (span !== undefined && span.opensAt < until) {
      const at = Math.max(now, span.opensAt);
      if (at + ms <= span.closesAt) return at;
      // What closes only after days may turn out to stay open for longer than could be seen.
      span = openingAt(hours, maintenance, Math.max(now, span.closesAt));
    }
    return undefined;
  };
}

interface Ready {
  queue: Queue;
  /** In the queue. */
  index: number;
  place: number;
}

/** The node that is first in order, of those that may be begun now. */
function firstReady(queues: readonly Queue[], now: number): Ready | undefined {
  let first: Ready | undefined;
  for (const queue of queues) {
    const index = queue.waiting.findIndex(({ notBefore }) => notBefore <= now);
    const place = queue.waiting[index]?.place ?? Number.POSITIVE_INFINITY;
    if (place >= (first?.place ?? Number.POSITIVE_INFINITY)) continue;
    queue.ends = queue.ends.filter((end) => end > now);
    const room = queue.ends.length < queue.limit && queue.mayBegin(now) === now;
    if (room) first = { queue, index, place };
  }
  return first;
}

function nextMoment(
  queues: readonly Queue[],
  lanes: readonly number[],
  now: number,
): number | undefined {
  const waiting = queues.filter((queue) => queue.waiting.length > 0);
  if (waiting.length === 0) return undefined;
  const moments = [
    ...lanes,
    ...waiting.flatMap((queue) => [...queue.ends, queue.mayBegin(now) ?? now, soonest(queue, now)]),
  ].filter((moment) => moment > now);
  return moments.length === 0 ? undefined : Math.min(...moments);
}

/** The next moment at which another of the waiting may be begun. */
function soonest({ later }: Queue, now: number): number {
  while ((later[0] ?? Number.POSITIVE_INFINITY) <= now) later.shift();
  return later[0] ?? Number.POSITIVE_INFINITY;
}

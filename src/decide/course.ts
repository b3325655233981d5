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
export function foretell(
  nodes: readonly { node: string; pool: string }[],
  course: Course,
): Map<string, Foretold> {
  const queues = queuesOf(nodes, course);
  const lanes = Array.from({ length: Math.max(1, course.lanes) }, () => course.from);
  const found = new Map<string, Foretold>();
  let now = course.from;
  for (;;) {
    const lane = lanes.findIndex((freeAt) => freeAt <= now);
    const queue = lane < 0 ? undefined : firstReady(queues, now);
    const next = queue?.waiting.shift();
    if (queue !== undefined && next !== undefined) {
      const end = now + queue.ms;
      found.set(next.node, { start: now, end });
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
  waiting: { node: string; place: number }[];
  ms: number;
  soakMs: number;
  limit: number;
  /** When those that are out of service come back. */
  ends: number[];
  /** When the next node may be begun, at this moment or after it; `undefined`: never. */
  mayBegin: (now: number) => number | undefined;
}

function queuesOf(nodes: readonly { node: string; pool: string }[], course: Course): Queue[] {
  const places = nodes.map(({ node, pool }, place) => ({ node, pool, place }));
  return [...Map.groupBy(places, ({ pool }) => pool)].flatMap(([pool, waiting]): Queue[] => {
    const known = course.pools.get(pool);
    if (known === undefined) return [];
    const ms = Math.max(1, known.minutes) * minuteMs;
    return [
      {
        waiting,
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

/** The queue whose head is first in order, of those that may begin one now. */
function firstReady(queues: readonly Queue[], now: number): Queue | undefined {
  let first: Queue | undefined;
  for (const queue of queues) {
    const [head] = queue.waiting;
    const earlier = head !== undefined && head.place < (first?.waiting[0]?.place ?? Infinity);
    if (!earlier) continue;
    queue.ends = queue.ends.filter((end) => end > now);
    if (queue.ends.length < queue.limit && queue.mayBegin(now) === now) first = queue;
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
    ...waiting.flatMap((queue) => [...queue.ends, queue.mayBegin(now) ?? now]),
  ].filter((moment) => moment > now);
  return moments.length === 0 ? undefined : Math.min(...moments);
}

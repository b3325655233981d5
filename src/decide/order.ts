/**
 * In which order nodes have their turns. Pure, and the same whoever computes it and in whatever
 * order the nodes are listed: first the pools that people put first, system pools last because what
 * they run serves the others; then the oldest need; then no two of one zone in a row; then the node
 * with the fewest pods to move; then the name.
 */
export interface Due {
  node: string;
  pool: string;
  /** Its pool's mode is `System`. */
  system: boolean;
  /** Empty when the node has no zone. */
  zone: string;
  /** Since when it is known to need a reboot, epoch milliseconds. */
  needSince: number | undefined;
  /** Pods that would have to move; not known of every node. */
  affected: number | undefined;
}

const dayMs = 24 * 60 * 60_000;

/**
 * Names in the order of their turns.
 *
 * @param poolOrder pools that come first, in that order
 * @param now epoch milliseconds
 */
export function orderTurns(
  due: readonly Due[],
  poolOrder: readonly string[],
  now: number,
): string[] {
  const ranked = due
    .map((one) => ({ ...one, rank: rankOf(one, poolOrder), days: daysSince(one, now) }))
    .sort(compare);
  const ordered: string[] = [];
  let lastZone: string | undefined;
  for (const equals of groups(ranked)) {
    for (const { node, zone } of spreadZones(equals, lastZone)) {
      ordered.push(node);
      lastZone = zone;
    }
  }
  return ordered;
}

interface Ranked extends Due {
  rank: number;
  days: number;
}

/** What people say of a pool counts more than its mode. */
function rankOf({ pool, system }: Due, poolOrder: readonly string[]): number {
  const named = poolOrder.findIndex((name) => name.toLowerCase() === pool.toLowerCase());
  if (named >= 0) return named;
  return poolOrder.length + Number(system);
}

/**
 * Whole days: nodes that got their updates in the same night are equals, or zones and pods would
 * never come to count.
 */
function daysSince({ needSince }: Due, now: number): number {
  return needSince === undefined ? 0 : Math.max(0, Math.floor((now - needSince) / dayMs));
}

function compare(a: Ranked, b: Ranked): number {
  return (
    a.rank - b.rank ||
    b.days - a.days ||
    compareNumbers(a.affected, b.affected) ||
    compareText(a.node, b.node)
  );
}

/** What is not known comes last. */
function compareNumbers(a: number | undefined, b: number | undefined): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  return a - b;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Neighbours of one rank and one age: among them zones decide. */
function groups(ranked: readonly Ranked[]): Ranked[][] {
  const found: Ranked[][] = [];
  for (const one of ranked) {
    const last = found.at(-1);
    const first = last?.[0];
    if (first?.rank === one.rank && first.days === one.days) last?.push(one);
    else found.push([one]);
  }
  return found;
}

interface Zoned {
  zone: string;
}

/**
 * Keeps the order as far as no two of one zone need to follow each other; where one zone has too
 * many for that, as few as possible do.
 */
function spreadZones<T extends Zoned>(nodes: readonly T[], before: string | undefined): T[] {
  const queues = [...Map.groupBy(nodes.entries(), ([, { zone }]) => zone)].map(([zone, queue]) => ({
    zone,
    queue,
  }));
  const spread: T[] = [];
  let last = before;
  for (let left = nodes.length; left > 0; left -= 1) {
    const waiting = queues.filter(({ queue }) => queue.length > 0);
    const others = waiting.filter(({ zone }) => zone !== last);
    const largest = waiting.reduce((a, b) => (b.queue.length > a.queue.length ? b : a));
    // More than half of what is left: from now on every second one has to be of that zone.
    const urgent = largest.zone !== last && 2 * largest.queue.length > left;
    const next = urgent ? largest : first(others.length > 0 ? others : waiting);
    const [, node] = next.queue.shift() ?? [];
    if (node !== undefined) spread.push(node);
    last = next.zone;
  }
  return spread;
}

interface Queue<T> {
  zone: string;
  queue: [number, T][];
}

/** The queue whose head comes first in the order so far. */
function first<T>(queues: readonly Queue<T>[]): Queue<T> {
  const place = ({ queue: [head] }: Queue<T>) => head?.[0] ?? Number.POSITIVE_INFINITY;
  return queues.reduce((a, b) => (place(b) < place(a) ? b : a));
}

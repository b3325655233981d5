import { isoInstant } from '../domain/instant.ts';
import type { Opening, Outlook } from '../domain/plan.ts';
import { foretell } from './course.ts';
import type { Course, Foretold, PoolCourse, Span, Waiter } from './course.ts';

/** A node that needs a reboot, as far as the outlook goes. */
export interface Waiting extends Waiter {
  /** Since when, epoch milliseconds. */
  needSince: number | undefined;
  /** Nothing but time keeps it. */
  timely: boolean;
}

const weekMs = 7 * 24 * 60 * 60_000;

/**
 * What it all comes to, at the pace that the course makes one expect. Pure.
 *
 * @param waiting in the order of their turns
 * @param openings by pool: the one that holds, or the next
 * @param now epoch milliseconds
 */
export function outlookOf(
  waiting: readonly Waiting[],
  course: Course,
  foretold: ReadonlyMap<string, Foretold>,
  openings: ReadonlyMap<string, Span | undefined>,
  now: number,
): Omit<Outlook, 'lookedAt'> {
  const timely = waiting.filter((one) => one.timely);
  const ends = timely.flatMap(({ node }) => foretold.get(node)?.end ?? []);
  const fit = timely.filter(({ node, pool }) => {
    const start = foretold.get(node)?.start ?? Number.POSITIVE_INFINITY;
    return start < (openings.get(pool)?.closesAt ?? Number.NEGATIVE_INFINITY);
  });
  const arisen = (of: readonly Waiting[]) =>
    of.filter(({ needSince = 0 }) => needSince > now - weekMs).length;
  const served = servedIn(timely, { ...course, until: now + weekMs });
  const warning = arisen(timely) > served ? warn(arisen(timely), served, timely, course, now) : {};
  const pools = new Set(waiting.map(({ pool }) => pool));
  return {
    due: waiting.length,
    kept: waiting.length - timely.length,
    fit: fit.length,
    ...windowOf([...pools].flatMap((pool) => openings.get(pool) ?? [])),
    ...(ends.length > 0 && ends.length === timely.length
      ? { doneBy: isoInstant(Math.max(...ends)) }
      : {}),
    arisen: arisen(waiting),
    served,
    ...warning,
  };
}

/** As people read it; nothing for what is always open. */
export function openingOf({ opensAt, closesAt }: Span): Opening | undefined {
  if (closesAt === Number.POSITIVE_INFINITY) return undefined;
  return { opensAt: isoInstant(opensAt), closesAt: isoInstant(closesAt) };
}

/** From the first of the pools' openings to the end of the last. */
function windowOf(spans: readonly Span[]): { window?: Opening } {
  if (spans.length === 0) return {};
  const opensAt = Math.min(...spans.map((span) => span.opensAt));
  const window = openingOf({ opensAt, closesAt: Math.max(...spans.map((span) => span.closesAt)) });
  return window === undefined ? {} : { window };
}

function servedIn(timely: readonly Waiting[], course: Course): number {
  return foretell(timely, course).size;
}

/** Names what would help, found by trying it. */
function warn(
  arisen: number,
  served: number,
  timely: readonly Waiting[],
  course: Course,
  now: number,
): Pick<Outlook, 'warning'> {
  const week = { ...course, until: now + weekMs };
  const everyPool = (change: (pool: PoolCourse) => Partial<PoolCourse>): Course => {
    const pools = [...week.pools].map(
      ([name, pool]) => [name, { ...pool, ...change(pool) }] as const,
    );
    return { ...week, pools: new Map(pools) };
  };
  const changes: [string, Course][] = [
    ['windows', everyPool(({ hours }) => ({ hours: { ...hours, windows: [] } }))],
    ['concurrency', { ...week, lanes: 2 * week.lanes }],
    ['maxUnavailable', everyPool(({ limit }) => ({ limit: 2 * limit }))],
    ['soakSeconds', everyPool(() => ({ soakSeconds: 0 }))],
    ['excludedDates', everyPool(({ hours }) => ({ hours: { ...hours, excludedDates: [] } }))],
  ];
  const settings = changes
    .filter(([, changed]) => servedIn(timely, changed) > served)
    .map(([name]) => name);
  const value =
    `${arisen} nodes came to need a reboot in the last 7 days, ` +
    `${served} of all that are due can be begun in the next 7`;
  return { warning: { value, settings } };
}

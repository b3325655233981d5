import { Cron } from 'croner';
import { Temporal } from 'temporal-polyfill';
import { isoInstant } from '../domain/instant.ts';
import type { Maintenance, MaintenanceSchedule, WeekOfMonth } from '../domain/maintenance.ts';
import { opensOn, whyUncertain } from './aksSchedule.ts';
import { dayAt, excludedDay, instantOf, isWeekdayOfMonth, nextExclusion } from './calendar.ts';
import type { ExcludedDates } from './calendar.ts';

/**
 * Maintenance windows. A window belongs to the day on which it starts: "friday 22:00 for 6 hours"
 * is open on Saturday at 02:00. Wall-clock times are of the window's own zone; one that the clock
 * change skips is moved on, one that it repeats counts once (Temporal's `compatible`). A length is
 * real time.
 */
export type Window =
  /** `days`: 1 = Monday … 7 = Sunday, as ISO 8601 counts. */
  | ({ kind: 'weekly'; days: readonly number[] } & Hours)
  /** E.g. the second Tuesday and the second Friday of each month. */
  | ({ kind: 'weekdaysOfMonth'; days: readonly number[]; weeks: readonly WeekOfMonth[] } & Hours)
  /** A month that has no such day is left out. */
  | ({ kind: 'daysOfMonth'; days: readonly (number | 'last')[] } & Hours)
  | { kind: 'cron'; cron: string; durationMinutes: number; timeZone: string }
  /** The cluster's own maintenance schedule for node OS upgrades. */
  | { kind: 'aks' };

interface Hours {
  /** `HH:MM`. */
  start: string;
  ends: { kind: 'after'; minutes: number } | { kind: 'at'; time: string };
  /** IANA name, or an offset such as `+05:30`. */
  timeZone: string;
}

/** When a node may be taken out of service: inside a window, and on no excluded date. */
export interface OpenHours {
  /** None at all means: always open. */
  windows: readonly Window[];
  excludedDates: readonly ExcludedDates[];
}

export type WindowView =
  /**
   * `closesAt`: may be later than said when that is more than a week away. `reopensAt`: after that.
   */
  | { kind: 'open'; closesAt: number; reopensAt: number | undefined }
  /** Neither is known beyond five years. `why`: what can't be known at all. */
  | { kind: 'closed'; opensAt: number | undefined; why?: string };

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;
/** How far ahead of now windows that touch are followed: no node takes that long. */
const foresightMs = 8 * dayMs;
/** How far ahead an opening is looked for: 29 February comes once in four years. */
const horizonMs = 5 * 366 * dayMs;

const looks = new WeakMap<OpenHours, { now: number; maintenance: Maintenance; view: WindowView }>();

/**
 * Looks at the hours at one instant. Windows that touch or overlap are one.
 *
 * @param maintenance what is known of the cluster's own schedule; only windows of kind `aks` ask
 * @param now epoch milliseconds; so are the results
 */
export function viewWindows(hours: OpenHours, maintenance: Maintenance, now: number): WindowView {
  // All nodes of a pool are judged at the same instant: it is reckoned once.
  const known = looks.get(hours);
  if (known?.now === now && known.maintenance === maintenance) return known.view;
  const view = look(hours, maintenance, now);
  looks.set(hours, { now, maintenance, view });
  return view;
}

/** The next openings in order, the present one included; what opens never has none. */
export function nextOpenings(
  hours: OpenHours,
  maintenance: Maintenance,
  now: number,
  count: number,
): { opensAt: number; closesAt: number }[] {
  const openings: { opensAt: number; closesAt: number }[] = [];
  let at: number | undefined = now;
  while (at !== undefined && openings.length < count) {
    const view = look(hours, maintenance, at);
    if (view.kind === 'open') openings.push({ opensAt: at, closesAt: view.closesAt });
    at = view.kind === 'open' ? view.reopensAt : view.opensAt;
  }
  return openings;
}

/** Whether any of these hours asks for the cluster's own maintenance schedule. */
export function asksForMaintenance({ windows }: OpenHours): boolean {
  return windows.some(({ kind }) => kind === 'aks');
}

function look(
  { windows, excludedDates }: OpenHours,
  maintenance: Maintenance,
  now: number,
): WindowView {
  if (windows.length === 0) return lookAlways(excludedDates, now);
  const whys: string[] = [];
  const sources = windows.flatMap((window) => {
    const source = sourceOf(window, maintenance);
    if (source.kind === 'openings') return [except(source, excludedDates)];
    whys.push(source.value);
    return [];
  });
  const closesAt = followed(sources, now);
  if (closesAt !== undefined) {
    return { kind: 'open', closesAt, reopensAt: firstStart(sources, closesAt) };
  }
  const why = whys[0] === undefined ? {} : { why: whys[0] };
  return { kind: 'closed', opensAt: firstStart(sources, now), ...why };
}

function firstStart(sources: readonly Openings[], after: number): number | undefined {
  const starts = sources.flatMap((source) => source.startAfter(after, after + horizonMs) ?? []);
  return starts.length > 0 ? Math.min(...starts) : undefined;
}

function lookAlways(excludedDates: readonly ExcludedDates[], now: number): WindowView {
  const opensAt = endOfExclusion(excludedDates, now);
  if (opensAt !== now) return { kind: 'closed', opensAt };
  const closesAt = nextExclusion(excludedDates, now, now + horizonMs);
  return closesAt === undefined
    ? { kind: 'open', closesAt: Number.POSITIVE_INFINITY, reopensAt: undefined }
    : { kind: 'open', closesAt, reopensAt: endOfExclusion(excludedDates, closesAt) };
}

/** The first moment from `from` on that no excluded date holds; `from` itself when none does. */
function endOfExclusion(dates: readonly ExcludedDates[], from: number): number | undefined {
  let at = from;
  for (let day = excludedDay(dates, at); day; day = excludedDay(dates, at)) {
    at = day.ends;
    if (at - from > horizonMs) return undefined;
  }
  return at;
}

/** When what is open now closes, from window to window; `undefined` when nothing is open. */
function followed(sources: readonly Openings[], now: number): number | undefined {
  let closesAt = now;
  for (;;) {
    const ends = sources.flatMap((source) => {
      const start = source.startAtOrBefore(closesAt, closesAt - source.longestMs);
      return start === undefined ? [] : [source.endOf(start)];
    });
    const end = Math.max(closesAt, ...ends);
    if (end === closesAt) return closesAt === now ? undefined : closesAt;
    closesAt = end;
    if (closesAt - now > foresightMs) return closesAt;
  }
}

/** The openings of one window, in order of time. Starts and ends never go backwards. */
interface Openings {
  kind: 'openings';
  /** The latest start at or before `at`, not before `since`. */
  startAtOrBefore(at: number, since: number): number | undefined;
  /** The first start after `after`, not after `until`. */
  startAfter(after: number, until: number): number | undefined;
  /** Exclusive; not after `start` when there is no such opening. */
  endOf(start: number): number;
  longestMs: number;
}

type Source = Openings | { kind: 'unknown'; value: string };

function sourceOf(window: Window, maintenance: Maintenance): Source {
  switch (window.kind) {
    case 'weekly':
      return dated(window, (day) => window.days.includes(day.dayOfWeek));
    case 'weekdaysOfMonth':
      return dated(
        window,
        (day) =>
          window.days.includes(day.dayOfWeek) &&
          window.weeks.some((week) => isWeekdayOfMonth(day, week)),
      );
    case 'daysOfMonth':
      return dated(
        window,
        ({ day, daysInMonth }) =>
          window.days.includes(day) || (day === daysInMonth && window.days.includes('last')),
      );
    case 'cron':
      return cronOpenings(window);
    case 'aks':
      return maintenance.kind === 'schedule' ? aksOpenings(maintenance.schedule) : maintenance;
  }
}

function aksOpenings(schedule: MaintenanceSchedule): Source {
  const value = whyUncertain(schedule);
  if (value !== undefined) return { kind: 'unknown', value: `the AKS schedule: ${value}` };
  const { startTime: start, utcOffset: timeZone, durationHours, notAllowedDates } = schedule;
  const hours: Hours = { start, timeZone, ends: { kind: 'after', minutes: durationHours * 60 } };
  const excluded = notAllowedDates.map(({ start: from, end: to }) => ({ from, to, timeZone }));
  return except(
    dated(hours, (day) => opensOn(schedule, day)),
    excluded,
  );
}

function dated(
  { start, ends, timeZone }: Hours,
  startsOn: (day: Temporal.PlainDate) => boolean,
): Openings {
  const startOf = (day: Temporal.PlainDate) => instantOf(day, start, timeZone);
  const endOn = (day: Temporal.PlainDate, time: string) => instantOf(day, time, timeZone);
  return {
    kind: 'openings',
    // A clock change makes a day longer by some hours at the most.
    longestMs: ends.kind === 'after' ? ends.minutes * minuteMs : 2 * dayMs,
    startAtOrBefore(at, since) {
      const first = dayAt(since, timeZone);
      let day = dayAt(at, timeZone);
      for (; Temporal.PlainDate.compare(day, first) >= 0; day = day.subtract({ days: 1 })) {
        if (!startsOn(day)) continue;
        const instant = startOf(day);
        if (instant <= at) return instant < since ? undefined : instant;
      }
      return undefined;
    },
    startAfter(after, until) {
      const last = dayAt(until, timeZone);
      let day = dayAt(after, timeZone);
      for (; Temporal.PlainDate.compare(day, last) <= 0; day = day.add({ days: 1 })) {
        if (!startsOn(day)) continue;
        const instant = startOf(day);
        if (instant > after) return instant > until ? undefined : instant;
      }
      return undefined;
    },
    endOf(instant) {
      if (ends.kind === 'after') return instant + ends.minutes * minuteMs;
      const day = dayAt(instant, timeZone);
      return endOn(ends.time > start ? day : day.add({ days: 1 }), ends.time);
    },
  };
}

function cronOpenings({
  cron,
  durationMinutes,
  timeZone,
}: Extract<Window, { kind: 'cron' }>): Openings {
  const times = new Cron(cron, { paused: true, timezone: timeZone });
  const longestMs = durationMinutes * minuteMs;
  // Starts lie on whole minutes, and neither search counts the very instant that it is given.
  const wholeMinute = (at: number) => Math.floor(at / minuteMs) * minuteMs;
  return {
    kind: 'openings',
    longestMs,
    startAtOrBefore(at, since) {
      const [run] = times.previousRuns(1, isoInstant(wholeMinute(at) + 1000));
      const instant = run?.getTime();
      return instant === undefined || instant < since ? undefined : instant;
    },
    startAfter(after, until) {
      const instant = times.nextRun(isoInstant(wholeMinute(after)))?.getTime();
      return instant === undefined || instant > until ? undefined : instant;
    },
    endOf: (instant) => instant + longestMs,
  };
}

/** The same without what starts on an excluded date; what reaches into one ends there. */
function except(openings: Openings, excluded: readonly ExcludedDates[]): Openings {
  const endOf = (start: number) => {
    const end = openings.endOf(start);
    return nextExclusion(excluded, start, end) ?? end;
  };
  return {
    ...openings,
    endOf,
    startAtOrBefore(at, since) {
      let start = openings.startAtOrBefore(at, since);
      while (start !== undefined) {
        const day = excludedDay(excluded, start);
        if (day === undefined && endOf(start) > start) return start;
        start = openings.startAtOrBefore((day?.begins ?? start) - 1, since);
      }
      return undefined;
    },
    startAfter(after, until) {
      let start = openings.startAfter(after, until);
      while (start !== undefined) {
        const day = excludedDay(excluded, start);
        if (day === undefined && endOf(start) > start) return start;
        start = openings.startAfter(day === undefined ? start : day.ends - 1, until);
      }
      return undefined;
    },
  };
}

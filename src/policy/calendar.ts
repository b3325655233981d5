import { Temporal } from 'temporal-polyfill';
import { weeksOfMonth } from '../domain/maintenance.ts';
import type { WeekOfMonth } from '../domain/maintenance.ts';

/** Days of the calendar: which of them a rule means, and which are left out. */

/** Whether a day is the first, …, fourth or last of its weekday in its month. */
export function isWeekdayOfMonth(day: Temporal.PlainDate, week: WeekOfMonth): boolean {
  if (week === 'last') return day.day + 7 > day.daysInMonth;
  return Math.ceil(day.day / 7) === weeksOfMonth.indexOf(week) + 1;
}

/** Days on which nothing opens and nothing stays open; both ends belong to it. */
export interface ExcludedDates {
  /** `YYYY-MM-DD`, or `MM-DD` for every year. */
  from: string;
  to: string;
  /** In which it is that day: an IANA name, or an offset such as `+05:30`. */
  timeZone: string;
}

/** Whether `range` leaves out this day of its own zone. */
export function excludesDay({ from, to }: ExcludedDates, day: Temporal.PlainDate): boolean {
  const date = day.toString();
  if (isYearly(from)) {
    const each = date.slice(-from.length);
    // From December to January it goes around the end of the year.
    return from <= to ? from <= each && each <= to : from <= each || each <= to;
  }
  return from <= date && date <= to;
}

export function isYearly(date: string): boolean {
  return date.length === 'MM-DD'.length;
}

/** The day on which the instant lies, if one of them leaves it out. Epoch milliseconds. */
export function excludedDay(
  ranges: readonly ExcludedDates[],
  at: number,
): { begins: number; ends: number } | undefined {
  for (const range of ranges) {
    const { timeZone } = range;
    const day = dayAt(at, timeZone);
    if (!excludesDay(range, day)) continue;
    return { begins: startOf(day, timeZone), ends: startOf(day.add({ days: 1 }), timeZone) };
  }
  return undefined;
}

/** The day that it is then and there. Epoch milliseconds. */
export function dayAt(at: number, timeZone: string): Temporal.PlainDate {
  return Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(timeZone).toPlainDate();
}

/** When that wall-clock time is; what a clock change skips is moved on, what it repeats is once. */
export function instantOf(day: Temporal.PlainDate, time: string, timeZone: string): number {
  const plainTime = Temporal.PlainTime.from(time);
  return day.toZonedDateTime({ timeZone, plainTime }).epochMilliseconds;
}

/**
 * The first moment between `after` and `until` with which a day begins that is left out;
 * `undefined` when there is none. Epoch milliseconds.
 */
export function nextExclusion(
  ranges: readonly ExcludedDates[],
  after: number,
  until: number,
): number | undefined {
  const begin = ranges.flatMap((range) => {
    const day = nextExcludedDay(range, dayAt(after, range.timeZone).add({ days: 1 }));
    return day === undefined ? [] : [startOf(day, range.timeZone)];
  });
  const first = Math.min(...begin);
  return first < until ? first : undefined;
}

/** The first day from `day` on that the range leaves out. */
function nextExcludedDay(
  range: ExcludedDates,
  day: Temporal.PlainDate,
): Temporal.PlainDate | undefined {
  if (!isYearly(range.from)) {
    const from = Temporal.PlainDate.from(range.from);
    const next = Temporal.PlainDate.compare(from, day) > 0 ? from : day;
    return excludesDay(range, next) ? next : undefined;
  }
  // 29 February comes within eight years, whatever the century.
  const last = day.add({ years: 8 });
  for (let next = day; Temporal.PlainDate.compare(next, last) <= 0; next = next.add({ days: 1 })) {
    if (excludesDay(range, next)) return next;
  }
  return undefined;
}

function startOf(day: Temporal.PlainDate, timeZone: string): number {
  return day.toZonedDateTime(timeZone).epochMilliseconds;
}

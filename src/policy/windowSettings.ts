import { Cron } from 'croner';
import { Temporal } from 'temporal-polyfill';
import * as z from 'zod';
import { weeksOfMonth } from '../domain/maintenance.ts';
import type { ExcludedDates } from './calendar.ts';
import { isYearly } from './calendar.ts';
import type { Window } from './window.ts';

/** How windows and excluded dates are written in the settings, and what they become. */

const dayNames = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;

export const timeZoneSchema = z.string().refine(isTimeZone, {
  error: 'is not an IANA time zone, e.g. "Europe/Berlin" or "UTC"',
});
const zone = timeZoneSchema
  .optional()
  .describe('IANA time zone; without it the `timeZone` setting.');

const time = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/u, 'is not a time of day, e.g. "22:30"');
const duration = z
  .int()
  .min(30)
  .max(7 * 24 * 60);

const hours = {
  start: time.describe('When it opens, HH:MM.'),
  durationMinutes: duration.optional().describe('How long it stays open, in real time.'),
  end: time
    .optional()
    .describe('When it closes instead, HH:MM by the clock: on the next day if not after `start`.'),
  timeZone: zone,
};
const days = z.array(z.enum(dayNames)).min(1).describe('Days of the week on which it opens.');

type HoursInput = z.output<z.ZodObject<typeof hours>>;

/** A window says in exactly one way when it closes. */
const saysWhen = z.refine<HoursInput>(
  ({ durationMinutes, end }) => durationMinutes !== undefined || end !== undefined,
  { error: 'does not say when it closes: add "end" or "durationMinutes"' },
);
const saysOnce = z.refine<HoursInput>(
  ({ durationMinutes, end }) => durationMinutes === undefined || end === undefined,
  { error: 'says twice when it closes: leave out "end" or "durationMinutes"' },
);

const weekly = z
  .strictObject({ days, ...hours })
  .check(saysWhen, saysOnce)
  .meta({ title: 'weekly' });
const weekdaysOfMonth = z
  .strictObject({
    days,
    weeks: z
      .array(z.enum(weeksOfMonth))
      .min(1)
      .describe('Which of these days of each month: `[second]` with `[tue]` is its 2nd Tuesday.'),
    ...hours,
  })
  .check(saysWhen, saysOnce)
  .meta({ title: 'monthly by weekday' });
const daysOfMonth = z
  .strictObject({
    daysOfMonth: z
      .array(z.xor([z.int().min(1).max(31), z.literal('last')]))
      .min(1)
      .describe('Days of the month on which it opens; a month that has no such day is left out.'),
    ...hours,
  })
  .check(saysWhen, saysOnce)
  .meta({ title: 'monthly by day' });
const cron = z
  .strictObject({
    cron: z
      .string()
      .refine(isCron, { error: 'is not a cron expression of five fields, e.g. "0 22 * * fri"' })
      .describe('When it opens: minute, hour, day of month, month, day of week.'),
    durationMinutes: duration.describe('How long it stays open, in real time.'),
    timeZone: zone,
  })
  .meta({ title: 'cron' });
const aks = z.literal('aks').meta({ title: "the cluster's own" });

// Not `union`: that does not ask further once a kind fits but for a key that it does not know.
export const windowSchema = z.xor([aks, weekly, weekdaysOfMonth, daysOfMonth, cron]);
type WindowInput = z.output<typeof windowSchema>;

/** A window as the settings have it, for a zone that it does not name itself. */
export function windowOf(input: WindowInput, timeZone: string): Window {
  if (input === 'aks') return { kind: 'aks' };
  const named = input.timeZone ?? timeZone;
  if ('cron' in input) {
    const { cron, durationMinutes } = input;
    return { kind: 'cron', cron, durationMinutes, timeZone: named };
  }
  const { start, durationMinutes, end } = input;
  const ends =
    end === undefined
      ? ({ kind: 'after', minutes: durationMinutes ?? 0 } as const)
      : ({ kind: 'at', time: end } as const);
  const hours = { start, ends, timeZone: named };
  if ('daysOfMonth' in input) return { kind: 'daysOfMonth', days: input.daysOfMonth, ...hours };
  const days = input.days.map((day) => dayNames.indexOf(day) + 1);
  return 'weeks' in input
    ? { kind: 'weekdaysOfMonth', days, weeks: input.weeks, ...hours }
    : { kind: 'weekly', days, ...hours };
}

const date = z
  .string()
  .refine(isDate, { error: 'is not a day, e.g. "2026-12-24", or "12-24" for every year' });

export const excludedDatesSchema = z.xor([
  date,
  z
    .strictObject({
      from: date.describe('First day, `YYYY-MM-DD`, or `MM-DD` for every year.'),
      to: date.describe('Last day, written as the first one is; it is left out too.'),
      timeZone: zone,
    })
    .refine(({ from, to }) => isYearly(from) === isYearly(to), {
      error: 'has a year in one of "from" and "to" only',
    })
    .refine(({ from, to }) => isYearly(from) || isYearly(to) || from <= to, {
      error: 'ends before it begins',
    }),
]);

/** Excluded dates as the settings have them, for a zone that they do not name themselves. */
export function excludedDatesOf(
  input: z.output<typeof excludedDatesSchema>,
  timeZone: string,
): ExcludedDates {
  if (typeof input === 'string') return { from: input, to: input, timeZone };
  return { from: input.from, to: input.to, timeZone: input.timeZone ?? timeZone };
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

/** Five fields, as everybody's cron has them; croner alone would take more. */
function isCron(text: string): boolean {
  if (!/^[\w*,/#-]+( [\w*,/#-]+){4}$/u.test(text)) return false;
  try {
    return new Cron(text, { paused: true, mode: '5-part' }).getPattern() !== undefined;
  } catch {
    return false;
  }
}

/** A day that exists; 29 February is one in some years, and so it is one of every year. */
function isDate(text: string): boolean {
  const leapYear = '2024-';
  const whole = isYearly(text) ? leapYear + text : text;
  if (!/^\d{4}-\d\d-\d\d$/u.test(whole)) return false;
  try {
    return Temporal.PlainDate.from(whole).toString() === whole;
  } catch {
    return false;
  }
}

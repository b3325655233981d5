import { Temporal } from 'temporal-polyfill';
import type { MaintenanceSchedule } from '../domain/maintenance.ts';
import { isWeekdayOfMonth } from './calendar.ts';

/** On which days a cluster's own maintenance schedule opens, as far as that is known. */

/**
 * Why it can't be told on which days a schedule opens; `undefined` when it can.
 *
 * Intervals longer than one are counted from the start date. For weeks it was seen how: the week
 * (from Sunday on) in which the start date lies is the first. For months nobody has seen what
 * counts when the first day of the schedule comes only in a later month, so that is refused.
 */
export function whyUncertain({ recurrence, startDate }: MaintenanceSchedule): string | undefined {
  const interval = intervalOf(recurrence);
  if (interval === 1) return undefined;
  if (startDate === undefined) {
    return `it recurs every ${interval} ${unitOf(recurrence)} and has no startDate to count from`;
  }
  if (recurrence.kind === 'daily' || recurrence.kind === 'weekly') return undefined;
  const from = Temporal.PlainDate.from(startDate);
  for (let day = from; day.month === from.month; day = day.add({ days: 1 })) {
    if (isDayOf(recurrence, day)) return undefined;
  }
  return (
    `it recurs every ${interval} months, and its day does not come in the month of its startDate ` +
    `${startDate}, on or after it: from which month AKS counts is not known`
  );
}

/** Whether the schedule opens on that day of its own offset. Only asked of a certain one. */
export function opensOn(schedule: MaintenanceSchedule, day: Temporal.PlainDate): boolean {
  const { recurrence, startDate } = schedule;
  if (!isDayOf(recurrence, day)) return false;
  if (startDate === undefined) return true;
  const from = Temporal.PlainDate.from(startDate);
  if (Temporal.PlainDate.compare(day, from) < 0) return false;
  return periodsBetween(recurrence, from, day) % intervalOf(recurrence) === 0;
}

type Recurrence = MaintenanceSchedule['recurrence'];

function isDayOf(recurrence: Recurrence, day: Temporal.PlainDate): boolean {
  switch (recurrence.kind) {
    case 'daily':
      return true;
    case 'weekly':
      return day.dayOfWeek === recurrence.dayOfWeek;
    case 'absoluteMonthly':
      return day.day === recurrence.dayOfMonth;
    case 'relativeMonthly':
      return day.dayOfWeek === recurrence.dayOfWeek && isWeekdayOfMonth(day, recurrence.week);
  }
}

/** Days, weeks or months from the one in which `from` lies to the one in which `day` lies. */
function periodsBetween(
  recurrence: Recurrence,
  from: Temporal.PlainDate,
  day: Temporal.PlainDate,
): number {
  switch (recurrence.kind) {
    case 'daily':
      return from.until(day, { largestUnit: 'days' }).days;
    case 'weekly':
      return sundayOf(from).until(sundayOf(day), { largestUnit: 'days' }).days / 7;
    case 'absoluteMonthly':
    case 'relativeMonthly':
      return (day.year - from.year) * 12 + day.month - from.month;
  }
}

function sundayOf(day: Temporal.PlainDate): Temporal.PlainDate {
  return day.subtract({ days: day.dayOfWeek % 7 });
}

function intervalOf(recurrence: Recurrence): number {
  switch (recurrence.kind) {
    case 'daily':
      return recurrence.intervalDays;
    case 'weekly':
      return recurrence.intervalWeeks;
    case 'absoluteMonthly':
    case 'relativeMonthly':
      return recurrence.intervalMonths;
  }
}

function unitOf({ kind }: Recurrence): string {
  switch (kind) {
    case 'daily':
      return 'days';
    case 'weekly':
      return 'weeks';
    case 'absoluteMonthly':
    case 'relativeMonthly':
      return 'months';
  }
}

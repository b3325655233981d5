import type { MaintenanceConfiguration } from '@azure/arm-containerservice';
import { Temporal } from 'temporal-polyfill';
import * as z from 'zod';
import type { Maintenance, Recurrence } from '../domain/maintenance.ts';
import { weeksOfMonth } from '../domain/maintenance.ts';

/** The one of a cluster's maintenance configurations that says when node OS upgrades may be. */
export const nodeOsSchedule = 'aksManagedNodeOSUpgradeSchedule';

const interval = z.int().min(1);
const weekdays = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];
const weekday = z
  .string()
  .refine((name) => weekdays.includes(name))
  .transform((name) => weekdays.indexOf(name) + 1);
const week = z
  .string()
  .transform((name) => name.toLowerCase())
  .pipe(z.enum(weeksOfMonth));

/** The SDK makes a Date of midnight UTC out of what ARM sends as a bare date. */
const date = z.date().transform((at) => at.toISOString().slice(0, 10));
const offset = z.string().refine(isOffset);

const scheduleSchema = z
  .object({
    daily: z.object({ intervalDays: interval }).optional(),
    weekly: z.object({ intervalWeeks: interval, dayOfWeek: weekday }).optional(),
    absoluteMonthly: z
      .object({ intervalMonths: interval, dayOfMonth: z.int().min(1).max(31) })
      .optional(),
    relativeMonthly: z
      .object({ intervalMonths: interval, weekIndex: week, dayOfWeek: weekday })
      .optional(),
  })
  .transform(({ daily, weekly, absoluteMonthly, relativeMonthly }, context): Recurrence => {
    const all: (Recurrence | undefined)[] = [
      daily && { kind: 'daily', ...daily },
      weekly && { kind: 'weekly', ...weekly },
      absoluteMonthly && { kind: 'absoluteMonthly', ...absoluteMonthly },
      relativeMonthly && {
        kind: 'relativeMonthly',
        intervalMonths: relativeMonthly.intervalMonths,
        week: relativeMonthly.weekIndex,
        dayOfWeek: relativeMonthly.dayOfWeek,
      },
    ];
    const [recurrence, ...more] = all.filter((one) => one !== undefined);
    if (recurrence !== undefined && more.length === 0) return recurrence;
    context.addIssue({ code: 'custom', message: 'has to be exactly one' });
    return z.NEVER;
  });

const windowSchema = z.object({
  schedule: scheduleSchema,
  durationHours: z.int().min(1).max(24),
  utcOffset: offset.default('+00:00'),
  startDate: date.optional(),
  startTime: z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/u),
  notAllowedDates: z.array(z.object({ start: date, end: date })).default([]),
});

/** What a cluster's maintenance configurations say about node OS upgrades. */
export function maintenanceOf(configurations: readonly MaintenanceConfiguration[]): Maintenance {
  const found = configurations.find(
    ({ name }) => name?.toLowerCase() === nodeOsSchedule.toLowerCase(),
  );
  if (found === undefined) {
    const value = `the cluster has no maintenance configuration ${nodeOsSchedule}`;
    return { kind: 'unknown', value };
  }
  const parsed = windowSchema.safeParse(found.maintenanceWindow);
  if (!parsed.success) {
    const fields = [...new Set(parsed.error.issues.map(({ path }) => path.join('.')))].join(', ');
    const what = `maintenance configuration ${nodeOsSchedule} can't be read`;
    return { kind: 'unknown', value: `${what}: ${fields || 'maintenanceWindow'}` };
  }
  const { schedule: recurrence, startDate, ...rest } = parsed.data;
  return { kind: 'schedule', schedule: { ...rest, recurrence, startDate } };
}

function isOffset(text: string): boolean {
  if (!/^[+-]\d\d:\d\d$/u.test(text)) return false;
  try {
    return Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(text).timeZoneId !== '';
  } catch {
    return false;
  }
}

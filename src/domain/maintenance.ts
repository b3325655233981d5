/**
 * The cluster's own maintenance schedule for node OS upgrades, as ARM has it
 * (`aksManagedNodeOSUpgradeSchedule`).
 */
export interface MaintenanceSchedule {
  recurrence: Recurrence;
  /** First day on which it counts, `YYYY-MM-DD`; intervals are counted from it. */
  startDate: string | undefined;
  /** `HH:MM` at `utcOffset`. */
  startTime: string;
  /** `+05:30`; it knows no daylight saving time. */
  utcOffset: string;
  durationHours: number;
  /** First and last day, both `YYYY-MM-DD` at `utcOffset`. */
  notAllowedDates: readonly { start: string; end: string }[];
}

export type Recurrence =
  | { kind: 'daily'; intervalDays: number }
  /** `dayOfWeek`: 1 = Monday … 7 = Sunday. */
  | { kind: 'weekly'; intervalWeeks: number; dayOfWeek: number }
  | { kind: 'absoluteMonthly'; intervalMonths: number; dayOfMonth: number }
  | { kind: 'relativeMonthly'; intervalMonths: number; week: WeekOfMonth; dayOfWeek: number };

export const weeksOfMonth = ['first', 'second', 'third', 'fourth', 'last'] as const;
export type WeekOfMonth = (typeof weeksOfMonth)[number];

/** What is known of a cluster's maintenance schedule at one moment. */
export type Maintenance =
  | { kind: 'schedule'; schedule: MaintenanceSchedule }
  /** Missing, unreadable, or nobody asked for it: closed. The value is for people. */
  | { kind: 'unknown'; value: string };

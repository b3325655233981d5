/**
 * Schedules of timer triggers: NCRONTAB expressions and constant intervals, in UTC.
 *
 * The grammar is NCrontab's (source: atifaziz/NCrontab, CrontabFieldImpl and CrontabSchedule): six
 * fields from seconds to day of week, or five without seconds; lists, ranges, steps and English
 * names; Sunday is 0 only; day of month AND day of week must match; none of `? L W #`. Fields are
 * parsed here and handed as plain numbers to croner, which is left to do the calendar.
 */
import { Cron } from 'croner';

export interface Schedule {
  /** The first instant after `instant` (epoch milliseconds), or undefined when there is none. */
  next(instant: number): number | undefined;
  /** Whether it fires more than once in some minute: its status is then not kept. */
  readonly withinMinutes: boolean;
}

interface Field {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly names?: readonly string[];
}

const months =
  'january february march april may june july august september october november december'.split(
    ' ',
  );
const days = 'sunday monday tuesday wednesday thursday friday saturday'.split(' ');
const fields: readonly Field[] = [
  { name: 'seconds', min: 0, max: 59 },
  { name: 'minutes', min: 0, max: 59 },
  { name: 'hours', min: 0, max: 23 },
  { name: 'day of month', min: 1, max: 31 },
  { name: 'month', min: 1, max: 12, names: months },
  { name: 'day of week', min: 0, max: 6, names: days },
];

/** Reads the schedule of a function. Throws an error that names both when it cannot. */
export function readSchedule(functionName: string, expression: string): Schedule {
  try {
    return readInterval(expression) ?? readCron(expression);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`Function '${functionName}': schedule '${expression}': ${why}`, {
      cause: error,
    });
  }
}

/** A TimeSpan such as `01:30:00` or `1.00:00:00`: a constant interval. */
function readInterval(expression: string): Schedule | undefined {
  const match = /^(?:(\d+)\.)?(\d{1,2}):(\d{1,2})(?::(\d{1,2}))?$/.exec(expression.trim());
  if (match === null) return undefined;
  const [days, hours, minutes, seconds] = match.slice(1).map((part) => Number(part ?? 0));
  const intervalMs =
    ((((days ?? 0) * 24 + (hours ?? 0)) * 60 + (minutes ?? 0)) * 60 + (seconds ?? 0)) * 1000;
  if (intervalMs === 0) throw new Error('an interval must be longer than nothing');
  return { next: (instant) => instant + intervalMs, withinMinutes: intervalMs < 60_000 };
}

function readCron(expression: string): Schedule {
  const texts = expression.trim().split(/\s+/);
  if (texts.length === 5) texts.unshift('0');
  if (texts.length !== 6) throw new Error('expected five or six fields');
  const values = fields.map((field, index) => readField(field, texts[index] ?? ''));
  const cron = new Cron(values.map((field) => field.join(',')).join(' '), {
    paused: true,
    timezone: 'UTC',
    domAndDow: true,
  });
  return {
    next: (instant) => cron.nextRun(new Date(instant))?.getTime(),
    withinMinutes: (values[0]?.length ?? 0) > 1,
  };
}

function readField(field: Field, text: string): number[] {
  const values = new Set<number>();
  for (const part of text.split(',')) readPart(field, part).forEach((value) => values.add(value));
  return [...values].sort((a, b) => a - b);
}

/** A star, `a`, `a-b` or `a` with a step (from a to the end), each of them perhaps with a step. */
function readPart(field: Field, part: string): number[] {
  const match = /^(?:(\*)|([a-z]+|\d+)(?:-([a-z]+|\d+))?)(?:\/(\d+))?$/i.exec(part);
  if (match === null) throw new Error(`'${part}' is no value for ${field.name}`);
  const [, star, low, high, step] = match;
  const from = star !== undefined || low === undefined ? field.min : readValue(field, low);
  const open = star !== undefined || (high === undefined && step !== undefined);
  const to = open ? field.max : high === undefined ? from : readValue(field, high);
  const by = Number(step ?? 1);
  if (by < 1) throw new Error(`'${part}' has no step for ${field.name}`);
  if (from > to) throw new Error(`'${part}' runs backwards for ${field.name}`);
  const values = [];
  for (let value = from; value <= to; value += by) values.push(value);
  return values;
}

function readValue({ name, min, max, names }: Field, text: string): number {
  // A name may be shortened to any prefix; the first that fits is meant (`J` is January).
  const index = names?.findIndex((one) => one.startsWith(text.toLowerCase())) ?? -1;
  const value = /^\d+$/.test(text) ? Number(text) : index < 0 ? Number.NaN : index + min;
  if (value >= min && value <= max) return value;
  throw new Error(`'${text}' is not within ${min} to ${max} for ${name}`);
}

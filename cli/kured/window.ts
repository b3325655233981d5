import { BadInput } from '../badInput.ts';

/**
 * kured's window as ours. kured asks two things of a moment: whether its day of the week is one of
 * `reboot-days`, and whether its time lies between `start-time` and `end-time`, both included. So a
 * window over midnight means the early and the late hours of each named day.
 */

const dayNames = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;
export type DayName = (typeof dayNames)[number];
const fullNames = [
  'sunday',
  'monday',
  'tuesday',
  'wednesday',
  'thursday',
  'friday',
  'saturday',
] as const;

export interface KuredWindow {
  /** `undefined`: every day. */
  days: readonly string[] | undefined;
  start: string;
  end: string;
}

/** As the settings have it. */
export type WeeklyWindow = { days: DayName[]; start: string; end: string };

export type Translated =
  | { kind: 'always' }
  | { kind: 'never'; why: string }
  | { kind: 'windows'; windows: WeeklyWindow[]; remarks: string[] };

const minutesOfDay = 24 * 60;

/** Throws `BadInput` for what kured itself would refuse. */
export function translateWindow({ days, start, end }: KuredWindow): Translated {
  const named = days === undefined ? [...weekOrder] : parseDays(days);
  if (named.length === 0) return { kind: 'never', why: 'reboot-days is empty' };
  const [from, to] = [secondsOf(start), secondsOf(end)];
  // Ours are of whole minutes, and end with their last moment instead of after it.
  const opens = Math.ceil(from / 60);
  const closes = Math.floor((to + 1) / 60);
  const remarks =
    from % 60 === 0 && (to + 1) % 60 <= 1
      ? []
      : ['seconds are left out: it opens up to a minute later and closes up to a minute earlier'];
  const everyDay = named.length === dayNames.length;
  if (from <= to) {
    if (opens >= closes) return { kind: 'never', why: `from ${start} to ${end} is under a minute` };
    if (everyDay && opens === 0 && closes === minutesOfDay) return { kind: 'always' };
    return { kind: 'windows', windows: [windowOf(named, opens, closes)], remarks };
  }
  if (everyDay) return { kind: 'windows', windows: [windowOf(named, opens, closes)], remarks };
  const late = windowOf(named, opens, minutesOfDay);
  const early = closes > 0 ? [windowOf(named, 0, closes)] : [];
  const night = `{ days: [${named.join(', ')}], start: ${late.start}, end: ${timeOf(closes)} }`;
  return {
    kind: 'windows',
    windows: [late, ...early],
    remarks: [
      ...remarks,
      'kured takes the early and the late hours of each named day, and that is what stands here; ' +
        `for whole nights, which belong to the day on which they begin, write ${night}`,
    ],
  };
}

const weekOrder: readonly DayName[] = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];

function windowOf(days: DayName[], opens: number, closes: number): WeeklyWindow {
  return { days, start: timeOf(opens % minutesOfDay), end: timeOf(closes % minutesOfDay) };
}

function timeOf(minutes: number): string {
  const two = (value: number) => String(value).padStart(2, '0');
  return `${two(Math.floor(minutes / 60) % 24)}:${two(minutes % 60)}`;
}

function parseDays(days: readonly string[]): DayName[] {
  const found = new Set(days.filter((day) => day !== '').map(dayOf));
  return weekOrder.filter((day) => found.has(day));
}

/** `mo`, `mon`, `Monday` or `1`; Sunday is 0. */
function dayOf(text: string): DayName {
  const name = text.toLowerCase();
  const index = /^[0-6]$/u.test(name)
    ? Number(name)
    : fullNames.findIndex((full) => [full, full.slice(0, 3), full.slice(0, 2)].includes(name));
  const day = dayNames[index];
  if (day === undefined) throw new BadInput(`reboot-days: "${text}" is not a day of the week`);
  return day;
}

/** Seconds since midnight of `15:04`, `15:04:05`, `03:04pm`, `15`, `03pm` or `3pm`. */
function secondsOf(text: string): number {
  const refuse = () => new BadInput(`"${text}" is not a time of day that kured reads`);
  const clock = /^(\d{1,2})(?::(\d\d)(?::(\d\d))?)?$/u.exec(text);
  const twelve = /^(\d\d):(\d\d)(am|pm)$/u.exec(text) ?? /^(\d{1,2})()(am|pm)$/u.exec(text);
  const [, hours = '', minutes = '', last = ''] = clock ?? twelve ?? [];
  const [hour, minute] = [Number(hours), Number(minutes)];
  const second = clock === null ? 0 : Number(last);
  if ((clock ?? twelve) === null || minute > 59 || second > 59) throw refuse();
  if (clock !== null) {
    if (hour > 23) throw refuse();
    return (hour * 60 + minute) * 60 + second;
  }
  if (hour > 12) throw refuse();
  const afternoon = last === 'pm' ? 12 : 0;
  return (((hour % 12) + afternoon) * 60 + minute) * 60;
}

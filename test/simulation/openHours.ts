/**
 * Whether a weekly window is open, worked out anew from wall-clock times: the checkers share nothing
 * with the program.
 */
export interface WeeklyWindow {
  days: readonly string[];
  start: string;
  durationMinutes: number;
  timeZone: string;
}

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;
const names = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

/** Whether it is open at `at` and for `minutes` on; `slackMs`: how wrong clocks may be. */
export function fitsInto(
  windows: readonly WeeklyWindow[],
  at: number,
  minutes: number,
  slackMs: number,
): boolean {
  if (windows.length === 0) return true;
  const openings = windows.flatMap((window) => openingsNear(window, at));
  const isOpen = (instant: number) =>
    openings.some(({ from, to }) => from - slackMs <= instant && instant < to + slackMs);
  for (let minute = 0; minute < minutes; minute += 1) {
    if (!isOpen(at + minute * minuteMs)) return false;
  }
  return isOpen(at + minutes * minuteMs - 2 * slackMs);
}

function openingsNear({ days, start, durationMinutes, timeZone }: WeeklyWindow, at: number) {
  const [hour = 0, minute = 0] = start.split(':').map(Number);
  const daysBack = Math.ceil(durationMinutes / (24 * 60)) + 1;
  const openings: { from: number; to: number }[] = [];
  for (let day = -daysBack; day <= 2; day += 1) {
    const there = shown(at + day * dayMs, timeZone);
    if (!days.includes(names[there.weekday] ?? '')) continue;
    const wall = Date.UTC(there.year, there.month, there.day, hour, minute);
    // Where clocks change, the hour may be there twice or never: either reading will do.
    const from = [wall - dayMs, wall + dayMs].map((guess) => wall - offsetAt(guess, timeZone));
    openings.push({
      from: Math.min(...from),
      to: Math.max(...from) + durationMinutes * minuteMs,
    });
  }
  return openings;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone);
  if (known !== undefined) return known;
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  formats.set(timeZone, format);
  return format;
}

/** What the calendar on the wall says there. */
function shown(at: number, timeZone: string) {
  const parts = Object.fromEntries(
    formatOf(timeZone)
      .formatToParts(at)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  const wall = Date.UTC(year, month - 1, day, hour, minute, second);
  return { year, month: month - 1, day, wall, weekday: new Date(wall).getUTCDay() };
}

const offsetAt = (at: number, timeZone: string) =>
  shown(at, timeZone).wall - Math.floor(at / 1000) * 1000;

import { Temporal } from 'temporal-polyfill';

/**
 * Maintenance windows. A window belongs to the day on which it starts: "friday 22:00 for 6 hours"
 * is open on Saturday at 02:00. Wall-clock times are of the window's own zone; a start that the
 * clock change skips is moved on, one that it repeats counts once (Temporal's `compatible`), and
 * the length is real time.
 */
export interface Window {
  /** 1 = Monday … 7 = Sunday, as ISO 8601 counts. */
  days: readonly number[];
  /** `HH:MM`. */
  start: string;
  durationMinutes: number;
  /** IANA name. */
  timeZone: string;
}

export type WindowView =
  { kind: 'open'; closesAt: number } | { kind: 'closed'; opensAt: number | undefined };

const minuteMs = 60_000;
/** A week and a day: every weekly window opens at least once in it, whatever the clock change. */
const searchDays = 8;

/**
 * Looks at the windows at one instant. No windows at all means: always open.
 *
 * @param now epoch milliseconds; so are the results
 */
export function viewWindows(windows: readonly Window[], now: number): WindowView {
  if (windows.length === 0) return { kind: 'open', closesAt: Number.POSITIVE_INFINITY };
  const openings = windows.flatMap((window) => openingsAround(window, now));
  const open = openings.filter(({ from, to }) => from <= now && now < to);
  if (open.length > 0) return { kind: 'open', closesAt: lastMoment(openings, open, now) };
  const next = openings.filter(({ from }) => from > now).map(({ from }) => from);
  return { kind: 'closed', opensAt: next.length > 0 ? Math.min(...next) : undefined };
}

interface Opening {
  from: number;
  to: number;
}

/** Windows that touch or overlap are one: what counts is when the union closes. */
function lastMoment(openings: Opening[], open: Opening[], now: number): number {
  let closesAt = Math.max(...open.map(({ to }) => to), now);
  for (const { from, to } of [...openings].sort((a, b) => a.from - b.from)) {
    if (from <= closesAt && to > closesAt) closesAt = to;
  }
  return closesAt;
}

function openingsAround(window: Window, now: number): Opening[] {
  const today = Temporal.Instant.fromEpochMilliseconds(now)
    .toZonedDateTimeISO(window.timeZone)
    .toPlainDate();
  const daysBack = Math.ceil(window.durationMinutes / (24 * 60)) + 1;
  const openings: Opening[] = [];
  for (let offset = -daysBack; offset <= searchDays; offset += 1) {
    const day = today.add({ days: offset });
    if (!window.days.includes(day.dayOfWeek)) continue;
    const from = day.toZonedDateTime({
      timeZone: window.timeZone,
      plainTime: Temporal.PlainTime.from(window.start),
    }).epochMilliseconds;
    openings.push({ from, to: from + window.durationMinutes * minuteMs });
  }
  return openings;
}

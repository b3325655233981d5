import fc from 'fast-check';
import { Temporal } from 'temporal-polyfill';
import { viewWindows } from '../../src/policy/window.ts';
import type { Window } from '../../src/policy/window.ts';

const [monday, friday, saturday, sunday] = [1, 5, 6, 7] as const;
const everyDay = [1, 2, 3, 4, 5, 6, 7];
const minuteMs = 60_000;
const weekMs = 7 * 24 * 60 * minuteMs;

/** Epoch milliseconds of an instant, or of a wall-clock time with its zone in brackets. */
function at(text: string): number {
  return text.endsWith('Z')
    ? Temporal.Instant.from(text).epochMilliseconds
    : Temporal.ZonedDateTime.from(text).epochMilliseconds;
}

function window(over: Partial<Window>): Window {
  return { days: everyDay, start: '01:00', durationMinutes: 240, timeZone: 'UTC', ...over };
}

/** `open until …`, `closed until …` or `closed for good`, as UTC. */
function said(windows: readonly Window[], now: string): string {
  const view = viewWindows(windows, at(now));
  const until = view.kind === 'open' ? view.closesAt : view.opensAt;
  if (until === undefined) return 'closed for good';
  if (until === Number.POSITIVE_INFINITY) return `${view.kind} for good`;
  return `${view.kind} until ${Temporal.Instant.fromEpochMilliseconds(until).toString()}`;
}

describe('a window', () => {
  it('that nobody asked for is always open', () => {
    expect(said([], '2026-11-23T12:00:00Z')).toBe('open for good');
  });

  it('belongs to the day on which it starts: friday 22:00 reaches into saturday', () => {
    const nightly = [window({ days: [friday], start: '22:00', durationMinutes: 360 })];
    // 2026-11-27 is a Friday.
    expect(said(nightly, '2026-11-27T02:00:00Z')).toBe('closed until 2026-11-27T22:00:00Z');
    expect(said(nightly, '2026-11-27T21:59:59.999Z')).toBe('closed until 2026-11-27T22:00:00Z');
    expect(said(nightly, '2026-11-27T22:00:00Z')).toBe('open until 2026-11-28T04:00:00Z');
    expect(said(nightly, '2026-11-28T02:00:00Z')).toBe('open until 2026-11-28T04:00:00Z');
    expect(said(nightly, '2026-11-28T04:00:00Z')).toBe('closed until 2026-12-04T22:00:00Z');
  });

  it('reckons days in its own zone, not in ours', () => {
    const tokyo = [window({ days: [saturday], start: '03:00', timeZone: 'Asia/Tokyo' })];
    expect(said(tokyo, '2026-11-27T18:00:00Z')).toBe('open until 2026-11-27T22:00:00Z');
    expect(said(tokyo, '2026-11-28T18:00:00Z')).toBe('closed until 2026-12-04T18:00:00Z');
  });

  it('opens next on the nearest of several days and windows', () => {
    const windows = [
      window({ days: [sunday] }),
      window({ days: [monday, friday], start: '05:00' }),
    ];
    expect(said(windows, '2026-11-24T00:00:00Z')).toBe('closed until 2026-11-27T05:00:00Z');
  });

  it('goes on in the next one that adjoins or overlaps it, as one', () => {
    const evening = window({ days: [friday], start: '20:00', durationMinutes: 240 });
    const night = window({ days: [saturday], start: '00:00', durationMinutes: 120 });
    const late = window({ days: [saturday], start: '01:30', durationMinutes: 60 });
    expect(said([evening, night], '2026-11-27T23:00:00Z')).toBe('open until 2026-11-28T02:00:00Z');
    expect(said([late, night, evening], '2026-11-27T20:00:00Z')).toBe(
      'open until 2026-11-28T02:30:00Z',
    );
  });

  it('does not go on across a gap of a minute', () => {
    const evening = window({ days: [friday], start: '20:00', durationMinutes: 239 });
    const night = window({ days: [saturday], start: '00:00', durationMinutes: 120 });
    expect(said([evening, night], '2026-11-27T23:00:00Z')).toBe('open until 2026-11-27T23:59:00Z');
  });

  it('that is a week long never closes within days', () => {
    const week = [window({ days: [monday], start: '00:00', durationMinutes: 7 * 24 * 60 })];
    for (let day = 1; day <= 14; day += 1) {
      const now = Date.UTC(2026, 10, day, 13);
      const view = viewWindows(week, now);
      if (view.kind !== 'open') throw new Error(`closed on day ${day}`);
      expect(view.closesAt - now).toBeGreaterThan(weekMs);
    }
  });
});

describe('on the day on which clocks change', () => {
  it.each([
    // Northern spring: 02:30 does not exist, so the window starts an hour later by the clock.
    ['Europe/Berlin', '02:30', '2026-03-29T01:30:00Z'],
    ['America/New_York', '02:30', '2026-03-08T07:30:00Z'],
    // Lord Howe moves by half an hour only.
    ['Australia/Lord_Howe', '02:15', '2026-10-03T15:45:00Z'],
  ])('a start that %s skips is moved on', (timeZone, start, opens) => {
    const windows = [window({ start, durationMinutes: 60, timeZone })];
    const before = new Date(at(opens) - 1).toISOString();
    expect(said(windows, before)).toBe(`closed until ${opens}`);
    const closes = new Date(at(opens) + 60 * minuteMs).toISOString().replace('.000', '');
    expect(said(windows, opens)).toBe(`open until ${closes}`);
  });

  it.each([
    ['Europe/Berlin', '02:30', '2026-10-25T00:30:00Z', '2026-10-25T01:30:00Z'],
    ['America/New_York', '01:30', '2026-11-01T05:30:00Z', '2026-11-01T06:30:00Z'],
    ['Australia/Lord_Howe', '01:45', '2026-04-04T14:45:00Z', '2026-04-04T15:15:00Z'],
  ])('a start that %s repeats counts once, the first time', (timeZone, start, first, second) => {
    const windows = [window({ start, durationMinutes: 30, timeZone })];
    expect(viewWindows(windows, at(first) - 1)).toEqual({ kind: 'closed', opensAt: at(first) });
    expect(viewWindows(windows, at(first)).kind).toBe('open');
    expect(viewWindows(windows, at(second)).kind).toBe('closed');
  });

  it.each([
    ['Europe/Berlin', '2026-03-28T22:00[Europe/Berlin]', '2026-10-24T22:00[Europe/Berlin]'],
    [
      'America/New_York',
      '2026-03-07T22:00[America/New_York]',
      '2026-10-31T22:00[America/New_York]',
    ],
    [
      'Australia/Lord_Howe',
      '2026-10-03T22:00[Australia/Lord_Howe]',
      '2026-04-04T22:00[Australia/Lord_Howe]',
    ],
  ])('a window of %s is as long as on any other', (timeZone, spring, autumn) => {
    const windows = [window({ start: '22:00', durationMinutes: 360, timeZone })];
    for (const opens of [spring, autumn]) {
      const closesAt = at(opens) + 360 * minuteMs;
      expect(viewWindows(windows, at(opens))).toEqual({ kind: 'open', closesAt });
    }
  });
});

const anyWindow: fc.Arbitrary<Window> = fc.record({
  days: fc.uniqueArray(fc.integer({ min: 1, max: 7 }), { minLength: 1 }),
  start: fc
    .tuple(fc.nat({ max: 23 }), fc.nat({ max: 59 }))
    .map(([hour, minute]) => [hour, minute].map((n) => String(n).padStart(2, '0')).join(':')),
  durationMinutes: fc.oneof(
    { weight: 4, arbitrary: fc.integer({ min: 30, max: 24 * 60 }) },
    { weight: 1, arbitrary: fc.integer({ min: 24 * 60, max: 7 * 24 * 60 }) },
  ),
  timeZone: fc.constantFrom(
    'UTC',
    'Europe/Berlin',
    'America/New_York',
    'Australia/Lord_Howe',
    'Asia/Kathmandu',
    'Pacific/Kiritimati',
    'Africa/Cairo',
  ),
});
const someWindows = fc.array(anyWindow, { minLength: 1, maxLength: 3 });
const instant = fc.integer({ min: Date.UTC(2025, 0, 1), max: Date.UTC(2029, 0, 1) });

describe('any windows at any moment', () => {
  it('are closed right before they open, open from then on, and name no earlier moment', () => {
    fc.assert(
      fc.property(someWindows, instant, fc.double({ min: 0, max: 1, noNaN: true }), (w, now, f) => {
        const view = viewWindows(w, now);
        fc.pre(view.kind === 'closed');
        const opensAt = view.opensAt ?? Number.NaN;
        expect(opensAt).toBeGreaterThan(now);
        expect(opensAt - now).toBeLessThanOrEqual(weekMs + 120 * minuteMs);
        expect(viewWindows(w, opensAt - 1).kind).toBe('closed');
        expect(viewWindows(w, opensAt).kind).toBe('open');
        const between = now + Math.floor((opensAt - 1 - now) * f);
        expect(viewWindows(w, between)).toEqual(view);
      }),
    );
  });

  it('are open until the moment they name, and closed then if it is within a week', () => {
    fc.assert(
      fc.property(someWindows, instant, fc.double({ min: 0, max: 1, noNaN: true }), (w, now, f) => {
        const view = viewWindows(w, now);
        fc.pre(view.kind === 'open');
        expect(view.closesAt).toBeGreaterThan(now);
        expect(viewWindows(w, view.closesAt - 1).kind).toBe('open');
        const between = now + Math.floor((view.closesAt - 1 - now) * f);
        expect(viewWindows(w, between).kind).toBe('open');
        const then = viewWindows(w, view.closesAt).kind;
        expect(view.closesAt - now < weekMs ? then : 'closed').toBe('closed');
      }),
    );
  });

  it('are open exactly while one of them is', () => {
    fc.assert(
      fc.property(someWindows, instant, (w, now) => {
        const one = w.some((each) => viewWindows([each], now).kind === 'open');
        expect(viewWindows(w, now).kind).toBe(one ? 'open' : 'closed');
      }),
    );
  });
});

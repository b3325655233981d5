import fc from 'fast-check';
import { Temporal } from 'temporal-polyfill';
import type { Maintenance, MaintenanceSchedule } from '../../src/domain/maintenance.ts';
import type { ExcludedDates } from '../../src/policy/calendar.ts';
import { nextOpenings, viewWindows } from '../../src/policy/window.ts';
import type { OpenHours, Window } from '../../src/policy/window.ts';

const [monday, tuesday, wednesday, friday, saturday, sunday] = [1, 2, 3, 5, 6, 7] as const;
const everyDay = [1, 2, 3, 4, 5, 6, 7];
const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;
const weekMs = 7 * dayMs;

const notAsked: Maintenance = { kind: 'unknown', value: 'nobody asked for it' };
const known = (schedule: MaintenanceSchedule): Maintenance => ({ kind: 'schedule', schedule });

/** Epoch milliseconds of an instant, or of a wall-clock time with its zone in brackets. */
function at(text: string): number {
  return text.endsWith('Z')
    ? Temporal.Instant.from(text).epochMilliseconds
    : Temporal.ZonedDateTime.from(text).epochMilliseconds;
}
const utc = (epoch: number) => Temporal.Instant.fromEpochMilliseconds(epoch).toString();

type Kind<K extends Window['kind']> = Extract<Window, { kind: K }>;

const hours = {
  start: '01:00',
  ends: { kind: 'after', minutes: 240 } as Kind<'weekly'>['ends'],
  timeZone: 'UTC',
};
const weekly = (over: Partial<Kind<'weekly'>> = {}): Window => {
  return { kind: 'weekly', days: everyDay, ...hours, ...over };
};
const forMinutes = (minutes: number) => ({ kind: 'after', minutes }) as const;
const until = (time: string) => ({ kind: 'at', time }) as const;

const open = (windows: readonly Window[], excludedDates: readonly ExcludedDates[] = []) => {
  return { windows, excludedDates };
};

/** `open until …`, `closed until …` or `closed for good`, as UTC. */
function said(given: readonly Window[] | OpenHours, now: string, maintenance = notAsked): string {
  const view = viewWindows('windows' in given ? given : open(given), maintenance, at(now));
  const moment = view.kind === 'open' ? view.closesAt : view.opensAt;
  if (moment === undefined) return 'closed for good';
  if (moment === Number.POSITIVE_INFINITY) return `${view.kind} for good`;
  return `${view.kind} until ${utc(moment)}`;
}

/** The next openings, `from–to`. */
function openings(given: OpenHours, now: string, count: number, maintenance = notAsked): string[] {
  const short = (epoch: number) => utc(epoch).replace(':00Z', '').replace('T', ' ');
  return nextOpenings(given, maintenance, at(now), count).map(
    ({ opensAt, closesAt }) => `${short(opensAt)}–${short(closesAt)}`,
  );
}

describe('a window', () => {
  it('that nobody asked for is always open', () => {
    expect(said([], '2026-11-23T12:00:00Z')).toBe('open for good');
  });

  it('belongs to the day on which it starts: friday 22:00 reaches into saturday', () => {
    const nightly = [weekly({ days: [friday], start: '22:00', ends: forMinutes(360) })];
    // 2026-11-27 is a Friday.
    expect(said(nightly, '2026-11-27T02:00:00Z')).toBe('closed until 2026-11-27T22:00:00Z');
    expect(said(nightly, '2026-11-27T21:59:59.999Z')).toBe('closed until 2026-11-27T22:00:00Z');
    expect(said(nightly, '2026-11-27T22:00:00Z')).toBe('open until 2026-11-28T04:00:00Z');
    expect(said(nightly, '2026-11-28T02:00:00Z')).toBe('open until 2026-11-28T04:00:00Z');
    expect(said(nightly, '2026-11-28T04:00:00Z')).toBe('closed until 2026-12-04T22:00:00Z');
  });

  it('may name the time at which it closes, on the next day if that is not after its start', () => {
    const nightly = [weekly({ days: [friday], start: '22:00', ends: until('04:00') })];
    expect(said(nightly, '2026-11-27T22:00:00Z')).toBe('open until 2026-11-28T04:00:00Z');
    const daily = [weekly({ days: [friday], start: '09:00', ends: until('17:00') })];
    expect(said(daily, '2026-11-27T09:00:00Z')).toBe('open until 2026-11-27T17:00:00Z');
    const whole = [weekly({ days: [friday], start: '00:00', ends: until('00:00') })];
    expect(said(whole, '2026-11-27T09:00:00Z')).toBe('open until 2026-11-28T00:00:00Z');
  });

  it('reckons days in its own zone, not in ours', () => {
    const tokyo = [weekly({ days: [saturday], start: '03:00', timeZone: 'Asia/Tokyo' })];
    expect(said(tokyo, '2026-11-27T18:00:00Z')).toBe('open until 2026-11-27T22:00:00Z');
    expect(said(tokyo, '2026-11-28T18:00:00Z')).toBe('closed until 2026-12-04T18:00:00Z');
  });

  it('opens next on the nearest of several days and windows', () => {
    const windows = [
      weekly({ days: [sunday] }),
      weekly({ days: [monday, friday], start: '05:00' }),
    ];
    expect(said(windows, '2026-11-24T00:00:00Z')).toBe('closed until 2026-11-27T05:00:00Z');
  });

  it('goes on in the next one that adjoins or overlaps it, as one', () => {
    const evening = weekly({ days: [friday], start: '20:00', ends: forMinutes(240) });
    const night = weekly({ days: [saturday], start: '00:00', ends: forMinutes(120) });
    const late = weekly({ days: [saturday], start: '01:30', ends: forMinutes(60) });
    expect(said([evening, night], '2026-11-27T23:00:00Z')).toBe('open until 2026-11-28T02:00:00Z');
    expect(said([late, night, evening], '2026-11-27T20:00:00Z')).toBe(
      'open until 2026-11-28T02:30:00Z',
    );
  });

  it('does not go on across a gap of a minute', () => {
    const evening = weekly({ days: [friday], start: '20:00', ends: forMinutes(239) });
    const night = weekly({ days: [saturday], start: '00:00', ends: forMinutes(120) });
    expect(said([evening, night], '2026-11-27T23:00:00Z')).toBe('open until 2026-11-27T23:59:00Z');
  });

  it('that is a week long never closes within days', () => {
    const week = open([weekly({ days: [monday], start: '00:00', ends: forMinutes(7 * 24 * 60) })]);
    for (let day = 1; day <= 14; day += 1) {
      const now = Date.UTC(2026, 10, day, 13);
      const view = viewWindows(week, notAsked, now);
      if (view.kind !== 'open') throw new Error(`closed on day ${day}`);
      expect(view.closesAt - now).toBeGreaterThan(weekMs);
    }
  });

  it('tells when it opens again after it has closed', () => {
    const nightly = [weekly({ days: [friday], start: '22:00' })];
    expect(viewWindows(open(nightly), notAsked, at('2026-11-27T23:00:00Z'))).toEqual({
      kind: 'open',
      closesAt: at('2026-11-28T02:00:00Z'),
      reopensAt: at('2026-12-04T22:00:00Z'),
    });
  });
});

describe('a monthly window', () => {
  const patchTuesday: Window = {
    kind: 'weekdaysOfMonth',
    days: [tuesday],
    weeks: ['second'],
    ...hours,
  };
  it('may be of a weekday: the second Tuesday, the first and the last Friday', () => {
    expect(openings(open([patchTuesday]), '2026-09-01T00:00:00Z', 4)).toEqual([
      '2026-09-08 01:00–2026-09-08 05:00',
      '2026-10-13 01:00–2026-10-13 05:00',
      '2026-11-10 01:00–2026-11-10 05:00',
      '2026-12-08 01:00–2026-12-08 05:00',
    ]);
    const fridays: Window = { ...patchTuesday, days: [friday], weeks: ['first', 'last'] };
    expect(openings(open([fridays]), '2027-01-01T00:00:00Z', 4)).toEqual([
      '2027-01-01 01:00–2027-01-01 05:00',
      '2027-01-29 01:00–2027-01-29 05:00',
      '2027-02-05 01:00–2027-02-05 05:00',
      '2027-02-26 01:00–2027-02-26 05:00',
    ]);
    // A month that ends with a Friday.
    expect(openings(open([fridays]), '2027-04-01T00:00:00Z', 2)).toEqual([
      '2027-04-02 01:00–2027-04-02 05:00',
      '2027-04-30 01:00–2027-04-30 05:00',
    ]);
  });

  it('may be of days of the month; a month without such a day is left out, its last day never', () => {
    const ends = (days: Kind<'daysOfMonth'>['days']) => {
      return open([{ kind: 'daysOfMonth', days, ...hours, start: '22:00' }]);
    };
    expect(openings(ends([31]), '2027-01-30T00:00:00Z', 3)).toEqual([
      '2027-01-31 22:00–2027-02-01 02:00',
      '2027-03-31 22:00–2027-04-01 02:00',
      '2027-05-31 22:00–2027-06-01 02:00',
    ]);
    expect(openings(ends(['last', 15]), '2028-01-30T00:00:00Z', 4)).toEqual([
      '2028-01-31 22:00–2028-02-01 02:00',
      '2028-02-15 22:00–2028-02-16 02:00',
      '2028-02-29 22:00–2028-03-01 02:00',
      '2028-03-15 22:00–2028-03-16 02:00',
    ]);
  });
});

describe('a window by cron', () => {
  const cron = (text: string, durationMinutes = 60, timeZone = 'UTC'): Window => {
    return { kind: 'cron', cron: text, durationMinutes, timeZone };
  };

  it('opens when cron would start, for as long as it says', () => {
    const nights = [cron('0 22 * * fri', 240)];
    expect(said(nights, '2026-11-27T21:59:59Z')).toBe('closed until 2026-11-27T22:00:00Z');
    expect(said(nights, '2026-11-27T22:00:00Z')).toBe('open until 2026-11-28T02:00:00Z');
    expect(said(nights, '2026-11-28T01:59:59.999Z')).toBe('open until 2026-11-28T02:00:00Z');
    expect(said(nights, '2026-11-28T02:00:00Z')).toBe('closed until 2026-12-04T22:00:00Z');
  });

  it('that starts again before it ends goes on', () => {
    expect(said([cron('*/20 9-16 * * *', 30)], '2026-11-27T12:00:00Z')).toBe(
      'open until 2026-11-27T17:10:00Z',
    );
    const always = viewWindows(open([cron('* * * * *', 30)]), notAsked, 0);
    expect(always.kind === 'open' && always.closesAt).toBeGreaterThan(weekMs);
  });

  it('counts in its own zone, and opens on 29 February', () => {
    expect(said([cron('0 3 * * *', 60, 'Asia/Tokyo')], '2026-11-27T18:30:00Z')).toBe(
      'open until 2026-11-27T19:00:00Z',
    );
    expect(said([cron('0 0 29 2 *')], '2026-11-27T00:00:00Z')).toBe(
      'closed until 2028-02-29T00:00:00Z',
    );
  });

  it('that no day fits never opens', () => {
    expect(said([cron('0 0 31 2 *')], '2026-11-27T00:00:00Z')).toBe('closed for good');
    expect(openings(open([cron('0 0 31 2 *')]), '2026-11-27T00:00:00Z', 3)).toEqual([]);
  });
});

describe('excluded dates', () => {
  const dates = (from: string, to = from, timeZone = 'UTC'): ExcludedDates => {
    return { from, to, timeZone };
  };
  const nightly = weekly({ start: '22:00', ends: forMinutes(360) });

  it('let nothing open that starts on them, and close what reaches into them', () => {
    const freeze = open([nightly], [dates('2026-12-24', '2026-12-26')]);
    expect(openings(freeze, '2026-12-22T12:00:00Z', 3)).toEqual([
      '2026-12-22 22:00–2026-12-23 04:00',
      '2026-12-23 22:00–2026-12-24 00:00',
      // The night from the 26th to the 27th belongs to the 26th.
      '2026-12-27 22:00–2026-12-28 04:00',
    ]);
    expect(said(freeze, '2026-12-25T23:00:00Z')).toBe('closed until 2026-12-27T22:00:00Z');
  });

  it('are days of their own zone', () => {
    const freeze = open([weekly()], [dates('2026-12-24', '2026-12-24', 'Pacific/Auckland')]);
    // That day is from 23 December 11:00 to 24 December 11:00 in UTC.
    expect(said(freeze, '2026-12-23T02:00:00Z')).toBe('open until 2026-12-23T05:00:00Z');
    expect(said(freeze, '2026-12-24T02:00:00Z')).toBe('closed until 2026-12-25T01:00:00Z');
  });

  it('may come every year, across its end too', () => {
    const freeze = open([nightly], [dates('12-24', '01-02'), dates('07-04')]);
    expect(said(freeze, '2027-12-31T23:00:00Z')).toBe('closed until 2028-01-03T22:00:00Z');
    expect(said(freeze, '2027-07-04T23:00:00Z')).toBe('closed until 2027-07-05T22:00:00Z');
    expect(said(freeze, '2027-12-23T23:00:00Z')).toBe('open until 2027-12-24T00:00:00Z');
  });

  it('close what is always open otherwise', () => {
    const freeze = open([], [dates('2026-12-24', '2026-12-26'), dates('2026-12-27')]);
    expect(viewWindows(freeze, notAsked, at('2026-12-01T00:00:00Z'))).toEqual({
      kind: 'open',
      closesAt: at('2026-12-24T00:00:00Z'),
      reopensAt: at('2026-12-28T00:00:00Z'),
    });
    expect(said(freeze, '2026-12-25T00:00:00Z')).toBe('closed until 2026-12-28T00:00:00Z');
    expect(said(freeze, '2026-12-28T00:00:00Z')).toBe('open for good');
  });

  it('that leave nothing over close for good, without ado', () => {
    const minutely: Window = {
      kind: 'cron',
      cron: '* * * * *',
      durationMinutes: 30,
      timeZone: 'UTC',
    };
    for (const windows of [[], [nightly], [minutely]]) {
      expect(said(open(windows, [dates('01-01', '12-31')]), '2026-11-27T00:00:00Z')).toBe(
        'closed for good',
      );
    }
  });
});

describe("the cluster's own maintenance schedule", () => {
  const aks: OpenHours = open([{ kind: 'aks' }]);
  const schedule = (over: Partial<MaintenanceSchedule>): Maintenance =>
    known({
      recurrence: { kind: 'daily', intervalDays: 1 },
      startDate: undefined,
      startTime: '00:00',
      utcOffset: '+00:00',
      durationHours: 4,
      notAllowedDates: [],
      ...over,
    });
  const next = (over: Partial<MaintenanceSchedule>, now: string, count = 3) =>
    openings(aks, now, count, schedule(over)).map((text) => text.slice(0, 16));

  it.each<[string, Partial<MaintenanceSchedule>, string[]]>([
    [
      'every day',
      { recurrence: { kind: 'daily', intervalDays: 1 } },
      ['2026-04-01 00:00', '2026-04-02 00:00', '2026-04-03 00:00'],
    ],
    [
      'every third day from its start date on',
      { recurrence: { kind: 'daily', intervalDays: 3 }, startDate: '2026-03-30' },
      ['2026-04-02 00:00', '2026-04-05 00:00', '2026-04-08 00:00'],
    ],
    [
      'every Wednesday',
      { recurrence: { kind: 'weekly', intervalWeeks: 1, dayOfWeek: wednesday } },
      ['2026-04-01 00:00', '2026-04-08 00:00', '2026-04-15 00:00'],
    ],
    [
      // As seen by people: https://github.com/Azure/AKS/issues/5720
      'every second Sunday, whose start date is a Tuesday',
      {
        recurrence: { kind: 'weekly', intervalWeeks: 2, dayOfWeek: sunday },
        startDate: '2026-04-14',
      },
      ['2026-04-26 00:00', '2026-05-10 00:00', '2026-05-24 00:00'],
    ],
    [
      'every fourth Friday, whose start date is before it in its week',
      {
        recurrence: { kind: 'weekly', intervalWeeks: 4, dayOfWeek: friday },
        startDate: '2026-04-14',
      },
      ['2026-04-17 00:00', '2026-05-15 00:00', '2026-06-12 00:00'],
    ],
    [
      'every month on its 31st, which not each has',
      { recurrence: { kind: 'absoluteMonthly', intervalMonths: 1, dayOfMonth: 31 } },
      ['2026-05-31 00:00', '2026-07-31 00:00', '2026-08-31 00:00'],
    ],
    [
      'every third month on the 20th',
      {
        recurrence: { kind: 'absoluteMonthly', intervalMonths: 3, dayOfMonth: 20 },
        startDate: '2026-02-20',
      },
      ['2026-05-20 00:00', '2026-08-20 00:00', '2026-11-20 00:00'],
    ],
    [
      'every month on the last Friday',
      {
        recurrence: {
          kind: 'relativeMonthly',
          intervalMonths: 1,
          week: 'last',
          dayOfWeek: friday,
        },
      },
      ['2026-04-24 00:00', '2026-05-29 00:00', '2026-06-26 00:00'],
    ],
    [
      'every second month on the first Monday',
      {
        recurrence: {
          kind: 'relativeMonthly',
          intervalMonths: 2,
          week: 'first',
          dayOfWeek: monday,
        },
        startDate: '2026-01-01',
      },
      ['2026-05-04 00:00', '2026-07-06 00:00', '2026-09-07 00:00'],
    ],
  ])('opens %s', (_says, over, expected) => {
    expect(next(over, '2026-04-01T00:00:00Z')).toEqual(expected);
  });

  it('is at its offset, and lasts for its hours', () => {
    const evenings = schedule({ startTime: '22:00', utcOffset: '-07:00', durationHours: 8 });
    expect(openings(aks, '2026-04-01T00:00:00Z', 2, evenings)).toEqual([
      '2026-04-01 05:00–2026-04-01 13:00',
      '2026-04-02 05:00–2026-04-02 13:00',
    ]);
  });

  it('does not open before its start date', () => {
    expect(next({ startDate: '2026-06-01' }, '2026-04-01T00:00:00Z', 1)).toEqual([
      '2026-06-01 00:00',
    ]);
  });

  it('is closed on its not allowed dates, which are days at its offset', () => {
    // AKS's own example: blocked from 2022-12-22 22:00 to 2023-01-03 22:00 in UTC.
    const over = {
      utcOffset: '+02:00',
      startTime: '20:00',
      durationHours: 8,
      notAllowedDates: [{ start: '2022-12-23', end: '2023-01-03' }],
    };
    expect(openings(aks, '2022-12-21T12:00:00Z', 3, schedule(over))).toEqual([
      '2022-12-21 18:00–2022-12-22 02:00',
      '2022-12-22 18:00–2022-12-22 22:00',
      '2023-01-04 18:00–2023-01-05 02:00',
    ]);
  });

  it('is closed on our excluded dates too', () => {
    const freeze = {
      ...aks,
      excludedDates: [{ from: '2026-04-01', to: '2026-04-30', timeZone: 'UTC' }],
    };
    expect(said(freeze, '2026-04-10T01:00:00Z', schedule({}))).toBe(
      'closed until 2026-05-01T00:00:00Z',
    );
  });

  it.each<[string, Maintenance, RegExp]>([
    ['it can not be read', { kind: 'unknown', value: 'forbidden' }, /^forbidden$/u],
    [
      'it has an interval and nothing to count from',
      schedule({ recurrence: { kind: 'daily', intervalDays: 2 } }),
      /every 2 days and has no startDate/u,
    ],
    [
      'nobody knows from which month it counts',
      schedule({
        recurrence: { kind: 'absoluteMonthly', intervalMonths: 2, dayOfMonth: 15 },
        startDate: '2026-01-20',
      }),
      /every 2 months, .* startDate 2026-01-20/u,
    ],
  ])('is closed, and says why, when %s', (_says, maintenance, why) => {
    const view = viewWindows(open([{ kind: 'aks' }]), maintenance, at('2026-04-01T01:00:00Z'));
    expect(view).toEqual({
      kind: 'closed',
      opensAt: undefined,
      why: expect.stringMatching(why) as string,
    });
    // What the settings themselves say still counts.
    const both = open([{ kind: 'aks' }, weekly()]);
    expect(said(both, '2026-04-01T00:30:00Z', maintenance)).toBe(
      'closed until 2026-04-01T01:00:00Z',
    );
    expect(said(both, '2026-04-01T01:00:00Z', maintenance)).toBe('open until 2026-04-01T05:00:00Z');
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
    const windows = [weekly({ start, ends: forMinutes(60), timeZone })];
    const before = new Date(at(opens) - 1).toISOString();
    expect(said(windows, before)).toBe(`closed until ${opens}`);
    const closes = new Date(at(opens) + 60 * minuteMs).toISOString().replace('.000', '');
    expect(said(windows, opens)).toBe(`open until ${closes}`);
  });

  it.each([
    // Cron starts it with the first moment after the gap.
    ['Europe/Berlin', '30 2 * * *', '2026-03-29T01:00:00Z'],
    ['America/New_York', '30 2 * * *', '2026-03-08T07:00:00Z'],
    ['Australia/Lord_Howe', '15 2 * * *', '2026-10-03T15:30:00Z'],
  ])('a start by cron that %s skips is moved to the end of the gap', (timeZone, cron, opens) => {
    const windows: Window[] = [{ kind: 'cron', cron, durationMinutes: 60, timeZone }];
    expect(said(windows, new Date(at(opens) - 1).toISOString())).toBe(`closed until ${opens}`);
    expect(said(windows, opens)).toBe(`open until ${utc(at(opens) + 60 * minuteMs)}`);
  });

  it.each([
    ['Europe/Berlin', '02:30', '2026-10-25T00:30:00Z', '2026-10-25T01:30:00Z'],
    ['America/New_York', '01:30', '2026-11-01T05:30:00Z', '2026-11-01T06:30:00Z'],
    ['Australia/Lord_Howe', '01:45', '2026-04-04T14:45:00Z', '2026-04-04T15:15:00Z'],
  ])('a start that %s repeats counts once, the first time', (timeZone, start, first, second) => {
    const [hour = '', minute = ''] = start.split(':');
    const cron = `${Number(minute)} ${Number(hour)} * * *`;
    for (const window of [
      weekly({ start, ends: forMinutes(30), timeZone }),
      { kind: 'cron', cron, durationMinutes: 30, timeZone } as const,
    ]) {
      const windows = open([window]);
      const look = (now: number) => viewWindows(windows, notAsked, now);
      expect(look(at(first) - 1)).toEqual({ kind: 'closed', opensAt: at(first) });
      expect(look(at(first)).kind).toBe('open');
      expect(look(at(second)).kind).toBe('closed');
    }
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
  ])('a length in %s is real time, and an end is by the clock', (timeZone, spring, autumn) => {
    for (const opens of [spring, autumn]) {
      const evening = { start: '22:00', timeZone };
      const closesAt = (ends: Kind<'weekly'>['ends']) => {
        const view = viewWindows(open([weekly({ ...evening, ends })]), notAsked, at(opens));
        return view.kind === 'open' ? view.closesAt : undefined;
      };
      expect(closesAt(forMinutes(360))).toBe(at(opens) + 360 * minuteMs);
      const four = Temporal.ZonedDateTime.from(opens).add({ days: 1 }).with({ hour: 4 });
      expect(closesAt(until('04:00'))).toBe(four.epochMilliseconds);
      expect(closesAt(until('04:00'))).not.toBe(at(opens) + 360 * minuteMs);
    }
  });

  it('a window that the change leaves nothing of does not open', () => {
    const gone = [weekly({ start: '02:30', ends: until('03:00'), timeZone: 'Europe/Berlin' })];
    expect(said(gone, '2026-03-29T00:00:00Z')).toBe('closed until 2026-03-30T00:30:00Z');
  });
});

const zones = fc.constantFrom(
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Australia/Lord_Howe',
  'Asia/Kathmandu',
  'Pacific/Kiritimati',
  'Africa/Cairo',
);
const offsets = fc.constantFrom('+00:00', '+05:30', '-07:00', '+14:00');
const time = fc
  .tuple(fc.nat({ max: 23 }), fc.nat({ max: 59 }))
  .map(([hour, minute]) => [hour, minute].map((n) => String(n).padStart(2, '0')).join(':'));
const days = fc.uniqueArray(fc.integer({ min: 1, max: 7 }), { minLength: 1 });
const weeks = fc.constantFrom('first', 'second', 'third', 'fourth', 'last');
const minutes = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 30, max: 24 * 60 }) },
  { weight: 1, arbitrary: fc.integer({ min: 24 * 60, max: 7 * 24 * 60 }) },
);
const anyHours = fc.record({
  start: time,
  ends: fc.oneof(minutes.map(forMinutes), time.map(until)),
  timeZone: zones,
});
const anyDays = fc.oneof(
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('weekly'), days }) },
  fc.record({
    kind: fc.constant('weekdaysOfMonth'),
    days,
    weeks: fc.uniqueArray(weeks, { minLength: 1 }),
  }),
  fc.record({
    kind: fc.constant('daysOfMonth'),
    days: fc.uniqueArray(fc.oneof(fc.integer({ min: 1, max: 31 }), fc.constant('last')), {
      minLength: 1,
      maxLength: 4,
    }),
  }),
);
const anyWindow: fc.Arbitrary<Window> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.tuple(anyDays, anyHours).map(([some, hours]): Window => ({ ...some, ...hours })),
  },
  fc.record({
    kind: fc.constant('cron'),
    cron: fc.constantFrom('0 22 * * *', '30 2 * * sun', '*/30 1-4 * * 1-5', '15 3 1,15 * *'),
    durationMinutes: minutes,
    timeZone: zones,
  }),
  fc.constant({ kind: 'aks' as const }),
);
const day = fc
  .integer({ min: 0, max: 1460 })
  .map((n) => Temporal.PlainDate.from('2025-01-01').add({ days: n }).toString());
const anyRange = fc.oneof(
  fc.tuple(day, fc.nat({ max: 20 }), zones).map(([from, length, timeZone]) => {
    return { from, to: Temporal.PlainDate.from(from).add({ days: length }).toString(), timeZone };
  }),
  fc.record({ from: fc.constant('12-24'), to: fc.constant('01-02'), timeZone: zones }),
);
const anyOpenHours: fc.Arbitrary<OpenHours> = fc.record({
  windows: fc.array(anyWindow, { maxLength: 3 }),
  excludedDates: fc.array(anyRange, { maxLength: 3 }),
});
const anyMaintenance: fc.Arbitrary<Maintenance> = fc.oneof(
  fc.constant(notAsked),
  fc
    .record<MaintenanceSchedule>({
      recurrence: fc.oneof(
        fc.record({ kind: fc.constant('daily'), intervalDays: fc.integer({ min: 1, max: 7 }) }),
        fc.record({
          kind: fc.constant('weekly'),
          intervalWeeks: fc.integer({ min: 1, max: 4 }),
          dayOfWeek: fc.integer({ min: 1, max: 7 }),
        }),
        fc.record({
          kind: fc.constant('absoluteMonthly'),
          intervalMonths: fc.integer({ min: 1, max: 6 }),
          dayOfMonth: fc.integer({ min: 1, max: 31 }),
        }),
        fc.record({
          kind: fc.constant('relativeMonthly'),
          intervalMonths: fc.integer({ min: 1, max: 6 }),
          week: weeks,
          dayOfWeek: fc.integer({ min: 1, max: 7 }),
        }),
      ),
      startDate: fc.option(day, { nil: undefined }),
      startTime: time,
      utcOffset: offsets,
      durationHours: fc.integer({ min: 4, max: 24 }),
      notAllowedDates: fc.array(
        fc.tuple(day, day).map(([start, end]) => ({ start, end })),
        { maxLength: 2 },
      ),
    })
    .map(known),
);
const instant = fc.integer({ min: Date.UTC(2025, 0, 1), max: Date.UTC(2029, 0, 1) });
/** Each looks years ahead where nothing opens. */
const fewer = { numRuns: 40 };
const fraction = fc.double({ min: 0, max: 1, noNaN: true });

describe('any hours at any moment', () => {
  it('are closed until they open, and name no earlier or later moment', () => {
    fc.assert(
      fc.property(anyOpenHours, anyMaintenance, instant, fraction, (hours, aks, now, f) => {
        const view = viewWindows(hours, aks, now);
        fc.pre(view.kind === 'closed');
        const opensAt = view.opensAt ?? now + 90 * dayMs;
        expect(opensAt).toBeGreaterThan(now);
        expect(viewWindows(hours, aks, opensAt - 1)).toEqual(view);
        const then = view.opensAt === undefined ? 'closed' : 'open';
        expect(viewWindows(hours, aks, opensAt).kind).toBe(then);
        const between = now + Math.floor((opensAt - 1 - now) * f);
        expect(viewWindows(hours, aks, between)).toEqual(view);
      }),
      fewer,
    );
  });

  it('are open until the moment they name, closed then if it is within a week, and reopen', () => {
    fc.assert(
      fc.property(anyOpenHours, anyMaintenance, instant, fraction, (hours, aks, now, f) => {
        const view = viewWindows(hours, aks, now);
        fc.pre(view.kind === 'open');
        const closesAt = Math.min(view.closesAt, now + 400 * dayMs);
        expect(closesAt).toBeGreaterThan(now);
        expect(viewWindows(hours, aks, closesAt - 1).kind).toBe('open');
        const between = now + Math.floor((closesAt - 1 - now) * f);
        expect(viewWindows(hours, aks, between).kind).toBe('open');
        if (view.closesAt - now >= weekMs) return;
        expect(viewWindows(hours, aks, closesAt)).toEqual({
          kind: 'closed',
          opensAt: view.reopensAt,
          ...whyOf(viewWindows(hours, aks, closesAt)),
        });
      }),
      fewer,
    );
  });

  it('are open exactly while one of their windows is', () => {
    fc.assert(
      fc.property(anyOpenHours, anyMaintenance, instant, (hours, aks, now) => {
        fc.pre(hours.windows.length > 0);
        const one = hours.windows.some(
          (window) => viewWindows({ ...hours, windows: [window] }, aks, now).kind === 'open',
        );
        expect(viewWindows(hours, aks, now).kind).toBe(one ? 'open' : 'closed');
      }),
    );
  });

  it('are never open on an excluded date', () => {
    fc.assert(
      fc.property(anyOpenHours, anyMaintenance, instant, (hours, aks, now) => {
        const excluded = hours.excludedDates.some(({ from, to, timeZone }) => {
          const here = Temporal.Instant.fromEpochMilliseconds(now).toZonedDateTimeISO(timeZone);
          const date = here.toPlainDate().toString();
          const each = date.slice(5);
          return from.length === 5 ? each >= from || each <= to : date >= from && date <= to;
        });
        fc.pre(excluded);
        expect(viewWindows(hours, aks, now).kind).toBe('closed');
      }),
    );
  });
});

function whyOf(view: ReturnType<typeof viewWindows>) {
  return view.kind === 'closed' && view.why !== undefined ? { why: view.why } : {};
}

/**
 * Schedules and timer triggers. Sources: atifaziz/NCrontab (CrontabFieldImpl, CrontabSchedule) for
 * the grammar; Azure/azure-webjobs-sdk-extensions (TimerListener.cs, ScheduleMonitor.cs) for what
 * is run when.
 */
import { join } from 'node:path';
import { app, type Timer, type TimerFunctionOptions } from '@azure/functions';
import { readSchedule } from '../../local/host/schedule.ts';
import { virtualClock } from '../../local/clock.ts';
import { directory, hourMs, midnight, minuteMs, rig, type Rig } from './harness.ts';

describe('a schedule', () => {
  const from = Date.UTC(2026, 0, 1, 10, 30, 15); // a Thursday
  it.each([
    ['0 */5 * * * *', '2026-01-01T10:35:00.000Z'],
    ['*/5 * * * *', '2026-01-01T10:35:00.000Z'],
    ['15 30 10 * * *', '2026-01-02T10:30:15.000Z'],
    ['0 0 9-17/4 * * mon-fri', '2026-01-01T13:00:00.000Z'],
    ['0 10/20 * * * *', '2026-01-01T10:50:00.000Z'],
    ['0 0 0 * J 0', '2026-01-04T00:00:00.000Z'],
    ['0 0 0 31 * *', '2026-01-31T00:00:00.000Z'],
    ['0 0 0 31 apr,december *', '2026-12-31T00:00:00.000Z'],
    // Day of month AND day of week: a Friday the 13th.
    ['0 0 0 13 * fri', '2026-02-13T00:00:00.000Z'],
    ['01:30:00', '2026-01-01T12:00:15.000Z'],
    ['1.00:00:00', '2026-01-02T10:30:15.000Z'],
  ])('%s comes next at %s', (expression, next) => {
    const found = readSchedule('f', expression).next(from);
    expect(found === undefined ? 'never' : new Date(found).toISOString()).toBe(next);
  });

  it('that cannot be, never comes', () => {
    expect(readSchedule('f', '0 0 0 31 2 *').next(from)).toBeUndefined();
  });

  it.each([
    '0 0 * * 7',
    '0 0 ? * *',
    '0 0 L * *',
    '0 0 * * 1#2',
    '@daily',
    '* * * *',
    '60 * * * *',
  ])('%s is refused, naming function and expression', (expression) => {
    expect(() => readSchedule('nightly', expression)).toThrow(
      `Function 'nightly': schedule '${expression}':`,
    );
  });
});

describe('a timer trigger', () => {
  let open: Rig;
  const runs: { at: string; timer: Timer }[] = [];
  afterEach(() => open.stop());

  async function host(
    options: Omit<TimerFunctionOptions, 'handler'>,
    store: string,
    instant: number,
  ): Promise<void> {
    runs.length = 0;
    const clock = virtualClock(instant);
    open = await rig(
      () =>
        app.timer('tick', {
          ...options,
          handler: (timer) => {
            runs.push({ at: new Date(clock.now()).toISOString(), timer });
          },
        }),
      { store, clock, timers: true, settings: { WHEN: '0 0 * * * *' } },
    );
    // The clock of the rig is another one: stop this one with the host.
    const { stop } = open;
    open = {
      ...open,
      async stop() {
        await stop();
        clock.stop();
      },
    };
  }

  const ran = async (times: number) => {
    while (runs.length < times) await new Promise((resolve) => setImmediate(resolve));
    return runs.slice(0, times);
  };

  it('runs on schedule, and once for all that was missed', async () => {
    const store = join(directory(), 'store.db');
    await host({ schedule: '%WHEN%' }, store, midnight + minuteMs);
    expect(await ran(2)).toEqual([
      {
        at: '2026-01-01T01:00:00.000Z',
        timer: {
          schedule: { adjustForDST: true },
          scheduleStatus: {
            last: '0001-01-01T00:00:00+00:00',
            next: '2026-01-01T01:00:00.000+00:00',
            lastUpdated: '0001-01-01T00:00:00+00:00',
          },
          isPastDue: false,
        },
      },
      {
        at: '2026-01-01T02:00:00.000Z',
        timer: expect.objectContaining({
          scheduleStatus: expect.objectContaining({
            last: '2026-01-01T01:00:00.000+00:00',
            next: '2026-01-01T02:00:00.000+00:00',
          }) as object,
        }) as Timer,
      },
    ]);
    await open.stop();
    await host({ schedule: '%WHEN%' }, store, midnight + 240 * hourMs + minuteMs);
    expect((await ran(2)).map(({ at, timer }) => [at, timer.isPastDue])).toEqual([
      ['2026-01-11T00:01:00.000Z', true],
      ['2026-01-11T01:00:00.000Z', false],
    ]);
  });

  it('does not catch up on a schedule that was changed since', async () => {
    const store = join(directory(), 'store.db');
    await host({ schedule: '%WHEN%' }, store, midnight);
    await ran(1);
    await open.stop();
    await host({ schedule: '0 30 * * * *' }, store, midnight + 240 * hourMs + minuteMs);
    expect((await ran(1)).map(({ at }) => at)).toEqual(['2026-01-11T00:30:00.000Z']);
  });

  it('runs on start-up when told so, and keeps no status when finer than a minute', async () => {
    await host({ schedule: '*/20 * * * * *', runOnStartup: true }, ':memory:', midnight);
    expect((await ran(3)).map(({ at, timer }) => [at, timer.scheduleStatus])).toEqual([
      ['2026-01-01T00:00:00.000Z', null],
      ['2026-01-01T00:00:20.000Z', null],
      ['2026-01-01T00:00:40.000Z', null],
    ]);
  });

  it('can be run out of turn by who has the master key', async () => {
    await host({ schedule: '0 0 0 1 1 *' }, ':memory:', midnight + minuteMs);
    const call = async (key: string, name: string) =>
      (
        await open.host.fetch(
          new Request(`http://app.example/admin/functions/${name}?code=${key}`, { method: 'POST' }),
        )
      ).status;
    const { master } = open.host.keys;
    expect([await call('x', 'tick'), await call(master, 'no'), await call(master, 'TICK')]).toEqual(
      [401, 404, 202],
    );
    expect((await ran(1)).map(({ at }) => at)).toEqual(['2026-01-01T00:01:00.000Z']);
  });
});

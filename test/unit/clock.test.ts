import { setImmediate } from 'node:timers/promises';
import { sleepUntil, virtualClock } from '../../local/clock.ts';

const start = Date.UTC(2026, 0, 5);

/** What happened, and when, in seconds since the start. */
function diary(clock: { now(): number }) {
  const entries: string[] = [];
  return {
    entries,
    note: (text: string) => entries.push(`${(clock.now() - start) / 1000} ${text}`),
  };
}

describe('virtual time', () => {
  it('stands still for work, and passes while that sleeps', async () => {
    const clock = virtualClock(start);
    const { entries, note } = diary(clock);
    clock.at(start + 3000, () => note('event'));
    clock.at(start + 9000, () => note('late event'));
    await clock.work(async () => {
      for (let turn = 0; turn < 10; turn += 1) await setImmediate();
      note('worked');
      await clock.sleep(5000);
      note('woken');
      for (let turn = 0; turn < 10; turn += 1) await setImmediate();
      note('worked again');
    });
    await sleepUntil(clock, start + 10_000);
    expect(entries).toEqual(['0 worked', '3 event', '5 woken', '5 worked again', '9 late event']);
  });

  it('waits for every work, however long another one sleeps', async () => {
    const clock = virtualClock(start);
    const { entries, note } = diary(clock);
    const asleep = clock.work(async () => {
      await clock.sleep(1000);
      note('woken');
    });
    await clock.work(async () => {
      for (let turn = 0; turn < 20; turn += 1) await setImmediate();
      note('worked');
    });
    await asleep;
    expect(entries).toEqual(['0 worked', '1 woken']);
  });

  it('passes while several branches of one work sleep, until the last one is awake', async () => {
    const clock = virtualClock(start);
    const { entries, note } = diary(clock);
    clock.at(start + 30_000, () => note('event'));
    await clock.work(async () => {
      await Promise.all([
        clock.sleep(1000).then(() => note('one')),
        clock.sleep(4000).then(() => note('four')),
      ]);
      for (let turn = 0; turn < 10; turn += 1) await setImmediate();
      note('worked');
    });
    expect(entries).toEqual(['1 one', '4 four', '4 worked']);
  });

  it('is slept through by what is no work as well', async () => {
    const clock = virtualClock(start);
    await clock.sleep(7000);
    expect(clock.now()).toBe(start + 7000);
  });
});

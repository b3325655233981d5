import type { Dice } from './dice.ts';

/** Instants around which clocks change somewhere, and quiet ones. */
export const starts = [
  '2026-01-05T22:00:00Z',
  '2026-03-28T21:00:00Z',
  '2026-03-29T00:10:00Z',
  '2026-10-24T22:00:00Z',
  '2026-04-04T13:00:00Z',
  '2026-06-30T23:30:00Z',
];
export const zones = ['UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe'];
export const everyDay = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;

export function drawWindow(dice: Dice) {
  const hour = String(dice.whole(0, 23)).padStart(2, '0');
  return {
    days: [...everyDay],
    start: `${hour}:${dice.one(['00', '30', '45'])}`,
    durationMinutes: dice.whole(2, 16) * 60,
    timeZone: dice.one(zones),
  };
}

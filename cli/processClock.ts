import { compressedClock, systemClock } from '../local/clock.ts';
import type { Clock } from '../local/clock.ts';
import { BadInput } from './badInput.ts';

/**
 * The clock of this process: the system's, or that of a simulated Azure standing alone, which says
 * in `AKS_REBOOT_CLOCK` how fast it goes: `<speed>@<wall ms>/<shown ms>`. Given the same text,
 * processes show the same time, however often they are killed.
 */
export function processClock(): Clock {
  const text = process.env['AKS_REBOOT_CLOCK'];
  if (text === undefined) return systemClock();
  const [, speed, wall, shown] = /^([0-9.]+)@([0-9]+)\/([0-9]+)$/u.exec(text) ?? [];
  if (Number(speed) > 0) {
    return compressedClock(Number(speed), { wall: Number(wall), shown: Number(shown) });
  }
  throw new BadInput(`AKS_REBOOT_CLOCK is "${text}", expected <speed>@<wall ms>/<shown ms>`);
}

/** The text by which other processes find the same clock. */
export function clockText(speed: number, anchor: { wall: number; shown: number }): string {
  return `${speed}@${anchor.wall}/${anchor.shown}`;
}

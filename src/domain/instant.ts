import { Temporal } from 'temporal-polyfill';
import * as z from 'zod';

/** An instant in UTC as it is stored: of nanoseconds at most, which is what `epochMs` can read. */
export const instantSchema = z.iso.datetime().max('2026-11-23T00:00:00.123456789Z'.length);

/** An ISO 8601 instant as epoch milliseconds. Throws `RangeError` on anything else. */
export function epochMs(instant: string): number {
  return Temporal.Instant.from(instant).epochMilliseconds;
}

/** Epoch milliseconds as ISO 8601 in UTC with milliseconds, as `Date.toISOString` writes it. */
export function isoInstant(epoch: number): string {
  return Temporal.Instant.fromEpochMilliseconds(epoch).toString({ smallestUnit: 'millisecond' });
}

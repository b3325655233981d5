import type { Reason } from '../../domain/reason.ts';
import type { Scene } from '../gate.ts';

/** Gates that other clusters close. */

const manyReasons = 3;

/** An earlier ring of clusters gave cause to begin nothing in this one. */
export function ring(_sight: unknown, { ringHeld }: Pick<Scene, 'ringHeld'>): Reason | undefined {
  if (ringHeld.length === 0) return undefined;
  const told = ringHeld.slice(0, manyReasons).map(({ value }) => value);
  const more = ringHeld.length - told.length;
  return { kind: 'ring', value: [...told, ...(more > 0 ? [`and ${more} more`] : [])].join('; ') };
}

import type { Reason } from '../../domain/reason.ts';
import type { Scene, Sight } from '../gate.ts';

/** Gates that other clusters close. */

const manyReasons = 3;

/** An earlier ring of clusters gave cause to begin nothing in this one. */
export function ring(_sight: unknown, { ringHeld }: Pick<Scene, 'ringHeld'>): Reason | undefined {
  if (ringHeld.length === 0) return undefined;
  const told = ringHeld.slice(0, manyReasons).map(({ value }) => value);
  const more = ringHeld.length - told.length;
  return { kind: 'ring', value: [...told, ...(more > 0 ? [`and ${more} more`] : [])].join('; ') };
}

/** As many nodes of the fleet are out of service as may be. */
export function fleet(
  { node }: { node: Pick<Sight['node'], 'name'> },
  { fleet }: Pick<Scene, 'fleet'>,
): Reason | undefined {
  if (fleet === undefined) return undefined;
  const others = fleet.out.filter((one) => one.node !== node.name || one.cluster !== fleet.cluster);
  if (others.length < fleet.limit) return undefined;
  const names = others.map((one) => `${one.cluster}/${one.node}`);
  const more = names.length - manyReasons;
  const told = [...names.slice(0, manyReasons), ...(more > 0 ? [`and ${more} more`] : [])];
  const value = `out of service in the fleet: ${told.join(', ')} (${fleet.limit} may be)`;
  return { kind: 'fleet', value };
}

/** A node that is out of service, or has a place in the fleet. */
export interface Placed {
  cluster: string;
  node: string;
}

/** What is known of the places in the fleet, one's own lane left out. */
export interface Places {
  /** Nodes of all clusters that may be out of service at once. */
  limit: number;
  /** Places of lanes that are at work. */
  seated: readonly Placed[];
  /** Nodes that are out of service, as the documents count them. */
  out: readonly Placed[];
}

export type RoomInFleet =
  /** The lock may be asked for one of so many places. */
  | { kind: 'seat'; limit: number }
  /** Lanes have the places, and will give them back. */
  | { kind: 'taken' }
  /** Nodes that no lane works on have them all: those out of service whose place was lost. */
  | { kind: 'strays'; strays: readonly Placed[] };

/**
 * Whether there is room in the fleet for one more node. A node that is out of service without a
 * place takes one off what the lock may give. Pure.
 */
export function roomInFleet({ limit, seated, out }: Places): RoomInFleet {
  const strays = out.filter((one) => !seated.some((other) => same(one, other)));
  const left = limit - strays.length;
  if (left > seated.length) return { kind: 'seat', limit: left };
  return seated.length > 0 ? { kind: 'taken' } : { kind: 'strays', strays };
}

function same(a: Placed, b: Placed): boolean {
  return a.cluster === b.cluster && a.node === b.node;
}

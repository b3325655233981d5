import { lockEntityName, fleetScope } from '../lock/entity.ts';
import { parseLock } from '../lock/lock.ts';
import type { Slot } from '../lock/lock.ts';
import { unlimitedFleet } from '../policy/order.ts';
import type { FleetView } from '../decide/gate.ts';
import { roomInFleet } from '../decide/room.ts';
import type { Placed } from '../decide/room.ts';
import { isLaneLost, isWorkedOn } from './liveness.ts';
import type { Desk, Site } from './scene.ts';

/**
 * The fleet's limit. The `fleet` lock gives places to lanes, so that two never take the last one at
 * once; a document for each node that is out of service counts what the lock has lost. The marks
 * rebuild the documents, each time a cluster is planned.
 */

const waitSeconds = 30;

/** Where a lane stands that wants a place in the fleet for its next node. */
export type Room =
  | { kind: 'unlimited' }
  /** It may ask the lock for one of so many places; those holders are found dead or stalled. */
  | { kind: 'seat'; limit: number; evict: string[] }
  /** Others have them, and will give them back. */
  | { kind: 'wait'; waitSeconds: number; detail: string }
  /** Nodes that nobody works on have them. */
  | { kind: 'full'; detail: string };

/** Whether there is room in the fleet for one more node of this lane. */
export async function findRoom(desk: Desk, site: Site, holder: string): Promise<Room> {
  const { fleetConcurrency: limit } = site.settings;
  if (limit >= unlimitedFleet) return { kind: 'unlimited' };
  const { slots } = parseLock(await desk.durable.entity(lockEntityName, fleetScope));
  const others = slots.filter((slot) => slot.holder !== holder);
  const lost: Slot[] = [];
  if (others.length >= limit) {
    for (const slot of others) if (await isLaneLost(desk, slot)) lost.push(slot);
  }
  const seated = others
    .filter((slot) => !lost.includes(slot))
    .map(({ cluster = '', node }) => ({ cluster, node }));
  const out = await desk.reports.outOfService();
  const names = new Set([...seated, ...out].map(({ cluster, node }) => `${cluster}/${node}`));
  const detail = `out of service in the fleet: ${[...names].join(', ')} (${limit} may be)`;
  const room = roomInFleet({ limit, seated, out });
  switch (room.kind) {
    case 'seat':
      return { ...room, evict: lost.map((slot) => slot.holder) };
    case 'taken':
      return { kind: 'wait', waitSeconds, detail };
    case 'strays':
      return (await anyWorkedOn(desk, site, room.strays))
        ? { kind: 'wait', waitSeconds, detail }
        : { kind: 'full', detail };
  }
}

/** A run that works on the cluster of such a node may just be recovering it. */
async function anyWorkedOn(desk: Desk, site: Site, strays: readonly Placed[]): Promise<boolean> {
  const elsewhere = new Set(strays.map(({ cluster }) => cluster));
  elsewhere.delete(site.cluster.key);
  for (const cluster of elsewhere) if (await isWorkedOn(desk, cluster)) return true;
  return false;
}

/** What the gate judges by; nothing when there is no limit. */
export async function readFleet(desk: Desk, site: Site): Promise<FleetView | undefined> {
  const { fleetConcurrency } = site.settings;
  if (fleetConcurrency >= unlimitedFleet) return undefined;
  const out = await desk.reports.outOfService();
  return { limit: fleetConcurrency, cluster: site.cluster.key, out };
}

/** Brings the documents of a cluster in line with the marks on its nodes. */
export async function countMarks(desk: Desk, cluster: string, marked: readonly string[]) {
  const known = (await desk.reports.outOfService(cluster)).map(({ node }) => node);
  for (const node of marked.filter((name) => !known.includes(name))) {
    await desk.reports.writeOutOfService({ cluster, node });
  }
  for (const node of known.filter((name) => !marked.includes(name))) {
    await desk.reports.removeOutOfService({ cluster, node });
  }
}

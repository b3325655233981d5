import { epochMs } from '../domain/instant.ts';
import { readMark } from '../domain/mark.ts';
import type { Mark } from '../domain/mark.ts';
import type { NodeView } from '../domain/node.ts';
import { instanceIds } from '../domain/run.ts';
import { lockEntityName } from '../lock/entity.ts';
import { highestFloor, parseLock } from '../lock/lock.ts';
import type { Slot } from '../lock/lock.ts';
import { isUnderWay } from '../ports.ts';
import type { MarkedNode, StepInput, StepOutputs } from '../steps.ts';
import { connect, openSite, sleepReasons } from './scene.ts';
import type { Desk, Site } from './scene.ts';

/** Who is alive: the holders of the lock, and the runs whose marks are on nodes. */

/**
 * A holder is stalled when nothing of it has moved for longer than anything it could be waiting
 * for: a Retry-After of Compute (20 minutes in its documentation), a soak, a boot deadline are all
 * told in between.
 */
const stalledAfterMinutes = 180;

/** Finds the marks, whose they are, and the highest fencing number on them. */
export async function readMarks(
  desk: Desk,
  { run, cluster }: StepInput<'readMarks'>,
): Promise<StepOutputs['readMarks']> {
  const site = await openSite(desk, cluster);
  const asleep = await sleepReasons(desk, site);
  if (asleep.length > 0) return { kind: 'refused', reasons: asleep };
  const kubernetes = await connect(desk, site);
  const takeOver = (await desk.reports.run(run))?.request.takeOver !== undefined;
  const marks: MarkedNode[] = [];
  for (const node of await kubernetes.nodes()) {
    const found = await whoseMark(desk, site, node, takeOver);
    if (found.kind === 'none') continue;
    const { fence } = found;
    marks.push({ node: node.name, fence, whose: found.kind });
  }
  return { kind: 'marks', floor: Math.max(0, ...marks.map(({ fence }) => fence)), marks };
}

export type WhoseMark =
  | { kind: 'none' }
  /** Another controller's, or unreadable: left alone. */
  | { kind: 'foreign'; fence: number; value: string }
  /** Ours, and its run works on the node; or that run is dead. */
  | { kind: 'live' | 'dead'; fence: number; run: string };

/**
 * Whose mark is on a node, if any.
 *
 * @param takeOver whether a person takes over what is not ours
 */
export async function whoseMark(
  desk: Desk,
  { settings, cluster }: Site,
  { name, annotations }: NodeView,
  takeOver: boolean,
): Promise<WhoseMark> {
  const found = readMark(annotations);
  if (found.kind === 'none') return found;
  if (found.kind === 'unreadable') {
    return { kind: 'foreign', fence: 0, value: 'its mark is not one that we can read' };
  }
  const { controller, run, fence } = found.value;
  if (fence > highestFloor) {
    return { kind: 'foreign', fence: 0, value: `its mark has an absurd fencing number, ${fence}` };
  }
  if (controller !== settings.controller && !takeOver) {
    return {
      kind: 'foreign',
      fence,
      value: `its mark is controller "${controller}"'s, run ${run}`,
    };
  }
  return { kind: await stateOfRun(desk, cluster.key, name, found.value), fence, run };
}

/** A mark's run lives while the orchestration that works on the node does, and gets on. */
async function stateOfRun(desk: Desk, cluster: string, node: string, mark: Mark) {
  for (const purpose of ['reboot', 'recover'] as const) {
    const id = instanceIds.node(mark.run, cluster, node, purpose);
    if (await isAlive(desk, id)) {
      return (await isStalled(desk, cluster, mark.fence)) ? 'dead' : 'live';
    }
  }
  return 'dead';
}

async function isAlive(desk: Desk, instanceId: string): Promise<boolean> {
  return isUnderWay(await desk.durable.status(instanceId));
}

/** A mark whose slot the lock does not know: the slot was taken from a holder that stood still. */
async function isStalled(desk: Desk, cluster: string, fence: number): Promise<boolean> {
  const lock = parseLock(await desk.durable.entity(lockEntityName, cluster));
  const slot = lock.slots.find((candidate) => candidate.fence === fence);
  return slot === undefined || isOld(desk, slot.progressAt);
}

function isOld(desk: Desk, instant: string): boolean {
  return desk.clock.now() - epochMs(instant) > stalledAfterMinutes * 60_000;
}

/**
 * Whether the lane that has a place in the fleet is dead or stalled: it tells how it gets on to its
 * own cluster's lock.
 */
export async function isLaneLost(desk: Desk, { holder, cluster, since }: Slot): Promise<boolean> {
  if (!(await isAlive(desk, holder)) || cluster === undefined) return true;
  const { slots } = parseLock(await desk.durable.entity(lockEntityName, cluster));
  const own = slots.find((slot) => slot.holder === holder);
  return isOld(desk, own?.progressAt ?? since);
}

/** Whether a run is at work on a cluster, and gets on. */
export async function isWorkedOn(desk: Desk, cluster: string): Promise<boolean> {
  const { owner } = parseLock(await desk.durable.entity(lockEntityName, cluster));
  return owner !== undefined && !isOld(desk, owner.progressAt) && isAlive(desk, owner.holder);
}

/** Which of the lock's holders are dead or stalled; with them go the slots of their lanes. */
export async function findLost(
  desk: Desk,
  { cluster, holders }: StepInput<'findLost'>,
): Promise<StepOutputs['findLost']> {
  const lock = parseLock(await desk.durable.entity(lockEntityName, cluster));
  const lost: string[] = [];
  for (const holder of holders) {
    const stalled = lock.owner?.holder === holder && isOld(desk, lock.owner.progressAt);
    if (stalled || !(await isAlive(desk, holder))) lost.push(holder);
  }
  if (lost.length > 0) lost.push(...lock.slots.map((slot) => slot.holder));
  return { kind: 'lost', holders: lost };
}

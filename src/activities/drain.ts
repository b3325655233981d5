import type { DrainSlice, PodLeft } from '../domain/drain.ts';
import { epochMs } from '../domain/instant.ts';
import type { Mark } from '../domain/mark.ts';
import type { Outcome } from '../domain/outcome.ts';
import type { Reason } from '../domain/reason.ts';
import { isOverdue, wayOf } from '../decide/deadline.ts';
import { decideStop } from '../decide/gates.ts';
import type { Policy } from '../policy/settings.ts';
import type { Ended, StepInput, StepOutputs } from '../steps.ts';
import { tell } from './events.ts';
import {
  escalatedOf,
  hold,
  isOver,
  nowIso,
  outcome,
  outcomeOf,
  rewriteMark,
  stoppedOutcome,
  withEscalated,
} from './node.ts';
import type { Held } from './node.ts';
import { drainPolicy, readStops, rememberedFacts } from './scene.ts';
import type { Desk } from './scene.ts';

/** At first slices come quicker than polls: pods usually leave within seconds. */
const sliceSeconds = 5;
const quickMinutes = 5;

/**
 * One slice of the drain: evicts a few pods, looks, and says what is left and why. Whatever says
 * stop before the restart (a hold, a cancel, a closing window, a person's uncordon) is seen here.
 */
export async function drainSlice(
  desk: Desk,
  input: StepInput<'drainSlice'>,
): Promise<StepOutputs['drainSlice']> {
  const held = await hold(desk, input, { pods: input.node });
  if (held.kind === 'ended') return held;
  const { kubernetes, node, policy, mark } = held;
  if (mark.attempt === undefined) {
    const stop = await stopReasons(desk, input.run, held);
    if (stop !== undefined) return { kind: 'stop', outcome: stop };
  } else if (!node.unschedulable) {
    return { kind: 'stop', outcome: uncordonedAfterRestart };
  }
  const now = desk.clock.now();
  const way = wayOf(policy, epochMs(input.since), now);
  const noted = way === 'delete' ? await noteDeletions(desk, held) : mark;
  if (noted === undefined) {
    const detail = 'the node changed just now';
    return { kind: 'draining', waitSeconds: sliceSeconds, detail };
  }
  const slice = await kubernetes.drainSlice(node.name, drainPolicy(policy, way), now);
  return { ...(await judge(desk, input, held, slice)), ...escalatedOf(noted) };
}

/** What the drain comes to, now that the slice is done. */
async function judge(
  desk: Desk,
  { run, cluster, since }: StepInput<'drainSlice'>,
  held: Held,
  { left, evicted, staying }: DrainSlice,
): Promise<Exclude<StepOutputs['drainSlice'], Ended>> {
  const { node, policy } = held;
  const line = { level: 'info' as const, run, cluster, node: node.name };
  if (left.length === 0) {
    desk.log({ ...line, message: 'drained', detail: { staying } });
    await tell(desk, held, 'Drained', 'Nothing is left to drain');
    return { kind: 'drained', at: nowIso(desk) };
  }
  await tellBlocked(desk, held, left);
  const detail = detailOf(left);
  desk.log({
    ...line,
    message: 'draining',
    detail: { detail, evicted, left: left.slice(0, manyReasons) },
  });
  if (isOverdue(policy, epochMs(since), desk.clock.now())) {
    return policy.atDrainDeadline === 'restart'
      ? { kind: 'undrained', detail }
      : { kind: 'stop', outcome: overdueOutcome(policy, left) };
  }
  const refused = left.filter(({ state }) => state === 'refused');
  if (refused.length > 0 && policy.atDrainDeadline !== 'restart') {
    return { kind: 'stop', outcome: outcomeOf('undrainable', reasonsOf(refused)) };
  }
  const quick = !isOver(desk, since, quickMinutes);
  const waitSeconds = quick ? sliceSeconds : Math.max(sliceSeconds, policy.pollSeconds);
  return { kind: 'draining', waitSeconds, detail };
}

function overdueOutcome(policy: Policy, left: readonly PodLeft[]): Outcome {
  const { drainTimeoutMinutes, atDrainDeadline } = policy;
  const late: Reason = {
    kind: 'drainDeadline',
    value: `not drained within ${drainTimeoutMinutes} minutes, ${podCount(left)} left`,
  };
  const stops: Reason[] =
    atDrainDeadline === 'stop'
      ? [{ kind: 'stopped', value: 'no other node is begun in this run (atDrainDeadline)' }]
      : [];
  return outcomeOf('undrainable', [late, ...stops, ...reasonsOf(left)]);
}

/**
 * Deleting is more than evicting, and has to be said in the outcome: so it is written on the mark
 * before anything is deleted.
 *
 * @returns the mark as it is then; nothing when somebody else changed the node meanwhile
 */
async function noteDeletions(desk: Desk, held: Held): Promise<Mark | undefined> {
  const { kubernetes, node, policy, mark } = held;
  const after = `deleted after ${policy.deleteAfterMinutes} minutes, whatever budgets say`;
  if (mark.escalated?.includes(after) === true) return mark;
  const order = drainPolicy(policy, 'delete');
  const { left } = await kubernetes.leftToDrain(node.name, order, desk.clock.now());
  const next = left.filter(({ state }) => state === 'evicting').map(({ pod }) => pod);
  if (next.length === 0) return mark;
  const noted = withEscalated(mark, `${podCount(next)} ${after}: ${next.join(', ')}`);
  const patched = await rewriteMark(held, noted);
  return patched.kind === 'done' ? noted : undefined;
}

/** Nothing is evicted from a node that somebody put back into service. */
export const uncordonedAfterRestart = outcome(
  'notRebooted',
  'uncordoned',
  'somebody uncordoned the node after the first restart was asked for',
);

/** Why the work on a cordoned node must be undone before the restart, if it must. */
export async function stopReasons(desk: Desk, run: string, held: Held) {
  const { site, node, mark, policy } = held;
  if (!node.unschedulable) {
    return outcome('deferred', 'uncordoned', 'somebody uncordoned the node while it was drained');
  }
  if (node.bootId !== mark.bootId) {
    return outcome('deferred', 'gone', 'the node rebooted by itself while it was drained');
  }
  const stops = await readStops(desk, site, run, await rememberedFacts(desk, site));
  const reasons = decideStop({ policy, node }, stops);
  return reasons.length > 0 ? stoppedOutcome(reasons) : undefined;
}

/** Told once for each set of pods that is held up. */
async function tellBlocked(desk: Desk, held: Held, left: readonly PodLeft[]): Promise<void> {
  const blocked = left.filter(({ state }) => state === 'blocked');
  if (blocked.length === 0) return;
  const why = blocked.map(({ reason }) => reason.value).join('; ');
  const names = blocked.map(({ pod }) => pod).sort();
  await tell(desk, held, 'DrainBlocked', `Drain is held up: ${why}`, names.join());
}

const manyReasons = 10;

/** What blocks comes first. */
export function reasonsOf(left: readonly PodLeft[]): Reason[] {
  return inTheWayFirst(left)
    .slice(0, manyReasons)
    .map(({ reason }) => reason);
}

export function inTheWayFirst(left: readonly PodLeft[]): PodLeft[] {
  const order: PodLeft['state'][] = ['refused', 'blocked', 'terminating', 'evicting'];
  return left.toSorted((a, b) => order.indexOf(a.state) - order.indexOf(b.state));
}

const longestDetail = 380;

/** As many pods as fit into a line of progress, with what holds each up; the log has them all. */
export function detailOf(left: readonly PodLeft[]): string {
  const words: string[] = [];
  let length = 0;
  for (const { value } of reasonsOf(left)) {
    length += value.length + 2;
    if (words.length > 0 && length > longestDetail) break;
    words.push(value);
  }
  const more = left.length - words.length;
  if (more > 0) words.push(`and ${more} more`);
  return `${podCount(left)} left: ${words.join('; ')}`;
}

function podCount({ length }: readonly unknown[]): string {
  return length === 1 ? '1 pod' : `${length} pods`;
}

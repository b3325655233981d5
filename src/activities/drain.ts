import type { PodLeft } from '../domain/drain.ts';
import type { Reason } from '../domain/reason.ts';
import { decideStop } from '../decide/gates.ts';
import type { StepInput, StepOutputs } from '../steps.ts';
import { tell } from './events.ts';
import { hold, isOver, nowIso, outcome, outcomeOf, stoppedOutcome } from './node.ts';
import type { Held } from './node.ts';
import { drainPolicy, readStops, rememberedFacts } from './scene.ts';
import type { Desk } from './scene.ts';

/** Slices come quicker than polls: pods usually leave within seconds. */
const sliceSeconds = 5;

/**
 * One slice of the drain: evicts a few pods, looks, and says what is left and why. Whatever says
 * stop before the restart (a hold, a cancel, a closing window, a person's uncordon) is seen here.
 */
export async function drainSlice(
  desk: Desk,
  input: StepInput<'drainSlice'>,
): Promise<StepOutputs['drainSlice']> {
  const held = await hold(desk, input);
  if (held.kind === 'ended') return held;
  const { kubernetes, node, policy, mark } = held;
  if (mark.attempt === undefined) {
    const stop = await stopReasons(desk, input.run, held);
    if (stop !== undefined) return { kind: 'stop', outcome: stop };
  } else if (!node.unschedulable) {
    return { kind: 'stop', outcome: uncordonedAfterRestart };
  }
  const slice = await kubernetes.drainSlice(node.name, drainPolicy(policy), desk.clock.now());
  const line = { level: 'info' as const, run: input.run, cluster: input.cluster, node: node.name };
  if (slice.left.length === 0) {
    desk.log({ ...line, message: 'drained' });
    await tell(desk, held, 'Drained', 'Nothing is left to drain');
    return { kind: 'drained', at: nowIso(desk) };
  }
  await tellBlocked(desk, held, slice.left);
  const reasons = reasonsOf(slice.left);
  if (isOver(desk, input.since, policy.drainTimeoutMinutes)) {
    const { drainTimeoutMinutes } = policy;
    const late: Reason = {
      kind: 'drainDeadline',
      value: `not drained within ${drainTimeoutMinutes} minutes, ${podCount(slice.left)} left`,
    };
    return { kind: 'stop', outcome: outcomeOf('undrainable', [late, ...reasons]) };
  }
  const refused = slice.left.filter(({ state }) => state === 'refused');
  if (refused.length > 0) {
    return { kind: 'stop', outcome: outcomeOf('undrainable', reasonsOf(refused)) };
  }
  const detail = detailOf(slice.left);
  desk.log({ ...line, message: 'draining', detail: { detail, evicted: slice.evicted } });
  return { kind: 'draining', waitSeconds: sliceSeconds, detail };
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
  const order: PodLeft['state'][] = ['refused', 'blocked', 'terminating', 'evicting'];
  return [...left]
    .sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state))
    .slice(0, manyReasons)
    .map(({ reason }) => reason);
}

function detailOf(left: readonly PodLeft[]): string {
  const [first] = reasonsOf(left);
  return `${podCount(left)} left: ${first?.value ?? ''}`;
}

function podCount({ length }: readonly PodLeft[]): string {
  return length === 1 ? '1 pod' : `${length} pods`;
}

import { bootIdPattern, restartScript } from '../domain/guestRestart.ts';
import type { Mark } from '../domain/mark.ts';
import { parseInstanceRef } from '../domain/arm.ts';
import { epochMs } from '../domain/instant.ts';
import type { InstanceRef } from '../domain/arm.ts';
import type { ClusterFacts, Instance } from '../domain/cluster.ts';
import type { Outcome } from '../domain/outcome.ts';
import type { Reason } from '../domain/reason.ts';
import { mayRestartUndrained } from '../decide/deadline.ts';
import { decideCordoned } from '../decide/gates.ts';
import type { Match } from '../decide/identity.ts';
import type { Started } from '../ports.ts';
import type { StepInput, StepOutputs } from '../steps.ts';
import type { Trouble } from '../domain/trouble.ts';
import { claimLease } from './claim.ts';
import { detailOf, reasonsOf, stopReasons, uncordonedAfterRestart } from './drain.ts';
import { tell } from './events.ts';
import {
  ended,
  escalatedOf,
  hold,
  isOver,
  nowIso,
  outcome,
  outcomeOf,
  restarted,
  rewriteMark,
  stoppedOutcome,
  withEscalated,
} from './node.ts';
import type { Held } from './node.ts';
import { drainPolicy, matchNow, readFacts, readScene } from './scene.ts';
import type { Desk } from './scene.ts';

const waitAfterAskSeconds = 20;
const guardWaitSeconds = 15;
/**
 * Longer than it takes to write the attempt, through an AKS command too, and far shorter than any
 * boot deadline, after which others may ask.
 */
const askWithinSeconds = 300;
/** Each time again costs the attempt's two writes. */
const refusedWaitSeconds = 60;

/**
 * Asks for the restart: once. In this very activity the node is seen to be ours, cordoned and
 * drained, and the machine to be the one that we drained; the attempt is written on the node
 * *before* the request, and only who wins that write asks. Asked again, it finds the attempt and
 * asks no more.
 */
export async function restart(
  desk: Desk,
  input: StepInput<'restart'>,
): Promise<StepOutputs['restart']> {
  const held = await hold(desk, input, { pods: input.node, nodes: true, lease: claimLease });
  if (held.kind === 'ended') return restarted(held);
  const { mark, node, policy } = held;
  const asked = mark.attempt;
  if (asked !== undefined && asked.number >= input.attempt) {
    return { kind: 'asked', at: asked.at, waitSeconds: waitAfterAskSeconds, ...escalatedOf(mark) };
  }
  if (asked !== undefined && node.bootId !== '' && node.bootId !== mark.bootId) {
    return { kind: 'booted', at: nowIso(desk) };
  }
  // As the deadline is now, and whoever says that it has passed.
  if (asked !== undefined && !isOver(desk, asked.at, policy.bootTimeoutMinutes)) {
    return { kind: 'asked', at: asked.at, waitSeconds: waitAfterAskSeconds };
  }
  const guarded = await guard(desk, input, held);
  if (guarded.kind !== 'go') return guarded;
  const at = nowIso(desk);
  const method = held.policy.restartMethod;
  const escalated = withEscalated(mark, guarded.undrained);
  const attempt: Mark = { ...escalated, attempt: { number: input.attempt, at, method } };
  const patched = await rewriteMark(held, attempt);
  if (patched.kind !== 'done') {
    // Whoever changed it may have taken it over: then that is how our work on it ends.
    const now = await hold(desk, input);
    if (now.kind === 'ended') return input.attempt === 1 ? now : restarted(now);
    const value = 'the node changed just before the restart';
    return waitOrStop(desk, input, held, [{ kind: 'conflict', value }]);
  }
  const written: Held = { ...held, node: patched.node };
  const lateSeconds = Math.round((desk.clock.now() - epochMs(at)) / 1000);
  if (lateSeconds > askWithinSeconds) return askLater(desk, input, written, lateSeconds);
  const said = escalatedOf(attempt);
  const line = { run: input.run, cluster: input.cluster, node: node.name, step: 'restart' };
  const askedNow = { kind: 'asked' as const, at, waitSeconds: waitAfterAskSeconds, ...said };
  const started = await ask(desk, attempt, guarded.ref);
  const told = `attempt ${input.attempt}, ${wordsOf[method]}`;
  switch (started.kind) {
    case 'started': {
      const detail = { method, ...said };
      desk.log({ level: 'info', message: 'restart asked for', ...line, detail });
      await tell(desk, held, 'RestartAsked', `Restart asked for, ${told}`);
      return { ...askedNow, token: started.token };
    }
    case 'unsure': {
      const { trouble } = started;
      const detail = { method, ...said, ...trouble };
      desk.log({ level: 'warn', message: 'restart may have been asked for', ...line, detail });
      const words = `Restart may have been asked for, ${told}: ${trouble.value}`;
      await tell(desk, held, 'RestartAsked', words);
      return askedNow;
    }
    case 'refused': {
      const { trouble } = started;
      const detail = { method, ...trouble };
      desk.log({ level: 'warn', message: 'restart refused', ...line, detail });
      await tell(desk, held, 'RestartRefused', `Restart refused: ${trouble.value}`);
      return refused(desk, input, written, trouble);
    }
  }
}

const wordsOf = { arm: 'through Azure', guest: 'from inside' } as const;

/** The one place that asks for a restart: ARM, or the node itself. */
function ask(desk: Desk, { bootId, attempt }: Mark, ref: InstanceRef): Promise<Started> {
  return attempt?.method === 'guest'
    ? desk.azure.startScript(ref, restartScript(bootId))
    : desk.azure.startRestart(ref);
}

type Go = { kind: 'go'; ref: InstanceRef };
/** With what is on the node all the same, by the pool's settings; empty when it is drained. */
type Guarded = (Go & { undrained: string }) | StepOutputs['restart'];

async function guard(desk: Desk, input: StepInput<'restart'>, held: Held): Promise<Guarded> {
  const { node, site, policy, mark } = held;
  // A second attempt is no new decision: the restart was asked for, holds and windows stop nothing.
  const first = input.attempt === 1;
  if (first) {
    const stop = await stopReasons(desk, input.run, held);
    if (stop !== undefined) return { kind: 'stop', outcome: stop };
  }
  if (!node.unschedulable) {
    return { kind: 'stop', outcome: uncordonedAfterRestart };
  }
  const drained = await seeDrained(desk, input, held);
  if (drained.kind !== 'drained') return drained;
  const facts = await readFacts(desk, site);
  const match = await matchNow(desk, node, facts);
  const machine = checkMachine(match, mark);
  if (machine.kind === 'busy') {
    return waitOrStop(desk, input, held, [{ kind: 'conflict', value: machine.value }]);
  }
  if (machine.kind === 'gone') {
    // A cordon is taken off even so: the Node may outlive its machine for minutes.
    return first
      ? { kind: 'stop', outcome: outcome('gone', 'gone', machine.value) }
      : ended('gone', 'gone', machine.value);
  }
  if (machine.kind !== 'go') return machine;
  if (policy.restartMethod === 'guest' && !bootIdPattern.test(mark.bootId)) {
    const value = `the Node's boot id is none: ${mark.bootId}`;
    return { kind: 'stop', outcome: outcome('unknown', 'identityMismatch', value) };
  }
  // A second attempt passes all gates.
  const shut = first ? await judgeGates(desk, input, held, facts, match) : undefined;
  return shut ?? { ...machine, undrained: drained.undrained };
}

/** What the gates say now, if they say no. */
async function judgeGates(
  desk: Desk,
  input: StepInput<'restart'>,
  held: Held,
  facts: ClusterFacts,
  match: Match,
): Promise<StepOutputs['restart'] | undefined> {
  const { kubernetes, node, site, policy } = held;
  const nodes = await kubernetes.nodes();
  const scene = await readScene(desk, site, input.run, { facts, nodes, policies: [policy] });
  const verdict = decideCordoned({ node, match, policy, probe: undefined }, scene);
  switch (verdict.kind) {
    case 'go':
      return undefined;
    case 'stop':
      return { kind: 'stop', outcome: stoppedOutcome(verdict.reasons) };
    case 'wait':
      return waitOrStop(desk, input, held, verdict.reasons);
  }
}

/**
 * Nothing is left to drain, or the pool's settings want the restart all the same: then it is said
 * who is still there. By the mark's own clock, because what an orchestration says of it is its say.
 */
async function seeDrained(
  desk: Desk,
  input: StepInput<'restart'>,
  { kubernetes, node, policy, mark }: Held,
): Promise<{ kind: 'drained'; undrained: string } | StepOutputs['restart']> {
  const now = desk.clock.now();
  const { left, staying } = await kubernetes.leftToDrain(node.name, drainPolicy(policy), now);
  const chosen = staying.filter((pod) => pod.chosen).map(({ pod, why }) => `${pod} (${why})`);
  const chose = chosen.length === 0 ? [] : [`restarted with ${chosen.join(', ')} on it`];
  const running = left.filter(({ state }) => state !== 'terminating');
  // A node that is down keeps pods that can't finish terminating: they stop the first attempt only.
  const hasLeft = input.attempt === 1 ? left.length > 0 : running.length > 0 && node.ready;
  if (!hasLeft) return { kind: 'drained', undrained: chose.join() };
  const since = epochMs(mark.attempt?.at ?? mark.since);
  if (mayRestartUndrained(policy, since, now)) {
    const { drainTimeoutMinutes } = policy;
    const escalated = `restarted undrained after ${drainTimeoutMinutes} minutes, ${detailOf(left)}`;
    return { kind: 'drained', undrained: [escalated, ...chose].join('; ') };
  }
  return isOver(desk, input.since, policy.drainTimeoutMinutes)
    ? { kind: 'stop', outcome: outcomeOf('undrainable', reasonsOf(left)) }
    : { kind: 'notDrained' };
}

/** Nothing holds a node out of service for longer than a drain may take. */
function waitOrStop(
  desk: Desk,
  input: StepInput<'restart'>,
  { policy }: Held,
  reasons: Reason[],
): StepOutputs['restart'] {
  if (!isOver(desk, input.since, policy.drainTimeoutMinutes)) {
    return { kind: 'wait', waitSeconds: guardWaitSeconds, detail: reasons[0]?.value ?? '' };
  }
  const kind = input.attempt === 1 ? 'deferred' : 'notRebooted';
  return { kind: 'stop', outcome: outcomeOf(kind, reasons) };
}

type Machine =
  | Go
  | { kind: 'busy'; value: string }
  | { kind: 'gone'; value: string }
  | { kind: 'stop'; outcome: Outcome };

function checkMachine(match: Match, mark: Mark): Machine {
  if (match.kind === 'absent') return { kind: 'gone', value: match.value };
  if (match.kind !== 'matched') {
    return { kind: 'stop', outcome: outcome('unknown', 'identityMismatch', match.value) };
  }
  const { instance } = match;
  if (instance.vmId !== mark.vmId) {
    const value = `the instance's vmId is ${instance.vmId} now, it was ${mark.vmId}`;
    return { kind: 'stop', outcome: outcome('unknown', 'identityMismatch', value) };
  }
  if (isBusy(instance)) {
    const value = `the instance is ${instance.provisioningState}: another operation runs on it`;
    return { kind: 'busy', value };
  }
  const ref = parseInstanceRef(instance.id);
  return ref === undefined
    ? { kind: 'stop', outcome: outcome('unknown', 'identityMismatch', `no ARM id: ${instance.id}`) }
    : { kind: 'go', ref };
}

/** Whether an operation runs on the instance. `Failed` is what an ended one may leave behind. */
export function isBusy({ provisioningState }: Instance): boolean {
  return !['succeeded', 'failed'].includes(provisioningState.toLowerCase());
}

/**
 * This process stood still between the attempt and the request. Whoever found the attempt meanwhile
 * may have acted on it, so nothing is asked for before the node was looked at again.
 */
async function askLater(
  desk: Desk,
  input: StepInput<'restart'>,
  held: Held,
  lateSeconds: number,
): Promise<StepOutputs['restart']> {
  const taken = await takeBack(held);
  if (!taken) return { kind: 'asked', at: nowIso(desk), waitSeconds: waitAfterAskSeconds };
  const value = `${lateSeconds} s passed before the restart could be asked for`;
  return waitOrStop(desk, input, held, [{ kind: 'timeout', value }]);
}

/**
 * Writes the mark as it was before this attempt. Where somebody has changed the node it stays
 * written, so it counts as asked: the boot deadline and the second attempt deal with it.
 */
async function takeBack(held: Held): Promise<boolean> {
  const { kind } = await rewriteMark(held, held.mark);
  return kind === 'done';
}

/** A definite refusal takes the attempt back: nothing was asked for. */
async function refused(
  desk: Desk,
  input: StepInput<'restart'>,
  held: Held,
  trouble: Trouble,
): Promise<StepOutputs['restart']> {
  const taken = await takeBack(held);
  if (!taken) return { kind: 'asked', at: nowIso(desk), waitSeconds: waitAfterAskSeconds };
  const passing = trouble.kind === 'conflict' || trouble.kind === 'throttled';
  const waitSeconds = Math.max(trouble.retryAfterSeconds ?? 0, refusedWaitSeconds);
  // Not begun when it would end too late: the node is out of service meanwhile.
  const patience = held.policy.drainTimeoutMinutes - waitSeconds / 60;
  if (passing && !isOver(desk, input.since, patience)) {
    return { kind: 'wait', waitSeconds, detail: `Azure refused the restart: ${trouble.value}` };
  }
  const reason = { kind: 'restartRefused' as const, value: trouble.value };
  const grants =
    trouble.kind === 'forbidden' ? [{ kind: 'forbidden' as const, value: trouble.value }] : [];
  return { kind: 'stop', outcome: outcomeOf('failed', [reason, ...grants]) };
}

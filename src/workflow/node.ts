import type { OrchestrationContext } from 'durable-functions';
import { epochMs } from '../domain/instant.ts';
import type { ProbeRecord } from '../domain/need.ts';
import { afterRestart } from '../domain/outcome.ts';
import type { Outcome, OutcomeKind } from '../domain/outcome.ts';
import { reasonOfDefect, reasonOfTrouble } from '../domain/reason.ts';
import type { Instants, NodeResult } from '../domain/run.ts';
import type { Trouble } from '../domain/trouble.ts';
import type { NodeFacts } from '../steps.ts';
import {
  isTrouble,
  newFlow,
  nowOf,
  patiently,
  spendingLimit,
  stubbornly,
  tellLock,
  wait,
} from './flow.ts';
import type { Flow, Steps } from './flow.ts';
import { askProbe } from './probe.ts';

/**
 * One node's way: out of service, restarted, proved, back. A state machine that continues as new
 * with its state, so that waiting for hours costs no history. docs/architecture.md draws it; the
 * edges there bear the names of the functions here. What is decided, the activities decide.
 */
export type NodeState =
  /** A mark of a dead run is taken over; says where to go on. */
  | { step: 'adopt' }
  /** The node is asked once more, because hours may have passed since the plan. */
  | { step: 'probe' }
  | { step: 'cordon'; probe: ProbeRecord }
  | { step: 'drain'; since: string; attempt: 1 | 2 }
  | { step: 'restart'; since: string; attempt: 1 | 2 }
  | { step: 'boot'; attempt: 1 | 2; token?: string }
  | { step: 'ready'; since: string; readySince?: string; transition?: string }
  /** Asked first, and then judged: with the answer in the state, each is a generation's end. */
  | { step: 'prove'; since: string; transition?: string; probe?: ProbeRecord }
  | { step: 'undo'; outcome: Outcome }
  /** A person is needed: mark, cordon and slot stay. */
  | { step: 'leave'; outcome: Outcome }
  | { step: 'end'; outcome: Outcome };

export interface NodeWork {
  run: string;
  cluster: string;
  node: string;
  pool: string;
  instance: string;
  vmId: string;
  fence: number;
  purpose: NodeResult['purpose'];
  /** Who holds the slot in the lock: progress is told in its name. */
  holder: string;
  /** No cordon before that: the node before is still soaking. */
  notBefore: string;
  state: NodeState;
  facts?: NodeFacts;
  after?: { bootIdAfter: string; kernelAfter: string };
  instants: Instants;
}

/** A node is asked so long before its cordon, at the most; and who waits says so now and then. */
const freshSeconds = 5 * 60;
const longestQuietSeconds = 30 * 60;
/** For guards and looks: an API that is away for longer ends the step. */
const patienceMinutes = 20;

/** Orchestrator `node`. Returns the node's result; never throws on purpose. */
export function* nodeOrchestrator(context: OrchestrationContext): Steps<NodeResult | undefined> {
  const flow = newFlow(context);
  let work = context.df.getInput<NodeWork>() satisfies NodeWork;
  for (;;) {
    if (work.state.step === 'end') return yield* record(flow, work, work.state.outcome);
    if (flow.spent > spendingLimit) {
      context.df.continueAsNew(work);
      return undefined;
    }
    const before = work.state.step;
    try {
      work = yield* advance(flow, work);
    } catch (error) {
      work = afterDefect(work, error);
    }
    if (work.state.step !== before) tellProgress(flow, work, '');
  }
}

/** One step of the way: exhaustive over the states. */
function advance(flow: Flow, work: NodeWork): Steps<NodeWork> {
  const { state } = work;
  switch (state.step) {
    case 'adopt':
      return adoptMark(flow, work);
    case 'probe':
      return probeAgain(flow, work);
    case 'cordon':
      return cordon(flow, work, state);
    case 'drain':
      return drainSlice(flow, work, state);
    case 'restart':
      return restart(flow, work, state);
    case 'boot':
      return checkBoot(flow, work, state);
    case 'ready':
      return checkReady(flow, work, state);
    case 'prove':
      return finish(flow, work, state);
    case 'undo':
      return undo(flow, work, state);
    case 'leave':
      return leaveMarked(flow, work, state);
    case 'end':
      throw new Error('the end has no next step');
  }
}

type In<S extends NodeState['step']> = Extract<NodeState, { step: S }>;

function* adoptMark(flow: Flow, work: NodeWork): Steps<NodeWork> {
  const answer = yield* patiently(flow, 'adoptMark', target(work), patienceMinutes);
  if (isTrouble(answer)) return to(work, { step: 'end', outcome: failed(answer.trouble) });
  if (answer.kind === 'ended') return to(work, { step: 'end', outcome: answer.outcome });
  const { resume, pool, instance, vmId, facts } = answer;
  const known = { ...work, pool, instance, vmId, facts };
  switch (resume.step) {
    case 'undo':
      return to(known, {
        step: 'undo',
        outcome: {
          kind: 'deferred',
          reasons: [{ kind: 'recovered', value: 'an earlier run died before the restart; undone' }],
        },
      });
    case 'boot':
      return to(known, { step: 'boot', attempt: resume.attempt });
    case 'ready':
      return to(known, { step: 'ready', since: resume.since });
  }
}

function* probeAgain(flow: Flow, work: NodeWork): Steps<NodeWork> {
  const { notBefore } = work;
  const quiet = secondsUntil(flow, notBefore) - freshSeconds;
  if (quiet > 0) {
    tellProgress(flow, work, `the node before soaks until ${notBefore}`);
    yield* wait(flow, Math.min(quiet, longestQuietSeconds));
    return work;
  }
  const probe = yield* askProbe(flow, addressOf(work));
  return to(work, { step: 'cordon', probe });
}

function secondsUntil(flow: Flow, instant: string): number {
  return (epochMs(instant) - epochMs(nowOf(flow))) / 1000;
}

function* cordon(flow: Flow, work: NodeWork, { probe }: In<'cordon'>): Steps<NodeWork> {
  yield* wait(flow, secondsUntil(flow, work.notBefore));
  const input = { ...target(work), instance: work.instance, probe };
  const answer = yield* patiently(flow, 'cordon', input, patienceMinutes);
  switch (answer.kind) {
    case 'cordoned':
      return to(
        { ...work, facts: answer.facts, instants: { ...work.instants, cordoned: answer.at } },
        { step: 'drain', since: answer.at, attempt: 1 },
      );
    case 'no':
      return to(work, { step: 'end', outcome: answer.outcome });
    case 'again':
      tellProgress(flow, work, answer.detail);
      yield* wait(flow, answer.waitSeconds);
      return work;
    case 'trouble':
      // The patch may have been applied although no answer came: undoing finds out.
      return to(work, { step: 'undo', outcome: failed(answer.trouble) });
  }
}

function* drainSlice(flow: Flow, work: NodeWork, state: In<'drain'>): Steps<NodeWork> {
  const input = { ...target(work), since: state.since };
  const answer = yield* patiently(flow, 'drainSlice', input, patienceMinutes);
  const { since, attempt } = state;
  switch (answer.kind) {
    case 'drained':
      return to(
        { ...withEscalated(work, answer), instants: { ...work.instants, drained: answer.at } },
        { step: 'restart', since, attempt },
      );
    case 'draining':
      tellProgress(flow, work, answer.detail);
      yield* wait(flow, answer.waitSeconds);
      return to(withEscalated(work, answer), { step: 'drain', since, attempt });
    case 'undrained':
      tellProgress(flow, work, answer.detail);
      return to(withEscalated(work, answer), { step: 'restart', since, attempt });
    case 'stop':
      return giveUp(withEscalated(work, answer), attempt, answer.outcome);
    case 'ended': {
      const outcome = attempt === 1 ? answer.outcome : afterRestart(answer.outcome);
      return to(work, { step: 'end', outcome });
    }
    case 'trouble':
      return giveUp(work, state.attempt, failed(answer.trouble));
  }
}

function* restart(flow: Flow, work: NodeWork, state: In<'restart'>): Steps<NodeWork> {
  const { since, attempt } = state;
  const answer = yield* patiently(
    flow,
    'restart',
    { ...target(work), since, attempt },
    patienceMinutes,
  );
  switch (answer.kind) {
    case 'asked': {
      const instants = { ...work.instants, restartAsked: answer.at };
      const asked = { ...withEscalated(work, answer), instants };
      tellProgress(flow, asked, `restart asked for, attempt ${attempt}`);
      yield* wait(flow, answer.waitSeconds);
      return to(asked, { step: 'boot', attempt, ...tokenOf(answer) });
    }
    case 'notDrained':
      return to(work, { step: 'drain', since, attempt });
    case 'wait':
      tellProgress(flow, work, answer.detail);
      yield* wait(flow, answer.waitSeconds);
      return work;
    case 'stop':
      return giveUp(work, attempt, answer.outcome);
    case 'booted':
      return to(
        { ...work, instants: { ...work.instants, booted: answer.at } },
        { step: 'ready', since: answer.at },
      );
    case 'ended':
      return to(work, { step: 'end', outcome: answer.outcome });
    case 'trouble':
      return giveUp(work, attempt, failed(answer.trouble));
  }
}

function* checkBoot(flow: Flow, work: NodeWork, state: In<'boot'>): Steps<NodeWork> {
  const input = { ...target(work), ...tokenOf(state) };
  const answer = yield* stubbornly(flow, 'checkBoot', input);
  switch (answer.kind) {
    case 'booted':
      return to(
        { ...work, instants: { ...work.instants, booted: answer.at } },
        { step: 'ready', since: answer.at },
      );
    case 'waiting':
      tellProgress(flow, work, answer.detail);
      yield* wait(flow, answer.waitSeconds);
      return to(work, { step: 'boot', attempt: state.attempt, ...tokenOf(answer) });
    case 'restartAgain':
      return to(work, { step: 'restart', since: nowOf(flow), attempt: 2 });
    case 'refused':
      return to(work, { step: 'undo', outcome: answer.outcome });
    case 'stuck':
      return to(work, { step: 'leave', outcome: answer.outcome });
    case 'ended':
      return to(work, { step: 'end', outcome: answer.outcome });
    case 'trouble':
      return to(work, { step: 'leave', outcome: failed(answer.trouble) });
  }
}

function* checkReady(flow: Flow, work: NodeWork, state: In<'ready'>): Steps<NodeWork> {
  const { step: _step, ...looks } = state;
  const answer = yield* stubbornly(flow, 'checkReady', { ...target(work), ...looks });
  switch (answer.kind) {
    case 'ready':
      return to(
        {
          ...work,
          instance: answer.instance,
          vmId: answer.vmId,
          instants: { ...work.instants, ready: answer.at },
        },
        { step: 'prove', since: state.since, transition: answer.transition },
      );
    case 'waiting': {
      const { readySince, transition } = answer;
      tellProgress(flow, work, answer.detail);
      yield* wait(flow, answer.waitSeconds);
      return to(work, {
        step: 'ready',
        since: state.since,
        ...(readySince === undefined ? {} : { readySince }),
        ...(transition === undefined ? {} : { transition }),
      });
    }
    case 'stuck':
      return to(work, { step: 'leave', outcome: answer.outcome });
    case 'ended':
      return to(work, { step: 'end', outcome: answer.outcome });
    case 'trouble':
      return to(work, { step: 'leave', outcome: failed(answer.trouble) });
  }
}

function* finish(flow: Flow, work: NodeWork, state: In<'prove'>): Steps<NodeWork> {
  const { step: _step, probe, ...looked } = state;
  if (probe === undefined) {
    const asked = yield* askProbe(flow, addressOf(work));
    return to(work, { ...state, probe: asked });
  }
  const input = { ...target(work), ...looked, probe };
  const answer = yield* stubbornly(flow, 'finish', input);
  switch (answer.kind) {
    case 'finished': {
      const { at, outcome, bootIdAfter, kernelAfter } = answer;
      const instants = { ...work.instants, uncordoned: at };
      return to(
        { ...work, instants, after: { bootIdAfter, kernelAfter } },
        { step: 'end', outcome },
      );
    }
    case 'again':
      tellProgress(flow, work, answer.detail);
      yield* wait(flow, answer.waitSeconds);
      // Ready is looked at anew: it may have gone away meanwhile.
      return to(work, { step: 'ready', since: state.since });
    case 'stuck':
      return to(work, { step: 'leave', outcome: answer.outcome });
    case 'ended':
      return to(work, { step: 'end', outcome: answer.outcome });
    case 'trouble':
      return to(work, { step: 'leave', outcome: failed(answer.trouble) });
  }
}

function* undo(flow: Flow, work: NodeWork, { outcome }: In<'undo'>): Steps<NodeWork> {
  const answer = yield* stubbornly(flow, 'undo', { ...target(work), outcome });
  switch (answer.kind) {
    case 'undone':
      return to(
        { ...work, instants: { ...work.instants, uncordoned: answer.at } },
        { step: 'end', outcome },
      );
    case 'ended':
      return to(work, { step: 'end', outcome: answer.outcome });
    case 'trouble': {
      const reasons = [...outcome.reasons, reasonOfTrouble(answer.trouble)];
      return to(work, { step: 'end', outcome: { kind: 'failed', reasons } });
    }
  }
}

function* leaveMarked(flow: Flow, work: NodeWork, { outcome }: In<'leave'>): Steps<NodeWork> {
  // If it can't be written the mark is still there, and its run is dead: the next run recovers it.
  yield* patiently(flow, 'leaveMarked', { ...target(work), outcome }, patienceMinutes);
  return to(work, { step: 'end', outcome });
}

function* record(flow: Flow, work: NodeWork, ended: Outcome): Steps<NodeResult> {
  const { run, cluster, node, pool, purpose, facts, after } = work;
  const instants = { ...work.instants, ended: nowOf(flow) };
  const outcome = withEscalation(ended, facts);
  const result: NodeResult = { node, purpose, outcome, instants, ...facts, ...after };
  // A report without it would say something else of the node than what was done to it.
  yield* stubbornly(flow, 'recordNode', { run, cluster, pool, result });
  return result;
}

/** What the drain did beyond evicting is known from then on, whatever becomes of the node. */
function withEscalated(work: NodeWork, { escalated }: { escalated?: string }): NodeWork {
  const { facts } = work;
  return escalated === undefined || facts === undefined
    ? work
    : { ...work, facts: { ...facts, escalated } };
}

function withEscalation(outcome: Outcome, facts: NodeFacts | undefined): Outcome {
  if (facts?.escalated === undefined) return outcome;
  const reasons = [...outcome.reasons, { kind: 'escalated' as const, value: facts.escalated }];
  return { ...outcome, reasons };
}

/** Before the first restart the work is undone; once one was asked for there is nothing to undo. */
function giveUp(work: NodeWork, attempt: 1 | 2, outcome: Outcome): NodeWork {
  return attempt === 1
    ? to(work, { step: 'undo', outcome })
    : to(work, { step: 'leave', outcome: stranded(outcome) });
}

/** How a node can end that stays out of service after a restart. */
const strandedKinds: readonly OutcomeKind[] = ['unknown', 'notRebooted', 'notReady', 'failed'];

/** Whatever stopped the second attempt, the first was asked for and changed nothing: say so. */
function stranded({ kind, reasons }: Outcome): Outcome {
  return { kind: strandedKinds.includes(kind) ? kind : 'notRebooted', reasons };
}

/** A step failed with a defect of this program: the node is put back, or left for a later run. */
function afterDefect(work: NodeWork, error: unknown): NodeWork {
  const { state } = work;
  const outcome: Outcome = { kind: 'failed', reasons: [reasonOfDefect(error)] };
  switch (state.step) {
    case 'adopt':
    case 'probe':
    case 'end':
      return to(work, { step: 'end', outcome });
    case 'cordon':
      return to(work, { step: 'undo', outcome });
    case 'drain':
    case 'restart':
      return giveUp(work, state.attempt, outcome);
    case 'boot':
    case 'ready':
    case 'prove':
      return to(work, { step: 'leave', outcome });
    case 'undo':
    case 'leave': {
      const reasons = [...state.outcome.reasons, ...outcome.reasons];
      return to(work, { step: 'end', outcome: { kind: 'failed', reasons } });
    }
  }
}

function to(work: NodeWork, state: NodeState): NodeWork {
  return { ...work, state };
}

function addressOf({ run, cluster, node, pool, instance, vmId }: NodeWork) {
  return { run, cluster, node, pool, instance, vmId };
}

function target({ run, cluster, node, fence, facts }: NodeWork) {
  const machine = facts === undefined ? {} : { uid: facts.uid, vmId: facts.vmId };
  return { run, cluster, node, fence, ...machine };
}

function tokenOf({ token }: { token?: string }): { token?: string } {
  return token === undefined ? {} : { token };
}

function failed(trouble: Trouble): Outcome {
  return { kind: 'failed', reasons: [reasonOfTrouble(trouble)] };
}

const longestDetail = 400;

function tellProgress(flow: Flow, work: NodeWork, detail: string): void {
  const { holder, node, state } = work;
  const told = detail.slice(0, longestDetail);
  tellLock(flow, work.cluster, {
    op: 'progress',
    holder,
    node,
    step: state.step,
    detail: told,
    now: nowOf(flow),
  });
  flow.context.df.setCustomStatus({ node, step: state.step, detail: told });
}

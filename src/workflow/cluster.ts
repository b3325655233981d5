import type { OrchestrationContext } from 'durable-functions';
import { reasonOfDefect, reasonOfTrouble } from '../domain/reason.ts';
import type { Reason } from '../domain/reason.ts';
import { instanceIds } from '../domain/run.ts';
import type { ClusterSummary, NodeResult } from '../domain/run.ts';
import type { ClusterTask } from '../steps.ts';
import { askLock, isTrouble, newFlow, nowOf, patiently, subOrchestrate } from './flow.ts';
import type { Flow, Steps } from './flow.ts';
import type { NodeWork } from './node.ts';
import { probeAll } from './probe.ts';
import type { TurnsWork } from './turns.ts';

export interface ClusterWork extends ClusterTask {
  run: string;
  /** Say what would be done, do it, or only put in order what dead runs have left. */
  kind: 'plan' | 'reboot' | 'recover';
}

/** What is told about the cluster as a whole. */
interface Told {
  /** Why it was left alone or cut short. */
  reasons: Reason[];
  recovered: Reason[];
}

const patienceMinutes = 20;

/**
 * Orchestrator `cluster`: enter the lock, claim, recover, read, probe, plan, and then turn after
 * turn. Whatever happens, the lock is left and the cluster's report is closed with an outcome for
 * every node.
 */
export function* clusterOrchestrator(context: OrchestrationContext): Steps<ClusterSummary> {
  const flow = newFlow(context);
  const work = context.df.getInput<ClusterWork>() satisfies ClusterWork;
  const { run, cluster } = work;
  let told: Told;
  try {
    told = work.kind === 'plan' ? yield* planOnly(flow, work) : yield* workUnderLock(flow, work);
  } catch (error) {
    told = because(reasonOfDefect(error));
  }
  const input = { run, cluster, ...told };
  const closed = yield* patiently(flow, 'closeCluster', input, patienceMinutes);
  if (!isTrouble(closed)) return closed.summary;
  const reasons = [...told.reasons, reasonOfTrouble(closed.trouble)];
  return { cluster, id: cluster, ...told, reasons, counts: { failed: 1 } };
}

function because(...reasons: Reason[]): Told {
  return { reasons, recovered: [] };
}

function* planOnly(flow: Flow, work: ClusterWork): Steps<Told> {
  const { reasons } = yield* makePlan(flow, work);
  return because(...reasons);
}

function* workUnderLock(flow: Flow, work: ClusterWork): Steps<Told> {
  const { run, cluster } = work;
  const holder = flow.context.df.instanceId;
  const entered = yield* enter(flow, work, holder);
  if (entered.reasons.length > 0) return entered;
  const { recovered } = entered;
  try {
    const claimed = yield* patiently(flow, 'claimCluster', { run, cluster }, patienceMinutes);
    if (isTrouble(claimed)) return { reasons: [reasonOfTrouble(claimed.trouble)], recovered };
    if (claimed.kind === 'refused') return { reasons: claimed.reasons, recovered };
    const unrecovered = yield* recover(flow, work, holder);
    const reasons = work.kind === 'reboot' ? yield* rebootDue(flow, work, holder) : unrecovered;
    yield* patiently(flow, 'releaseClaim', { run, cluster }, patienceMinutes);
    return { reasons, recovered };
  } finally {
    yield* askLock(flow, cluster, { op: 'leave', holder });
  }
}

/** Becomes the lock's owner, if need be in the place of one that is found dead or stalled. */
function* enter(flow: Flow, { run, cluster }: ClusterWork, holder: string): Steps<Told> {
  const marks = yield* patiently(flow, 'readMarks', { run, cluster }, patienceMinutes);
  if (isTrouble(marks)) return because(reasonOfTrouble(marks.trouble));
  if (marks.kind === 'refused') return because(...marks.reasons);
  const { floor } = marks;
  let evict: string[] = [];
  const recovered: Reason[] = [];
  for (let tries = 0; ; tries += 1) {
    const now = nowOf(flow);
    const answer = yield* askLock(flow, cluster, { op: 'enter', holder, run, now, floor, evict });
    if (answer.kind === 'entered') return { reasons: [], recovered };
    if (answer.kind !== 'held') {
      return because({ kind: 'lock', value: `the lock says ${answer.kind}` });
    }
    const { owner } = answer;
    const held: Reason = {
      kind: 'lock',
      value: `run ${owner.run} works on this cluster since ${owner.since}`,
    };
    if (tries > 0) return because(held);
    const holders = [owner.holder];
    const lost = yield* patiently(flow, 'findLost', { run, cluster, holders }, patienceMinutes);
    if (isTrouble(lost) || lost.holders.length === 0) return because(held);
    evict = lost.holders;
    const value = `run ${owner.run} held the lock since ${owner.since}, and does not live any more`;
    recovered.push({ kind: 'recovered', value });
  }
}

/**
 * Finishes or undoes what dead runs have left, one node after the other, before anything else. Says
 * why if it did not come to the end; each node's own end is in its result.
 */
function* recover(flow: Flow, work: ClusterWork, holder: string): Steps<Reason[]> {
  const { run, cluster } = work;
  const marks = yield* patiently(flow, 'readMarks', { run, cluster }, patienceMinutes);
  if (isTrouble(marks)) return [reasonOfTrouble(marks.trouble)];
  if (marks.kind === 'refused') return marks.reasons;
  for (const { node } of marks.marks.filter(({ whose }) => whose === 'dead')) {
    const now = nowOf(flow);
    const slot = yield* askLock(flow, cluster, {
      op: 'take',
      owner: holder,
      holder,
      now,
      limit: 1,
    });
    if (slot.kind !== 'granted') {
      return [{ kind: 'lost', value: 'the lock was taken over while nodes were recovered' }];
    }
    const begun: NodeWork = {
      run,
      cluster,
      node,
      pool: '',
      instance: '',
      vmId: '',
      fence: slot.fence,
      purpose: 'recover',
      holder,
      notBefore: now,
      state: { step: 'adopt' },
      instants: { begun: now },
    };
    const id = instanceIds.node(run, cluster, node, 'recover');
    yield* subOrchestrate<NodeResult>(flow, 'node', begun, id);
    yield* askLock(flow, cluster, {
      op: 'free',
      holder,
      failed: false,
      stays: false,
      stops: false,
    });
  }
  return [];
}

function* makePlan(
  flow: Flow,
  { run, cluster, probeLanes }: ClusterWork,
): Steps<{ reasons: Reason[]; due: number; lanes: number }> {
  const nothing = { due: 0, lanes: 0 };
  const read = yield* patiently(
    flow,
    'readCluster',
    { run, cluster, lanes: probeLanes },
    patienceMinutes,
  );
  if (isTrouble(read)) return { reasons: [reasonOfTrouble(read.trouble)], ...nothing };
  if (read.kind === 'refused') return { reasons: read.reasons, ...nothing };
  yield* probeAll(flow, run, cluster, read.lanes);
  const planned = yield* patiently(flow, 'planCluster', { run, cluster }, patienceMinutes);
  if (isTrouble(planned)) return { reasons: [reasonOfTrouble(planned.trouble)], ...nothing };
  return { reasons: [], due: planned.due, lanes: planned.lanes };
}

/** Plans, and gives turns until the plan is through; says why if there is no plan. */
function* rebootDue(flow: Flow, work: ClusterWork, owner: string): Steps<Reason[]> {
  const { reasons, due, lanes } = yield* makePlan(flow, work);
  if (due > 0) yield* giveTurns(flow, work, owner, lanes);
  return reasons;
}

/** As many lanes of turns as nodes may be out of service at once. */
function* giveTurns(flow: Flow, work: ClusterWork, owner: string, lanes: number): Steps<void> {
  const { run, cluster } = work;
  const { df } = flow.context;
  const notBefore = nowOf(flow);
  const tasks = Array.from({ length: lanes }, (_, lane) => {
    const turns: TurnsWork = { run, cluster, owner, lane, limit: lanes, notBefore, passed: [] };
    return df.callSubOrchestrator('turns', turns, instanceIds.turns(run, cluster, lane));
  });
  flow.spent += lanes;
  yield df.Task.all(tasks);
}

import type { OrchestrationContext } from 'durable-functions';
import { epochMs, isoInstant } from '../domain/instant.ts';
import { instanceIds } from '../domain/run.ts';
import type { NodeResult } from '../domain/run.ts';
import type { ReasonKind } from '../domain/reason.ts';
import {
  askLock,
  isTrouble,
  newFlow,
  nowOf,
  patiently,
  spendingLimit,
  subOrchestrate,
} from './flow.ts';
import type { Flow, Steps } from './flow.ts';
import type { NodeWork } from './node.ts';

export interface TurnsWork {
  run: string;
  cluster: string;
  /** The cluster orchestration that owns the lock. */
  owner: string;
  lane: number;
  /** Slots that the lock may give. */
  limit: number;
  /** No cordon before that: the node before soaks, and meanwhile the next one is asked. */
  notBefore: string;
}

const patienceMinutes = 20;

/** Reasons that hold for every node of the cluster alike: the next turn would fare no better. */
const clusterWide: readonly ReasonKind[] = [
  'canceled',
  'hold',
  'claim',
  'halted',
  'clusterState',
  'window',
  'fit',
  'slots',
  'lost',
];

/**
 * Orchestrator `turns`: one lane that takes a slot, works on the node whose turn it is, frees the
 * slot and takes the next. The lock deals out the turns, so several lanes share one plan.
 */
export function* turnsOrchestrator(context: OrchestrationContext): Steps<undefined> {
  const flow = newFlow(context);
  let work = context.df.getInput<TurnsWork>() satisfies TurnsWork;
  for (;;) {
    if (flow.spent > spendingLimit) {
      context.df.continueAsNew(work);
      return undefined;
    }
    const soaked = yield* takeTurn(flow, work);
    if (soaked === undefined) return undefined;
    work = { ...work, notBefore: soaked };
  }
}

/** One turn; returns when the next may cordon, or nothing when there is to be no other. */
function* takeTurn(flow: Flow, work: TurnsWork): Steps<string | undefined> {
  const { run, cluster, owner, limit, notBefore } = work;
  const holder = flow.context.df.instanceId;
  const now = nowOf(flow);
  const slot = yield* askLock(flow, cluster, {
    op: 'take',
    owner,
    holder,
    now,
    limit,
    purpose: 'turn',
  });
  if (slot.kind !== 'granted') return undefined;
  try {
    const input = { run, cluster, turn: slot.turn };
    const next = yield* patiently(flow, 'nextNode', input, patienceMinutes);
    if (isTrouble(next) || next.kind === 'none') return undefined;
    const { node, pool, instance, vmId, soakSeconds } = next;
    const begun: NodeWork = {
      run,
      cluster,
      node,
      pool,
      instance,
      vmId,
      fence: slot.fence,
      purpose: 'reboot',
      holder,
      notBefore,
      state: { step: 'probe' },
      instants: { begun: now },
    };
    const id = instanceIds.node(run, cluster, node, 'reboot');
    const result = yield* subOrchestrate<NodeResult>(flow, 'node', begun, id);
    if (!goesOn(result)) return undefined;
    return result.outcome.kind === 'rebooted' ? later(nowOf(flow), soakSeconds) : notBefore;
  } finally {
    yield* askLock(flow, cluster, { op: 'free', holder });
  }
}

function later(instant: string, seconds: number): string {
  return isoInstant(epochMs(instant) + seconds * 1000);
}

function goesOn({ outcome }: NodeResult): boolean {
  switch (outcome.kind) {
    case 'notReady':
    case 'notRebooted':
    case 'failed':
    case 'canceled':
      return false;
    case 'unknown':
    case 'stillRequired':
    case 'undrainable':
    case 'rebooted':
    case 'notNeeded':
    case 'gone':
    case 'replaced':
    case 'skipped':
    case 'deferred':
      return !outcome.reasons.some(({ kind }) => clusterWide.includes(kind));
  }
}

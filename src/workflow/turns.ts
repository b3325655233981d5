import type { OrchestrationContext } from 'durable-functions';
import { epochMs, isoInstant } from '../domain/instant.ts';
import { hasFailed, instanceIds, isLeftOut } from '../domain/run.ts';
import type { NodeResult } from '../domain/run.ts';
import type { ReasonKind } from '../domain/reason.ts';
import { fleetScope } from '../lock/entity.ts';
import type { StepOutputs } from '../steps.ts';
import {
  askLock,
  newFlow,
  nowOf,
  patiently,
  spendingLimit,
  subOrchestrate,
  tellLock,
  wait,
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
  /** Pools that are through for this lane: what kept their last node would keep the next. */
  passed: string[];
}

const patienceMinutes = 20;
const seatWaitSeconds = 30;
/** Who waits for longer says so now and then. */
const longestQuietSeconds = 30 * 60;

/** Reasons that hold for every node of the cluster alike: the next turn would fare no better. */
const clusterWide: readonly ReasonKind[] = [
  'canceled',
  'hold',
  'claim',
  'kured',
  'halted',
  'clusterState',
  'slots',
  'fleet',
  'ring',
  'lost',
  'stopped',
];
/** Reasons that hold for every node of the pool, and for no other. */
const poolWide: readonly ReasonKind[] = ['window', 'fit', 'poolState', 'poolSlots', 'approval'];

/**
 * Orchestrator `turns`: one lane that finds the next node, takes its turn and a slot from the lock,
 * works on it, frees the slot, and so on. Several lanes share one plan: the lock gives each turn
 * once.
 */
export function* turnsOrchestrator(context: OrchestrationContext): Steps<undefined> {
  const flow = newFlow(context);
  let work: TurnsWork | undefined = context.df.getInput<TurnsWork>() satisfies TurnsWork;
  while (work !== undefined) {
    if (flow.spent > spendingLimit) {
      context.df.continueAsNew(work);
      return undefined;
    }
    work = yield* takeTurn(flow, work);
  }
  return undefined;
}

/** One turn; returns what the next one goes on with, or nothing when there is to be no other. */
function* takeTurn(flow: Flow, work: TurnsWork): Steps<TurnsWork | undefined> {
  const { run, cluster, passed } = work;
  const holder = flow.context.df.instanceId;
  const input = { run, cluster, holder, passed };
  const next = yield* patiently(flow, 'nextNode', input, patienceMinutes);
  switch (next.kind) {
    case 'node':
      return next.seat === undefined
        ? yield* takeSlot(flow, work, next)
        : yield* takeSeat(flow, work, next, next.seat);
    case 'wait':
      return yield* standBy(flow, work, next);
    case 'none':
    case 'trouble':
      return undefined;
  }
}

type NextNode = Extract<StepOutputs['nextNode'], { kind: 'node' }>;

/** Takes a place in the fleet first, and gives it back when the turn is over. */
function* takeSeat(
  flow: Flow,
  work: TurnsWork,
  next: NextNode,
  seat: NonNullable<NextNode['seat']>,
): Steps<TurnsWork | undefined> {
  const soaks = secondsUntil(flow, work.notBefore);
  if (soaks > 0) {
    // A lane that pauses keeps no other cluster from going on.
    const detail = `the node before soaks until ${work.notBefore}`;
    return yield* standBy(flow, work, {
      waitSeconds: Math.min(soaks, longestQuietSeconds),
      detail,
    });
  }
  const holder = flow.context.df.instanceId;
  const { cluster } = work;
  const { node } = next;
  const taking = { op: 'seat', holder, cluster, node, now: nowOf(flow), ...seat } as const;
  const taken = yield* askLock(flow, fleetScope, taking);
  if (taken.kind !== 'granted') {
    const detail = 'another lane has the last place in the fleet';
    return yield* standBy(flow, work, { waitSeconds: seatWaitSeconds, detail });
  }
  try {
    return yield* takeSlot(flow, work, next);
  } finally {
    yield* askLock(flow, fleetScope, {
      op: 'free',
      holder,
      failed: false,
      stays: false,
      stops: false,
    });
  }
}

/** Waits, and says so in the owner's name, so that nobody takes it for dead. */
function* standBy(
  flow: Flow,
  work: TurnsWork,
  { waitSeconds, detail }: { waitSeconds: number; detail: string },
): Steps<TurnsWork> {
  const told = { op: 'progress', holder: work.owner, node: '', step: 'wait' } as const;
  tellLock(flow, work.cluster, { ...told, detail: detail.slice(0, 400), now: nowOf(flow) });
  yield* wait(flow, waitSeconds);
  return work;
}

/** Takes the turn and a slot from the cluster's lock, which has the last word. */
function* takeSlot(flow: Flow, work: TurnsWork, next: NextNode): Steps<TurnsWork | undefined> {
  const { cluster, owner, limit } = work;
  const holder = flow.context.df.instanceId;
  const { turn } = next;
  const taking = { op: 'take', owner, holder, now: nowOf(flow), limit, turn } as const;
  const slot = yield* askLock(flow, cluster, taking);
  switch (slot.kind) {
    case 'granted':
      return yield* reboot(flow, work, next, slot.fence);
    case 'passed':
      return work;
    case 'full':
    case 'stopped':
    case 'notOwner':
    case 'entered':
    case 'held':
    case 'done':
    case 'refused':
      return undefined;
  }
}

/** Works on the node, and gives its slot back unless the node is still out of service. */
function* reboot(
  flow: Flow,
  work: TurnsWork,
  next: NextNode,
  fence: number,
): Steps<TurnsWork | undefined> {
  const { run, cluster, notBefore } = work;
  const { node, pool, instance, vmId } = next;
  const holder = flow.context.df.instanceId;
  const begun: NodeWork = {
    run,
    cluster,
    node,
    pool,
    instance,
    vmId,
    fence,
    purpose: 'reboot',
    holder,
    notBefore,
    state: { step: 'probe' },
    instants: { begun: nowOf(flow) },
  };
  const id = instanceIds.node(run, cluster, node, 'reboot');
  let result: NodeResult | undefined;
  try {
    result = yield* subOrchestrate<NodeResult>(flow, 'node', begun, id);
  } finally {
    // Without a result nobody knows how the node was left.
    const failed = result === undefined || hasFailed(result);
    const stays = result === undefined || isLeftOut(result);
    const stops = result?.outcome.reasons.some(({ kind }) => kind === 'stopped') ?? false;
    yield* askLock(flow, cluster, { op: 'free', holder, failed, stays, stops });
  }
  return goOn(flow, work, next, result);
}

function goOn(
  flow: Flow,
  work: TurnsWork,
  { pool, soakSeconds }: NextNode,
  result: NodeResult,
): TurnsWork | undefined {
  const { kind, reasons } = result.outcome;
  const says = (kinds: readonly ReasonKind[]) =>
    reasons.some((reason) => kinds.includes(reason.kind));
  // A lane has one slot: it goes no further than the node that keeps it.
  if (isLeftOut(result) || kind === 'canceled' || says(clusterWide)) return undefined;
  if (kind === 'rebooted') return { ...work, notBefore: later(nowOf(flow), soakSeconds) };
  return says(poolWide) ? { ...work, passed: [...work.passed, pool] } : work;
}

function secondsUntil(flow: Flow, instant: string): number {
  return (epochMs(instant) - epochMs(nowOf(flow))) / 1000;
}

function later(instant: string, seconds: number): string {
  return isoInstant(epochMs(instant) + seconds * 1000);
}

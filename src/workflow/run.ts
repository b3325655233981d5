import type { OrchestrationContext } from 'durable-functions';
import { instanceIds } from '../domain/run.ts';
import type { ClusterSummary, RunRequest } from '../domain/run.ts';
import { reasonOfTrouble } from '../domain/reason.ts';
import type { Reason } from '../domain/reason.ts';
import type { OutcomeCounts } from '../domain/outcome.ts';
import type { ClusterTask } from '../steps.ts';
import type { ClusterWork } from './cluster.ts';
import { isTrouble, newFlow, patiently, spendingLimit, subOrchestrate } from './flow.ts';
import type { Steps } from './flow.ts';

export interface RunWork {
  run: string;
  request: RunRequest;
}

export type RunEnd =
  { kind: 'closed'; counts: OutcomeCounts } | { kind: 'refused'; reasons: Reason[] };

const patienceMinutes = 20;

/** Orchestrator `run`: one pass over the clusters, ring by ring, at most ten at once. */
export function* runOrchestrator(context: OrchestrationContext): Steps<RunEnd> {
  const flow = newFlow(context);
  const work = context.df.getInput<RunWork>() satisfies RunWork;
  const { run, request } = work;
  const opened = yield* patiently(flow, 'openRun', { run, request }, patienceMinutes);
  if (isTrouble(opened)) return { kind: 'refused', reasons: [reasonOfTrouble(opened.trouble)] };
  if (opened.kind === 'refused') return opened;
  const kind = request.dryRun ? 'plan' : request.purpose;
  let lane = 0;
  let unopened: Reason | undefined;
  for (const [index, { clusters, lanes }] of opened.rings.entries()) {
    if (index > 0) {
      const ring = yield* patiently(flow, 'openRing', { run, ring: index }, patienceMinutes);
      if (isTrouble(ring)) {
        // Whether it may be begun is not known, so it is not: neither are those after it.
        unopened = reasonOfTrouble(ring.trouble);
        break;
      }
    }
    const tasks = Array.from({ length: lanes }, (_, place) => {
      const mine = clusters.filter((_task, number) => number % lanes === place);
      const input: LaneWork = { run, kind, clusters: mine };
      return context.df.callSubOrchestrator('lane', input, instanceIds.lane(run, lane++));
    });
    yield context.df.Task.all(tasks);
  }
  const closed = yield* patiently(flow, 'closeRun', { run, unopened }, patienceMinutes);
  if (isTrouble(closed)) return { kind: 'refused', reasons: [reasonOfTrouble(closed.trouble)] };
  return closed;
}

interface LaneWork {
  run: string;
  kind: ClusterWork['kind'];
  clusters: ClusterTask[];
}

/** Orchestrator `lane`: its share of a run's clusters, one after another. */
export function* laneOrchestrator(context: OrchestrationContext): Steps<undefined> {
  const flow = newFlow(context);
  const { run, kind, clusters } = context.df.getInput<LaneWork>() satisfies LaneWork;
  const left = [...clusters];
  for (let task = left.shift(); task !== undefined; task = left.shift()) {
    const work: ClusterWork = { run, kind, ...task };
    const id = instanceIds.cluster(run, task.cluster);
    try {
      yield* subOrchestrate<ClusterSummary>(flow, 'cluster', work, id);
    } catch {
      // A defect in one cluster is not the others': the run's report says that it left none.
    }
    if (flow.spent > spendingLimit && left.length > 0) {
      context.df.continueAsNew({ run, kind, clusters: left });
      return undefined;
    }
  }
  return undefined;
}

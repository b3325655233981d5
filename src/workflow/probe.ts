import type { OrchestrationContext } from 'durable-functions';
import { instanceIds } from '../domain/run.ts';
import type { ProbeAddress, ProbeRecord } from '../domain/need.ts';
import type { Trouble } from '../domain/trouble.ts';
import { isTrouble, newFlow, nowOf, patiently, spendingLimit, tellLock, wait } from './flow.ts';
import type { Flow, Steps } from './flow.ts';

export interface ProbeTarget extends ProbeAddress {
  run: string;
  cluster: string;
}

const patienceMinutes = 10;

/**
 * Asks one node whether it needs a reboot, and waits for the answer. How long to be patient with an
 * instance that is busy or silent, the activities decide; every end is an answer, `unknown`
 * included.
 */
export function* askProbe(flow: Flow, target: ProbeTarget): Steps<ProbeRecord> {
  let asked = { ...target, since: nowOf(flow) };
  let token: string | undefined;
  for (;;) {
    const answer =
      token === undefined
        ? yield* patiently(flow, 'startProbe', asked, patienceMinutes)
        : yield* patiently(flow, 'pollProbe', { ...asked, token }, patienceMinutes);
    switch (answer.kind) {
      case 'started':
      case 'running':
        token = answer.token;
        yield* wait(flow, answer.waitSeconds);
        break;
      case 'busy':
        yield* wait(flow, answer.waitSeconds);
        break;
      case 'forgotten':
        // Nobody looked for longer than Azure remembers: the question is as new.
        asked = { ...target, since: nowOf(flow) };
        token = undefined;
        break;
      case 'answer':
        return answer.record;
      case 'trouble':
        return unanswered(flow, target, answer.trouble);
    }
  }
}

function unanswered(flow: Flow, { vmId }: ProbeTarget, trouble: Trouble): ProbeRecord {
  const reason = `${trouble.kind}: ${trouble.value}`;
  return { probe: { kind: 'unknown', reason }, vmId, at: nowOf(flow) };
}

export interface ProbeBatchWork {
  run: string;
  cluster: string;
  lane: number;
  cursor: number;
}

/**
 * Orchestrator `probeBatch`: one lane of probes, one node after another. A lane's slot refills at
 * once, and answers are put away in handfuls, so neither history nor payload grows with the fleet.
 */
export function* probeBatchOrchestrator(context: OrchestrationContext): Steps<undefined> {
  const flow = newFlow(context);
  const work = context.df.getInput<ProbeBatchWork>() satisfies ProbeBatchWork;
  const { run, cluster, lane } = work;
  const batch = yield* patiently(flow, 'readLane', work, patienceMinutes);
  if (isTrouble(batch)) return undefined;
  const answers: Record<string, ProbeRecord> = {};
  let asked = 0;
  const holder = instanceIds.cluster(run, cluster);
  for (const address of batch.nodes) {
    const { node } = address;
    // Asking a fleet may take longer than anything else: the lock's owner is not stalled meanwhile.
    const told = { op: 'progress', holder, node, step: 'probe', detail: '' } as const;
    tellLock(flow, cluster, { ...told, now: nowOf(flow) });
    answers[node] = yield* askProbe(flow, { run, cluster, ...address });
    asked += 1;
    if (flow.spent > spendingLimit) break;
  }
  const name = `${lane}-${work.cursor}`;
  yield* patiently(flow, 'saveProbes', { run, cluster, name, answers }, patienceMinutes);
  const cursor = work.cursor + asked;
  if (asked < batch.nodes.length || batch.more) context.df.continueAsNew({ ...work, cursor });
  return undefined;
}

/** Starts all lanes of a cluster and waits for them. */
export function* probeAll(flow: Flow, run: string, cluster: string, lanes: number): Steps<void> {
  if (lanes === 0) return;
  const { df } = flow.context;
  const batches = Array.from({ length: lanes }, (_, lane) => {
    const work: ProbeBatchWork = { run, cluster, lane, cursor: 0 };
    return df.callSubOrchestrator('probeBatch', work, instanceIds.probes(run, cluster, lane));
  });
  flow.spent += lanes;
  yield df.Task.all(batches);
}

import type { OrchestrationContext } from 'durable-functions';
import { newFlow, patiently } from './flow.ts';
import type { Steps } from './flow.ts';

export interface PreflightWork {
  run: string;
  /** Keys of the clusters that are still to be checked. */
  clusters: string[];
}

/** Clusters that are checked at once: as many as a run works on. */
const atOnce = 10;
const patienceMinutes = 5;

/** Orchestrator `preflight`: checks clusters, ten at once, and puts the findings together. */
export function* preflightOrchestrator(context: OrchestrationContext): Steps<undefined> {
  const flow = newFlow(context);
  const { run, clusters } = context.df.getInput<PreflightWork>() satisfies PreflightWork;
  const now = clusters.slice(0, atOnce);
  const checks = now.map((cluster) => context.df.callActivity('checkCluster', { run, cluster }));
  if (checks.length > 0) yield context.df.Task.all(checks);
  const later = clusters.slice(atOnce);
  if (later.length > 0) {
    context.df.continueAsNew({ run, clusters: later });
    return undefined;
  }
  yield* patiently(flow, 'closePreflight', { run }, patienceMinutes);
  return undefined;
}

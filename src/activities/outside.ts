import type { Questions } from '../decide/questions.ts';
import { keyOf } from '../domain/outside.ts';
import type { AlertsQuestion, Outside, PodsQuestion, Reading } from '../domain/outside.ts';
import type { PrometheusQuestion } from '../domain/outside.ts';
import { isTransient, TroubleError } from '../domain/trouble.ts';
import type { Trouble } from '../domain/trouble.ts';
import type { Kubernetes } from '../ports.ts';
import type { Desk } from './scene.ts';

/**
 * Asks outside sources, all at once and each question once. What was answered holds for the
 * activity that asked and no longer.
 */
export async function askOutside(
  desk: Desk,
  kubernetes: Kubernetes,
  { pods, prometheus, alerts }: Questions,
): Promise<Outside> {
  const [ofPods, ofPrometheus, ofAlerts] = await Promise.all([
    readings(pods, (question) => kubernetes.pods(question), isTransient),
    readings(prometheus, (question) => desk.prometheus.query(question)),
    readings(alerts, (question) => desk.azure.alerts(question)),
  ]);
  return { pods: ofPods, prometheus: ofPrometheus, alerts: ofAlerts };
}

async function readings<Q extends PodsQuestion | PrometheusQuestion | AlertsQuestion, T>(
  questions: readonly Q[],
  ask: (question: Q) => Promise<T>,
  passes: (trouble: Trouble) => boolean = () => false,
): Promise<ReadonlyMap<string, Reading<T>>> {
  const answers = await Promise.all(
    questions.map(
      async (question) => [keyOf(question), await reading(ask(question), passes)] as const,
    ),
  );
  return new Map(answers);
}

/**
 * Trouble with a source is no trouble of the activity: its gate says no, and why. But passing
 * trouble with the API server is that of everything else, too, and is asked again.
 */
async function reading<T>(
  asked: Promise<T>,
  passes: (trouble: Trouble) => boolean,
): Promise<Reading<T>> {
  try {
    return { kind: 'read', value: await asked };
  } catch (error) {
    if (!(error instanceof TroubleError) || passes(error.trouble)) throw error;
    const { kind, value } = error.trouble;
    return { kind: 'unread', value: `${kind}: ${value}` };
  }
}

import type { ClusterFacts } from '../domain/cluster.ts';
import { keyOf } from '../domain/outside.ts';
import type { AlertsQuestion, PodsQuestion, PrometheusQuestion } from '../domain/outside.ts';
import { armTargetPattern } from '../policy/blockers.ts';
import type { Policy } from '../policy/settings.ts';

/** What outside sources have to be asked, so that the gates can judge. Pure. */
export interface Questions {
  pods: PodsQuestion[];
  prometheus: PrometheusQuestion[];
  alerts: AlertsQuestion[];
}

/** What has to be known for nodes of these policies, each question once. */
export function questionsOf(policies: Iterable<Policy>, cluster: ClusterFacts): Questions {
  const all = [...new Set(policies)];
  return {
    pods: once(all.flatMap((policy) => [...kuredQuestionsOf(policy), ...podsQuestions(policy)])),
    prometheus: once(all.flatMap(prometheusQuestions)),
    alerts: once(all.flatMap((policy) => alertsQuestions(policy, cluster))),
  };
}

function once<Q extends PodsQuestion | PrometheusQuestion | AlertsQuestion>(asked: Q[]): Q[] {
  return [...new Map(asked.map((question) => [keyOf(question), question])).values()];
}

/** kured's own manifest labels its pods the first way, its Helm chart the second. */
export const kuredQuestions: readonly PodsQuestion[] = [
  { selector: 'name=kured', namespace: '' },
  { selector: 'app.kubernetes.io/name=kured', namespace: '' },
];

function kuredQuestionsOf({ kured }: Policy): readonly PodsQuestion[] {
  return kured === 'refuse' ? kuredQuestions : [];
}

function podsQuestions({ blockingPods }: Policy): PodsQuestion[] {
  return blockingPods.map(podsQuestion);
}

/** The question behind an entry of `blockingPods`. */
export function podsQuestion({ selector, namespace }: Policy['blockingPods'][0]): PodsQuestion {
  return { selector, namespace };
}

function prometheusQuestions(policy: Policy): PrometheusQuestion[] {
  const alerts = alertsQuery(policy);
  return [
    ...policy.prometheusQueries.map(({ query }) => prometheusQuestion(policy, query)),
    ...(alerts === undefined ? [] : [prometheusQuestion(policy, alerts)]),
  ];
}

/** A query, with where and as whom it is asked. */
export function prometheusQuestion(policy: Policy, query: string): PrometheusQuestion {
  return { url: policy.prometheusUrl, auth: policy.prometheusAuth, query };
}

/** How Prometheus is asked for its alerts; `undefined` when they don't block. */
export function alertsQuery({ prometheusAlerts }: Policy): string | undefined {
  switch (prometheusAlerts) {
    case 'off':
      return undefined;
    case 'firing':
      return 'ALERTS{alertstate="firing"}';
    case 'firingOrPending':
      return 'ALERTS';
  }
}

/** The cluster, its node resource group, and what settings name beside them. */
export function alertsQuestions(policy: Policy, { id, nodeResourceGroup }: ClusterFacts) {
  if (policy.azureAlerts === 'off') return [];
  const { subscription } = id;
  const own: AlertsQuestion[] = [
    { subscription, target: 'resource', id: id.id },
    { subscription, target: 'group', name: nodeResourceGroup },
  ];
  return [...own, ...policy.azureAlertTargets.map(targetQuestion)];
}

/** Settings were checked: what is no ARM id never comes here. */
function targetQuestion(id: string): AlertsQuestion {
  const [, subscription = '', name = '', resource] = armTargetPattern.exec(id) ?? [];
  return resource === undefined
    ? { subscription, target: 'group', name }
    : { subscription, target: 'resource', id };
}

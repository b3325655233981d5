import { answerTo } from '../../domain/outside.ts';
import type { Reading, Sample } from '../../domain/outside.ts';
import type { Reason, ReasonKind } from '../../domain/reason.ts';
import type { Policy } from '../../policy/settings.ts';
import type { Scene, Sight } from '../gate.ts';
import {
  alertsQuery,
  alertsQuestions,
  kuredQuestions,
  podsQuestion,
  prometheusQuestion,
} from '../questions.ts';

/** Gates that close on what outside sources say; one that could not be asked closes its gate. */

/** Two programs that reboot the same nodes know nothing of each other's slots. */
export function kured({ policy }: Sight, { outside }: Scene): Reason | undefined {
  if (policy.kured === 'ignore') return undefined;
  const readings = kuredQuestions.map((question) => answerTo(outside.pods, question));
  return firstOf(readings, 'kured', 'whether kured runs in the cluster', (pods) => {
    const found = pods.find(({ daemonSet }) => daemonSet !== '');
    return (
      found &&
      `kured runs in the cluster (DaemonSet ${found.daemonSet}) and reboots the same nodes; ` +
        'remove it, or set kured to "ignore"'
    );
  });
}

export function blockingPod({ node, policy }: Sight, { outside }: Scene): Reason | undefined {
  for (const entry of policy.blockingPods) {
    const { selector, where } = entry;
    const reading = answerTo(outside.pods, podsQuestion(entry));
    const reason = firstOf([reading], 'blockingPod', `which pods match ${selector}`, (pods) => {
      const found = pods.find((pod) => where === 'cluster' || pod.node === node.name);
      const place = where === 'cluster' ? 'in the cluster' : 'on the node';
      return found && `pod ${found.pod} ${place} matches ${selector}`;
    });
    if (reason !== undefined) return reason;
  }
  return undefined;
}

export function prometheus({ policy }: Sight, { outside }: Scene): Reason | undefined {
  for (const { name, query, blocksOn } of policy.prometheusQueries) {
    const reading = answerTo(outside.prometheus, prometheusQuestion(policy, query));
    const reason = firstOf(
      [reading],
      'prometheus',
      `what the query "${name}" says`,
      ({ kind, samples }) => {
        const counts = (sample: Sample) =>
          (kind === 'vector' && blocksOn === 'any') || Number(sample.value) !== 0;
        const found = samples.find(counts);
        return found && `the query "${name}" says ${seriesOf(found)}`;
      },
    );
    if (reason !== undefined) return reason;
  }
  return prometheusAlert(policy, outside.prometheus);
}

function prometheusAlert(
  policy: Policy,
  answers: Scene['outside']['prometheus'],
): Reason | undefined {
  const query = alertsQuery(policy);
  if (query === undefined) return undefined;
  const reading = answerTo(answers, prometheusQuestion(policy, query));
  return firstOf([reading], 'prometheus', 'which alerts stand', ({ samples }) => {
    const found = samples.find(
      ({ labels, value }) =>
        Number(value) !== 0 &&
        blocksByName(
          labels['alertname'] ?? '',
          policy.prometheusAlertsOnly,
          policy.prometheusAlertsExcept,
        ),
    );
    const { alertname = '', alertstate = '' } = found?.labels ?? {};
    return found && `the alert ${alertname} is ${alertstate}`;
  });
}

export function azureAlert({ policy }: Sight, { outside, cluster }: Scene): Reason | undefined {
  for (const question of alertsQuestions(policy, cluster)) {
    const about = question.target === 'resource' ? question.id : `group ${question.name}`;
    const reading = answerTo(outside.alerts, question);
    const reason = firstOf([reading], 'azureAlert', `which alerts stand on ${about}`, (alerts) => {
      const found = alerts.find(
        ({ name, severity, silenced }) =>
          !silenced &&
          policy.azureAlertSeverities.some((one) => one === severity) &&
          blocksByName(name, policy.azureAlertsOnly, policy.azureAlertsExcept),
      );
      return found && `the alert "${found.name}" (${found.severity}) has fired: ${found.resource}`;
    });
    if (reason !== undefined) return reason;
  }
  return undefined;
}

/** The first reading that says no, or that says nothing. */
function firstOf<T>(
  readings: readonly Reading<T>[],
  kind: ReasonKind,
  asked: string,
  judge: (value: T) => string | undefined,
): Reason | undefined {
  for (const reading of readings) {
    if (reading.kind === 'unread') {
      return { kind, value: `it can't be told ${asked}: ${reading.value}` };
    }
    const value = judge(reading.value);
    if (value !== undefined) return { kind, value };
  }
  return undefined;
}

function blocksByName(name: string, only: string, except: string): boolean {
  const wanted = only === '' || new RegExp(only, 'u').test(name);
  return wanted && (except === '' || !new RegExp(except, 'u').test(name));
}

const longestSeries = 200;

/** As Prometheus writes it: `name{label="value"} = 1`. */
function seriesOf({ labels: { __name__: name = '', ...labels }, value }: Sample): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${text}"`);
  const shown = `${name}${pairs.length > 0 ? `{${pairs.join(', ')}}` : ''}`;
  const cut = shown.length > longestSeries ? `${shown.slice(0, longestSeries)}…` : shown;
  return cut === '' ? value : `${cut} = ${value}`;
}

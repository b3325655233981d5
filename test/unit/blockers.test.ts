import { decide, decideCordoned } from '../../src/decide/gates.ts';
import { kuredQuestions, questionsOf } from '../../src/decide/questions.ts';
import type {
  AlertSeen,
  AlertsQuestion,
  PodSeen,
  PrometheusAnswer,
} from '../../src/domain/outside.ts';
import { nothingAsked } from '../../src/domain/outside.ts';
import { defaultPolicy } from '../../src/policy/settings.ts';
import type { Policy } from '../../src/policy/settings.ts';
import {
  cluster,
  markedNode,
  nodeGroup,
  nodeOf,
  outsideOf,
  read,
  sceneOf,
  sightOf,
  subscription,
  unread,
} from '../support/sights.ts';

/** Gates that close on what outside sources say. */

const url = 'https://prometheus.example.com';
const queries = (blocksOn: 'any' | 'nonZero'): Partial<Policy> => ({
  prometheusUrl: url,
  prometheusQueries: [{ name: 'errors', query: 'errors > 1', blocksOn }],
});
const asked = (query: string) => ({ url, auth: 'none' as const, query });
const vector = (...values: string[]): PrometheusAnswer => ({
  kind: 'vector',
  samples: values.map((value) => ({ labels: { __name__: 'errors', job: 'shop' }, value })),
});
const scalar = (value: string): PrometheusAnswer => ({
  kind: 'scalar',
  samples: [{ labels: {}, value }],
});
const stands = (alertname: string, alertstate = 'firing', value = '1') => ({
  labels: { __name__: 'ALERTS', alertname, alertstate },
  value,
});
const alertsAnswer = (...samples: PrometheusAnswer['samples']): PrometheusAnswer => ({
  kind: 'vector',
  samples,
});
const firing = 'ALERTS{alertstate="firing"}';
const alerts = (over: Partial<Policy> = {}): Partial<Policy> => ({
  prometheusUrl: url,
  prometheusAlerts: 'firing',
  ...over,
});

const here = nodeOf().name;
const pod = (node: string, daemonSet = ''): PodSeen => ({ pod: 'default/etl-1', node, daemonSet });
const etl = { selector: 'app=etl', namespace: '' };
const blocking = (where: 'node' | 'cluster'): Partial<Policy> => ({
  blockingPods: [{ ...etl, where }],
});

const onCluster: AlertsQuestion = { subscription, target: 'resource', id: cluster.id.id };
const onGroup: AlertsQuestion = { subscription, target: 'group', name: nodeGroup };
const fired = (over: Partial<AlertSeen> = {}): AlertSeen => ({
  name: 'etcd is slow',
  severity: 'Sev1',
  resource: '/subscriptions/x',
  silenced: false,
  ...over,
});
const onlyOn = (question: AlertsQuestion, ...found: AlertSeen[]) => ({
  alerts: [onCluster, onGroup].map(
    (one) => [one, read(one === question ? found : [])] as [AlertsQuestion, typeof ofAlerts],
  ),
});
const ofAlerts = read<readonly AlertSeen[]>([]);

type Said = Parameters<typeof outsideOf>[0];
interface Case {
  says: string;
  policy: Partial<Policy>;
  said: Said;
}

const [manifest, chart] = kuredQuestions;
if (manifest === undefined || chart === undefined) throw new Error('kured is looked for twice');

const shut: (Case & { kind: string; value: RegExp })[] = [
  {
    says: 'kured runs, installed by its manifest',
    policy: {},
    said: { pods: [[manifest, read([pod('x', 'kube-system/kured')])]] },
    kind: 'kured',
    value: /^kured runs in the cluster \(DaemonSet kube-system\/kured\)/u,
  },
  {
    says: 'kured runs, installed by its chart',
    policy: {},
    said: { pods: [[chart, read([pod('x', 'ops/my-kured')])]] },
    kind: 'kured',
    value: /DaemonSet ops\/my-kured/u,
  },
  {
    says: 'nobody can tell whether kured runs',
    policy: {},
    said: { pods: [[manifest, unread]] },
    kind: 'kured',
    value: /^it can't be told whether kured runs in the cluster: unreachable: no route to host$/u,
  },
  {
    says: 'a blocking pod is on the node',
    policy: blocking('node'),
    said: { pods: [[etl, read([pod('other'), pod(here)])]] },
    kind: 'blockingPod',
    value: /^pod default\/etl-1 on the node matches app=etl$/u,
  },
  {
    says: 'a blocking pod is anywhere, where that is what blocks',
    policy: blocking('cluster'),
    said: { pods: [[etl, read([pod('')])]] },
    kind: 'blockingPod',
    value: /^pod default\/etl-1 in the cluster matches app=etl$/u,
  },
  {
    says: 'pods cannot be listed',
    policy: blocking('node'),
    said: { pods: [[etl, unread]] },
    kind: 'blockingPod',
    value: /^it can't be told which pods match app=etl: unreachable/u,
  },
  {
    says: 'a query has an answer, be its value 0',
    policy: queries('any'),
    said: { prometheus: [[asked('errors > 1'), read(vector('0'))]] },
    kind: 'prometheus',
    value: /^the query "errors" says errors\{job="shop"\} = 0$/u,
  },
  {
    says: 'one value of the answer is not 0',
    policy: queries('nonZero'),
    said: { prometheus: [[asked('errors > 1'), read(vector('0', '3'))]] },
    kind: 'prometheus',
    value: /= 3$/u,
  },
  {
    says: 'a value is no number',
    policy: queries('nonZero'),
    said: { prometheus: [[asked('errors > 1'), read(vector('NaN'))]] },
    kind: 'prometheus',
    value: /= NaN$/u,
  },
  {
    says: 'a scalar is not 0',
    policy: queries('any'),
    said: { prometheus: [[asked('errors > 1'), read(scalar('2'))]] },
    kind: 'prometheus',
    value: /^the query "errors" says 2$/u,
  },
  {
    says: 'Prometheus cannot be reached',
    policy: queries('any'),
    said: { prometheus: [[asked('errors > 1'), unread]] },
    kind: 'prometheus',
    value: /^it can't be told what the query "errors" says: unreachable/u,
  },
  {
    says: 'a second query blocks',
    policy: {
      prometheusUrl: url,
      prometheusQueries: [
        { name: 'one', query: 'one', blocksOn: 'any' },
        { name: 'two', query: 'two', blocksOn: 'any' },
      ],
    },
    said: {
      prometheus: [
        [asked('one'), read(vector())],
        [asked('two'), read(vector('1'))],
      ],
    },
    kind: 'prometheus',
    value: /^the query "two"/u,
  },
  {
    says: 'an alert of Prometheus is firing',
    policy: alerts(),
    said: { prometheus: [[asked(firing), read(alertsAnswer(stands('Slow')))]] },
    kind: 'prometheus',
    value: /^the alert Slow is firing$/u,
  },
  {
    says: 'an alert is pending, where that blocks',
    policy: alerts({ prometheusAlerts: 'firingOrPending' }),
    said: { prometheus: [[asked('ALERTS'), read(alertsAnswer(stands('Slow', 'pending')))]] },
    kind: 'prometheus',
    value: /^the alert Slow is pending$/u,
  },
  {
    says: 'an alert has a name that blocks',
    policy: alerts({ prometheusAlertsOnly: '^Sl' }),
    said: { prometheus: [[asked(firing), read(alertsAnswer(stands('Hot'), stands('Slow')))]] },
    kind: 'prometheus',
    value: /^the alert Slow/u,
  },
  {
    says: 'an alert has no name that is let through',
    policy: alerts({ prometheusAlertsExcept: '^(Hot|Watchdog)$' }),
    said: { prometheus: [[asked(firing), read(alertsAnswer(stands('Hot'), stands('Slow')))]] },
    kind: 'prometheus',
    value: /^the alert Slow/u,
  },
  {
    says: 'alerts of Prometheus cannot be asked for',
    policy: alerts(),
    said: { prometheus: [[asked(firing), unread]] },
    kind: 'prometheus',
    value: /^it can't be told which alerts stand: unreachable/u,
  },
  {
    says: 'an alert of Azure Monitor has fired on the cluster',
    policy: { azureAlerts: 'fired' },
    said: onlyOn(onCluster, fired()),
    kind: 'azureAlert',
    value: /^the alert "etcd is slow" \(Sev1\) has fired: \/subscriptions\/x$/u,
  },
  {
    says: 'an alert of Azure Monitor has fired in the node resource group',
    policy: { azureAlerts: 'fired' },
    said: onlyOn(onGroup, fired({ silenced: true }), fired({ name: 'disk' })),
    kind: 'azureAlert',
    value: /^the alert "disk"/u,
  },
  {
    says: 'alerts of Azure Monitor cannot be listed',
    policy: { azureAlerts: 'fired' },
    said: { alerts: [[onCluster, unread]] },
    kind: 'azureAlert',
    value: /^it can't be told which alerts stand on unused: unreachable/u,
  },
];

describe('a node waits when', () => {
  it.each(shut)('$says', ({ policy, said, kind, value }) => {
    const reasons = [{ kind, value: expect.stringMatching(value) as string }];
    const scene = sceneOf({ outside: outsideOf(said) });
    expect(decide(sightOf({ policy }), scene)).toEqual({
      decision: { kind: 'wait', reasons },
      outcome: { kind: 'deferred', reasons },
    });
    const cordoned = sightOf({ policy, node: { ...markedNode(here) } });
    expect(decideCordoned(cordoned, scene)).toEqual({ kind: 'wait', reasons });
  });

  it.each<[string, Partial<Policy>]>([
    ['kured', {}],
    ['blockingPod', { kured: 'ignore', ...blocking('node') }],
    ['prometheus', { kured: 'ignore', ...queries('any') }],
    ['prometheus', { kured: 'ignore', ...alerts() }],
    ['azureAlert', { kured: 'ignore', azureAlerts: 'fired' }],
  ])('nobody was asked what %s has to know', (kind, policy) => {
    const scene = sceneOf({ outside: nothingAsked });
    expect(decide(sightOf({ policy }), scene).decision).toEqual({
      kind: 'wait',
      reasons: [{ kind, value: expect.stringMatching(/it was not asked$/u) as string }],
    });
  });
});

const open: Case[] = [
  {
    says: 'kured runs and is to be ignored',
    policy: { kured: 'ignore' },
    said: { pods: [[manifest, read([pod('x', 'kube-system/kured')])]] },
  },
  {
    says: 'a pod is called so and belongs to no DaemonSet',
    policy: {},
    said: { pods: [[manifest, read([pod(here)])]] },
  },
  {
    says: 'a blocking pod is on another node',
    policy: blocking('node'),
    said: { pods: [[etl, read([pod('other'), pod('')])]] },
  },
  {
    says: 'a query has no answer',
    policy: queries('any'),
    said: { prometheus: [[asked('errors > 1'), read(vector())]] },
  },
  {
    says: 'all values are 0, where only others block',
    policy: queries('nonZero'),
    said: { prometheus: [[asked('errors > 1'), read(vector('0', '-0'))]] },
  },
  {
    says: 'a scalar is 0',
    policy: queries('any'),
    said: { prometheus: [[asked('errors > 1'), read(scalar('0'))]] },
  },
  {
    says: 'an alert is stale',
    policy: alerts(),
    said: { prometheus: [[asked(firing), read(alertsAnswer(stands('Slow', 'firing', '0')))]] },
  },
  {
    says: 'only alerts are firing that are let through',
    policy: alerts({ prometheusAlertsExcept: 'Slow' }),
    said: { prometheus: [[asked(firing), read(alertsAnswer(stands('Slow')))]] },
  },
  {
    says: 'only alerts are firing that are none of those that block',
    policy: alerts({ prometheusAlertsOnly: 'Hot' }),
    said: { prometheus: [[asked(firing), read(alertsAnswer(stands('Slow')))]] },
  },
  {
    says: 'an alert of Azure Monitor is silenced, or of no severity that blocks',
    policy: { azureAlerts: 'fired', azureAlertSeverities: ['Sev0'] },
    said: onlyOn(onCluster, fired({ severity: 'Sev0', silenced: true }), fired()),
  },
  {
    says: 'an alert of Azure Monitor is let through by its name',
    policy: { azureAlerts: 'fired', azureAlertsExcept: 'etcd' },
    said: onlyOn(onCluster, fired()),
  },
];

describe('a node is rebooted although', () => {
  it.each(open)('$says', ({ policy, said }) => {
    const scene = sceneOf({ outside: outsideOf(said) });
    expect(decide(sightOf({ policy }), scene).decision.kind).toBe('reboot');
    const cordoned = sightOf({ policy, node: { ...markedNode(here) } });
    expect(decideCordoned(cordoned, scene).kind).toBe('go');
  });
});

describe('outside sources', () => {
  const of = (...policies: Partial<Policy>[]) =>
    questionsOf(
      policies.map((policy) => ({ ...defaultPolicy, ...policy })),
      cluster,
    );

  it('are not asked for what no gate has to know', () => {
    expect(of({ kured: 'ignore' })).toEqual({ pods: [], prometheus: [], alerts: [] });
  });

  it('are asked each question once, however many pools have it', () => {
    const policy = { ...blocking('node'), ...queries('any'), azureAlerts: 'fired' as const };
    expect(of(policy, { ...policy, ...blocking('cluster') }, {})).toEqual({
      pods: [...kuredQuestions, etl],
      prometheus: [asked('errors > 1')],
      alerts: [onCluster, onGroup],
    });
  });

  it('are asked of the resources and groups that settings name', () => {
    const group = `/subscriptions/${subscription}/resourceGroups/data`;
    const database = `${group}/providers/Microsoft.Sql/servers/orders`;
    const { alerts } = of({ azureAlerts: 'fired', azureAlertTargets: [group, database] });
    expect(alerts.slice(2)).toEqual([
      { subscription, target: 'group', name: 'data' },
      { subscription, target: 'resource', id: database },
    ]);
  });
});

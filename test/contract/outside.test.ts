import type { TokenCredential } from '@azure/identity';
import type { PodSeen, PrometheusQuestion } from '../../src/domain/outside.ts';
import { createPrometheus } from '../../src/prometheus/prometheus.ts';
import type { PrometheusOptions } from '../../src/prometheus/prometheus.ts';
import { prometheusStandIn, scalar, vector } from '../support/prometheus.ts';
import type { PrometheusReply, PrometheusStandIn } from '../support/prometheus.ts';
import { clusterId, simulate, subscription, troubleOf } from './azureHarness.ts';

/** The adapters that ask outside sources: pods, Azure Monitor, Prometheus. */

const one = clusterId('one');
const group = 'MC_rg_one_westeurope';
const scaleSet =
  `/subscriptions/${subscription}/resourceGroups/${group}` +
  '/providers/Microsoft.Compute/virtualMachineScaleSets/aks-web';

const fleet = {
  name: 'outside',
  clusters: [
    {
      id: one.id,
      pools: [{ name: 'web', count: 2 }],
      workloads: [
        { kind: 'DaemonSet', namespace: 'kube-system', name: 'kured', labels: { name: 'kured' } },
        { kind: 'Deployment', name: 'shop', replicas: 2, labels: { tier: 'web' } },
        { kind: 'Deployment', namespace: 'ops', name: 'shop', labels: { tier: 'web' } },
        { kind: 'Job', name: 'etl', labels: { tier: 'web' }, completesSeconds: 60 },
      ],
      alerts: [{ name: 'old', severity: 'Sev2' }],
    },
  ],
};

describe('pods', () => {
  const seen = (pods: PodSeen[]) => pods.map(({ pod }) => pod.replace(/-[a-z0-9-]*$/u, '')).sort();

  it('are found by their labels, in one namespace or in all, until they have ended', async () => {
    const simulation = await simulate(fleet);
    try {
      const arm = simulation.adapter();
      const kubernetes = await arm.kubernetes(await arm.cluster(one), 'api');
      const web = { selector: 'tier in (web)', namespace: '' };
      const shops = ['default/shop', 'default/shop', 'ops/shop'];
      await simulation.pass(120);
      expect(seen(await kubernetes.pods(web))).toEqual(shops);
      expect(seen(await kubernetes.pods({ ...web, namespace: 'ops' }))).toEqual(['ops/shop']);
      // The job's pod is there, and has ended.
      const [cluster] = simulation.azure.world.clusters;
      const all = cluster?.kubernetes.object('/api/v1/pods?labelSelector=tier%3Dweb');
      expect(all).toHaveProperty('items.length', 4);
      const kured = await kubernetes.pods({ selector: 'name=kured', namespace: '' });
      expect(kured.map(({ daemonSet }) => daemonSet)).toEqual(Array(2).fill('kube-system/kured'));
      expect(kured.every(({ node }) => node.startsWith('aks-web'))).toBe(true);
    } finally {
      await simulation.stop();
    }
  });
});

describe('alerts of Azure Monitor', () => {
  const onCluster = { subscription, target: 'resource', id: one.id } as const;
  const onGroup = { subscription, target: 'group', name: group } as const;

  it('are those that stand on the resource or in the group, page by page', async () => {
    const simulation = await simulate(fleet);
    try {
      const arm = simulation.adapter();
      const { person } = simulation.azure;
      await simulation.pass(3 * 24 * 3600);
      for (let index = 0; index < 260; index += 1) {
        person.fire(one.id, { name: `disk ${index}`, severity: 'Sev3', resource: scaleSet });
      }
      person.fire(one.id, { name: 'quiet', severity: 'Sev0', suppressed: true });
      person.fire(one.id, { name: 'closed', severity: 'Sev0', state: 'Closed' });
      const resource = one.id.toLowerCase();
      expect(await arm.alerts(onCluster)).toEqual([
        { name: 'old', severity: 'Sev2', resource, silenced: false },
        { name: 'quiet', severity: 'Sev0', resource, silenced: true },
        { name: 'closed', severity: 'Sev0', resource, silenced: true },
      ]);
      expect(await arm.alerts(onGroup)).toHaveLength(260);
      person.resolve(one.id, 'old');
      expect((await arm.alerts(onCluster)).map(({ name }) => name)).toEqual(['quiet', 'closed']);
    } finally {
      await simulation.stop();
    }
  });

  it('that cannot be listed are trouble: a missing right, an answer of another kind', async () => {
    const simulation = await simulate(fleet);
    try {
      const arm = simulation.adapter();
      const action = 'Microsoft.AlertsManagement/alerts/read';
      const giveBack = simulation.azure.faults.deny({ action });
      expect(await troubleOf(arm.alerts(onCluster))).toMatchObject({
        kind: 'forbidden',
        value: expect.stringContaining(action) as string,
      });
      giveBack();
      for (const body of [{ value: [{ name: 'x' }] }, { value: 'none' }, 'sorry']) {
        simulation.fault({ path: '/alerts', fault: { kind: 'answer', status: 200, body } });
        expect((await troubleOf(arm.alerts(onCluster))).kind).toBe('invalid');
      }
    } finally {
      await simulation.stop();
    }
  });
});

describe('Prometheus', () => {
  let standIn: PrometheusStandIn;
  beforeEach(async () => {
    standIn = await prometheusStandIn('https');
  });
  afterEach(() => standIn[Symbol.asyncDispose]());

  const nobody: TokenCredential = { getToken: () => Promise.resolve(null) };
  const ask = (
    question: Partial<PrometheusQuestion> = {},
    options: Partial<PrometheusOptions> = {},
  ) =>
    createPrometheus({ credential: nobody, ca: standIn.ca, ...options }).query({
      url: standIn.url,
      auth: 'none',
      query: 'up == 0',
      ...question,
    });

  it('is asked over HTTPS, whatever stands in the query', async () => {
    standIn.answer = () => vector([{ job: 'shop' }, '1'], [{ job: 'cart' }, '+Inf']);
    const query = 'sum by (job) (rate(x{a="b&c=d"}[5m])) > 1 + 1 # ü';
    expect(await ask({ query, url: `${standIn.url}/` })).toEqual({
      kind: 'vector',
      samples: [
        { labels: { job: 'shop' }, value: '1' },
        { labels: { job: 'cart' }, value: '+Inf' },
      ],
    });
    expect(standIn.asked).toEqual([{ query, authorization: undefined }]);
  });

  it('may answer with a scalar, or with ranges, of which the last values count', async () => {
    standIn.answer = () => scalar('NaN');
    expect(await ask()).toEqual({ kind: 'scalar', samples: [{ labels: {}, value: 'NaN' }] });
    const values = [
      [1, '0'],
      [2, '7'],
    ];
    const result = [{ metric: { job: 'shop' }, values }];
    standIn.answer = () => ({
      body: { status: 'success', data: { resultType: 'matrix', result } },
    });
    expect(await ask()).toEqual({
      kind: 'vector',
      samples: [{ labels: { job: 'shop' }, value: '7' }],
    });
  });

  it('gets a token where it is Azure Monitor, and nobody else does', async () => {
    const scopes: unknown[] = [];
    const credential: TokenCredential = {
      getToken: (scope) => {
        scopes.push(scope);
        return Promise.resolve({ token: 'secret', expiresOnTimestamp: Infinity });
      },
    };
    const azures = { credential, audience: standIn.url };
    await ask({ auth: 'entra' }, azures);
    expect(scopes).toEqual([`${standIn.url}/.default`]);
    expect(standIn.asked).toMatchObject([{ authorization: 'Bearer secret' }]);
    const trouble = await troubleOf(ask({ auth: 'entra' }, { credential }));
    expect(trouble).toMatchObject({
      kind: 'invalid',
      value: expect.stringContaining('prometheus.monitor.azure.com only') as string,
    });
    expect(await troubleOf(ask({ auth: 'entra' }, { audience: standIn.url }))).toMatchObject({
      kind: 'forbidden',
    });
    expect(standIn.asked).toHaveLength(1);
  });

  const success = { status: 'success', data: { resultType: 'vector', result: [] } };
  it.each<[string, PrometheusReply, string, RegExp]>([
    [
      'that it does not understand the query',
      { status: 400, body: { status: 'error', errorType: 'bad_data', error: 'parse error' } },
      'invalid',
      /400 parse error$/u,
    ],
    ['that we may not ask', { status: 403, body: 'no' }, 'forbidden', /403$/u],
    ['that it is too busy', { status: 429, body: 'no' }, 'throttled', /429$/u],
    ['that it is down', { status: 503, body: 'no' }, 'unreachable', /503$/u],
    [
      'to go elsewhere',
      { status: 302, headers: { location: 'https://example.com' }, body: '' },
      'invalid',
      /302$/u,
    ],
    ['nothing', { body: '' }, 'invalid', /no result of an instant query$/u],
    ["a portal's page", { body: '<html>' }, 'invalid', /no result/u],
    ['an error with 200', { body: { status: 'error', error: 'x' } }, 'invalid', /no result/u],
    [
      'a string, which says neither yes nor no',
      { body: { status: 'success', data: { resultType: 'string', result: [1, 'x'] } } },
      'invalid',
      /no result/u,
    ],
    [
      'that a part of it could not be asked',
      { body: { ...success, warnings: ['store is away'] } },
      'invalid',
      /may be incomplete: store is away$/u,
    ],
    ['for too long', { body: `{"x":"${'x'.repeat(1_100_000)}"}` }, 'invalid', /more than/u],
  ])('is trouble when it says %s', async (_what, reply, kind, value) => {
    standIn.answer = () => reply;
    const trouble = await troubleOf(ask());
    expect(trouble.kind).toBe(kind);
    expect(trouble.value).toMatch(value);
  });

  it('is trouble when it is not there, not trusted, or silent', async () => {
    expect((await troubleOf(ask({ url: 'https://127.0.0.1:1' }))).kind).toBe('unreachable');
    const strangers = await prometheusStandIn('https');
    expect((await troubleOf(ask({ url: strangers.url }))).kind).toBe('unreachable');
    await strangers[Symbol.asyncDispose]();
    standIn.answer = () => new Promise(() => {});
    expect((await troubleOf(ask({}, { deadlineSeconds: 0.2 }))).kind).toBe('timeout');
  });
});

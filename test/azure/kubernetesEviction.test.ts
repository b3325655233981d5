/** Eviction, budgets and graceful deletion (pkg/registry/core/pod/storage/eviction_test.go). */
import type { Workload } from '../../local/azure/kubernetes/kubernetes.ts';
import { conditionIn, testCluster, text, user, type TestCluster } from './kubernetesCluster.ts';

let cluster: TestCluster;

beforeEach(() => {
  cluster = testCluster(['a', 'b', 'c']);
});
afterEach(() => cluster.close());

const violates = "Cannot evict pod as it would violate the pod's disruption budget.";

function web(more: Partial<Extract<Workload, { kind: 'Deployment' }>> = {}): void {
  cluster.kubernetes.createWorkload({
    kind: 'Deployment',
    namespace: 'shop',
    name: 'web',
    replicas: 3,
    ...more,
  });
}

function statusOf(budget: string) {
  return (
    cluster.kubernetes.object(
      `/apis/policy/v1/namespaces/shop/poddisruptionbudgets/${budget}`,
    ) as never as { status: Record<string, unknown> }
  ).status;
}

describe('a disruption budget', () => {
  it.each([
    [{ minAvailable: 2 }, { expectedPods: 3, desiredHealthy: 2, disruptionsAllowed: 1 }],
    [{ minAvailable: '50%' }, { expectedPods: 3, desiredHealthy: 2, disruptionsAllowed: 1 }],
    [{ minAvailable: '100%' }, { expectedPods: 3, desiredHealthy: 3, disruptionsAllowed: 0 }],
    [{ minAvailable: 5 }, { expectedPods: 3, desiredHealthy: 5, disruptionsAllowed: 0 }],
    [{ maxUnavailable: 0 }, { expectedPods: 3, desiredHealthy: 3, disruptionsAllowed: 0 }],
    [{ maxUnavailable: '34%' }, { expectedPods: 3, desiredHealthy: 1, disruptionsAllowed: 2 }],
  ])('with %j counts %j', (pdb, expected) => {
    web({ pdb });
    expect(statusOf('web')).toMatchObject({
      ...expected,
      currentHealthy: 3,
      observedGeneration: 1,
    });
  });

  it('follows the scale of what it guards', async () => {
    web({ pdb: { maxUnavailable: 1 } });
    cluster.kubernetes.as(user).scale('shop', 'web', 5);
    await cluster.pass(10_000);
    expect(statusOf('web')).toMatchObject({ expectedPods: 5, desiredHealthy: 4 });
  });

  it('counts nothing where nothing has a scale, and then allows nothing', async () => {
    cluster.kubernetes.createWorkload({
      kind: 'DaemonSet',
      namespace: 'shop',
      name: 'agent',
      pdb: { maxUnavailable: 1 },
    });
    const [name = ''] = await cluster.pods();
    expect(statusOf('agent')).toMatchObject({
      disruptionsAllowed: 0,
      conditions: [{ reason: 'SyncFailed' }],
    });
    expect((await cluster.evict('shop', name)).body).toMatchObject({
      code: 429,
      details: {
        retryAfterSeconds: 10,
        causes: [
          { message: 'The disruption budget agent is still being processed by the server.' },
        ],
      },
    });
  });

  it('can not have both limits', async () => {
    const { status } = await cluster.ask(
      'POST',
      '/apis/policy/v1/namespaces/default/poddisruptionbudgets',
      { metadata: { name: 'both' }, spec: { minAvailable: 1, maxUnavailable: 1 } },
    );
    expect(status).toBe(422);
  });
});

describe('an eviction', () => {
  it('is refused while the budget is used up, until the replacement is ready', async () => {
    web({ pdb: { minAvailable: 2 } });
    const [first = '', second = ''] = await cluster.pods();
    expect((await cluster.evict('shop', first)).body).toMatchObject({ status: 'Success' });
    await cluster.pass(500);
    const { body, headers } = await cluster.evict('shop', second);
    expect(body).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: violates,
      reason: 'TooManyRequests',
      details: {
        causes: [
          {
            reason: 'DisruptionBudget',
            message: 'The disruption budget web needs 2 healthy pods and has 2 currently',
          },
        ],
      },
      code: 429,
    });
    expect(headers).not.toHaveProperty('retry-after');
    await cluster.pass(30_000);
    expect((await cluster.evict('shop', second)).status).toBe(201);
  });

  it('waits for a budget that the controller has not seen', async () => {
    web({ pdb: { minAvailable: 1 } });
    const [name = ''] = await cluster.pods();
    await cluster.patch('/apis/policy/v1/namespaces/shop/poddisruptionbudgets/web', {
      spec: { minAvailable: 2 },
    });
    const { status, headers, body } = await cluster.evict('shop', name);
    expect(status).toBe(429);
    expect(headers).toHaveProperty('retry-after', '10');
    expect(JSON.stringify(body)).toContain('is still being processed by the server.');
  });

  it('is an error for ever where two budgets select the pod', async () => {
    web({ pdb: { minAvailable: 1 } });
    await cluster.ask('POST', '/apis/policy/v1/namespaces/shop/poddisruptionbudgets', {
      metadata: { name: 'everything' },
      spec: { minAvailable: 1, selector: {} },
    });
    const [name = ''] = await cluster.pods();
    expect((await cluster.evict('shop', name)).body).toMatchObject({
      code: 500,
      message:
        'This pod has more than one PodDisruptionBudget, ' +
        'which the eviction subresource does not support.',
    });
  });

  it.each([
    ['is refused by default while too few are healthy', {}, 429],
    ['is refused with IfHealthyBudget too', { unhealthyPodEvictionPolicy: 'IfHealthyBudget' }, 429],
    ['is allowed with AlwaysAllow', { unhealthyPodEvictionPolicy: 'AlwaysAllow' }, 201],
  ] as const)('of a pod that is not ready %s', async (_what, policy, status) => {
    web({ neverReady: true, pdb: { minAvailable: 2, ...policy } });
    const [name = ''] = await cluster.pods();
    expect((await cluster.evict('shop', name)).status).toBe(status);
  });

  it('of a pod that is not ready costs nothing while enough are', async () => {
    web({ pdb: { minAvailable: 2 } });
    const [first = ''] = await cluster.pods();
    const node = text(cluster.pod(`shop/${first}`)?.['spec']?.['nodeName']);
    cluster.kubernetes.machineGoesDown(node);
    await cluster.pass(60_000);
    expect(conditionIn(cluster.pod(`shop/${first}`), 'Ready')).toBe('False');
    expect(statusOf('web')).toMatchObject({ currentHealthy: 2, disruptionsAllowed: 0 });
    expect((await cluster.evict('shop', first)).status).toBe(201);
  });

  it('passes by the budget where the pod is pending or finished', async () => {
    cluster.kubernetes.createWorkload({
      kind: 'Pod',
      namespace: 'shop',
      name: 'pending',
      node: 'nowhere',
      pdb: { minAvailable: 1 },
    });
    cluster.kubernetes.createWorkload({
      kind: 'Pod',
      namespace: 'shop',
      name: 'finished',
      completesInMs: 1000,
      pdb: { minAvailable: 1 },
    });
    await cluster.pass(10_000);
    expect(cluster.pod('shop/finished')?.['status']).toMatchObject({ phase: 'Succeeded' });
    expect((await cluster.evict('shop', 'pending')).status).toBe(201);
    expect((await cluster.evict('shop', 'finished')).status).toBe(201);
    expect(await cluster.pods()).toEqual([]);
  });

  it('asks for the pod that was meant', async () => {
    web();
    const [name = ''] = await cluster.pods();
    const { body } = await cluster.evict('shop', name, { preconditions: { uid: 'another' } });
    expect(body).toMatchObject({ code: 409, reason: 'Conflict', details: { kind: 'Pod' } });
    const uid = text(cluster.pod(`shop/${name}`)?.['metadata']?.['uid']);
    expect((await cluster.evict('shop', name, { preconditions: { uid } })).status).toBe(201);
  });

  it('charges the budget even where the pod was not the one that was meant', async () => {
    web({ pdb: { minAvailable: 2 } });
    const [first = '', second = ''] = await cluster.pods();
    await cluster.evict('shop', first, { preconditions: { uid: 'another' } });
    expect((await cluster.evict('shop', second)).status).toBe(429);
    await cluster.pass(3 * 60_000);
    expect((await cluster.evict('shop', second)).status).toBe(201);
  });

  it('of nothing is not found, and of another name is no request', async () => {
    expect((await cluster.evict('default', 'nobody')).body).toMatchObject({
      code: 404,
      message: 'pods "nobody" not found',
    });
    const { body } = await cluster.ask('POST', '/api/v1/namespaces/default/pods/nobody/eviction', {
      apiVersion: 'policy/v1',
      kind: 'Eviction',
      metadata: { name: 'other' },
    });
    expect(body['message']).toBe('name in URL does not match name in Eviction object');
  });

  it('in a dry run evaluates the budget and changes nothing', async () => {
    web({ pdb: { minAvailable: 2 } });
    const [first = '', second = ''] = await cluster.pods();
    const before = statusOf('web');
    expect((await cluster.evict('shop', first, { dryRun: ['All'] })).status).toBe(201);
    expect((await cluster.evict('shop', second, { dryRun: ['All'] })).status).toBe(201);
    expect(statusOf('web')).toEqual(before);
    expect(cluster.audit.lines).toEqual([]);
  });

  it('is written to the audit, whatever came of it, before the pod is gone', async () => {
    web({ pdb: { minAvailable: 3 } });
    const [name = ''] = await cluster.pods();
    const uid = text(cluster.pod(`shop/${name}`)?.['metadata']?.['uid']);
    await cluster.evict('shop', name);
    await cluster.evict('shop', 'nobody');
    await cluster.ask('DELETE', '/apis/policy/v1/namespaces/shop/poddisruptionbudgets/web');
    await cluster.evict('shop', name);
    await cluster.pass(10_000);
    const pod = `shop/${name}`;
    expect(
      cluster.audit.lines.map(({ actor, action, status, detail }) => [
        actor,
        action,
        status,
        detail,
      ]),
    ).toEqual([
      [user, 'evict', 429, expect.objectContaining({ pod, uid, pdb: 'web', message: violates })],
      [user, 'evict', 404, expect.objectContaining({ pod: 'shop/nobody', uid: '', pdb: '' })],
      [user, 'evict', 201, expect.objectContaining({ pod, uid, pdb: '' })],
      ['kubelet', 'podDeleted', 0, { pod, uid, reason: 'evicted', askedBy: user }],
    ]);
  });
});

describe('a pod that is told to go', () => {
  const pod = (more: Partial<Extract<Workload, { kind: 'Pod' }>>) =>
    cluster.kubernetes.createWorkload({ kind: 'Pod', namespace: 'shop', name: 'p', ...more });
  const metadata = () => cluster.pod('shop/p')?.['metadata'];

  it('is marked with its grace, and goes when it is ready to', async () => {
    pod({ terminationGracePeriodSeconds: 60, terminatesInMs: 20_000 });
    await cluster.evict('shop', 'p');
    expect(metadata()).toMatchObject({
      deletionTimestamp: '2026-01-05T12:01:00Z',
      deletionGracePeriodSeconds: 60,
    });
    expect(cluster.pod('shop/p')?.['status']).toMatchObject({
      conditions: expect.arrayContaining([
        expect.objectContaining({ type: 'DisruptionTarget', reason: 'EvictionByEvictionAPI' }),
      ]) as never,
    });
    await cluster.pass(19_000);
    expect(metadata()).toBeDefined();
    await cluster.pass(2_000);
    expect(metadata()).toBeUndefined();
  });

  it('is killed when its grace is over', async () => {
    pod({ terminationGracePeriodSeconds: 10, terminatesInMs: 60_000 });
    await cluster.evict('shop', 'p');
    await cluster.pass(11_000);
    expect(metadata()).toBeUndefined();
  });

  it('is given the grace that the eviction names, and can be hurried but not slowed', async () => {
    pod({ terminatesInMs: 60_000 });
    await cluster.evict('shop', 'p', { gracePeriodSeconds: 50 });
    expect(metadata()).toMatchObject({ deletionGracePeriodSeconds: 50 });
    cluster.kubernetes.as(user).deletePod('shop', 'p', 100);
    expect(metadata()).toMatchObject({ deletionGracePeriodSeconds: 50 });
    cluster.kubernetes.as(user).deletePod('shop', 'p', 5);
    expect(metadata()).toMatchObject({ deletionTimestamp: '2026-01-05T12:00:05Z' });
    await cluster.pass(6_000);
    expect(metadata()).toBeUndefined();
  });

  it('that never ends stays, until it is forced or its machine starts anew', async () => {
    pod({ terminatesInMs: 'never', node: 'a' });
    await cluster.evict('shop', 'p');
    await cluster.pass(3_600_000);
    expect(metadata()).toBeDefined();
    cluster.kubernetes.as(user).deletePod('shop', 'p', 0);
    expect(metadata()).toBeUndefined();
    expect(cluster.audit.lines.at(-1)).toMatchObject({
      actor: user,
      action: 'podDeleted',
      status: 200,
      detail: { reason: 'deleted' },
    });
    pod({ terminatesInMs: 'never', node: 'a' });
    await cluster.evict('shop', 'p');
    cluster.kubernetes.machineGoesDown('a');
    cluster.kubernetes.machineIsUp('a', { bootId: 'next' });
    await cluster.pass(60_000);
    expect(metadata()).toBeUndefined();
  });

  it('is not deleted by who means another', async () => {
    pod({});
    const { status } = await cluster.ask('DELETE', '/api/v1/namespaces/shop/pods/p', {
      preconditions: { uid: 'another' },
    });
    expect(status).toBe(409);
    expect(cluster.audit.lines).toEqual([
      expect.objectContaining({ action: 'podDeleted', status: 409, actor: user }),
    ]);
  });
});

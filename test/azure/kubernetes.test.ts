/** The API server's side of simulated Kubernetes, as clients see it. */
import type { ApiResponse } from '../../local/azure/kubernetes/kubernetes.ts';
import {
  conditionIn,
  machine,
  testCluster,
  text,
  user,
  type Seen,
  type TestCluster,
} from './kubernetesCluster.ts';

let cluster: TestCluster;
const nodeUrl = '/api/v1/nodes/a';

beforeEach(() => {
  cluster = testCluster(['a', 'b', 'c']);
});
afterEach(() => cluster.close());

describe('discovery', () => {
  it('names the groups, and pods/eviction as policy/v1 Eviction', async () => {
    const groups = await cluster.ask('GET', '/apis');
    expect(Object.values(groups.body['groups'] ?? {}).map((group) => group['name'])).toEqual([
      'events.k8s.io',
      'coordination.k8s.io',
      'policy',
      'apps',
      'batch',
    ]);
    const core = await cluster.ask('GET', '/api/v1');
    expect(core.body['resources']).toContainEqual({
      name: 'pods/eviction',
      singularName: '',
      namespaced: true,
      group: 'policy',
      version: 'v1',
      kind: 'Eviction',
      verbs: ['create'],
    });
  });

  it('gives everything at once to whoever asks for aggregated discovery', async () => {
    const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
    const { headers, body } = await cluster.ask('GET', '/apis', undefined, { accept });
    expect(headers['content-type']).toBe(accept);
    expect(body).toMatchObject({ kind: 'APIGroupDiscoveryList' });
  });

  it.each(['/healthz', '/readyz', '/livez', '/version'])('answers %s', async (path) => {
    expect((await cluster.ask('GET', path)).status).toBe(200);
  });

  it.each(['/openapi/v2', '/apis/nowhere/v1', '/api/v1/widgets', '/api/v1/nodes/a/proxy'])(
    'answers 404 to %s',
    async (path) => {
      expect((await cluster.ask('GET', path)).body).toMatchObject({
        reason: 'NotFound',
        code: 404,
      });
    },
  );
});

describe('reading', () => {
  it('gives what is there, and names what is not', async () => {
    expect((await cluster.ask('GET', nodeUrl)).body).toMatchObject({
      kind: 'Node',
      spec: { providerID: 'azure:///subscriptions/s/virtualMachines/a' },
      status: { nodeInfo: { bootID: 'a-boot-1' } },
    });
    expect((await cluster.ask('GET', '/api/v1/nodes/z')).body).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: 'nodes "z" not found',
      reason: 'NotFound',
      details: { name: 'z', kind: 'nodes' },
      code: 404,
    });
  });

  it('lists by label and field, in the order of keys, without repeating the kind', async () => {
    cluster.kubernetes.createWorkload({
      kind: 'Deployment',
      namespace: 'shop',
      name: 'web',
      replicas: 3,
    });
    expect(await cluster.pods('?fieldSelector=spec.nodeName%3Db')).toHaveLength(1);
    expect(await cluster.pods('?labelSelector=app%3Dweb')).toHaveLength(3);
    expect(await cluster.pods('?labelSelector=app%21%3Dweb')).toEqual([]);
    const { body } = await cluster.ask('GET', '/api/v1/nodes');
    expect(Object.values(body['items'] ?? {}).map((node) => node['metadata']?.['name'])).toEqual([
      'a',
      'b',
      'c',
    ]);
    expect(body['items']?.[0]).not.toHaveProperty('kind');
  });

  it('refuses a field that it can not select by', async () => {
    const { status, body } = await cluster.ask('GET', '/api/v1/pods?fieldSelector=spec.foo%3Db');
    expect(status).toBe(400);
    expect(body['message']).toMatch(/field label not supported: spec.foo$/);
  });

  it('pages through one moment, and forgets it after a while', async () => {
    const first = await cluster.ask('GET', '/api/v1/nodes?limit=2');
    expect(first.body['metadata']).toMatchObject({ remainingItemCount: 1 });
    cluster.kubernetes.machineIsGone('c');
    const next = `/api/v1/nodes?limit=2&continue=${text(first.body['metadata']?.['continue'])}`;
    const second = await cluster.ask('GET', next);
    expect(second.body['items']?.[0]?.['metadata']).toMatchObject({ name: 'c' });
    expect(second.body['metadata']).not.toHaveProperty('continue');
    await cluster.pass(6 * 60_000);
    expect((await cluster.ask('GET', next)).body).toMatchObject({ code: 410, reason: 'Expired' });
  });

  it('prints a table where it is asked to', async () => {
    const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';
    const { body } = await cluster.ask('GET', '/api/v1/nodes', undefined, { accept });
    expect(body).toMatchObject({ kind: 'Table', apiVersion: 'meta.k8s.io/v1' });
    expect(body['rows']?.[0]).toMatchObject({
      cells: ['a', 'Ready', '<none>', '0s', 'v1.33.3', '<none>', '<none>'].concat(
        ['Ubuntu 22.04.5 LTS', '5.15.0-1084-azure'],
        ['containerd://1.7.27-1'],
      ),
      object: { kind: 'PartialObjectMetadata', metadata: { name: 'a' } },
    });
  });

  it('tells heartbeats that nobody stored, as long as the machine is up', async () => {
    const heartbeat = () =>
      Object.values(cluster.node('a')['status']?.['conditions'] ?? {}).map((condition) =>
        text(condition['lastHeartbeatTime']),
      )[0];
    await cluster.pass(21 * 60_000);
    expect(heartbeat()).toBe('2026-01-05T12:20:00Z');
    cluster.kubernetes.machineGoesDown('a');
    await cluster.pass(30 * 60_000);
    expect(conditionIn(cluster.node('a'), 'Ready')).toBe('Unknown');
    expect(heartbeat()).toBe('2026-01-05T12:20:00Z');
  });
});

describe('watching', () => {
  async function lines(response: ApiResponse, count: number): Promise<string[]> {
    if (!('stream' in response)) throw new Error('no stream');
    const seen: string[] = [];
    for await (const line of response.stream) {
      const { type, object } = JSON.parse(line) as Seen;
      const subject = object?.['metadata']?.['name'] ?? object?.['code'];
      seen.push(`${text(type)} ${JSON.stringify(subject)}`);
      if (seen.length === count) break;
    }
    return seen;
  }
  const watch = (url: string, signal?: AbortSignal) =>
    cluster.kubernetes.handle({
      method: 'GET',
      url,
      headers: {},
      body: '',
      user,
      ...(signal === undefined ? {} : { signal }),
    });

  it('first tells what is there, then what changes', async () => {
    const response = await watch('/api/v1/nodes?watch=true');
    cluster.kubernetes.as('p').cordon('b');
    cluster.kubernetes.machineIsGone('c');
    expect(await lines(response, 5)).toEqual([
      'ADDED "a"',
      'ADDED "b"',
      'ADDED "c"',
      'MODIFIED "b"',
      'DELETED "c"',
    ]);
  });

  it('goes on from a version, and shows what leaves the selection as deleted', async () => {
    const { body } = await cluster.ask('GET', '/api/v1/nodes');
    const version = text(body['metadata']?.['resourceVersion']);
    cluster.kubernetes.as('p').cordon('b');
    const selector = 'fieldSelector=spec.unschedulable%3Dfalse';
    const url = `/api/v1/nodes?watch=1&resourceVersion=${version}&${selector}`;
    expect(await lines(await watch(url), 1)).toEqual(['DELETED "b"']);
  });

  it('says so when the version is forgotten', async () => {
    expect(await lines(await watch('/api/v1/nodes?watch=1&resourceVersion=1'), 2)).toEqual([
      'ERROR 410',
    ]);
  });

  it('ends when its time is over, the client goes or the cluster closes', async () => {
    const timed = await watch('/api/v1/pods?watch=1&timeoutSeconds=5');
    expect(await lines(timed, 1)).toEqual([]);
    const hangUp = new AbortController();
    const left = await watch('/api/v1/pods?watch=1', hangUp.signal);
    hangUp.abort();
    expect(await lines(left, 1)).toEqual([]);
    const closed = await watch('/api/v1/pods?watch=1');
    cluster.kubernetes.close();
    expect(await lines(closed, 1)).toEqual([]);
  });
});

describe('writing a node', () => {
  const mark = '/metadata/annotations/example.com~1mark';
  const cordon = [
    { op: 'test', path: '/spec/unschedulable', value: null },
    { op: 'test', path: mark, value: null },
    { op: 'add', path: '/spec/unschedulable', value: true },
    { op: 'add', path: mark, value: 'ours' },
  ];

  it('takes a conditional JSON Patch once, and refuses it the second time with 422', async () => {
    expect((await cluster.patch(nodeUrl, cordon, 'json')).status).toBe(200);
    const { status, body } = await cluster.patch(nodeUrl, cordon, 'json');
    expect(status).toBe(422);
    expect(body).toMatchObject({
      reason: 'Invalid',
      message: 'the server rejected our request due to an error in our request',
    });
  });

  it('has no unschedulable at all once it is uncordoned', async () => {
    await cluster.patch(nodeUrl, { spec: { unschedulable: true } });
    await cluster.patch(nodeUrl, { spec: { unschedulable: false } });
    expect(cluster.node('a')['spec']).not.toHaveProperty('unschedulable');
  });

  it('refuses a stale version in a merge patch and in a PUT, and takes none for any', async () => {
    const { body: seen } = await cluster.ask('GET', nodeUrl);
    const { resourceVersion } = seen['metadata'] ?? {};
    expect((await cluster.patch(nodeUrl, { metadata: { labels: { x: '1' } } })).status).toBe(200);
    const stale = { metadata: { resourceVersion }, spec: { unschedulable: true } };
    const expected = {
      reason: 'Conflict',
      message:
        'Operation cannot be fulfilled on nodes "a": the object has been modified; ' +
        'please apply your changes to the latest version and try again',
      details: { name: 'a', kind: 'nodes' },
      code: 409,
    };
    expect((await cluster.patch(nodeUrl, stale)).body).toMatchObject(expected);
    expect((await cluster.ask('PUT', nodeUrl, seen)).body).toMatchObject(expected);
    const { resourceVersion: _stale, ...metadata } = seen['metadata'] ?? {};
    expect((await cluster.ask('PUT', nodeUrl, { ...seen, metadata })).status).toBe(200);
  });

  it('refuses another uid and another name', async () => {
    const { status, body } = await cluster.patch(nodeUrl, { metadata: { uid: 'other' } });
    expect(status).toBe(409);
    expect(body['message']).toContain('Precondition failed: UID in precondition: other');
    expect((await cluster.patch(nodeUrl, { metadata: { name: 'b' } })).status).toBe(400);
  });

  it('keeps status and spec apart', async () => {
    const Drained = { type: 'Drained', status: 'True' };
    await cluster.patch(nodeUrl, { status: { conditions: [Drained] } }, 'strategic');
    expect(conditionIn(cluster.node('a'), 'Drained')).toBeUndefined();
    const both = { status: { conditions: [Drained] }, spec: { unschedulable: true } };
    await cluster.patch(`${nodeUrl}/status`, both, 'strategic');
    expect(conditionIn(cluster.node('a'), 'Drained')).toBe('True');
    expect(conditionIn(cluster.node('a'), 'Ready')).toBe('True');
    expect(cluster.node('a')['spec']).not.toHaveProperty('unschedulable');
  });

  it.each([
    ['a number as annotation', { metadata: { annotations: { a: 1 } } }, 422],
    ['a word as unschedulable', { spec: { unschedulable: 'yes' } }, 422],
    ['no object', [], 400],
  ])('refuses %s', async (_what, body, status) => {
    expect((await cluster.patch(nodeUrl, body)).status).toBe(status);
  });

  it('refuses an unknown patch type, naming those it takes', async () => {
    const { status, body } = await cluster.ask('PATCH', nodeUrl, {});
    expect(status).toBe(415);
    expect(body['message']).toContain('application/strategic-merge-patch+json');
  });

  it('changes nothing in a dry run, and leaves the version when nothing changes', async () => {
    const before = cluster.node('a');
    const dry = await cluster.patch(`${nodeUrl}?dryRun=All`, { spec: { unschedulable: true } });
    expect(dry.body['spec']).toMatchObject({ unschedulable: true });
    await cluster.patch(nodeUrl, { spec: { unschedulable: null } });
    expect(cluster.node('a')).toEqual(before);
    expect(cluster.audit.lines).toEqual([]);
    expect((await cluster.patch(`${nodeUrl}?dryRun=Some`, {})).status).toBe(422);
  });

  it('writes to the audit what was asked, refused or not, under the action meant', async () => {
    await cluster.patch(nodeUrl, cordon, 'json');
    await cluster.patch(nodeUrl, cordon, 'json');
    await cluster.patch(nodeUrl, { metadata: { annotations: { 'example.com/mark': null } } });
    await cluster.patch(nodeUrl, {
      metadata: { resourceVersion: '1' },
      spec: { unschedulable: false },
    });
    await cluster.patch(nodeUrl, { spec: { unschedulable: null } });
    const marked = { 'example.com/mark': 'ours' };
    expect(
      cluster.audit.lines.map(({ action, status, detail }) => [
        action,
        status,
        detail['annotations'],
      ]),
    ).toEqual([
      ['cordon', 200, marked],
      ['annotate', 200, marked],
      ['cordon', 422, marked],
      ['annotate', 422, marked],
      ['annotate', 200, { 'example.com/mark': null }],
      ['uncordon', 409, undefined],
      ['uncordon', 200, undefined],
    ]);
    expect(cluster.audit.lines[0]).toMatchObject({
      actor: user,
      cluster: '/c',
      node: 'a',
      detail: { userAgent: 'test/1', bootID: 'a-boot-1' },
    });
  });
});

describe('a lease', () => {
  const url = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases';
  const lease = (spec: object, metadata: object = {}) => ({
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: 'claim', ...metadata },
    spec: { leaseDurationSeconds: 60, renewTime: '2026-01-05T12:00:00.000000Z', ...spec },
  });

  it('is created once', async () => {
    expect((await cluster.ask('POST', url, lease({ holderIdentity: 'x' }))).status).toBe(201);
    expect((await cluster.ask('POST', url, lease({ holderIdentity: 'y' }))).body).toMatchObject({
      code: 409,
      reason: 'AlreadyExists',
      message: 'leases.coordination.k8s.io "claim" already exists',
    });
    expect(
      cluster.audit.lines.map(({ action, status, detail }) => [action, status, detail]),
    ).toEqual([
      ['lease', 201, expect.objectContaining({ verb: 'create', holder: 'x', previousHolder: '' })],
      ['lease', 409, expect.objectContaining({ verb: 'create', holder: 'y', previousHolder: 'x' })],
    ]);
  });

  it('is updated only by who knows its version', async () => {
    const { body: created } = await cluster.ask('POST', url, lease({ holderIdentity: 'x' }));
    const { resourceVersion } = created['metadata'] ?? {};
    const unversioned = await cluster.ask('PUT', `${url}/claim`, lease({ holderIdentity: 'y' }));
    expect(unversioned.body['message']).toBe(
      'leases.coordination.k8s.io "claim" is invalid: metadata.resourceVersion: ' +
        'Invalid value: 0: must be specified for an update',
    );
    const next = lease({ holderIdentity: 'y' }, { resourceVersion });
    expect((await cluster.ask('PUT', `${url}/claim`, next)).status).toBe(200);
    expect((await cluster.ask('PUT', `${url}/claim`, next)).status).toBe(409);
  });

  it('is deleted only with the version that was meant', async () => {
    const { body: created } = await cluster.ask('POST', url, lease({}));
    const { uid } = created['metadata'] ?? {};
    const remove = (preconditions: object) =>
      cluster.ask('DELETE', `${url}/claim`, { kind: 'DeleteOptions', preconditions });
    expect((await remove({ resourceVersion: '1' })).status).toBe(409);
    expect((await remove({ uid })).body).toMatchObject({ status: 'Success', details: { uid } });
    expect((await remove({ uid })).status).toBe(404);
  });

  it('takes times with six digits after the point only, as Go does', async () => {
    const { status, body } = await cluster.ask(
      'POST',
      url,
      lease({ renewTime: '2026-01-05T12:00:00.000Z' }),
    );
    expect(status).toBe(400);
    expect(body['message']).toContain('"2006-01-02T15:04:05.000000Z07:00"');
  });

  it('lasts for more than nothing', async () => {
    expect((await cluster.ask('POST', url, lease({ leaseDurationSeconds: 0 }))).status).toBe(422);
  });
});

describe('creating', () => {
  const pod = { metadata: { name: 'p' }, spec: { containers: [{ name: 'c' }] } };

  it('needs an existing namespace that is not being deleted', async () => {
    expect((await cluster.ask('POST', '/api/v1/namespaces/gone/pods', pod)).body).toMatchObject({
      code: 404,
      message: 'namespaces "gone" not found',
    });
    cluster.kubernetes.createWorkload({ kind: 'Pod', namespace: 'going', name: 'last' });
    await cluster.ask('DELETE', '/api/v1/namespaces/going');
    const { body } = await cluster.ask('POST', '/api/v1/namespaces/going/pods', pod);
    expect(body).toMatchObject({
      code: 403,
      message:
        'pods "p" is forbidden: unable to create new content in namespace going ' +
        'because it is being terminated',
      details: { causes: [{ reason: 'NamespaceTerminating' }] },
    });
    await cluster.pass(10_000);
    expect(cluster.kubernetes.object('/api/v1/namespaces/going')).toBeUndefined();
  });

  it('puts a pod on the node that it names, cordoned or not', async () => {
    cluster.kubernetes.as('p').cordon('a');
    const bound = { ...pod, spec: { ...pod.spec, nodeName: 'a' } };
    await cluster.ask('POST', '/api/v1/namespaces/default/pods', bound);
    await cluster.pass(10_000);
    expect(conditionIn(cluster.pod('default/p'), 'Ready')).toBe('True');
  });

  it('makes a name where only its beginning is given, and needs one of both', async () => {
    const { body } = await cluster.ask('POST', '/api/v1/namespaces/default/events', {
      metadata: { generateName: 'e-' },
      involvedObject: { kind: 'Node', name: 'a' },
    });
    expect(body['metadata']?.['name']).toMatch(/^e-[a-z0-9]{5}$/);
    const unnamed = await cluster.ask('POST', '/api/v1/namespaces/default/pods', { metadata: {} });
    expect(unnamed.status).toBe(422);
  });

  it.each([
    ['POST', '/api/v1/nodes/a', 405],
    ['DELETE', '/api/v1/nodes', 405],
    ['POST', '/apis/apps/v1/namespaces/default/deployments', 405],
  ])('%s %s is not allowed', async (method, url, status) => {
    expect((await cluster.ask(method, url, {})).status).toBe(status);
  });
});

describe('access', () => {
  it('is refused in the words of the real server', async () => {
    cluster.close();
    cluster = testCluster(['a'], {
      authorize: (access) => access.kind === 'path' || access.verb === 'get',
    });
    expect((await cluster.patch(nodeUrl, { spec: { unschedulable: true } })).body).toMatchObject({
      code: 403,
      message:
        'nodes "a" is forbidden: User "someone" cannot patch resource "nodes" ' +
        'in API group "" at the cluster scope',
    });
    expect((await cluster.evict('default', 'p')).body['message']).toBe(
      'pods "p" is forbidden: User "someone" cannot create resource "pods/eviction" ' +
        'in API group "" in the namespace "default"',
    );
    const review = await cluster.ask(
      'POST',
      '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
      { spec: { resourceAttributes: { verb: 'patch', resource: 'nodes' } } },
    );
    expect(review.body['status']).toEqual({ allowed: false });
  });
});

describe('a machine that joins', () => {
  it('has the labels, taints and state that it brings', () => {
    cluster.kubernetes.machineJoins(
      machine('d', {
        unschedulable: true,
        taints: [{ key: 'gpu', effect: 'NoSchedule' }],
        labels: { 'example.com/x': 'y' },
        zone: 'westeurope-1',
      }),
    );
    expect(cluster.node('d')).toMatchObject({
      metadata: {
        labels: {
          agentpool: 'one',
          'example.com/x': 'y',
          'topology.kubernetes.io/zone': 'westeurope-1',
        },
      },
      spec: { unschedulable: true, taints: [{ key: 'gpu' }] },
    });
  });
});

import { createServer } from 'node:https';
import type { Server } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAuthority } from '../../local/azure/certificates.ts';
import type { Authority } from '../../local/azure/certificates.ts';
import type { Kubernetes } from '../../src/ports.ts';
import { createKubernetes } from '../../src/kubernetes/kubernetes.ts';
import { policy } from '../support/drainApi.ts';
import { troubleOf } from './azureHarness.ts';

/** What travels between the Kubernetes adapter and a server that says exactly what a test wants. */

let authority: Authority;
let server: Server;
let port: number;
let connections: number;
let requests: string[];
let answer: (request: IncomingMessage, response: ServerResponse) => void;

beforeAll(async () => {
  authority = await createAuthority('the cluster');
  const { certificate, key } = await authority.issueServer();
  server = createServer({ cert: certificate, key }, (request, response) => {
    requests.push(`${request.method} ${request.url}`);
    request.resume();
    answer(request, response);
  });
  server.on('secureConnection', () => (connections += 1));
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  port = (server.address() as AddressInfo).port;
});

beforeEach(() => {
  connections = 0;
  requests = [];
});

afterEach(() => server.closeAllConnections());

afterAll(
  () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
    }),
);

function kubeconfig(ca = authority.pem): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'here',
    contexts: [{ name: 'here', context: { cluster: 'cluster', user: 'user' } }],
    clusters: [
      {
        name: 'cluster',
        cluster: {
          server: `https://127.0.0.1:${port}`,
          'certificate-authority-data': Buffer.from(ca).toString('base64'),
        },
      },
    ],
    users: [{ name: 'user', user: {} }],
  });
}

function connected(options = {}, texts: string[] = [kubeconfig()]): Kubernetes {
  const access = {
    kubeconfig: (freshness: 'known' | 'new') => {
      if (freshness === 'new' && texts.length > 1) texts.shift();
      return Promise.resolve(texts[0] ?? '');
    },
    token: () => Promise.resolve('token'),
  };
  return createKubernetes(access, options);
}

function json(response: ServerResponse, status: number, body: unknown, headers = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

const node = (name: string) => ({ metadata: { name, uid: `uid-${name}` } });
const list = (items: unknown, token?: string) => ({
  kind: 'NodeList',
  items,
  metadata: { continue: token },
});

describe('connections', () => {
  it('are kept: many requests share a TLS handshake', async () => {
    answer = (_request, response) => json(response, 200, node('a'));
    const kubernetes = connected();
    for (let call = 0; call < 20; call += 1) await kubernetes.node('a');
    expect(requests).toHaveLength(20);
    // A request may overtake the end of the one before it: that opens the second and last one.
    expect(connections).toBeLessThanOrEqual(2);
  });

  it('carry no token to a server that another authority vouches for', async () => {
    const stranger = await createAuthority('somebody else');
    answer = (_request, response) => json(response, 200, node('a'));
    const kubernetes = connected({}, [kubeconfig(stranger.pem)]);
    expect(await troubleOf(kubernetes.node('a'))).toMatchObject({ kind: 'unreachable' });
    expect(requests).toEqual([]);
  });

  it('are made anew with a fresh kubeconfig when the authority was rotated', async () => {
    const old = await createAuthority('the cluster, last year');
    answer = (_request, response) => json(response, 200, node('a'));
    const kubernetes = connected({}, [kubeconfig(old.pem), kubeconfig()]);
    expect(await kubernetes.node('a')).toMatchObject({ name: 'a' });
    expect(requests).toHaveLength(1);
  });
});

describe('deadlines', () => {
  it('end a call that is not answered, and one whose answer never ends', async () => {
    answer = () => {};
    const kubernetes = connected({ deadlineSeconds: 0.2 });
    expect(await troubleOf(kubernetes.node('a'))).toMatchObject({ kind: 'timeout' });
    answer = (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write('{"metadata":');
    };
    expect(await troubleOf(kubernetes.node('a'))).toMatchObject({ kind: 'timeout' });
    expect(requests).toHaveLength(2);
  });
});

describe('lists', () => {
  it('are read page by page', async () => {
    answer = ({ url = '' }, response) =>
      /continue=next/u.test(url)
        ? json(response, 200, list([node('c')]))
        : json(response, 200, list([node('a'), node('b')], 'next'));
    const nodes = await connected().nodes();
    expect(nodes.map(({ name }) => name)).toEqual(['a', 'b', 'c']);
    expect(requests[0]).toBe('GET /api/v1/nodes?limit=500');
  });

  it('are begun anew when their continue token has expired', async () => {
    let expired = false;
    answer = ({ url = '' }, response) => {
      if (!/continue/u.test(url)) return json(response, 200, list([node('a')], 'next'));
      if (expired) return json(response, 200, list([node('b')]));
      expired = true;
      json(response, 410, { kind: 'Status', reason: 'Expired' });
    };
    const nodes = await connected().nodes();
    expect(nodes.map(({ name }) => name)).toEqual(['a', 'b']);
    expect(requests).toHaveLength(4);
  });

  it('that always expire are trouble in the end', async () => {
    answer = ({ url = '' }, response) =>
      /continue/u.test(url)
        ? json(response, 410, {})
        : json(response, 200, list([node('a')], 'next'));
    expect(await troubleOf(connected().nodes())).toMatchObject({ kind: 'invalid', status: 410 });
  });

  it('without items are empty', async () => {
    answer = (_request, response) => json(response, 200, list(null));
    expect(await connected().nodes()).toEqual([]);
  });
});

describe('odd answers', () => {
  it('make nodes whose missing fields are empty', async () => {
    answer = (_request, response) =>
      json(response, 200, list([node('a'), { ...node('b'), status: { conditions: [{}] } }]));
    for (const view of await connected().nodes()) {
      expect(view).toMatchObject({ bootId: '', readySince: '', os: 'windows' });
      expect([view.ready, view.unschedulable]).toEqual([false, false]);
    }
  });

  it.each([
    ['is no JSON', 'text/plain', 'hello'],
    ['is half of one', 'application/json', '{"metadata":'],
    ['has another shape', 'application/json', '{"status":{"conditions":7}}'],
    ['is no object of the API', 'application/json', '{"items":7,"metadata":[]}'],
  ])('that cannot be read are trouble: one that %s', async (_name, type, body) => {
    answer = (_request, response) => {
      response.writeHead(200, { 'content-type': type }).end(body);
    };
    expect(await troubleOf(connected().node('a'))).toMatchObject({ kind: 'invalid' });
  });

  it.each(['{}', '{"items":null}', '{"kind":"NodeList","items":7}', '{"items":[{}]}'])(
    'are no empty list: %s',
    async (body) => {
      answer = (_request, response) => {
        response.writeHead(200, { 'content-type': 'application/json' }).end(body);
      };
      expect(await troubleOf(connected().nodes())).toMatchObject({ kind: 'invalid' });
    },
  );

  it('of a proxy that knows no such route do not say that a node is gone', async () => {
    answer = (_request, response) => {
      response.writeHead(404, { 'content-type': 'text/html' }).end('<html>not found</html>');
    };
    const elsewhere = { kind: 'unreachable', status: 404 };
    expect(await troubleOf(connected().node('a'))).toMatchObject(elsewhere);
    expect(await troubleOf(connected().patchNode('a', []))).toMatchObject(elsewhere);
    answer = (_request, response) =>
      json(response, 404, { kind: 'Status', reason: 'NotFound', code: 404 });
    expect(await connected().node('a')).toBeUndefined();
    expect(await connected().patchNode('a', [])).toEqual({ kind: 'gone' });
  });

  it.each([
    [
      'a mark would be overlooked',
      'items.0.metadata.annotations',
      { metadata: { name: 'a', uid: 'u', annotations: 7 } },
    ],
    ['a cordon would be overlooked', 'items.0.spec.unschedulable', { spec: { unschedulable: 1 } }],
    ['a taint is none', 'items.0.spec.taints.0', { spec: { taints: [null] } }],
    ['a condition is none', 'items.0.status', { status: { conditions: ['x'] } }],
  ])('of another shape are no answer: %s', async (_name, field, hurting) => {
    const { metadata } = node('a');
    const hurt = { metadata, ...hurting };
    answer = (_request, response) => json(response, 200, list([hurt]));
    expect(await troubleOf(connected().nodes())).toEqual({
      kind: 'invalid',
      value: `the API server's answer can't be read: ${field} is not what the API promises`,
    });
  });

  it('that list a pod of no node leave no node drained', async () => {
    const pod = { metadata: { namespace: 'shop', name: 'web', uid: 'u1' }, spec: {} };
    answer = (_request, response) => json(response, 200, { items: [pod] });
    const trouble = await troubleOf(connected().leftToDrain('n', policy, 0));
    expect(trouble).toMatchObject({ kind: 'invalid' });
    expect(trouble.value).toContain('shop/web is listed for n, and says no node');
  });

  it('of a pod that has ages to end are told all the same', async () => {
    const metadata = { namespace: 'shop', name: 'web', uid: 'u1' };
    const deletionTimestamp = '2026-01-05T22:00:00Z';
    const leaving = { ...metadata, deletionTimestamp, deletionGracePeriodSeconds: 2 ** 53 };
    answer = (_request, response) =>
      json(response, 200, { items: [{ metadata: leaving, spec: { nodeName: 'n' } }] });
    const now = Date.parse(deletionTimestamp);
    expect(await connected().leftToDrain('n', policy, now)).toMatchObject({
      left: [{ state: 'terminating' }],
    });
  });

  it('whose next page is the same again come to an end', async () => {
    answer = (_request, response) => json(response, 200, list([], 'again'));
    const { value } = await troubleOf(connected().nodes());
    expect(value).toContain('the list has more than 1000 pages');
  });

  it('of a proxy in between keep their status', async () => {
    answer = (_request, response) => {
      response.writeHead(502, { 'content-type': 'text/html' }).end('<html>bad gateway</html>');
    };
    expect(await troubleOf(connected().node('a'))).toMatchObject({
      kind: 'unreachable',
      status: 502,
    });
  });
});

it('says how long an overloaded server asks us to wait, and does not wait itself', async () => {
  answer = (_request, response) => json(response, 429, {}, { 'retry-after': '7' });
  expect(await troubleOf(connected().nodes())).toMatchObject({
    kind: 'throttled',
    retryAfterSeconds: 7,
  });
  expect(requests).toHaveLength(1);
});

it('names what is forbidden in the words of the API server', async () => {
  const message = 'nodes is forbidden: User "x" cannot list resource "nodes" in API group ""';
  answer = (_request, response) => json(response, 403, { kind: 'Status', message });
  expect(await troubleOf(connected().nodes())).toMatchObject({
    kind: 'forbidden',
    value: `GET /api/v1/nodes: ${message}`,
  });
});

it('evicts the very pod that it saw, with the grace that it is told', async () => {
  const pod = {
    metadata: {
      namespace: 'shop',
      name: 'web',
      uid: 'u1',
      ownerReferences: [{ controller: true }],
    },
    spec: { nodeName: 'n' },
  };
  const bodies: unknown[] = [];
  answer = (request, response) => {
    if (request.method === 'GET') return json(response, 200, { items: [pod] });
    request.on('data', (chunk: Buffer) => bodies.push(JSON.parse(chunk.toString())));
    request.on('end', () => json(response, 201, { kind: 'Status', status: 'Success' }));
  };
  const kubernetes = connected();
  const now = Date.parse('2026-01-05T22:00:00Z');
  expect(await kubernetes.drainSlice('n', policy, now)).toMatchObject({
    evicted: ['shop/web'],
    left: [{ uid: 'u1', state: 'terminating' }],
  });
  await kubernetes.drainSlice('n', { ...policy, gracePeriodSeconds: 0 }, now);
  expect(requests[1]).toBe('POST /api/v1/namespaces/shop/pods/web/eviction');
  expect(bodies).toMatchObject([
    { kind: 'Eviction', apiVersion: 'policy/v1', deleteOptions: { preconditions: { uid: 'u1' } } },
    { deleteOptions: { gracePeriodSeconds: 0 } },
  ]);
  expect(bodies[0]).not.toHaveProperty('deleteOptions.gracePeriodSeconds');
});

it.each(['.', '..', ''])(
  'asks for nothing by the name %j: a URL reads it as a way',
  async (name) => {
    answer = (_request, response) => json(response, 200, {});
    const kubernetes = connected();
    expect(await troubleOf(kubernetes.node(name))).toMatchObject({ kind: 'invalid' });
    expect(requests).toEqual([]);
    const pod = { metadata: { namespace: 'shop', name, uid: 'u1' }, spec: { nodeName: 'n' } };
    answer = (_request, response) => json(response, 200, { items: [pod] });
    const unmanaged = { ...policy, evictUnmanaged: true, way: 'delete' } as const;
    await kubernetes.drainSlice('n', unmanaged, 0).catch(() => {});
    expect(requests.filter((request) => !request.startsWith('GET'))).toEqual([]);
  },
);

describe('a kubeconfig that is not usable', () => {
  it.each([
    ['no YAML', 'a: ['],
    ['nothing', ''],
    ['one without an authority', kubeconfigWith({ server: 'https://x' })],
    [
      'one over plain HTTP',
      kubeconfigWith({ server: 'http://x', 'certificate-authority-data': '' }),
    ],
  ])('is trouble that quotes nothing of it: %s', async (_name, text) => {
    const trouble = await troubleOf(connected({}, [text]).nodes());
    expect(trouble.kind).toBe('invalid');
    expect(trouble.value).toMatch(/^the kubeconfig is not usable: /u);
    expect(trouble.value).not.toContain('secret');
  });
});

function kubeconfigWith(cluster: object): string {
  return JSON.stringify({
    'current-context': 'here',
    contexts: [{ name: 'here', context: { cluster: 'cluster', user: 'user' } }],
    clusters: [{ name: 'cluster', cluster }],
    users: [{ name: 'user', user: { token: 'secret' } }],
  });
}

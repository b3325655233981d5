import fc from 'fast-check';
import * as z from 'zod';
import { parseClusterId } from '../../src/domain/arm.ts';
import { markAnnotation, readMark } from '../../src/domain/mark.ts';
import type { NodeView } from '../../src/domain/node.ts';
import { failureOf } from '../../src/domain/trouble.ts';
import { parseKubeconfig } from '../../src/kubernetes/kubeconfig.ts';
import { createCommandKubernetes } from '../../src/kubernetes/kubernetes.ts';
import type { Kubernetes } from '../../src/ports.ts';
import { policy } from '../support/drainApi.ts';
import { clusterId } from '../support/fleets.ts';
import { troubleOf } from '../contract/azureHarness.ts';
import {
  asDrawn,
  deepJson,
  holds,
  holdsAsync,
  hostileText,
  hurtBody,
  mutilated,
  valueAt,
} from './hostile.ts';
import { answerOf, bodyOf, clusterHost, outcomeOf, startedAt, wounded } from './wounded.ts';
import type { Sent, Wounded } from './wounded.ts';

/** What an API server answers, hurt in every way: both adapters have to live with it. */

let azure: Wounded;
let api: Kubernetes;
/** Nodes of the cluster: the first is marked, the second is cordoned. */
let nodes: NodeView[];
let bodies: { nodes: unknown; node: unknown; pods: unknown; lease: unknown };

const lease = { namespace: 'kube-system', name: 'claim' };
const name = () => nodes[0]?.name ?? '';

beforeAll(async () => {
  azure = wounded();
  const id = parseClusterId(clusterId('shop'));
  if (id === undefined) throw new Error('no cluster');
  api = await azure.adapter.kubernetes(await azure.adapter.cluster(id), 'api');
  const before = await api.nodes();
  const at = new Date(startedAt).toISOString();
  await api.writeLease(
    { ...lease, holder: 'h', acquiredAt: at, renewedAt: at, annotations: { a: 'b' } },
    undefined,
  );
  const change = (index: number, ops: [string, unknown][]) =>
    api.patchNode(
      before[index]?.name ?? '',
      ops.map(([path, value]) => ({ op: 'add' as const, path, value })),
    );
  await change(0, [
    [`/metadata/annotations/${markAnnotation.replace('/', '~1')}`, '{"version":1}'],
  ]);
  await change(1, [['/spec/unschedulable', true]]);
  nodes = await api.nodes();
  const seen = async (call: () => Promise<unknown>) => {
    let body: unknown;
    azure.hurt(({ service }, answer) => {
      if (service === 'kubernetes') body ??= bodyOf(answer);
      return answer;
    });
    await call();
    return body;
  };
  bodies = {
    nodes: await seen(() => api.nodes()),
    node: await seen(() => api.node(name())),
    pods: await seen(() => api.leftToDrain(name(), policy, startedAt)),
    lease: await seen(() => api.lease(lease.namespace, lease.name)),
  };
});

afterAll(() => azure.stop());

/** The same adapter over AKS run command; hurt answers come the same way. */
function byCommand(answer: (path: string) => string): Kubernetes {
  return createCommandKubernetes({
    run(command) {
      const script = Buffer.from(command.split(' ')[1] ?? '', 'base64').toString('utf8');
      const asks = [...script.matchAll(/^ask \d+ '[^']*' '[^']*' \w+ (?:--raw )?'([^']*)'/gmu)];
      const lines = asks.map(([, path = ''], index) => {
        const json = answer(path);
        return `${index} ok plain ${json.length} ${json}`;
      });
      return Promise.resolve(
        ['AKSREBOOT1 BEGIN', ...lines, `AKSREBOOT1 END ${asks.length}`].join('\n'),
      );
    },
  });
}

/** Answers with this body whatever is asked by GET. */
function answerWith(text: string): void {
  azure.hurt((sent, answer) => (sent.method === 'GET' ? answerOf(text) : answer));
}

/** jq writes ASCII, on one line. */
const asciiOnly = (json: string) =>
  json.replaceAll(/[^ -~]/gu, (letter) =>
    [...Array(letter.length).keys()]
      .map((at) => `\\u${letter.charCodeAt(at).toString(16).padStart(4, '0')}`)
      .join(''),
  );

const ways = ['api', 'runCommand'] as const;

/** A cluster that answers all that is read by this text. */
function connection(way: (typeof ways)[number], text: string): Kubernetes {
  answerWith(text);
  return way === 'api' ? api : byCommand(() => asciiOnly(text));
}

/** All that the port reads, with what it is asked. */
const reads: Record<string, (kubernetes: Kubernetes) => Promise<unknown>> = {
  nodes: (kubernetes) => kubernetes.nodes(),
  node: (kubernetes) => kubernetes.node(name()),
  lease: (kubernetes) => kubernetes.lease(lease.namespace, lease.name),
  left: (kubernetes) => kubernetes.leftToDrain(name(), policy, startedAt),
  slice: (kubernetes) => kubernetes.drainSlice(name(), policy, startedAt),
  foresight: (kubernetes) => kubernetes.foresee(name(), policy, startedAt),
  daemonPods: (kubernetes) => kubernetes.daemonPods(name(), ['kube-system/gone']),
  pods: (kubernetes) => kubernetes.pods({ selector: 'app=web', namespace: '' }),
};

/** Where a request may go: to the cluster, and to what the port has to do with. */
const known = new RegExp(
  '^/api/v1/(?:nodes(?:/[a-z0-9-]+)?|pods' +
    '|namespaces/[^/]+/(?:pods/[^/]+/eviction|pods|events))$' +
    '|^/apis/coordination\\.k8s\\.io/v1/namespaces/kube-system/leases(?:/claim)?$' +
    '|^/apis/(?:apps|policy)/v1/namespaces/[^/]+/(?:daemonsets|poddisruptionbudgets)/[^/]+$',
  'u',
);

/** ARM is asked for a kubeconfig now and then. */
const asked = () => azure.sent.filter(({ service }) => service === 'kubernetes');

function expectWithinBounds(sent: readonly Sent[]): void {
  for (const { url } of sent) {
    expect(url.host).toBe(clusterHost);
    expect(url.pathname).toMatch(known);
  }
}

const body = hurtBody(['nodes', 'node', 'pods', 'lease'], (name) => bodies[name]);

describe.each(ways)(`an answer of an API server, by %s (${asDrawn})`, (way) => {
  it('is data or trouble, however it was hurt, and leads nowhere else', async () => {
    const anything = fc.asyncProperty(
      fc.constantFrom(...Object.keys(reads)),
      body,
      async (read, { text }) => {
        await outcomeOf(reads[read]?.(connection(way, text)) ?? Promise.resolve());
        expectWithinBounds(asked());
      },
    );
    await holdsAsync(anything, 3);
  });

  it('hides no node, no mark and no cordon, and makes no node Ready', async () => {
    const hurt = fc.asyncProperty(mutilated(bodies.nodes), async (answer) => {
      const outcome = await outcomeOf(connection(way, JSON.stringify(answer.payload)).nodes());
      if (outcome.kind === 'trouble') return;
      const raw =
        z
          .array(z.unknown())
          .nullable()
          .parse(valueAt(answer.payload, ['items'])) ?? [];
      expect(outcome.value).toHaveLength(raw.length);
      for (const [index, view] of outcome.value.entries()) expectNoBetter(view, raw[index]);
    });
    await holdsAsync(hurt, 2);
  });

  it('makes no node drained that has a pod to lose', async () => {
    const hurt = fc.asyncProperty(mutilated(bodies.pods), async (answer) => {
      const { payload } = answer;
      const reading = connection(way, JSON.stringify(payload)).leftToDrain(
        name(),
        policy,
        startedAt,
      );
      const outcome = await outcomeOf(reading);
      if (outcome.kind === 'trouble') return;
      const items =
        z
          .array(z.unknown())
          .nullable()
          .parse(valueAt(payload, ['items'])) ?? [];
      const inTheWay = items.filter(hasToLeave);
      expect(outcome.value.left.length).toBeGreaterThanOrEqual(inTheWay.length);
    });
    await holdsAsync(hurt, 2);
  });
});

/** What is seen of a node may be worse than what was answered, never better. */
function expectNoBetter(view: NodeView, raw: unknown): void {
  const marked = Object.hasOwn(Object(valueAt(raw, ['metadata', 'annotations'])), markAnnotation);
  if (marked) expect(readMark(view.annotations).kind).not.toBe('none');
  if (view.ready) expect(conditionsOf(raw)).toContainEqual(['Ready', 'True']);
  // The API leaves out what is false.
  const unschedulable = valueAt(raw, ['spec', 'unschedulable']) ?? false;
  expect(view.unschedulable).toBe(unschedulable);
  expect(view.bootId).toBe(textAt(raw, ['status', 'nodeInfo', 'bootID']));
  expect(view.resourceVersion).toBe(textAt(raw, ['metadata', 'resourceVersion']));
}

function conditionsOf(raw: unknown): unknown[] {
  const conditions = z.array(z.unknown()).parse(valueAt(raw, ['status', 'conditions']) ?? []);
  return conditions.map((one) => [valueAt(one, ['type']), valueAt(one, ['status'])]);
}

const textAt = (raw: unknown, path: readonly string[]) => {
  const value = valueAt(raw, path);
  return typeof value === 'string' ? value : '';
};

/** By what it says of itself, nothing lets it stay: no other node, no DaemonSet, no static pod. */
function hasToLeave(raw: unknown): boolean {
  const node = valueAt(raw, ['spec', 'nodeName']);
  const owners = JSON.stringify(valueAt(raw, ['metadata', 'ownerReferences'])) ?? '';
  const annotations = JSON.stringify(valueAt(raw, ['metadata', 'annotations'])) ?? '';
  return (
    node === name() &&
    !owners.includes('DaemonSet') &&
    !annotations.includes('config.mirror') &&
    textAt(raw, ['metadata', 'namespace']) !== 'aks-command'
  );
}

describe(`a name of a pod (${asDrawn})`, () => {
  it('leads to no other request, whatever it is', async () => {
    const podOf = (podName: string, namespace: string) => ({
      metadata: {
        name: podName,
        namespace,
        uid: 'u',
        ownerReferences: [
          { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'r', controller: true },
        ],
      },
      spec: { nodeName: name() },
    });
    const named = fc.asyncProperty(
      hostileText,
      hostileText,
      fc.constantFrom('evict', 'delete'),
      async (podName, namespace, how) => {
        const list = { kind: 'PodList', items: [podOf(podName, namespace)] };
        answerWith(JSON.stringify(list));
        await outcomeOf(api.drainSlice(name(), { ...policy, way: how }, startedAt));
        const end = how === 'evict' ? '/eviction' : '';
        for (const { method, url, body } of asked().filter(({ method }) => method !== 'GET')) {
          const pod = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/`;
          expect(method).toBe(how === 'evict' ? 'POST' : 'DELETE');
          expect(url.pathname).toBe(`${pod}${encodeURIComponent(podName)}${end}`);
          expect(url.search).toBe('');
          expect(body).toContain('"uid":"u"');
        }
      },
    );
    await holdsAsync(named, 2);
  });
});

describe('a list that never ends', () => {
  it('is trouble', async () => {
    const page = { kind: 'NodeList', metadata: { continue: 'again' }, items: [] };
    expect(await troubleOf(connection('api', JSON.stringify(page)).nodes())).toMatchObject({
      kind: 'invalid',
      value: expect.stringContaining('1000 pages') as string,
    });
  });
});

const secret = 'c2VjcmV0';
const rightKubeconfig = {
  'current-context': 'here',
  contexts: [{ name: 'here', context: { cluster: 'cluster', user: 'user' } }],
  clusters: [
    { name: 'cluster', cluster: { server: 'https://x', 'certificate-authority-data': secret } },
  ],
  users: [{ name: 'user', user: { 'client-certificate-data': secret, 'client-key-data': secret } }],
};

/** A target over HTTPS with an authority, or an error that says nothing of what it read. */
function expectTargetOrSilence(text: string): void {
  try {
    const { server, ca } = parseKubeconfig(text);
    expect([server.protocol, typeof ca]).toEqual(['https:', 'string']);
  } catch (error) {
    const { message } = failureOf(error);
    expect(message).toMatch(/^the kubeconfig is not usable: /u);
    expect(message).not.toContain(secret);
  }
}

describe(`a kubeconfig (${asDrawn})`, () => {
  it('is one that can be trusted, or trouble that quotes nothing of it', () => {
    expect(parseKubeconfig(JSON.stringify(rightKubeconfig)).identity.kind).toBe('certificate');
    const hurt = mutilated(rightKubeconfig).map(({ payload }) => JSON.stringify(payload));
    const server = fc
      .oneof(fc.constantFrom('http://x', 'file:///x', 'ftp://x', '//x', 'x'), hostileText)
      .map((url) =>
        JSON.stringify(rightKubeconfig).replace('"https://x"', () => JSON.stringify(url)),
      );
    holds(fc.property(fc.oneof(hurt, server, hostileText, deepJson), expectTargetOrSilence), 3);
  });
});

/** A small simulated cluster for tests, on a virtual clock that moves only while a test waits. */
import { createAudit, type Audit } from '../../local/azure/audit.ts';
import {
  createKubernetes,
  type Kubernetes,
  type KubernetesOptions,
  type Machine,
} from '../../local/azure/kubernetes/kubernetes.ts';
import { seededRandom } from '../../local/azure/random.ts';
import { sleepUntil, virtualClock } from '../../local/clock.ts';

/** Any JSON, looked into without ceremony: tests say with matchers what they expect of it. */
export interface Seen {
  [field: string]: Seen;
  [index: number]: Seen;
}

export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: Seen;
}

export interface TestCluster {
  kubernetes: Kubernetes;
  audit: Audit;
  now(): number;
  /** Lets that much time pass. */
  pass(milliseconds: number): Promise<void>;
  ask(
    method: string,
    url: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Answer>;
  patch(url: string, body: unknown, type?: 'json' | 'merge' | 'strategic'): Promise<Answer>;
  evict(namespace: string, name: string, deleteOptions?: object): Promise<Answer>;
  /** Names of the pods that the query selects. */
  pods(query?: string): Promise<string[]>;
  pod(key: string): Seen | undefined;
  node(name: string): Seen;
  close(): void;
}

export const user = 'someone';

const patchTypes = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
};

export function machine(name: string, more: Partial<Machine> = {}): Machine {
  return {
    name,
    providerId: `azure:///subscriptions/s/virtualMachines/${name}`,
    pool: 'one',
    bootId: `${name}-boot-1`,
    machineId: `${name}-machine`,
    systemUuid: `${name}-uuid`,
    kernelVersion: '5.15.0-1084-azure',
    osImage: 'Ubuntu 22.04.5 LTS',
    kubeletVersion: 'v1.33.3',
    ...more,
  };
}

/** A cluster with machines of these names. */
export function testCluster(
  names: readonly string[],
  options: Partial<KubernetesOptions> = {},
): TestCluster {
  const clock = virtualClock(Date.UTC(2026, 0, 5, 12));
  const audit = createAudit(() => clock.now());
  const random = seededRandom(7, 'test');
  const kubernetes = createKubernetes({ clock, audit, cluster: '/c', random, ...options });
  for (const name of names) kubernetes.machineJoins(machine(name));
  const ask: TestCluster['ask'] = async (method, url, body, headers = {}) => {
    const response = await kubernetes.handle({
      method,
      url,
      headers: { 'content-type': 'application/json', 'user-agent': 'test/1', ...headers },
      body: body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body),
      user,
    });
    if (!('body' in response)) throw new Error(`${url} answered with a stream`);
    const { status, headers: answered } = response;
    const parsed = answered['content-type']?.startsWith('text/') === true ? '{}' : response.body;
    return { status, headers: answered, body: JSON.parse(parsed) as Seen };
  };
  const object = (path: string) => kubernetes.object(path) as Seen | undefined;
  return {
    kubernetes,
    audit,
    now: () => clock.now(),
    pass: (milliseconds) => sleepUntil(clock, clock.now() + milliseconds),
    ask,
    patch: (url, body, type = 'merge') =>
      ask('PATCH', url, body, { 'content-type': patchTypes[type] }),
    evict: (namespace, name, deleteOptions) =>
      ask('POST', `/api/v1/namespaces/${namespace}/pods/${name}/eviction`, {
        apiVersion: 'policy/v1',
        kind: 'Eviction',
        metadata: { name, namespace },
        ...(deleteOptions === undefined ? {} : { deleteOptions }),
      }),
    async pods(query = '') {
      const { body } = await ask('GET', `/api/v1/pods${query}`);
      return Object.values(body['items'] ?? {}).map((pod) => text(pod['metadata']?.['name']));
    },
    pod(key) {
      const [namespace, name] = key.split('/');
      return object(`/api/v1/namespaces/${namespace}/pods/${name}`);
    },
    node: (name) => object(`/api/v1/nodes/${name}`) ?? {},
    close() {
      kubernetes.close();
      clock.stop();
    },
  };
}

/** A leaf as text. */
export function text(leaf: unknown): string {
  if (typeof leaf === 'string') return leaf;
  throw new Error(`no text: ${JSON.stringify(leaf)}`);
}

/** The status of a condition in a Kubernetes object. */
export function conditionIn(object: Seen | undefined, type: string): unknown {
  const conditions = Object.values(object?.['status']?.['conditions'] ?? {});
  return conditions.find((condition) => text(condition['type']) === type)?.['status'];
}

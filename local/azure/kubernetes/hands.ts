/** What a person does to a cluster, as kubectl would ask it of the API. */
import type { Api } from './api.ts';
import type { ApiRequest } from './answer.ts';

/** Each does it at once, or throws with the server's refusal. */
export interface Hands {
  cordon(node: string): void;
  uncordon(node: string): void;
  /** Sets annotations of a node; null removes one. */
  annotate(node: string, annotations: Record<string, string | null>): void;
  deletePod(namespace: string, name: string, gracePeriodSeconds?: number): void;
  scale(namespace: string, deployment: string, replicas: number): void;
}

export function createHands(api: Api, user: string): Hands {
  const ask = (method: 'PATCH' | 'DELETE', url: string, body: unknown) => {
    const request: ApiRequest = {
      method,
      url,
      headers: {
        'user-agent': 'kubectl',
        'content-type':
          method === 'PATCH' ? 'application/strategic-merge-patch+json' : 'application/json',
      },
      body: JSON.stringify(body),
      user,
    };
    const response = api.answer(request);
    if (response.status < 300) return;
    throw new Error(`${method} ${url}: ${'body' in response ? response.body : response.status}`);
  };
  const node = (name: string) => `/api/v1/nodes/${name}`;
  return {
    cordon: (name) => ask('PATCH', node(name), { spec: { unschedulable: true } }),
    uncordon: (name) => ask('PATCH', node(name), { spec: { unschedulable: null } }),
    annotate: (name, annotations) => ask('PATCH', node(name), { metadata: { annotations } }),
    deletePod: (namespace, name, gracePeriodSeconds) =>
      ask('DELETE', `/api/v1/namespaces/${namespace}/pods/${name}`, { gracePeriodSeconds }),
    scale: (namespace, name, replicas) =>
      ask('PATCH', `/apis/apps/v1/namespaces/${namespace}/deployments/${name}`, {
        spec: { replicas },
      }),
  };
}

import type { Failure } from '../../src/kubernetes/command/kubectl.ts';
import { readRefusal } from '../../src/kubernetes/refusal.ts';
import type { ApiRequest } from '../../src/kubernetes/command/script.ts';

/** Requests that an API server refuses, and how the run-command adapter has to understand kubectl. */
export interface KubectlFailure {
  /** Its fixture's name, too. */
  name: string;
  request: ApiRequest;
  /** What the API server answers; `drop` cuts the connection. */
  answer: { status: number; body?: unknown; headers?: Record<string, string> } | 'drop';
  expected: Failure;
}

const json = 'application/json';
const pod = '/api/v1/namespaces/shop/pods/web-0';
const evict: ApiRequest = {
  method: 'POST',
  path: `${pod}/eviction`,
  contentType: json,
  body: '{"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":"web-0","namespace":"shop"}}',
};
const read: ApiRequest = { method: 'GET', path: '/api/v1/nodes/a', contentType: '', body: '' };
const patch: ApiRequest = {
  method: 'PATCH',
  path: '/api/v1/nodes/a',
  contentType: 'application/json-patch+json',
  body: '[{"op":"test","path":"/metadata/resourceVersion","value":"1"}]',
};
const leases = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases';
const lease = '{"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"name":"x"}}';

const status = (code: number, reason: string, message: string, details?: object) => ({
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Failure',
  message,
  reason,
  ...(details === undefined ? {} : { details }),
  code,
});

type Case = Omit<KubectlFailure, 'expected'> & { expected?: Partial<Failure> };

/** The message is told in any case; what else is expected is in the body. */
function refusal({ name, request, answer, expected }: Case): KubectlFailure {
  if (answer === 'drop') throw new Error('that is no refusal');
  const retryAfter = answer.headers?.['retry-after'];
  const body = JSON.stringify(answer.body);
  const whole: Failure = { kind: 'refused', status: answer.status, retryAfter, body };
  return { name, request, answer, expected: { ...whole, ...expected } as Failure };
}

const budget = {
  causes: [
    {
      reason: 'DisruptionBudget',
      message: 'The disruption budget web needs 2 healthy pods and has 2 currently',
    },
  ],
};
const budgetMessage = "Cannot evict pod as it would violate the pod's disruption budget.";
const twoBudgets =
  'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.';
const terminating =
  'pods "web-0" is forbidden: unable to create new content in namespace shop because it is being ' +
  'terminated';
const stale =
  'Operation cannot be fulfilled on pods "web-0": the UID in the precondition (a) does not match ' +
  'the UID in record (b). The object might have been deleted and then recreated';
const invalidTest = 'the server rejected our request due to an error in our request';

export const kubectlFailures: readonly KubectlFailure[] = [
  refusal({
    name: 'notFound',
    request: read,
    answer: { status: 404, body: status(404, 'NotFound', 'nodes "a" not found') },
  }),
  refusal({
    name: 'unauthorized',
    request: read,
    answer: { status: 401, body: status(401, 'Unauthorized', 'Unauthorized') },
  }),
  refusal({
    name: 'gone',
    request: { ...read, path: '/api/v1/nodes?limit=500&continue=x' },
    answer: {
      status: 410,
      body: status(410, 'Expired', 'The provided continue parameter is too old'),
    },
  }),
  refusal({
    name: 'budget',
    request: evict,
    answer: { status: 429, body: status(429, 'TooManyRequests', budgetMessage, budget) },
  }),
  refusal({
    name: 'throttled',
    request: evict,
    answer: {
      status: 429,
      body: status(429, 'TooManyRequests', 'Too many requests, please try again later.'),
      headers: { 'retry-after': '1' },
    },
  }),
  refusal({
    name: 'twoBudgets',
    request: evict,
    answer: { status: 500, body: status(500, 'InternalError', twoBudgets) },
  }),
  refusal({
    name: 'terminating',
    request: evict,
    answer: {
      status: 403,
      body: status(403, 'Forbidden', terminating, {
        name: 'web-0',
        kind: 'pods',
        causes: [
          {
            reason: 'NamespaceTerminating',
            message: 'namespace shop is being terminated',
            field: 'metadata.namespace',
          },
        ],
      }),
    },
  }),
  refusal({
    name: 'forbidden',
    request: evict,
    answer: {
      status: 403,
      body: status(403, 'Forbidden', 'pods "web-0" is forbidden: User "x" cannot create resource'),
    },
  }),
  refusal({
    name: 'otherPod',
    request: evict,
    answer: { status: 409, body: status(409, 'Conflict', stale) },
  }),
  refusal({
    name: 'long',
    request: evict,
    answer: { status: 500, body: status(500, 'InternalError', `long ${'x'.repeat(3000)}`) },
  }),
  refusal({
    name: 'staleTest',
    request: patch,
    answer: { status: 422, body: status(422, 'Invalid', invalidTest, {}) },
  }),
  refusal({
    name: 'exists',
    request: { method: 'POST', path: leases, contentType: json, body: lease },
    answer: { status: 409, body: status(409, 'AlreadyExists', 'leases "x" already exists') },
  }),
  refusal({
    name: 'replaced',
    request: { method: 'PUT', path: `${leases}/x`, contentType: json, body: lease },
    answer: {
      status: 409,
      body: status(409, 'Conflict', 'Operation cannot be fulfilled on leases "x"'),
    },
  }),
  refusal({
    name: 'deleted',
    request: { method: 'DELETE', path: pod, contentType: json, body: '{"gracePeriodSeconds":1}' },
    answer: { status: 404, body: status(404, 'NotFound', 'pods "web-0" not found') },
  }),
  {
    name: 'dropped',
    request: read,
    answer: 'drop',
    expected: { kind: 'unanswered', value: 'Unable to connect to the server: EOF' },
  },
];

/** What a reader makes of a failure: kubectl may have indented the body, or left its type out. */
export function understood(failure: Failure): unknown {
  return failure.kind === 'refused'
    ? readRefusal(failure.status, failure.retryAfter, failure.body)
    : failure;
}

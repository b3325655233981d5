import { TroubleError } from '../../src/domain/trouble.ts';
import { classify } from '../../src/kubernetes/eviction.ts';
import { readRefusal, RefusalError } from '../../src/kubernetes/refusal.ts';

const cause = (reason: string, message = '') => ({ details: { causes: [{ reason, message }] } });
const violates = "Cannot evict pod as it would violate the pod's disruption budget.";
const twoBudgets =
  'This pod has more than one PodDisruptionBudget, which the eviction subresource does not ' +
  'support.';

function classified(status: number, body: object, retryAfter?: string) {
  const refusal = readRefusal(status, retryAfter, JSON.stringify({ kind: 'Status', ...body }));
  const error = new RefusalError('POST /eviction', refusal);
  return classify('shop/web', { kind: 'failed', error });
}

describe('an eviction that the API server did not accept', () => {
  const cases: [string, string, number, object, string?][] = [
    ['gone', 'the pod is not there', 404, { reason: 'NotFound' }],
    ['later', 'a proxy knows no such route', 404, {}],
    [
      'gone',
      'the name belongs to another pod',
      409,
      { message: 'Precondition failed: UID in precondition: a, UID in object meta: b' },
    ],
    ['later', 'somebody else wrote', 409, { reason: 'Conflict', message: 'modified' }],
    [
      'blocked',
      'a budget is used up',
      429,
      cause('DisruptionBudget', 'The disruption budget web needs 1'),
    ],
    [
      'blocked',
      'a budget is not observed yet, which comes with Retry-After',
      429,
      cause(
        'DisruptionBudget',
        'The disruption budget web is still being processed by the server.',
      ),
      '10',
    ],
    ['stop', 'the API server is overloaded', 429, { reason: 'TooManyRequests' }, '1'],
    ['blocked', 'too many, and no more is said', 429, { message: violates }],
    ['later', 'the namespace is terminating', 403, cause('NamespaceTerminating')],
    ['refused', 'we may not', 403, { reason: 'Forbidden', message: 'cannot create pods/eviction' }],
    ['refused', 'we are nobody', 401, {}],
    ['refused', 'a budget is broken', 403, { message: 'pdb disruptions allowed is negative' }],
    ['refused', 'two budgets select the pod', 500, { message: twoBudgets }],
    ['later', 'the server failed', 500, { message: 'etcd' }],
    ['later', 'the server timed out', 504, { message: "couldn't update PodDisruptionBudget" }],
    ['refused', 'what we sent is wrong', 400, {}],
    [
      'later',
      'a webhook can not be asked for a dry run',
      400,
      { message: 'admission webhook "w" does not support dry run' },
    ],
    ['refused', 'what we sent is invalid', 422, {}],
  ];

  const named = cases.map(([kind, why, ...answer]) => ({ kind, why, answer }));
  it.each(named)('is $kind when $why', ({ kind, answer }) => {
    expect(classified(...answer)).toMatchObject({ kind });
  });

  it('names the budget and what it says', () => {
    const message = 'The disruption budget web needs 2 healthy pods and has 2 currently';
    const body = { message: violates, ...cause('DisruptionBudget', message) };
    expect(classified(429, body)).toEqual({
      kind: 'blocked',
      budget: 'web',
      reason: {
        kind: 'blocked',
        value: 'shop/web blocked by PDB web: needs 2 healthy pods and has 2 currently',
      },
    });
  });

  it('says which grant is missing, and which pod has two budgets', () => {
    expect(classified(403, { message: 'User "x" cannot create pods/eviction' })).toMatchObject({
      reason: { kind: 'forbidden', value: 'POST /eviction: User "x" cannot create pods/eviction' },
    });
    expect(classified(500, { message: twoBudgets })).toMatchObject({
      reason: { kind: 'undrainable', value: 'shop/web has more than one PodDisruptionBudget' },
    });
  });
});

describe('an eviction without an answer', () => {
  it.each([
    ['stop', 'timeout'],
    ['later', 'unreachable'],
  ] as const)('is %s after %s', (kind, trouble) => {
    const error = new TroubleError({ kind: trouble, value: 'nothing' });
    expect(classify('shop/web', { kind: 'failed', error })).toMatchObject({
      kind,
      reason: { kind: trouble },
    });
  });
});

describe('a refusal', () => {
  it.each(['', 'null', '[]', '<html>', '{"details":{"causes":{}}}', '{"message":7}'])(
    'that says %p is read as saying nothing',
    (body) => {
      expect(readRefusal(500, undefined, body)).toEqual({
        status: 500,
        reason: '',
        message: '',
        causes: [],
      });
    },
  );

  it('reads no Retry-After out of garbage', () => {
    expect(readRefusal(429, 'soon', '')).not.toHaveProperty('retryAfterSeconds');
    expect(readRefusal(429, '3', '')).toHaveProperty('retryAfterSeconds', 3);
  });
});

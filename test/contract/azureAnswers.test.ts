import type { ManagedCluster } from '@azure/arm-containerservice';
import { clusterFacts, instanceFacts } from '../../src/azure/facts.ts';
import { readScriptResult } from '../../src/azure/script.ts';
import {
  isRefusal,
  parseRetryAfter,
  troubleOfFailure,
  troubleOfRefusal,
} from '../../src/azure/trouble.ts';
import type { TroubleKind } from '../../src/domain/trouble.ts';
import { clusterId } from './azureHarness.ts';

/** ARM's answers as Microsoft's documents and recorded traffic show them, read without a server. */

const now = Date.parse('2026-01-05T22:00:00Z');

function refusal(status: number, code = '', message = '', retryAfter?: string) {
  const body = code === '' ? '' : JSON.stringify({ error: { code, message } });
  return troubleOfRefusal('POST x', { status, retryAfter, body }, now);
}

describe("a run-command's result", () => {
  const linux = (message: string) => [
    { code: 'ProvisioningState/succeeded', level: 'Info', message },
  ];

  it.each([
    ['both streams', 'Enable succeeded: \n[stdout]\nout\nmore\n[stderr]\nerr', 'out\nmore', 'err'],
    ['no output', 'Enable succeeded: \n[stdout]\n\n[stderr]\n', '', ''],
    ['no output and no blank line', 'Enable succeeded: \n[stdout]\n[stderr]\nerr', '', 'err'],
    ['marks of its own', '[stdout]\na\n[stderr]\nb\n[stderr]\nc', 'a\n[stderr]\nb', 'c'],
    ['a cut end', '[stdout]\nout', 'out', ''],
    ['no marks', 'something else', '', 'something else'],
  ])('of Linux: one element, with %s', (_name, message, stdout, stderr) => {
    expect(readScriptResult(linux(message))).toEqual({ kind: 'ended', stdout, stderr });
  });

  it('in the documented shape: an element a stream', () => {
    const streams = [
      { code: 'ComponentStatus/StdOut/succeeded', level: 'Info', message: 'out' },
      { code: 'ComponentStatus/StdErr/succeeded', level: 'Info', message: 'err' },
    ];
    expect(readScriptResult(streams)).toEqual({ kind: 'ended', stdout: 'out', stderr: 'err' });
  });

  it('that is empty has no output, and a failed one says why', () => {
    expect(readScriptResult([])).toEqual({ kind: 'ended', stdout: '', stderr: '' });
    const failed = [{ code: 'ProvisioningState/failed/1', level: 'Error', message: 'no agent' }];
    expect(readScriptResult(failed)).toEqual({ kind: 'failed', value: 'no agent' });
  });
});

describe("ARM's refusals", () => {
  it.each<[number, TroubleKind, boolean]>([
    [400, 'invalid', true],
    [401, 'forbidden', true],
    [404, 'notFound', true],
    [408, 'timeout', false],
    [409, 'conflict', true],
    [429, 'throttled', true],
    [500, 'unreachable', false],
    [503, 'unreachable', false],
  ])('with %d are %s', (status, kind, definite) => {
    expect(refusal(status)).toMatchObject({ kind, status });
    expect(isRefusal(refusal(status))).toBe(definite);
  });

  it('name action and scope', () => {
    const message =
      "The client '1' does not have authorization to perform action 'A/restart/action' " +
      "over scope '/subscriptions/s' or the scope is invalid.";
    expect(refusal(403, 'AuthorizationFailed', message).value).toBe(
      'POST x: no permission for A/restart/action on /subscriptions/s (AuthorizationFailed)',
    );
  });

  it('know a deny assignment and a lock, which no waiting lifts', () => {
    const message =
      "The client '1' has permission to perform action 'A/restart/action' on scope " +
      "'/subscriptions/s'; however, the access is denied because of the deny assignment 'n'";
    const denied = refusal(403, 'DenyAssignmentAuthorizationFailed', message);
    expect(denied.value).toContain(
      'a deny assignment forbids A/restart/action on /subscriptions/s',
    );
    expect(refusal(409, 'ScopeLocked', 'locked')).toMatchObject({ kind: 'forbidden', status: 409 });
  });

  it('show no signed URL, and not more than a person reads', () => {
    const signed = 'see https://management.azure.com/operations/1?t=1&c=SECRET for more';
    const { value } = refusal(400, 'Bad', `${signed}\n${'x'.repeat(5000)}`);
    expect(value).toContain('see https://management.azure.com/operations/1 for more');
    expect(value).not.toContain('SECRET');
    expect(value.length).toBeLessThanOrEqual(600);
  });

  it('have nothing in them that a terminal acts upon', () => {
    const { value } = refusal(400, 'Bad', 'a\u001b[2Jb\u202ec\u009bd\r\ne\u0000');
    expect(value).toBe('POST x: 400 Bad a\ufffd[2Jb\ufffdc\ufffdd e\ufffd');
  });

  it('that throttle always say how long', () => {
    expect(refusal(429, 'Throttled', '', '17')).toMatchObject({ retryAfterSeconds: 17 });
    expect(refusal(429)).toMatchObject({ retryAfterSeconds: 30 });
  });

  it.each([
    ['12', 12],
    ['0.2', 1],
    ['-5', 0],
    ['Mon, 05 Jan 2026 22:01:00 GMT', 60],
    ['Mon, 05 Jan 2026 21:00:00 GMT', 0],
    ['soon', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('read a Retry-After of %j', (header, seconds) => {
    expect(parseRetryAfter(header, now)).toBe(seconds);
  });
});

describe('no answer', () => {
  it.each<[string, TroubleKind]>([
    ['AbortError', 'timeout'],
    ['TimeoutError', 'timeout'],
    ['RestError', 'unreachable'],
    ['AuthenticationError', 'forbidden'],
    ['AggregateAuthenticationError', 'forbidden'],
    ['AuthenticationRequiredError', 'forbidden'],
    ['CredentialUnavailableError', 'forbidden'],
  ])('because of %s is %s', (name, kind) => {
    const error = Object.assign(new Error('nothing'), { name });
    expect(troubleOfFailure('GET x', error)).toMatchObject({ kind });
  });
});

it('takes a failing Entra for unreachable, not for a missing grant', () => {
  const error = Object.assign(new Error('busy'), { name: 'AuthenticationError', statusCode: 503 });
  expect(troubleOfFailure('GET x', error)).toMatchObject({ kind: 'unreachable' });
});

describe('a cluster', () => {
  const facts = (given: object) => {
    const cluster: ManagedCluster = { location: 'here', ...given };
    return clusterFacts(clusterId('shop'), cluster, { kind: 'unknown', value: '' });
  };

  it.each(['..', '.', 'a/../b', 'a?b', '../MC_other', ''])(
    'has no node resource group that a URL reads as a way: %j',
    (nodeResourceGroup) => {
      expect(facts({ nodeResourceGroup }).nodeResourceGroup).toBe('');
    },
  );

  it('has texts where ARM promises them, whatever it answers', () => {
    const odd = JSON.parse('{"provisioningState": {}, "powerState": {"code": 7}}') as object;
    expect(facts(odd)).toMatchObject({ provisioningState: '', powerState: '' });
    expect(facts({ nodeResourceGroup: 'MC_a(b)_ü.1-x' }).nodeResourceGroup).toBe('MC_a(b)_ü.1-x');
  });
});

describe('an instance', () => {
  it('belongs to the pool of its own tag, else of its set, else to none', () => {
    const vm = { location: 'here', tags: { 'AKS-managed-poolName': 'web' } };
    expect(instanceFacts('id', vm, { 'aks-managed-poolName': 'other' }).pool).toBe('web');
    expect(instanceFacts('id', { location: 'here' }, vm.tags).pool).toBe('web');
    expect(instanceFacts('id', { location: 'here' })).toEqual({
      id: 'id',
      pool: '',
      computerName: '',
      vmId: '',
      provisioningState: '',
      powerState: '',
      agent: 'unknown',
    });
  });
});

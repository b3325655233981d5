import * as z from 'zod';
import { failureOf, forPeople, kindOfStatus } from '../domain/trouble.ts';
import type { Trouble, TroubleKind } from '../domain/trouble.ts';
import { longestPauseSeconds } from './allowance.ts';

/** What ARM answered, as far as trouble needs it. */
export interface ArmRefusal {
  status: number;
  retryAfter: string | undefined;
  body: string;
}

/** Without a Retry-After a 429 still means: not now. */
const defaultRetryAfterSeconds = 30;

const errorSchema = z.object({ code: z.string().catch(''), message: z.string().catch('') });
/** Most providers wrap their error, some answer it bare. */
const bodySchema = z.union([
  z.object({ error: errorSchema }).transform((b) => b.error),
  errorSchema,
]);

/**
 * ARM's own errors, as trouble. `asked` says what was asked, for people. `now`: epoch milliseconds.
 */
export function troubleOfRefusal(asked: string, refusal: ArmRefusal, now: number): Trouble {
  const { status } = refusal;
  const { code, message } = parseBody(refusal.body);
  const answer = [status, code, message].filter(Boolean).join(' ');
  const trouble = (kind: TroubleKind, what: string): Trouble => ({
    kind,
    value: forPeople(`${asked}: ${what}`),
    status,
  });
  const kind = kindOfCode(code, message) ?? kindOfStatus(status);
  if (kind === 'throttled') {
    const seconds = parseRetryAfter(refusal.retryAfter, now) ?? defaultRetryAfterSeconds;
    return {
      ...trouble(kind, answer),
      retryAfterSeconds: Math.min(seconds, longestPauseSeconds),
    };
  }
  return trouble(kind, kind === 'forbidden' ? (forbiddance(code, message) ?? answer) : answer);
}

/** No answer at all: what the SDK threw while it sent the request or asked for a token. */
export function troubleOfFailure(asked: string, error: unknown): Trouble {
  const { name, message, status = 0 } = failureOf(error);
  if (name === 'AbortError' || name === 'TimeoutError') {
    return { kind: 'timeout', value: forPeople(`${asked}: no answer in time`) };
  }
  // With a 5xx it is Entra that is in trouble, and nobody has to grant anything.
  if (status < 500 && /^(Aggregate)?Authentication|^CredentialUnavailable/u.test(name)) {
    return { kind: 'forbidden', value: forPeople(`${asked}: no Azure credential: ${message}`) };
  }
  // Whatever went wrong between here and there: refused, reset, DNS, TLS.
  return { kind: 'unreachable', value: forPeople(`${asked}: ${message}`) };
}

/** The SDK choked on an answer: it came, but it is not what the API promises. */
export function troubleOfUnexpected(error: unknown): Trouble {
  const { message } = failureOf(error);
  return { kind: 'invalid', value: forPeople(`Azure's answer can't be read: ${message}`) };
}

/** Whether the trouble proves that Azure did not do what was asked; if not, it may have. */
export function isRefusal(trouble: Trouble): boolean {
  switch (trouble.kind) {
    case 'throttled':
    case 'forbidden':
    case 'notFound':
    case 'conflict':
      return true;
    case 'invalid':
      // Without a status it is an answer that we could not read: it may have been a yes.
      return trouble.status !== undefined;
    case 'unreachable':
    case 'timeout':
      return false;
  }
}

/** Seconds of a Retry-After header: a number, or an HTTP date. `now`: epoch milliseconds. */
export function parseRetryAfter(header: string | undefined, now: number): number | undefined {
  if (header === undefined || header.trim() === '') return undefined;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return Math.max(0, Math.ceil(seconds));
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, Math.ceil((date - now) / 1000));
}

/** Codes that say more than the status that they come with. */
function kindOfCode(code: string, message: string): TroubleKind | undefined {
  switch (code) {
    case 'ScopeLocked':
      // A lock that people put on a resource answers 409, but no waiting lifts it.
      return 'forbidden';
    case 'KubernetesPerformanceError':
    case 'KubernetesOperationError':
      // AKS run command: no node takes the command's pod, or a policy of the cluster's forbids it.
      return /denied the request/u.test(message) ? 'forbidden' : 'unreachable';
    default:
      return undefined;
  }
}

function parseBody(body: string): { code: string; message: string } {
  try {
    return bodySchema.parse(JSON.parse(body));
  } catch {
    // A proxy's page, or nothing: the status has to speak for itself.
    return { code: '', message: '' };
  }
}

/** Action and scope, out of ARM's long sentence: what a person has to grant. */
function forbiddance(code: string, message: string): string | undefined {
  const action = /perform action '([^']+)'/u.exec(message)?.[1];
  const scope = /(?:over|on) scope '([^']+)'/u.exec(message)?.[1];
  if (action === undefined || scope === undefined) return undefined;
  const what = `${action} on ${scope}`;
  return code === 'DenyAssignmentAuthorizationFailed'
    ? `a deny assignment forbids ${what} (the resource group is locked by its owner)`
    : `no permission for ${what} (${code})`;
}

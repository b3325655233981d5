import { wrapHttpLibrary } from '@kubernetes/client-node/dist/gen/http/http.js';
import type { HttpLibrary, RequestContext } from '@kubernetes/client-node/dist/gen/http/http.js';
import { Agent, request as send } from 'undici';
import type { Dispatcher } from 'undici';
import { failureOf, forPeople, TroubleError } from '../domain/trouble.ts';
import type { Trouble } from '../domain/trouble.ts';
import type { Exchange, KubernetesAccess } from '../ports.ts';
import { responseOf } from './answers.ts';
import { parseKubeconfig } from './kubeconfig.ts';
import type { Target } from './kubeconfig.ts';
import { readRefusal, RefusalError } from './refusal.ts';

/** An API server as it is reached now: one pool of connections that are kept. */
interface Pool {
  kubeconfig: string;
  target: Target;
  dispatcher: Dispatcher;
}

export interface TransportOptions {
  /** Of each single request. */
  deadlineSeconds: number;
  /** What carries requests to an API server; without it, connections that are kept. */
  dispatcherFor?: (target: Target) => Dispatcher;
  /** Told of every request and its answer. */
  onExchange?: (exchange: Exchange) => void;
}

type Answer =
  | { kind: 'answered'; status: number; headers: Record<string, string>; text: string }
  /**
   * We don't trust the server, or it doesn't know us: nothing was done, the kubeconfig may be old.
   */
  | { kind: 'distrusted'; error: TroubleError };

/**
 * How client-node's requests travel. Its own library opens a TLS connection for each and hears no
 * abort signal (kubernetes-client/javascript#2893); this one keeps them, has a deadline, verifies
 * the server by the cluster's own authority and nothing else, and throws everything but a success
 * as `TroubleError`.
 */
export function createTransport(access: KubernetesAccess, options: TransportOptions): HttpLibrary {
  const { deadlineSeconds, dispatcherFor = (target) => agentFor(target, access) } = options;
  let pool: Pool | undefined;
  /** The kubeconfig was refused and asked for anew; until something is answered again. */
  let renewal: Promise<Pool> | undefined;

  const poolOf = async (freshness: 'known' | 'new'): Promise<Pool> => {
    const kubeconfig = await access.kubeconfig(freshness);
    if (pool?.kubeconfig === kubeconfig) return pool;
    // What is under way on the old connections ends by itself.
    void pool?.dispatcher.close();
    const target = targetOf(kubeconfig);
    pool = { kubeconfig, target, dispatcher: dispatcherFor(target) };
    return pool;
  };

  const ask = async (request: RequestContext): Promise<Answer> => {
    const distrusted = renewal;
    await distrusted;
    let answer = await exchange(request, await poolOf('known'), access, deadlineSeconds);
    if (answer.kind === 'distrusted' && distrusted === undefined) {
      // Once for all: a person's missing grant must not cost ARM a request with each of ours.
      renewal ??= poolOf('new').catch((error: unknown) => {
        renewal = undefined;
        throw error;
      });
      answer = await exchange(request, await renewal, access, deadlineSeconds);
    }
    if (answer.kind === 'answered') renewal = undefined;
    return answer;
  };

  return wrapHttpLibrary({
    async send(request) {
      const answer = await ask(request);
      if (answer.kind === 'distrusted') throw answer.error;
      const { status, headers, text } = answer;
      const { pathname, search } = new URL(request.getUrl());
      const method = request.getHttpMethod();
      const path = pathname + search;
      options.onExchange?.({ service: 'kubernetes', method, path, status, body: text });
      if (status >= 400) throw refused(request, status, headers, text);
      if (!/json/iu.test(headers['content-type'] ?? '')) throw notJson(request, headers);
      return responseOf(status, headers, text);
    },
  });
}

async function exchange(
  request: RequestContext,
  { target, dispatcher }: Pool,
  access: KubernetesAccess,
  deadlineSeconds: number,
): Promise<Answer> {
  const body = request.getBody();
  const token = await bearerToken(access, target);
  const { pathname, search } = new URL(request.getUrl());
  try {
    const answer = await send(new URL(pathname + search, target.server), {
      method: request.getHttpMethod(),
      headers: {
        ...request.getHeaders(),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      body: typeof body === 'string' ? body : null,
      dispatcher,
      signal: AbortSignal.timeout(deadlineSeconds * 1000),
    });
    // Read here, so that the deadline holds for the last byte too.
    const text = await answer.body.text();
    const headers = singleValues(answer.headers);
    return answer.statusCode === 401
      ? { kind: 'distrusted', error: refused(request, 401, headers, text) }
      : { kind: 'answered', status: answer.statusCode, headers, text };
  } catch (error) {
    const unanswered = new TroubleError(troubleOfFailure(askedBy(request), error));
    if (isDistrust(error)) return { kind: 'distrusted', error: unanswered };
    throw unanswered;
  }
}

function targetOf(kubeconfig: string): Target {
  try {
    return parseKubeconfig(kubeconfig);
  } catch (error) {
    throw new TroubleError({ kind: 'invalid', value: failureOf(error).message });
  }
}

function agentFor({ ca, identity }: Target, { token }: KubernetesAccess): Agent {
  const certificate =
    token === undefined && identity.kind === 'certificate'
      ? { cert: identity.cert, key: identity.key }
      : {};
  return new Agent({
    connect: { ca, ...certificate, timeout: 10_000 },
    // Enough for the evictions of a slice at once.
    connections: 8,
    // Longer than between two polls, shorter than the four minutes after which Azure's load
    // balancers forget.
    keepAliveTimeout: 100_000,
    allowH2: false,
  });
}

async function bearerToken(
  { token }: KubernetesAccess,
  { identity }: Target,
): Promise<string | undefined> {
  if (token !== undefined) return token();
  switch (identity.kind) {
    case 'certificate':
      return undefined;
    case 'token':
      return identity.token;
    case 'none':
      throw new TroubleError({ kind: 'forbidden', value: 'the kubeconfig says nobody to be' });
  }
}

function askedBy(request: RequestContext): string {
  return `${request.getHttpMethod()} ${new URL(request.getUrl()).pathname}`;
}

function refused(
  request: RequestContext,
  status: number,
  headers: Record<string, string>,
  text: string,
): RefusalError {
  return new RefusalError(askedBy(request), readRefusal(status, headers['retry-after'], text));
}

/** A proxy's page, say: the client would take any text for an object without fields. */
function notJson(request: RequestContext, headers: Record<string, string>): TroubleError {
  const type = headers['content-type'] ?? 'of no type';
  const value = forPeople(`${askedBy(request)}: the answer is no JSON, but ${type}`);
  return new TroubleError({ kind: 'invalid', value });
}

/** OpenSSL's verdicts on certificates, and those of the server on ours: the handshake failed. */
function isDistrust(error: unknown): boolean {
  return /CERT|_TLS_|_SSL_|^UNABLE_TO_|SIGNATURE/u.test(failureOf(error).code);
}

function troubleOfFailure(asked: string, error: unknown): Trouble {
  const { name, message } = failureOf(error);
  return /Timeout|Abort/u.test(name)
    ? { kind: 'timeout', value: forPeople(`${asked}: no answer in time`) }
    : { kind: 'unreachable', value: forPeople(`${asked}: ${message}`) };
}

function singleValues(headers: Record<string, string | string[] | undefined>) {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, [value].flat().join(', ')]),
  );
}

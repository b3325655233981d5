import { createHmac, timingSafeEqual } from 'node:crypto';
import { seededRandom, hash, uuid } from './random.ts';
import type { Clock } from '../clock.ts';
import { listen } from './listener.ts';
import type { Listener, WireAnswer, WireRequest } from './listener.ts';

/**
 * Stands in for Entra, through the App Service managed-identity protocol (api-version 2019-08-01).
 */

/** The application that stands for every AKS API server, the same in all clouds. */
export const kubernetesAudience = '6dae42f8-4368-4678-94ff-3960e28e3630';
export const armAudience = 'https://management.azure.com';
export const tenant = '5f0a9c1e-3b7d-4c52-9a6e-1d2c3b4a5f60';

/** Who a token is for. `actor` is the name that the audit log uses. */
export interface Principal {
  actor: string;
  objectId: string;
  clientId: string;
}

export type TokenVerdict =
  | { kind: 'valid'; principal: Principal }
  | { kind: 'missing' }
  | { kind: 'malformed' }
  | { kind: 'expired' }
  | { kind: 'wrongAudience'; audience: string };

/**
 * Not a secret: nobody is kept out of a simulation. It is the same in every process because SDKs
 * cache tokens for the whole process, so that a token must outlive the simulation that gave it.
 */
const signingKey = 'simulated Entra';
const tokenLifeSeconds = 24 * 3600;

export function principalOf(actor: string): Principal {
  const random = seededRandom(hash(actor), 'principal');
  return { actor, objectId: uuid(random), clientId: uuid(random) };
}

const sign = (text: string) => createHmac('sha256', signingKey).update(text).digest('base64url');
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const withoutSlash = (audience: string) => audience.replace(/\/+$/, '').toLowerCase();

/** A signed token. Expiry is wall-clock time, since SDKs compare it with `Date.now()`. */
export function issueToken(actor: string, audience: string, expiresAtSeconds: number): string {
  const { objectId, clientId } = principalOf(actor);
  const head = encode({ alg: 'HS256', typ: 'JWT' });
  const claims = encode({
    aud: audience,
    iss: `https://sts.windows.net/${tenant}/`,
    exp: expiresAtSeconds,
    oid: objectId,
    appid: clientId,
    tid: tenant,
    actor,
  });
  return `${head}.${claims}.${sign(`${head}.${claims}`)}`;
}

/** Judges an Authorization header. */
export function verifyToken(
  header: string | undefined,
  audiences: readonly string[],
): TokenVerdict {
  const token = /^Bearer (.+)$/i.exec(header ?? '')?.[1];
  if (token === undefined) return { kind: 'missing' };
  const [head = '', claims = '', signature = ''] = token.split('.');
  const expected = Buffer.from(sign(`${head}.${claims}`));
  const given = Buffer.from(signature);
  if (expected.length !== given.length || !timingSafeEqual(expected, given)) {
    return { kind: 'malformed' };
  }
  const { aud, exp, actor } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as {
    aud: string;
    exp: number;
    actor: string;
  };
  if (!audiences.map(withoutSlash).includes(withoutSlash(aud))) {
    return { kind: 'wrongAudience', audience: aud };
  }
  if (exp * 1000 <= Date.now()) return { kind: 'expired' };
  return { kind: 'valid', principal: principalOf(actor) };
}

/** GET /msi/token, as App Service answers it. */
function answerTokenRequest(request: WireRequest): WireAnswer {
  const answer = (status: number, body: unknown): WireAnswer => ({
    kind: 'body',
    status,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const refuse = (message: string) => answer(400, { statusCode: 400, message });

  const url = new URL(request.url, 'http://localhost');
  const actor =
    knownClients.get(url.searchParams.get('client_id') ?? '') ??
    request.headers['x-identity-header'];
  const resource = url.searchParams.get('resource') ?? '';
  if (request.method !== 'GET' || url.pathname !== '/msi/token') {
    return answer(404, { statusCode: 404, message: 'GET /msi/token is all there is' });
  }
  if (actor === undefined || actor === '') return refuse('X-IDENTITY-HEADER is missing');
  if (url.searchParams.get('api-version') !== '2019-08-01') {
    return refuse('api-version must be 2019-08-01');
  }
  if (!isAudience(resource)) return refuse(`no such resource: ${resource}`);
  const expires = Math.floor(Date.now() / 1000) + tokenLifeSeconds;
  return answer(200, {
    access_token: issueToken(actor, resource, expires),
    expires_on: String(expires),
    resource,
    token_type: 'Bearer',
    client_id: principalOf(actor).clientId,
  });
}

/** ARM, Kubernetes, and a simulated cloud's own ARM endpoint, as a sovereign cloud's is. */
const isAudience = (resource: string) =>
  [armAudience, kubernetesAudience].includes(withoutSlash(resource)) ||
  /^https:\/\/127\.0\.0\.1:\d+\/?$/.test(resource);

/**
 * MSAL reads IDENTITY_ENDPOINT and IDENTITY_HEADER once and keeps them for the whole process
 * (`ManagedIdentityClient.identitySource` is static). So all simulations of a process share one
 * listener, which comes back on the same port, and the client id is what tells actors apart there.
 */
const knownClients = new Map<string, string>();
let sharedPort = 0;
let users = 0;
let shared: Promise<Listener> | undefined;

export interface Identity {
  /** What a process needs in its environment to be `actor`. */
  environment(actor: string): Record<string, string>;
  close(): Promise<void>;
}

/** @param port undefined: one that the simulations of this process share */
export async function startIdentity(options: {
  clock: Clock;
  port: number | undefined;
  log: (text: string) => void;
}): Promise<Identity> {
  const { clock, port, log } = options;
  const answer = (request: WireRequest) => Promise.resolve(answerTokenRequest(request));
  const open = (wanted: number) => listen({ clock, port: wanted, answer, log });
  const closeShared = async () => {
    users -= 1;
    if (users > 0) return;
    const closing = shared;
    shared = undefined;
    await (await closing)?.close();
  };
  if (port === undefined) users += 1;
  const listener = await (port === undefined ? (shared ??= open(sharedPort)) : open(port));
  if (port === undefined) sharedPort = listener.port;
  return {
    environment(actor) {
      const { clientId } = principalOf(actor);
      knownClients.set(clientId, actor);
      return {
        IDENTITY_ENDPOINT: `http://127.0.0.1:${listener.port}/msi/token`,
        IDENTITY_HEADER: actor,
        AZURE_CLIENT_ID: clientId,
      };
    },
    close: () => (port === undefined ? closeShared() : listener.close()),
  };
}

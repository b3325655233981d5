import type { Audit } from '../audit.ts';
import { throughFaults } from '../faults.ts';
import type { Faults, Outcome } from '../faults.ts';
import { tenant, verifyToken } from '../identity.ts';
import type { Principal, TokenVerdict } from '../identity.ts';
import type { WireAnswer, WireRequest } from '../listener.ts';
import { uuid } from '../random.ts';
import type { Random } from '../random.ts';
import type { Cluster, World } from '../world/world.ts';
import { failure } from './answer.ts';
import type { ArmAnswer } from './answer.ts';
import { matchTemplate, scopeOf } from './route.ts';
import type { Call, Route } from './route.ts';
import { armBucket } from './throttle.ts';
import type { Taken, Throttle } from './throttle.ts';

export interface ArmOptions {
  world: World;
  audit: Audit;
  faults: Faults;
  throttle: Throttle;
  routes: readonly Route[];
  random: Random;
  now: () => number;
  isAllowed: (action: string, scope: string, actor: string) => boolean;
  /** What a token for ARM may be for. */
  /** Whether errors say what we know of them. */
  texts: 'known' | 'others';
  audiences: () => readonly string[];
}

/** Azure Resource Manager: authentication, routing, rights, versions, limits, then the provider. */
/** Errors keep their status and code, whatever they say. */
function worded(answer: ArmAnswer, texts: ArmOptions['texts']): ArmAnswer {
  const { error } = (answer.body ?? {}) as { error?: { code: string } };
  if (texts === 'known' || error === undefined) return answer;
  return { ...answer, body: { error: { code: error.code, message: 'Das geht nicht.' } } };
}

export function createArm(options: ArmOptions): (request: WireRequest) => Promise<WireAnswer> {
  const wire = (answer: ArmAnswer) =>
    toWire(worded(answer, options.texts), options.random, options.now());
  return async (request) => {
    const verdict = verifyToken(request.headers['authorization'], options.audiences());
    if (verdict.kind !== 'valid') return wire(unauthorized(verdict));
    const { principal } = verdict;
    const url = new URL(request.url, 'https://arm');
    const route = findRoute(options.routes, request.method, url.pathname);
    if (route === undefined) return wire(noSuchRoute(url.pathname));
    const call: Call = {
      names: route.names,
      query: url.searchParams,
      body: request.body,
      url: request.url,
      apiVersion: url.searchParams.get('api-version') ?? '',
      actor: principal.actor,
      detail: {},
    };
    const seen = {
      service: 'arm',
      method: request.method,
      path: request.url,
      body: request.body,
      actor: principal.actor,
    } as const;
    const record = recorder(options, route.value, call, request.headers['x-ms-client-request-id']);
    return throughFaults(
      options.faults,
      seen,
      async () => wire(await serve(options, route.value, call, url.pathname, principal)),
      record,
    );
  };
}

function findRoute(routes: readonly Route[], method: string, path: string) {
  for (const value of routes) {
    const names = value.method === method ? matchTemplate(value.template, path) : undefined;
    if (names !== undefined) return { value, names };
  }
  return undefined;
}

/** Rights, versions, limits; then the operation itself. */
async function serve(
  options: ArmOptions,
  route: Route,
  call: Call,
  path: string,
  principal: Principal,
): Promise<ArmAnswer> {
  const scope = scopeOf(route.template, path);
  if (!options.isAllowed(route.action, scope, principal.actor)) {
    return forbidden(principal, route.action, scope);
  }
  if (route.method === 'POST' && lockedDown(options.world, path)) {
    return denyAssignment(principal, route.action, scope);
  }
  const version = judgeVersion(route, call);
  if (version !== undefined) return version;
  const subscription = call.names['subscription'] ?? '';
  const taken = options.throttle.take([
    armBucket(route.method, subscription, principal.actor),
    ...route.buckets(call),
  ]);
  if (taken.kind === 'empty') return throttled(taken);
  const answer = await route.answer(call);
  return { ...answer, headers: { ...limitHeaders(taken), ...answer.headers } };
}

function recorder(options: ArmOptions, route: Route, call: Call, requestId: string | undefined) {
  return ({ status, taken, fault }: Outcome) => {
    const { audit } = route;
    if (audit === undefined) return;
    const machine = audit.machine(call);
    const cluster = machine?.cluster ?? audit.cluster?.(call) ?? ownerOf(options.world, call.url);
    options.audit.write({
      actor: call.actor,
      cluster: cluster?.id ?? '',
      node: machine?.nodeName ?? '',
      action: audit.action(call),
      status,
      detail: {
        instance: machine?.id ?? call.url.split('?')[0],
        taken,
        ...(fault === undefined ? {} : { fault }),
        ...(requestId === undefined ? {} : { requestId }),
        ...call.detail,
      },
    });
  };
}

/** The cluster in whose node resource group a path lies. */
function ownerOf(world: World, path: string): Cluster | undefined {
  const [, subscription, group] =
    /^\/subscriptions\/([^/]+)\/resourceGroups\/([^/]+)\//i.exec(path.toLowerCase()) ?? [];
  return world.clusters.find(
    (cluster) =>
      cluster.subscription.toLowerCase() === subscription &&
      cluster.nodeResourceGroup.toLowerCase() === group,
  );
}

const lockedDown = (world: World, path: string) =>
  ownerOf(world, path)?.settings.nodeResourceGroupLockdown === true;

function judgeVersion(route: Route, call: Call): ArmAnswer | undefined {
  const supported = route.apiVersions.join(', ');
  if (call.apiVersion === '') {
    return failure(400, {
      code: 'MissingApiVersionParameter',
      message: 'The api-version query parameter (?api-version=) is required for all requests.',
    });
  }
  if (!/^\d{4}-\d{2}-\d{2}(-preview)?$/.test(call.apiVersion)) {
    return failure(400, {
      code: 'InvalidApiVersionParameter',
      message:
        `The api-version '${call.apiVersion}' is invalid. ` +
        `The supported versions are '${supported}'.`,
    });
  }
  if (!route.apiVersions.includes(call.apiVersion)) {
    return failure(400, {
      code: 'NoRegisteredProviderFound',
      message:
        `No registered resource provider found for API version '${call.apiVersion}' for type ` +
        `'${route.type}'. The supported api-versions are '${supported}'.`,
    });
  }
  return undefined;
}

function noSuchRoute(path: string): ArmAnswer {
  return failure(404, {
    code: 'InvalidResourceType',
    message: `The resource type or action at '${path}' is not simulated.`,
  });
}

function unauthorized(verdict: Exclude<TokenVerdict, { kind: 'valid' }>): ArmAnswer {
  const [code, message] = {
    missing: [
      'AuthenticationFailed',
      "Authentication failed. The 'Authorization' header is missing.",
    ],
    malformed: ['InvalidAuthenticationToken', 'The access token is invalid.'],
    expired: ['ExpiredAuthenticationToken', 'The access token expiry UTC time is in the past.'],
    wrongAudience: [
      'InvalidAuthenticationTokenAudience',
      'The access token has been obtained for wrong audience or resource.',
    ],
  }[verdict.kind] as [string, string];
  const challenge =
    `Bearer authorization_uri="https://login.windows.net/${tenant}", ` +
    `error="invalid_token", error_description="${message}"`;
  return failure(401, { code, message }, { 'www-authenticate': challenge });
}

const who = ({ clientId, objectId }: Principal) =>
  `The client '${clientId}' with object id '${objectId}'`;

const forbidden = (principal: Principal, action: string, scope: string) =>
  failure(403, {
    code: 'AuthorizationFailed',
    message:
      `${who(principal)} does not have authorization to perform action '${action}' over scope ` +
      `'${scope}' or the scope is invalid. ` +
      'If access was recently granted, please refresh your credentials.',
  });

const denyAssignment = (principal: Principal, action: string, scope: string) =>
  failure(403, {
    code: 'DenyAssignmentAuthorizationFailed',
    message:
      `${who(principal)} has permission to perform action '${action}' on scope '${scope}'; ` +
      'however, the access is denied because of the deny assignment with name ' +
      "'Node resource group lockdown'.",
  });

function throttled({ bucket, retryAfterSeconds }: Extract<Taken, { kind: 'empty' }>): ArmAnswer {
  const headers: Record<string, string> = { 'retry-after': String(retryAfterSeconds) };
  switch (bucket.answer) {
    case 'aks':
      return failure(429, { code: 'Throttled', message: 'The request is throttled.' }, headers);
    case 'compute':
      headers['x-ms-ratelimit-remaining-resource'] = `Microsoft.Compute/${bucket.policy};0`;
      return failure(
        429,
        {
          code: 'OperationNotAllowed',
          message: 'The server rejected the request because too many requests have been received.',
          details: [
            {
              code: 'TooManyRequests',
              target: bucket.policy,
              message: `Too many requests; retry after ${retryAfterSeconds} seconds.`,
            },
          ],
        },
        headers,
      );
    case 'arm':
      headers[`x-ms-ratelimit-remaining-${bucket.policy}`] = '0';
      return failure(
        429,
        {
          code: 'SubscriptionRequestsThrottled',
          message: 'Number of requests exceeded the limit.',
        },
        headers,
      );
  }
}

function limitHeaders({ remaining }: Extract<Taken, { kind: 'taken' }>): Record<string, string> {
  const headers: Record<string, string> = {};
  const compute: string[] = [];
  for (const { bucket, tokens } of remaining) {
    if (bucket.answer === 'arm')
      headers[`x-ms-ratelimit-remaining-${bucket.policy}`] = String(tokens);
    if (bucket.answer === 'compute') compute.push(`Microsoft.Compute/${bucket.policy};${tokens}`);
  }
  if (compute.length > 0) headers['x-ms-ratelimit-remaining-resource'] = compute.join(',');
  return headers;
}

function toWire(answer: ArmAnswer, random: Random, now: number): WireAnswer {
  const json = answer.body !== undefined;
  return {
    kind: 'body',
    status: answer.status,
    headers: {
      ...(json ? { 'content-type': 'application/json; charset=utf-8' } : {}),
      'x-ms-request-id': uuid(random),
      date: new Date(now).toUTCString(),
      ...answer.headers,
    },
    body: json ? JSON.stringify(answer.body) : '',
  };
}

/**
 * HTTP as a caller of the app sees it: routes, access, invocation, and the two surfaces that are
 * the host's own (sources: azure-functions-host, WebJobs.Script.WebHost;
 * azure-functions-nodejs-library, src/http and src/converters/toRpcHttp.ts).
 */
import * as z from 'zod';
import type { TypedData } from './core.ts';
import type { Callable, InfoOf } from './functions.ts';
import { opens, shownKey, type Door, type HostKeys } from './keys.ts';
import { readRoute, type Match, type Route } from './route.ts';
import { call, messageOf, type Runtime } from './runtime.ts';

type HttpCallable = Callable & { readonly info: InfoOf<'http'> };

export interface HttpParts {
  readonly keys: HostKeys;
  /** Answers below `/runtime/webhooks/durabletask`, the caller having shown the key. */
  readonly durableTask: (path: string, request: Request) => Promise<Response>;
  /** Runs the timer trigger of that name at once; false when there is none. */
  readonly runTimer: (name: string) => boolean;
}

const durableTaskPath = '/runtime/webhooks/durabletask/';
const adminFunction = /^\/admin\/functions\/([^/]+)$/i;

/** What answers the requests to one host. */
export function createHttp(
  runtime: Runtime,
  { keys, durableTask, runTimer }: HttpParts,
): (request: Request) => Promise<Response> {
  const prefix = runtime.settings.routePrefix;
  const routes = runtime.functions.http.map((callable) => ({
    callable,
    route: readRoute(`${prefix}/${callable.info.route}`),
  }));
  const empty = (status: number) => new Response(null, { status });

  return async (request) => {
    const { pathname } = new URL(request.url);
    const may = (door: Door) => opens(keys, shownKey(request), door);
    if (pathname.toLowerCase().startsWith(durableTaskPath)) {
      if (!may({ kind: 'durableTask' })) return empty(401);
      return durableTask(pathname.slice(durableTaskPath.length), request);
    }
    if (pathname.toLowerCase().startsWith('/admin/')) {
      if (!may({ kind: 'admin' })) return empty(401);
      const name = adminFunction.exec(pathname)?.[1];
      const known = request.method === 'POST' && name !== undefined;
      return empty(known && runTimer(decodeURIComponent(name)) ? 202 : 404);
    }
    const found = find(routes, request.method, pathname);
    if (found === undefined) return empty(404);
    const { name, authLevel } = found.callable.info;
    const door: Door = authLevel === 'function' ? { kind: 'function', name } : { kind: authLevel };
    if (!may(door)) return empty(401);
    return invokeHttp(runtime, found.callable, found.params, request);
  };
}

/**
 * The first in the order of names. The method is part of the route: a wrong one is not found, not
 * 405.
 */
function find(
  routes: readonly { callable: HttpCallable; route: Route }[],
  method: string,
  pathname: string,
): { callable: HttpCallable; params: Match } | undefined {
  for (const { callable, route } of routes) {
    const params = callable.info.methods.includes(method) ? route(pathname) : undefined;
    if (params !== undefined) return { callable, params };
  }
  return undefined;
}

async function invokeHttp(
  runtime: Runtime,
  callable: HttpCallable,
  params: Match,
  request: Request,
): Promise<Response> {
  try {
    const { returnValue } = await call(runtime, callable, await requestData(request, params));
    return respond(await returnValue());
  } catch (error) {
    const { name } = callable.info;
    const message = `The function failed: ${messageOf(error)}`;
    runtime.log({ level: 'error', category: 'host', function: name, message });
    return new Response(null, { status: 500 });
  }
}

async function requestData(request: Request, params: Match): Promise<TypedData> {
  const { searchParams } = new URL(request.url);
  const body = new Uint8Array(await request.arrayBuffer());
  // A key that is given more than once is joined, as ASP.NET does.
  const query = [...new Set(searchParams.keys())].map((key): [string, string] => [
    key,
    searchParams.getAll(key).join(','),
  ]);
  const wrap = (entries: Iterable<[string, string]>) =>
    Object.fromEntries([...entries].map(([key, value]) => [key, { value }]));
  return {
    http: {
      method: request.method,
      url: request.url,
      nullableHeaders: wrap(request.headers),
      nullableQuery: wrap(query),
      nullableParams: wrap(Object.entries(params)),
      ...(body.length > 0 && { body: { bytes: body } }),
    },
  };
}

const optional = z
  .object({ value: z.union([z.string(), z.number(), z.boolean(), z.date()]).nullish() })
  .nullish();
const httpResponse = z.object({
  statusCode: z.coerce.number(),
  headers: z.record(z.string(), z.string()),
  cookies: z.array(
    z.object({
      name: z.string(),
      value: z.string(),
      domain: optional,
      path: optional,
      expires: optional,
      maxAge: optional,
      secure: optional,
      httpOnly: optional,
      sameSite: z.string(),
    }),
  ),
  body: z.object({ bytes: z.custom<Uint8Array>().optional() }).nullish(),
});

/** A function that returns nothing answers 204; some statuses take no body. */
function respond(value: TypedData | undefined): Response {
  if (value?.http === undefined) return new Response(null, { status: 204 });
  const { statusCode, headers, cookies, body } = httpResponse.parse(value.http);
  const bytes = [204, 205, 304].includes(statusCode) ? null : (body?.bytes ?? null);
  const response = new Response(bytes && Buffer.from(bytes), { status: statusCode, headers });
  for (const cookie of cookies) response.headers.append('set-cookie', cookieText(cookie));
  return response;
}

type Cookie = z.infer<typeof httpResponse>['cookies'][number];

function cookieText(cookie: Cookie): string {
  const parts = [`${cookie.name}=${encodeURIComponent(cookie.value)}`];
  const add = (name: string, part: z.infer<typeof optional>) => {
    if (part?.value !== undefined && part.value !== null)
      parts.push(`${name}=${part.value.toString()}`);
  };
  add('Domain', cookie.domain);
  add('Path', cookie.path);
  if (cookie.expires?.value instanceof Date)
    parts.push(`Expires=${cookie.expires.value.toUTCString()}`);
  add('Max-Age', cookie.maxAge);
  if (cookie.secure?.value === true) parts.push('Secure');
  if (cookie.httpOnly?.value === true) parts.push('HttpOnly');
  const sameSite = { lax: 'Lax', strict: 'Strict', explicitNone: 'None' }[cookie.sameSite];
  if (sameSite !== undefined) parts.push(`SameSite=${sameSite}`);
  return parts.join('; ');
}

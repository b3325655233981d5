/**
 * The durable client's HTTP API: what the SDK calls over loopback, and what the extension shows as
 * webhooks (source: azure-functions-durable-extension, HttpApiHandler.cs). Paths are relative to
 * its root.
 */
import type { Asked, DurableClientPort, Started, StatusOptions } from './client.ts';
import type { InstanceFilter } from './store.ts';

/** Where the URLs in answers point to: the root, and the query that each of them carries. */
export interface Links {
  readonly base: string;
  readonly query: string;
}

const pageSizeDefault = 100;
const continuation = 'x-ms-continuation-token';

/** Answers a request to `path`, which has no leading slash. */
export async function answer(
  client: DurableClientPort,
  links: Links,
  path: string,
  request: Request,
): Promise<Response> {
  const [collection = '', ...rest] = path.split('/').map(decodeURIComponent);
  const query = new URL(request.url).searchParams;
  const body = request.method === 'POST' ? await request.text() : '';
  const asked = { client, links, request, query, body };
  switch (collection.toLowerCase()) {
    case 'orchestrators':
      return request.method === 'POST' ? start(asked, rest) : nothing(404);
    case 'entities':
      return entities(asked, rest);
    case 'instances':
      return instances(asked, rest);
    default:
      return nothing(404);
  }
}

interface Ask {
  readonly client: DurableClientPort;
  readonly links: Links;
  readonly request: Request;
  readonly query: URLSearchParams;
  readonly body: string;
}

const nothing = (status: number) => new Response(null, { status });

function problem(status: number, message: string): Response {
  const ExceptionType = status === 400 ? 'System.ArgumentException' : 'System.Exception';
  const StackTrace = '';
  return Response.json(
    { Message: message, ExceptionMessage: message, ExceptionType, StackTrace },
    { status },
  );
}

/** An input: nothing where the body is empty, else JSON. */
function readBody(body: string): { kind: 'ok'; value: unknown } | { kind: 'wrong' } {
  if (body === '') return { kind: 'ok', value: undefined };
  try {
    return { kind: 'ok', value: JSON.parse(body) };
  } catch {
    return { kind: 'wrong' };
  }
}

function start({ client, links, query, body }: Ask, [name = '', id]: string[]): Response {
  // The SDK sends the two characters "" when there is no input, so that is what the orchestrator
  // gets.
  const input = readBody(body);
  if (input.kind === 'wrong') return problem(400, 'Invalid JSON content');
  const version = query.get('version');
  return started(
    links,
    client.start(name, {
      ...(id !== undefined && id !== '' && { instanceId: id }),
      ...(input.value !== undefined && { input: input.value }),
      ...(version !== null && { version }),
    }),
  );
}

function started(links: Links, outcome: Started): Response {
  switch (outcome.kind) {
    case 'invalid':
      return problem(400, outcome.message);
    case 'exists':
      return problem(409, outcome.message);
    case 'started': {
      const urls = managementUrls(links, outcome.id);
      const headers = { Location: urls.statusQueryGetUri, 'Retry-After': '10' };
      return Response.json(urls, { status: 202, headers });
    }
  }
}

/** The URLs by which one instance is managed (also a part of the client binding). */
export function managementUrls({ base, query }: Links, id: string) {
  const instance = `${base}/instances/${id}`;
  const url = (operation: string) => `${instance}/${operation}&${query}`;
  return {
    id,
    statusQueryGetUri: `${instance}?${query}`,
    sendEventPostUri: `${instance}/raiseEvent/{eventName}?${query}`,
    terminatePostUri: url('terminate?reason={text}'),
    rewindPostUri: url('rewind?reason={text}'),
    purgeHistoryDeleteUri: `${instance}?${query}`,
    restartPostUri: `${instance}/restart?${query}`,
    suspendPostUri: url('suspend?reason={text}'),
    resumePostUri: url('resume?reason={text}'),
  };
}

function entities({ client, request, query, body }: Ask, [name, key]: string[]): Response {
  if (name === undefined || name === '' || key === undefined) return nothing(404);
  const own = key === '$' ? '' : key;
  if (request.method === 'GET') {
    const { exists, state } = client.entityState(name, own);
    return exists ? Response.json(state) : nothing(404);
  }
  if (request.method !== 'POST' && request.method !== 'DELETE') return nothing(404);
  const isJson = request.headers.get('content-type')?.includes('json') ?? false;
  const input = isJson ? readBody(body) : { kind: 'ok' as const, value: body };
  if (input.kind === 'wrong') return problem(400, 'Invalid JSON content');
  const operation = request.method === 'DELETE' ? 'delete' : (query.get('op') ?? '');
  const outcome = client.signal(name, own, operation, input.value);
  return outcome.kind === 'accepted' ? nothing(202) : problem(400, outcome.message);
}

function instances(ask: Ask, [id = '', operation, ...rest]: string[]): Response {
  const { client, links, request, query, body } = ask;
  if (id === '') return allInstances(ask);
  if (operation === undefined || operation === '') return oneInstance(ask, id);
  if (request.method !== 'POST') return nothing(404);
  const reason = query.get('reason') ?? '';
  switch (operation.toLowerCase()) {
    case 'raiseevent': {
      const data = readBody(body);
      const isJson = request.headers.get('content-type')?.includes('json') ?? false;
      if (data.kind === 'wrong' || !isJson) return problem(400, 'Invalid JSON content');
      return asked(client.raise(id, rest.join('/'), data.value));
    }
    case 'terminate':
      return asked(client.terminate(id, reason));
    case 'suspend':
      return asked(client.suspend(id, reason));
    case 'resume':
      return asked(client.resume(id, reason));
    case 'rewind':
      return problem(501, 'The rewind operation is not supported by the local host.');
    case 'restart': {
      const again = client.restart(id, query.get('restartWithNewInstanceId') !== 'false');
      return again === undefined
        ? problem(400, `An orchestrator instance with ID '${id}' doesn't exist.`)
        : started(links, again);
    }
    default:
      return nothing(404);
  }
}

function asked(outcome: Asked): Response {
  switch (outcome.kind) {
    case 'accepted':
      return nothing(202);
    case 'unknown':
      return nothing(404);
    case 'finished':
      return nothing(410);
    case 'notNow':
      return problem(500, outcome.message);
  }
}

function shown(query: URLSearchParams): StatusOptions {
  return {
    showInput: query.get('showInput') !== 'false',
    showHistory: query.get('showHistory') === 'true',
    showHistoryOutput: query.get('showHistoryOutput') === 'true',
  };
}

function oneInstance({ client, request, query }: Ask, id: string): Response {
  if (request.method === 'DELETE') {
    return client.purge(id) ? Response.json({ instancesDeleted: 1 }) : nothing(404);
  }
  if (request.method !== 'GET') return nothing(404);
  const status = client.status(id, shown(query));
  if (status === undefined) return nothing(404);
  switch (status.runtimeStatus) {
    case 'Completed':
    case 'Terminated':
      return Response.json(status);
    case 'Failed': {
      const asError = query.get('returnInternalServerErrorOnFailure') === 'true';
      return Response.json(status, { status: asError ? 500 : 200 });
    }
    case 'Pending':
    case 'Running':
    case 'Suspended': {
      const headers = { Location: request.url, 'Retry-After': '5' };
      return Response.json(status, { status: 202, headers });
    }
  }
}

function allInstances({ client, request, query }: Ask): Response {
  const instant = (name: string) => {
    const text = query.get(name);
    return text === null ? undefined : Date.parse(text);
  };
  const [from, to] = [instant('createdTimeFrom'), instant('createdTimeTo')];
  if (Number.isNaN(from) || Number.isNaN(to)) return problem(400, 'A created time is no time.');
  const statuses = query.get('runtimeStatus');
  const prefix = query.get('instanceIdPrefix');
  const filter: InstanceFilter = {
    ...(from !== undefined && { createdFrom: from }),
    ...(to !== undefined && { createdTo: to }),
    ...(statuses !== null && { statuses: statuses.split(',') }),
    ...(prefix !== null && { prefix }),
  };
  if (request.method === 'DELETE') {
    if (from === undefined) return problem(400, "Please provide value for 'createdTimeFrom'.");
    const instancesDeleted = client.purgeAll(filter);
    return instancesDeleted === 0 ? nothing(404) : Response.json({ instancesDeleted });
  }
  if (request.method !== 'GET') return nothing(404);
  const top = Number(query.get('top') ?? pageSizeDefault);
  const token = request.headers.get(continuation) ?? '';
  const after = Buffer.from(token, 'base64url').toString();
  const page = client.list({ ...filter, after, top }, shown(query));
  const last = page.length < top ? '' : (page.at(-1)?.instanceId ?? '');
  const next = Buffer.from(last).toString('base64url');
  return Response.json(page, { headers: { [continuation]: next } });
}

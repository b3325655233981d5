import type { ApiRequest } from './script.ts';

/**
 * What kubectl tells of a request that failed. With `-v=8` it logs each request and response: old
 * versions as `GET https://…`, `Response Status: 429 …`, `Response Headers:`, `Response Body: …`;
 * those since 1.33 as `"Request" verb="GET" url="…"`, `"Response" status="429 …" headers=<…>` and
 * `"Response Body" body=<…>` (client-go transport/round_trippers.go and rest/request.go). The
 * error message at the end has the reason and the text alone.
 */
export type Failure =
  /** The API server said no. `body` is its Status, or what is known of it. */
  | { kind: 'refused'; status: number; retryAfter: string | undefined; body: string }
  /** Nobody knows what the API server made of it. */
  | { kind: 'unanswered'; value: string };

/** The script sends no more of it; whatever else comes is not read, because that takes its time. */
const longestRead = 16_000;

/** Reads what kubectl said on standard error when it failed to make the request. */
export function readFailure(said: string, request: ApiRequest): Failure {
  const text = said.slice(-longestRead);
  const message = lastMessage(text);
  const requests = requestsIn(text);
  const log = requests.at(-1);
  // It asks for other things before: of what they were answered nothing follows for ours.
  if (log !== undefined && !isFor(request, log)) {
    return { kind: 'unanswered', value: `kubectl did not get to ask: ${message.message}` };
  }
  const last = lastResponse(log ?? '');
  if (last !== undefined && last.status >= 400) {
    return {
      kind: 'refused',
      status: last.status,
      retryAfter: headerOf(last.log, 'Retry-After'),
      body: bodyOf(last.log) ?? objectIn(last.log) ?? JSON.stringify(message),
    };
  }
  // Without the log: a version that words it in a third way.
  const status = statusOfReason[message.reason];
  if (log === undefined && status !== undefined) {
    return { kind: 'refused', status, retryAfter: undefined, body: JSON.stringify(message) };
  }
  return { kind: 'unanswered', value: message.message };
}

/**
 * The log from each request on to the next. kubectl asks again by itself when it is told to wait:
 * what counts is the last.
 */
function requestsIn(text: string): string[] {
  return text
    .split(/^(?=I\d{4} .*?\] (?:[A-Z]+ https:\/\/|"Request" verb=))/mu)
    .filter((log) => requestLine.test(log));
}

const requestLine = new RegExp(
  '^I\\d{4} .*?\\] (?:(?<old>[A-Z]+) (?<oldUrl>https://\\S+)' +
    '|"Request" verb="(?<verb>[A-Z]+)" url="(?<url>[^"]+)")',
  'u',
);

function isFor({ method, path }: ApiRequest, log: string): boolean {
  const { old, oldUrl = '', verb = old, url = oldUrl } = requestLine.exec(log)?.groups ?? {};
  // `kubectl patch` reads the object first: what is not there can't be patched, either.
  const asked = verb === method || (method === 'PATCH' && verb === 'GET');
  return asked && pathOf(url) === pathOf(path);
}

function pathOf(url: string): string {
  return URL.canParse(url, 'https://cluster') ? new URL(url, 'https://cluster').pathname : '';
}

function lastResponse(text: string): { status: number; log: string } | undefined {
  const responses = [
    ...text.matchAll(/^[A-Z]\d{4} .*?(?:Response Status: |"Response" .*?status=")(\d{3}) /gmu),
  ];
  const last = responses.at(-1);
  return last && { status: Number(last[1]), log: text.slice(last.index) };
}

function headerOf(log: string, name: string): string | undefined {
  return new RegExp(`^(?:[A-Z]\\d{4} .*?\\] )?\\s+${name}: (.*)$`, 'mu').exec(log)?.[1]?.trim();
}

function bodyOf(log: string): string | undefined {
  const plain = /Response Body: (\{.*)$/mu.exec(log)?.[1];
  const lines = /"Response Body".*? body=<\n\t(\{.*)$/mu.exec(log)?.[1];
  const quoted = /"Response Body".*? body=("\{.*")$/mu.exec(log)?.[1];
  const body = plain ?? lines ?? (quoted === undefined ? undefined : unquoted(quoted));
  return body !== undefined && isJson(body) ? body : undefined;
}

/** The Status as kubectl understood it. Not told of what is Invalid, but never cut. */
function objectIn(log: string): string | undefined {
  const object = /server response object: (?:%s)?\[(\{.*?\n\})\]$/msu.exec(log)?.[1];
  return object !== undefined && isJson(object) ? object : undefined;
}

interface Message {
  reason: string;
  message: string;
}

/** `Error from server (Conflict): …`, or whatever else the last line is. */
function lastMessage(text: string): Message {
  const line =
    text
      .split('\n')
      .findLast((line) => /^(?:F\d{4} .*?\] )?(?:[Ee]rror|The |Unable )/u.test(line)) ?? '';
  const said = line.replace(/^F\d{4} .*?\] /u, '');
  const [, reason = '', message] = /^Error from server \((\w+)\): (.*)$/u.exec(said) ?? [];
  if (message !== undefined) return { reason, message };
  const invalid = /^The .* is invalid/u.test(said) ? 'Invalid' : '';
  return { reason: invalid, message: said === '' ? 'kubectl failed without a word' : said };
}

/** The API's own reasons, and the codes that they stand for (apimachinery `api/errors`). */
const statusOfReason: Readonly<Record<string, number>> = {
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  Conflict: 409,
  AlreadyExists: 409,
  Gone: 410,
  Expired: 410,
  Invalid: 422,
  TooManyRequests: 429,
  InternalError: 500,
  ServiceUnavailable: 503,
  Timeout: 504,
  ServerTimeout: 504,
};

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    // `-v=8` cuts bodies after 1,024 characters.
    return false;
  }
}

function unquoted(text: string): string | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}

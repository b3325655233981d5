/** Requests and responses of the API, as the HTTPS front hands them over. */
import type { Status } from './status.ts';

export interface ApiRequest {
  method: string;
  /** Path and query as sent. */
  url: string;
  /** Names in lower case, as Node gives them. */
  headers: Record<string, string | undefined>;
  body: string;
  /** The authenticated user's name. */
  user: string;
  /** Ends a watch. */
  signal?: AbortSignal;
}

export type ApiResponse =
  | { status: number; headers: Record<string, string>; body: string }
  /** A watch: one JSON document a line. */
  | { status: number; headers: Record<string, string>; stream: AsyncIterable<string> };

const headers = { 'cache-control': 'no-cache, private' };

export function json(status: number, value: unknown, type = 'application/json'): ApiResponse {
  return {
    status,
    headers: { ...headers, 'content-type': type },
    body: `${JSON.stringify(value)}\n`,
  };
}

export function text(status: number, body: string): ApiResponse {
  return { status, headers: { ...headers, 'content-type': 'text/plain; charset=utf-8' }, body };
}

export function stream(lines: AsyncIterable<string>): ApiResponse {
  return {
    status: 200,
    headers: { ...headers, 'content-type': 'application/json' },
    stream: lines,
  };
}

/** A Status; what it says about waiting is also a header (endpoints/handlers/responsewriters). */
export function statusAnswer(status: Status): ApiResponse {
  const answer = json(status.code, status);
  const retryAfter = status.details?.retryAfterSeconds;
  if (retryAfter !== undefined) answer.headers['retry-after'] = String(retryAfter);
  return answer;
}

/** A request with its parts taken apart. */
export interface Call {
  method: string;
  path: string;
  query: URLSearchParams;
  accept: string;
  /** Without parameters. */
  contentType: string;
  body: string;
  user: string;
  userAgent: string;
  signal: AbortSignal | undefined;
}

export function callOf(request: ApiRequest): Call {
  const url = new URL(request.url, 'https://cluster');
  const [contentType = ''] = (request.headers['content-type'] ?? '').split(';');
  return {
    method: request.method,
    path: url.pathname,
    query: url.searchParams,
    accept: request.headers['accept'] ?? '',
    contentType: contentType.trim(),
    body: request.body,
    user: request.user,
    userAgent: request.headers['user-agent'] ?? '',
    signal: request.signal,
  };
}

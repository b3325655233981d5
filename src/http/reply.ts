import type { Problem } from '../policy/problem.ts';

/** What a handler answers: plain data, so that handlers are plain functions. */
export interface Reply {
  status: number;
  headers?: Record<string, string>;
  body: unknown;
}

export type ErrorKind = 'badRequest' | 'forbidden' | 'notFound' | 'conflict' | 'misconfigured';

/** An error for people and machines: a closed set of kinds, and every field's problem at once. */
export function refuse(kind: ErrorKind, message: string, problems: readonly Problem[] = []): Reply {
  const status = {
    badRequest: 400,
    forbidden: 403,
    notFound: 404,
    conflict: 409,
    misconfigured: 500,
  }[kind];
  return { status, body: { error: { kind, message, problems } } };
}

export function reply(status: number, body: unknown, headers?: Record<string, string>): Reply {
  return headers === undefined ? { status, body } : { status, headers, body };
}

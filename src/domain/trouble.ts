/**
 * Trouble: what a call to the outside world can end in instead of an answer. A closed set, because
 * each kind has its own treatment; `value` is for people.
 */
export const troubleKinds = [
  'throttled', // 429: wait `retryAfterSeconds`, then ask again
  'forbidden', // 401/403: a person has to grant something; value names action and scope
  'notFound', // 404
  'conflict', // 409/412: somebody else is at it
  'invalid', // any other 4xx, or an answer that could not be parsed
  'unreachable', // no answer: refused, reset, DNS, TLS, 5xx
  'timeout', // no answer in time
] as const;
export type TroubleKind = (typeof troubleKinds)[number];

export interface Trouble {
  kind: TroubleKind;
  /** One sentence for people: what was asked, what was answered. Never a token or a signed URL. */
  value: string;
  /** HTTP status, where there was an answer. */
  status?: number;
  /** What the server asked us to wait, seconds. */
  retryAfterSeconds?: number;
}

/** The trouble behind an HTTP status from 400 on. */
export function kindOfStatus(status: number): TroubleKind {
  if (status >= 500) return 'unreachable';
  switch (status) {
    case 401:
    case 403:
      return 'forbidden';
    case 404:
      return 'notFound';
    case 408:
      return 'timeout';
    case 409:
    case 412:
      return 'conflict';
    case 429:
      return 'throttled';
    default:
      return 'invalid';
  }
}

/** Beyond that nobody reads, and a text of a million characters takes its time. */
const longestRead = 10_000;

/**
 * A server's text, fit for logs and reports: one line without control characters, at most 600
 * characters, and no query strings, because ARM and storage sign URLs by theirs.
 */
export function forPeople(text: string): string {
  return printable(
    text
      .slice(0, longestRead)
      .replaceAll(/(https?:\/\/[^\s"'?]+)\?[^\s"']*/gu, '$1')
      .replaceAll(/\s+/gu, ' ')
      .trim()
      .slice(0, 600),
  );
}

/**
 * What terminals act upon (control characters, ANSI escapes with them), what breaks lines, what
 * turns the order of letters round, and half letters.
 */
const unprintable = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** The text, with a sign in the place of each character that nobody can see as it is. */
export function printable(text: string): string {
  return text.replaceAll(unprintable, '\ufffd');
}

/**
 * What was thrown, by its looks: errors of other realms (workers, test runners) and of bundled
 * copies of a library are no instances of our classes.
 */
export function failureOf(error: unknown): Failure {
  const fields = (typeof error === 'object' ? error : null) ?? {};
  const text = (value: unknown) => (typeof value === 'string' ? value : '');
  return {
    name: 'name' in fields ? text(fields.name) : '',
    message: 'message' in fields ? text(fields.message) : String(error),
    code: 'code' in fields ? text(fields.code) : '',
    status:
      'statusCode' in fields && typeof fields.statusCode === 'number'
        ? fields.statusCode
        : undefined,
  };
}

export interface Failure {
  name: string;
  message: string;
  /** Node's and OpenSSL's codes, and those of Azure's services. */
  code: string;
  /** HTTP status, where the SDK's error carries one. */
  status: number | undefined;
}

/**
 * How a port says trouble; activities turn it into data at their edge (see
 * `activities/activities.ts`).
 */
export class TroubleError extends Error {
  override readonly name = 'TroubleError';
  readonly trouble: Trouble;

  constructor(trouble: Trouble, options?: ErrorOptions) {
    super(`${trouble.kind}: ${trouble.value}`, options);
    this.trouble = trouble;
  }
}

/** Whether asking again later can help without a person doing anything. */
export function isTransient(trouble: Trouble): boolean {
  switch (trouble.kind) {
    case 'throttled':
    case 'unreachable':
    case 'timeout':
    case 'conflict':
      return true;
    case 'forbidden':
    case 'notFound':
    case 'invalid':
      return false;
  }
}

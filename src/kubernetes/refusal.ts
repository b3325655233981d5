import * as z from 'zod';
import { forPeople, kindOfStatus, TroubleError } from '../domain/trouble.ts';
import type { Trouble } from '../domain/trouble.ts';

/**
 * What an API server says instead of doing what it was asked: an HTTP status and a `Status` object.
 */
export interface Refusal {
  status: number;
  reason: string;
  message: string;
  causes: { reason: string; message: string }[];
  /**
   * From the header alone: that is how the server, and what stands before it, say that we ask too
   * much.
   */
  retryAfterSeconds?: number;
}

/** A `TroubleError` that still knows the server's own words, for those to whom they matter. */
export class RefusalError extends TroubleError {
  readonly refusal: Refusal;

  constructor(asked: string, refusal: Refusal) {
    super(troubleOf(asked, refusal));
    this.refusal = refusal;
  }
}

const text = z.string().catch('');
const statusSchema = z
  .object({
    reason: text,
    message: text,
    details: z
      .object({ causes: z.array(z.object({ reason: text, message: text })).catch([]) })
      .catch({ causes: [] }),
  })
  .catch({ reason: '', message: '', details: { causes: [] } });

/** Reads a refusal; whatever is missing or odd in it becomes empty. */
export function readRefusal(status: number, retryAfter: string | undefined, body: string): Refusal {
  const { reason, message, details } = statusSchema.parse(json(body));
  const retryAfterSeconds = Number(retryAfter ?? '');
  return {
    status,
    reason,
    message,
    causes: details.causes,
    ...(retryAfterSeconds > 0 && Number.isFinite(retryAfterSeconds) ? { retryAfterSeconds } : {}),
  };
}

function json(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/**
 * Whether there is no such object. What stands before an API server answers 404 as well, for a
 * route that it doesn't know at the moment: only the server's own word counts, because what is gone
 * is not looked after any more.
 */
export function isAbsent({ status, reason }: Refusal): boolean {
  return status === 404 && reason === 'NotFound';
}

/** Without a Retry-After a 429 still means: not now. */
const defaultRetryAfterSeconds = 5;

function troubleOf(asked: string, refusal: Refusal): Trouble {
  const { status, reason, message } = refusal;
  const isElsewhere = status === 404 && !isAbsent(refusal);
  const kind = isElsewhere ? 'unreachable' : kindOfStatus(status);
  const answer = message || [status, reason].filter(Boolean).join(' ');
  return {
    kind,
    value: forPeople(`${asked}: ${answer}`),
    status,
    ...(kind === 'throttled'
      ? { retryAfterSeconds: refusal.retryAfterSeconds ?? defaultRetryAfterSeconds }
      : {}),
  };
}

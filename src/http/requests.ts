import * as z from 'zod';
import { parseText, parseValue } from '../policy/problem.ts';
import type { Parsed } from '../policy/problem.ts';

/** Bodies and queries of the HTTP API; what is not named here is refused by name. */

const names = (longest: number) => z.array(z.string().min(1).max(longest));

export const startRunBody = z.strictObject({
  clusters: names(400).max(1000).default([]).describe('Keys, names or ARM ids; empty means all.'),
  pools: names(63).max(200).default([]).describe('Limits the run to these pools.'),
  nodes: names(253).max(500).default([]).describe('Limits the run to these nodes.'),
  dryRun: z.boolean().default(false).describe('Probe and plan, change nothing.'),
  reason: z.string().max(500).default('').describe('For the report.'),
  takeOver: z
    .string()
    .min(1)
    .max(500)
    .optional()
    .describe("Why another controller's claim and marks are taken over."),
  force: z
    .strictObject({
      reason: z.string().min(1).max(500).describe('Why.'),
      nodes: names(253).max(500).default([]).describe('These; empty means all of the run.'),
    })
    .optional()
    .describe('Reboots nodes whether they ask for it or not.'),
});

export const recoverBody = startRunBody.pick({ clusters: true, reason: true, takeOver: true });

export const cancelBody = z.strictObject({
  who: z.string().min(1).max(200).describe('Who cancels.'),
  why: z.string().min(1).max(500).describe('Why.'),
});

export const approvalBody = z.strictObject({
  why: z.string().min(1).max(500).describe('Why.'),
  nodes: names(253).max(500).default([]).describe('These; empty means the run as a whole.'),
});

export const preflightBody = startRunBody.pick({ clusters: true });

/** What comes after is written in another way, which the lock does not read. */
const lastInstant = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

export const holdBody = z.strictObject({
  who: z.string().min(1).max(200).describe('Who puts the hold.'),
  why: z.string().min(1).max(500).describe('Why.'),
  until: z.iso
    .datetime({ offset: true, error: 'is not an instant, e.g. "2026-12-24T18:00:00Z"' })
    .refine((text) => !(Date.parse(text) > lastInstant), 'is after the year 9999')
    .optional()
    .describe('When it lifts itself; without it a person has to.'),
});

export const listQuery = z.strictObject({
  limit: z
    .string()
    .regex(/^\d{1,9}$/u, 'is not a whole number')
    .transform(Number)
    .pipe(z.int().min(1).max(200))
    .default(50),
  after: z
    .string()
    .regex(/^[0-9]{8}T[0-9]{6}Z-[a-z0-9]{6}$/u, 'is not a run id')
    .optional(),
});

export const planQuery = z.strictObject({ cluster: z.string().min(1).max(400).optional() });

/**
 * What a body asks for travels as an orchestration's input, which may have 64 KB in UTF-16 before
 * the Durable extension puts it into a blob of its own.
 */
const longestBody = 32_000;

/** Parses a body's text; an empty one counts as `{}`. */
export function parseBody<T>(text: string, schema: z.ZodType<T>): Parsed<T> {
  if (text.length > longestBody) {
    const problem = `has ${text.length} characters: it has to have at most ${longestBody}`;
    return { kind: 'bad', problems: [{ path: '(body)', problem }] };
  }
  return parseText(text.trim() === '' ? '{}' : text, schema, '(body)');
}

export function parseQuery<T>(query: Record<string, string>, schema: z.ZodType<T>): Parsed<T> {
  return parseValue(query, schema, '(query)');
}

import * as z from 'zod';

/** A person wants nodes rebooted that need not say so themselves. */
export const forceSchema = z.object({
  /** Whom a token names; empty when none came along. */
  who: z.string().max(200),
  reason: z.string().min(1).max(500),
  /** Empty means all that the run is about. */
  nodes: z.array(z.string().max(253)).max(500),
});
export type Force = z.infer<typeof forceSchema>;

/** The need of a node that is forced, in words; `undefined` when it is not. */
export function forcedBy(force: Force | undefined, node: string): string | undefined {
  if (force === undefined) return undefined;
  const { who, reason, nodes } = force;
  if (nodes.length > 0 && !nodes.includes(node)) return undefined;
  return who === '' ? `forced: ${reason}` : `forced by ${who}: ${reason}`;
}

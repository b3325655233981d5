import * as z from 'zod';
import { epochMs } from './instant.ts';
import type { NodeResult } from './run.ts';

/**
 * How long the last nodes of each pool took: what the fit into a window is judged by. Seconds; a
 * node that did not get so far has no number.
 */
const paceSchema = z.object({
  run: z.string(),
  node: z.string(),
  drainSeconds: z.number().nonnegative().optional(),
  /** Restart and proof: from the restart asked for to back in service. */
  restartSeconds: z.number().nonnegative().optional(),
});
export type Pace = z.infer<typeof paceSchema>;

/** By pool, its name in lower case; oldest first. */
export const pacesSchema = z.record(z.string(), z.array(paceSchema));
export type Paces = z.infer<typeof pacesSchema>;

const kept = 20;

/** Adds what a node took. Told the same twice, it keeps it once. */
export function remember(paces: Paces, pool: string, run: string, result: NodeResult): Paces {
  const { cordoned, drained, restartAsked, uncordoned } = result.instants;
  const drain = secondsBetween(cordoned, drained);
  const restart = secondsBetween(restartAsked, uncordoned);
  if (drain === undefined && restart === undefined) return paces;
  const { node } = result;
  const pace: Pace = {
    run,
    node,
    ...(drain === undefined ? {} : { drainSeconds: drain }),
    ...(restart === undefined ? {} : { restartSeconds: restart }),
  };
  const key = pool.toLowerCase();
  const others = (paces[key] ?? []).filter((one) => one.run !== run || one.node !== node);
  return { ...paces, [key]: [...others, pace].slice(-kept) };
}

function secondsBetween(from: string | undefined, to: string | undefined): number | undefined {
  if (from === undefined || to === undefined) return undefined;
  return Math.max(0, (epochMs(to) - epochMs(from)) / 1000);
}

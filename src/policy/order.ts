import * as z from 'zod';
import { ringShape } from './rings.ts';

/** Settings that say in which order nodes have their turns, how many at once, and until when. */

/** As many as ten clusters can have out of service: no limit at all. */
export const unlimitedFleet = 500;

/** Those of the document as a whole. */
export const orderFleetShape = {
  fleetConcurrency: z
    .int()
    .min(1)
    .max(unlimitedFleet)
    .default(unlimitedFleet)
    .describe('Nodes of all clusters out of service at once; 500 is no limit.'),
} as const;

/** Those that may differ from pool to pool. */
export const orderPoolShape = {
  maxUnavailable: z
    .int()
    .min(1)
    .max(50)
    .describe('Nodes of the pool out of service at once; `concurrency` counts as well.'),
} as const;

/** Those that hold for a cluster. */
export const orderShape = {
  concurrency: z.int().min(1).max(50).describe('Nodes of a cluster out of service at once.'),
  stopAfterFailures: z
    .int()
    .min(1)
    .max(1000)
    .describe('After so many failed nodes a run begins no other node of the cluster.'),
  poolOrder: z
    .array(z.string())
    .describe('Pools whose nodes come first, in this order; system pools come last otherwise.'),
  ...ringShape,
} as const;

export const orderDefaults = {
  concurrency: 1,
  stopAfterFailures: 1,
  poolOrder: [],
  ring: '',
  maxUnavailable: 50,
} as const satisfies z.infer<z.ZodObject<typeof orderShape & typeof orderPoolShape>>;

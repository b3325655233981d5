import * as z from 'zod';
import { probeAddressSchema } from './need.ts';

/** The turns of a plan: the nodes to reboot, in order, and what was out of service before. */
export const turnsSchema = z.object({
  nodes: z.array(probeAddressSchema),
  /** Marks that counted against a pool when the plan was made. */
  marked: z.record(z.string(), z.int()),
});
export type Turns = z.infer<typeof turnsSchema>;

import * as z from 'zod';
import { isSelector, isTaintPattern } from '../domain/selector.ts';

/** Settings that say which nodes are looked after. */

const selectors = z
  .array(
    z.string().max(1000).refine(isSelector, {
      error: 'is not a label selector, e.g. "tier=db" or "gpu,zone in (1, 2)"',
    }),
  )
  .max(50);
const taints = z
  .array(
    z.string().max(1000).refine(isTaintPattern, {
      error: 'is not a taint: "key", "key=value", "key:Effect" or "key=value:Effect"',
    }),
  )
  .max(50);

/** Those that may differ from pool to pool. */
export const whichPoolShape = {
  excludeNodes: z.array(z.string()).describe('Nodes that are left alone.'),
  includeLabels: selectors.describe(
    'Label selectors: only nodes that one of them selects; none means all.',
  ),
  excludeLabels: selectors.describe('Label selectors: nodes that one of them selects stay.'),
  includeTaints: taints.describe('Only nodes with one of these taints; none means all.'),
  excludeTaints: taints.describe('Nodes with one of these taints are left alone.'),
  spot: z.enum(['reboot', 'skip']).describe('Spot nodes: Azure may evict them at any time.'),
  gateway: z
    .enum(['skip', 'reboot'])
    .describe('Nodes of gateway pools: a restart interrupts static egress.'),
} as const;

/** Those that hold for a cluster. */
export const whichShape = {
  includePools: z.array(z.string()).describe('Only these pools; none means all.'),
  excludePools: z.array(z.string()).describe('Pools that are left alone.'),
  kured: z
    .enum(['refuse', 'ignore'])
    .describe('When kured runs in the cluster: begin nothing, or reboot nodes beside it.'),
} as const;

export const whichDefaults = {
  includePools: [],
  excludePools: [],
  kured: 'refuse',
  excludeNodes: [],
  includeLabels: [],
  excludeLabels: [],
  includeTaints: [],
  excludeTaints: [],
  spot: 'reboot',
  gateway: 'skip',
} as const satisfies z.infer<z.ZodObject<typeof whichShape & typeof whichPoolShape>>;

import * as z from 'zod';
import type { ApprovalWanted } from '../domain/approval.ts';

/** Settings of whether people have to approve. */
export const approvalShape = {
  approval: z
    .enum(['off', 'perRun', 'perNode'])
    .describe('Whether a person has to approve a run, or each node, before it is cordoned.'),
  approvalTimeoutMinutes: z
    .int()
    .min(1)
    .max(10_080)
    .describe('How long a run waits for that; what nobody approved is left for a later run.'),
} as const;

export const approvalDefaults = {
  approval: 'off',
  approvalTimeoutMinutes: 240,
} as const satisfies z.infer<z.ZodObject<typeof approvalShape>>;

/** Whether a person has to approve anything in the cluster. */
export function needsApproval({
  policy,
  pools,
}: {
  policy: { approval: ApprovalWanted };
  pools: ReadonlyMap<string, { approval: ApprovalWanted }>;
}): boolean {
  return [policy, ...pools.values()].some(({ approval }) => approval !== 'off');
}

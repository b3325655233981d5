import * as z from 'zod';

/** What a person said of a run, or of one of its nodes. */
export const approvalSchema = z.object({
  decision: z.enum(['approved', 'rejected']),
  /** Empty means the run as a whole. */
  node: z.string(),
  /** Whom the token names. */
  who: z.string(),
  why: z.string(),
  at: z.string(),
});
export type Approval = z.infer<typeof approvalSchema>;

/** When a person was first asked; an empty node means: about the run as a whole. */
export const askedSchema = z.object({ node: z.string(), at: z.string(), until: z.string() });
export type Asked = z.infer<typeof askedSchema>;

export type ApprovalWanted = 'off' | 'perRun' | 'perNode';

/** Who can say who it is that approves. */
export type Vouching =
  /** App Service authentication: its header names the person behind the token. */
  | { kind: 'easyAuth' }
  /** The command line says so: whoever has the key of this local app. */
  | { kind: 'local'; who: string }
  | { kind: 'nobody' };

/**
 * What holds for a node. What was said of the node itself wins; what was said of the run approves
 * no node where each one has to be, and rejects it all the same.
 */
export function approvalOf(
  wanted: Exclude<ApprovalWanted, 'off'>,
  approvals: readonly Approval[],
  name: string,
): Approval | undefined {
  const own = approvals.find(({ node }) => node === name);
  if (own !== undefined) return own;
  const ofRun = approvals.find(({ node }) => node === '');
  return wanted === 'perNode' && ofRun?.decision === 'approved' ? undefined : ofRun;
}

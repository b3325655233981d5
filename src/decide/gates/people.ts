import { approvalOf } from '../../domain/approval.ts';
import type { Reason } from '../../domain/reason.ts';
import type { Scene, Sight, Stops } from '../gate.ts';

/** Gates that people close. */

export function canceled(_sight: unknown, { canceled }: Stops): Reason | undefined {
  return canceled === undefined ? undefined : { kind: 'canceled', value: canceled };
}

export function hold(_sight: unknown, { holds }: Stops): Reason | undefined {
  const [first] = holds;
  if (first === undefined) return undefined;
  const { who, why, until } = first.hold;
  const end = until === undefined ? 'until it is lifted' : `until ${until}`;
  return { kind: 'hold', value: `${who} holds ${first.scope} ${end}: ${why}` };
}

/** A person has to approve the run, or the node; what nobody can vouch for is no approval. */
export function approval({ node, policy }: Sight, { approvals }: Scene): Reason | undefined {
  if (policy.approval === 'off') return undefined;
  if (!approvals.vouched) {
    const value =
      'it needs approval, and nobody can tell who approves: turn on App Service authentication ' +
      'with Entra (locally: --approver), or set approval to "off"';
    return { kind: 'approval', value };
  }
  const said = approvalOf(policy.approval, approvals.given, node.name);
  if (said?.decision === 'approved') return undefined;
  if (said !== undefined) {
    const { who, at, why } = said;
    return {
      kind: said.node === '' ? 'approval' : 'nodeApproval',
      value: `${who} rejected it at ${at}: ${why}`,
    };
  }
  if (!approvals.asked) return undefined;
  return policy.approval === 'perRun'
    ? { kind: 'approval', value: 'nobody has approved the run' }
    : { kind: 'nodeApproval', value: 'nobody has approved the node' };
}

/** What a plan says of a node that a person will be asked about. */
export function awaitsApproval({ node, policy }: Sight, { approvals }: Scene): Reason[] {
  if (policy.approval === 'off' || approvals.asked) return [];
  const said = approvalOf(policy.approval, approvals.given, node.name);
  const value =
    said === undefined
      ? `it needs approval (${policy.approval})`
      : `${said.who} approved it at ${said.at}: ${said.why}`;
  return [{ kind: 'approval', value }];
}

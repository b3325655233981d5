import { decide, decideCordoned } from '../../src/decide/gates.ts';
import type { NodeView } from '../../src/domain/node.ts';
import { markedNode, sceneOf, sightOf } from '../support/sights.ts';

/** What others have written on a node, and what it means. */

const taint = (key: string) => ({ taints: [{ key, value: '', effect: 'NoSchedule' }] });
const condition = (type: string, status: string, message = '') => ({
  conditions: [{ type, status, message }],
});

const shut: [string, Partial<NodeView>, string, RegExp][] = [
  [
    'the autoscaler deletes it',
    taint('ToBeDeletedByClusterAutoscaler'),
    'autoscaler',
    /about to delete it \(ToBeDeletedByClusterAutoscaler\)/u,
  ],
  [
    'the autoscaler may delete it',
    taint('DeletionCandidateOfClusterAutoscaler'),
    'autoscaler',
    /DeletionCandidate/u,
  ],
  [
    'AKS drains it before an event',
    taint('remediator.kubernetes.azure.com/unschedulable'),
    'aksAtWork',
    /^AKS drains it before a scheduled event \(taint remediator\.kubernetes/u,
  ],
  [
    'AKS drains it, as older clusters say it',
    taint('remediator.aks.microsoft.com/unschedulable'),
    'aksAtWork',
    /^AKS drains it/u,
  ],
  [
    'its VM is shut down',
    taint('node.cloudprovider.kubernetes.io/shutdown'),
    'aksAtWork',
    /^its VM is shut down/u,
  ],
  [
    'AKS upgrades it',
    {
      annotations: {
        'kubernetes.azure.com/azure-cluster-autoscaler-scale-down-disabled-reason': 'upgrade',
      },
    },
    'aksAtWork',
    /^AKS works on it: upgrade/u,
  ],
  [
    'an upgrade has quarantined it',
    { labels: { 'kubernetes.azure.com/upgrade-status': 'Quarantined' } },
    'aksAtWork',
    /quarantined it/u,
  ],
  ...[
    'VMEventScheduled',
    'RebootScheduled',
    'FreezeScheduled',
    'RedeployScheduled',
    'PreemptScheduled',
    'TerminateScheduled',
  ].map((type): [string, Partial<NodeView>, string, RegExp] => [
    `${type} stands`,
    condition(type, 'True', 'Freeze at 22:15'),
    'scheduledEvent',
    new RegExp(`^Azure is about to act on its VM \\(${type}: Freeze at 22:15\\)$`, 'u'),
  ]),
  [
    'nobody can tell whether an event is scheduled',
    condition('VMEventScheduled', 'Unknown'),
    'scheduledEvent',
    /^it can't be told .* \(VMEventScheduled is Unknown\)$/u,
  ],
];

describe('a sign on the node makes it wait when', () => {
  it.each(shut)('%s', (_says, node, kind, value) => {
    const { decision, outcome } = decide(sightOf({ node }), sceneOf());
    const reasons = [{ kind, value: expect.stringMatching(value) as string }];
    expect(decision).toEqual({ kind: 'wait', reasons });
    expect(outcome).toEqual({ kind: 'deferred', reasons });
    const marked = markedNode('self');
    const annotations = { ...marked.annotations, ...node.annotations };
    const cordoned = sightOf({ node: { ...marked, ...node, annotations } });
    expect(decideCordoned(cordoned, sceneOf())).toEqual({ kind: 'wait', reasons });
  });
});

describe('a sign on the node says nothing when', () => {
  it.each<[string, Partial<NodeView>]>([
    ['no event is scheduled', condition('VMEventScheduled', 'False')],
    ['another condition stands', condition('KernelDeadlock', 'True')],
    ['an upgrade is through with it', { labels: { 'kubernetes.azure.com/upgrade-status': 'x' } }],
    ['it is a taint of people', taint('dedicated')],
  ])('%s', (_says, node) => {
    expect(decide(sightOf({ node }), sceneOf()).decision.kind).toBe('reboot');
  });
});

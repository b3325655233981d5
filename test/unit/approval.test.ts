import { decide, decideCordoned } from '../../src/decide/gates.ts';
import { approvalOf } from '../../src/domain/approval.ts';
import type { Approval } from '../../src/domain/approval.ts';
import { sceneOf, sightOf } from '../support/sights.ts';

/** Whose word counts for a node, and what it lets be done. */

const node = 'one';

function said(decision: Approval['decision'], of = ''): Approval {
  return { decision, node: of, who: 'ann', why: 'because', at: '2026-01-05T22:00:00.000Z' };
}

const words: [string, 'perRun' | 'perNode', Approval[], Approval['decision'] | undefined][] = [
  ['nothing', 'perRun', [], undefined],
  ['nothing', 'perNode', [], undefined],
  ['of the run', 'perRun', [said('approved')], 'approved'],
  ['of the run, where each node has to be approved', 'perNode', [said('approved')], undefined],
  ['of the run, that it is rejected', 'perRun', [said('rejected')], 'rejected'],
  ['of the run, that it is rejected', 'perNode', [said('rejected')], 'rejected'],
  ['of the node', 'perNode', [said('approved', node)], 'approved'],
  ['of another node', 'perNode', [said('approved', 'two')], undefined],
  ['of the node against the run', 'perRun', [said('approved'), said('rejected', node)], 'rejected'],
  [
    'of the node against the run',
    'perNode',
    [said('rejected'), said('approved', node)],
    'approved',
  ],
];

it.each(words)('a word %s (%s)', (_of, wanted, given, decision) => {
  expect(approvalOf(wanted, given, node)?.decision).toBe(decision);
});

describe('the gate', () => {
  const cases: [string, 'off' | 'perRun' | 'perNode', boolean, Approval[], string | undefined][] = [
    ['is open where nobody has to approve', 'off', false, [said('rejected')], undefined],
    ['is shut while nobody can vouch', 'perRun', false, [said('approved')], 'approval'],
    ['is open once the run is approved', 'perRun', true, [said('approved')], undefined],
    ['is shut when the run is rejected', 'perRun', true, [said('rejected')], 'approval'],
    ['is shut when nobody said anything', 'perRun', true, [], 'approval'],
    ['is shut when nobody said anything of the node', 'perNode', true, [], 'nodeApproval'],
    [
      'is shut for a node that is rejected',
      'perRun',
      true,
      [said('rejected', 'a')],
      'nodeApproval',
    ],
    ['is open for a node that is approved', 'perNode', true, [said('approved', 'a')], undefined],
  ];

  it.each(cases)('%s (%s)', (_is, approval, vouched, given, kind) => {
    const sight = sightOf({ node: { name: 'a' }, policy: { approval } });
    const scene = sceneOf({ approvals: { vouched, asked: true, given } });
    const [reason] = decide(sight, scene).decision.reasons.filter(({ kind }) => kind !== 'probe');
    expect(reason?.kind).toBe(kind);
    const cordoned = decideCordoned(sight, scene);
    expect(cordoned.kind).toBe(kind === undefined ? 'go' : 'wait');
  });

  it('lets a plan be made before anybody is asked, and the plan says so', () => {
    const sight = sightOf({ node: { name: 'a' }, policy: { approval: 'perRun' } });
    const plan = (given: Approval[]) =>
      decide(sight, sceneOf({ approvals: { vouched: true, asked: false, given } })).decision;
    const values = (given: Approval[]) => plan(given).reasons.map(({ value }) => value);
    expect(plan([]).kind).toBe('reboot');
    expect(values([])).toContain('it needs approval (perRun)');
    expect(values([said('approved')])).toContain(
      'ann approved it at 2026-01-05T22:00:00.000Z: because',
    );
    expect(plan([said('rejected')]).kind).toBe('wait');
  });
});

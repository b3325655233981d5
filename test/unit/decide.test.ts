import fc from 'fast-check';
import { decide, decideCordoned, worthProbing } from '../../src/decide/gates.ts';
import { matchNode } from '../../src/decide/identity.ts';
import type { Match } from '../../src/decide/identity.ts';
import { instanceRefId } from '../../src/domain/arm.ts';
import type { Instance } from '../../src/domain/cluster.ts';
import {
  lastRebootAnnotation,
  markAnnotation,
  writeLastReboot,
  writeMark,
} from '../../src/domain/mark.ts';
import type { NodeView } from '../../src/domain/node.ts';
import type { Probe } from '../../src/domain/probe.ts';
import {
  subscription,
  nodeGroup,
  scaleSet,
  vmIn,
  now,
  instant,
  dayMs,
  pool,
  cluster,
  nodeOf,
  instance,
  matchedOf,
  required,
  notRequired,
  sightOf,
  sceneOf,
  mark,
  stuck,
  markedNode,
  rebootedAt,
  sameNeed,
  hold,
  fridays,
} from '../support/sights.ts';
import type { SceneOver } from '../support/sights.ts';

/** Two hours for each drain. */
const slowPaces = Array.from({ length: 5 }, (_, index) => {
  return { run: 'r', node: `n${index}`, drainSeconds: 7200, restartSeconds: 60 };
});

describe('a node', () => {
  it('that needs a reboot, with nothing in its way, is rebooted', () => {
    expect(decide(sightOf(), sceneOf())).toEqual({
      decision: { kind: 'reboot', reasons: [{ kind: 'probe', value: 'reboot required: libc6' }] },
      outcome: {
        kind: 'deferred',
        reasons: [{ kind: 'turn', value: 'its turn did not come in this run' }],
      },
    });
  });

  it('that needs none is left alone, and says so rather than what else is in the way', () => {
    const { decision, outcome } = decide(
      sightOf({ probe: notRequired }),
      sceneOf({ holds: [hold] }),
    );
    expect(decision.kind).toBe('skip');
    expect(outcome).toEqual({
      kind: 'notNeeded',
      reasons: [{ kind: 'probe', value: 'no reboot is required' }],
    });
  });
});

interface Case {
  says: string;
  sight?: Parameters<typeof sightOf>[0];
  scene?: SceneOver;
  kind: string;
  value: RegExp;
}

const skipped: Case[] = [
  {
    says: 'a node that a person had cordoned is skipped',
    sight: { node: { unschedulable: true } },
    kind: 'cordonedByPerson',
    value: /^somebody cordoned it; set cordonedByPerson to "reboot"/u,
  },
  {
    says: 'a node that excludeNodes names is skipped',
    sight: { policy: { excludeNodes: [instance.computerName] } },
    kind: 'excluded',
    value: /^excludeNodes names it$/u,
  },
  {
    says: 'a node of a pool that excludePools names is skipped, whatever its label says',
    sight: { node: { pool: '' }, policy: { excludePools: ['work'] } },
    kind: 'excluded',
    value: /^excludePools names its pool work$/u,
  },
  {
    says: 'a run limited to other nodes skips it',
    scene: { limits: { pools: [], nodes: ['other'] } },
    kind: 'excluded',
    value: /limited to other nodes/u,
  },
  {
    says: 'a run limited to other pools skips it',
    scene: { limits: { pools: ['system'], nodes: [] } },
    kind: 'excluded',
    value: /limited to other pools/u,
  },
  {
    says: 'a locked-down node resource group lets nobody act on its VMs',
    scene: { cluster: { nodeResourceGroupLocked: true } },
    kind: 'unsupported',
    value: /locked down/u,
  },
  {
    says: 'a Windows node has no file that says it needs a reboot',
    sight: { node: { os: 'windows' } },
    kind: 'unsupported',
    value: /Windows/u,
  },
  {
    says: 'a node that auto-provisioning owns is replaced, not patched',
    sight: { node: { labels: { 'karpenter.sh/nodepool': 'default' } } },
    kind: 'unsupported',
    value: /auto-provisioning/u,
  },
  {
    says: 'a node that is no machine of ours is skipped',
    sight: { match: { kind: 'foreign', value: 'providerID "kind://x" names no VM' } },
    kind: 'unsupported',
    value: /names no VM/u,
  },
];

describe('not this node:', () => {
  it.each(skipped)('$says', ({ sight, scene, kind, value }) => {
    const seen = sightOf(sight);
    const { decision, outcome } = decide(seen, sceneOf(scene));
    expect(decision.kind).toBe('skip');
    expect(outcome).toEqual({
      kind: 'skipped',
      reasons: [{ kind, value: expect.stringMatching(value) as string }],
    });
    expect(worthProbing(seen, sceneOf(scene))).toBe(false);
  });

  it('a person may have cordoned nodes rebooted all the same', () => {
    const scene = sceneOf();
    const seen = sightOf({
      node: { unschedulable: true },
      policy: { cordonedByPerson: 'reboot' },
    });
    expect(decide(seen, scene).decision.kind).toBe('reboot');
    expect(worthProbing(seen, scene)).toBe(true);
  });
});

const waiting: Case[] = [
  {
    says: 'the run was canceled',
    scene: { canceled: 'ada canceled the run: wrong cluster' },
    kind: 'canceled',
    value: /^ada canceled the run: wrong cluster$/u,
  },
  {
    says: 'a hold stands until it is lifted',
    scene: { holds: [hold] },
    kind: 'hold',
    value: /^ada holds fleet until it is lifted: release day$/u,
  },
  {
    says: 'a hold stands until its end',
    scene: { holds: [{ ...hold, hold: { ...hold.hold, until: '2026-12-24T00:00:00.000Z' } }] },
    kind: 'hold',
    value: /^ada holds fleet until 2026-12-24T00:00:00.000Z: release day$/u,
  },
  {
    says: 'another controller has claimed the cluster',
    scene: { claimedBy: 'day-shift' },
    kind: 'claim',
    value: /^controller "day-shift" has claimed the cluster$/u,
  },
  {
    says: 'an earlier node was restarted and is not proved',
    scene: { marked: [markedNode('other', writeMark(stuck))], concurrency: 5 },
    kind: 'halted',
    value: /^node other is out of service: notReady since /u,
  },
  {
    says: 'an operation runs on the cluster',
    scene: { cluster: { provisioningState: 'Upgrading' } },
    kind: 'clusterState',
    value: /^the cluster is Upgrading$/u,
  },
  {
    says: 'the cluster is stopped',
    scene: { cluster: { powerState: 'Stopped' } },
    kind: 'clusterState',
    value: /^the cluster is Stopped$/u,
  },
  {
    says: "the cluster's state can't be read",
    scene: { cluster: { provisioningState: '' } },
    kind: 'clusterState',
    value: /^the cluster is unknown$/u,
  },
  {
    says: 'an operation runs on the pool',
    sight: { match: matchedOf({ provisioningState: 'Scaling' }) },
    kind: 'poolState',
    value: /^pool work is Scaling$/u,
  },
  {
    says: "the pool's state can't be read",
    sight: { match: matchedOf({ powerState: '' }) },
    kind: 'poolState',
    value: /^pool work is unknown$/u,
  },
  {
    says: 'the window is closed',
    sight: { policy: { windows: [{ ...fridays, days: [6] }] } },
    kind: 'window',
    value: /^the window is closed; it opens 2026-11-28T20:00:00.000Z$/u,
  },
  {
    says: 'what is left of the window is too short for drain and restart',
    sight: { policy: { windows: [fridays], expectedDrainMinutes: 101 } },
    kind: 'fit',
    value:
      /^121 minutes are needed, 120 are left of the window; it opens again 2026-12-04T20:00:00.000Z$/u,
  },
  {
    says: 'earlier nodes of its pool took too long for what is left of the window',
    sight: { policy: { windows: [fridays] } },
    scene: { paces: { work: slowPaces } },
    kind: 'fit',
    value: /^140 minutes are needed, 120 are left of the window; it opens again /u,
  },
  {
    says: "the cluster's own schedule can't be read",
    sight: { policy: { windows: [{ kind: 'aks' }] } },
    scene: { maintenance: { kind: 'unknown', value: 'no permission' } },
    kind: 'window',
    value: /^the window is closed: no permission; no next opening is known$/u,
  },
  {
    says: 'as many nodes as may be are out of service, whoever took them',
    scene: { marked: [markedNode('other', writeMark({ ...mark, controller: 'day-shift' }))] },
    kind: 'slots',
    value: /^out of service already: other \(1 may be\)$/u,
  },
  {
    says: 'a mark that nobody can read counts as a slot',
    scene: { marked: [markedNode('other', '{"version":2}')] },
    kind: 'slots',
    value: /^out of service already: other/u,
  },
  {
    says: 'it carries a mark itself',
    sight: { node: markedNode('self') },
    scene: { marked: [markedNode('self')] },
    kind: 'slots',
    value: /^it carries a mark/u,
  },
  {
    says: 'it carries a mark that nobody can read',
    sight: { node: markedNode('self', 'garbled') },
    scene: { marked: [markedNode('self', 'garbled')] },
    kind: 'slots',
    value: /^it carries a mark/u,
  },
  {
    says: 'the autoscaler is about to delete it',
    sight: {
      node: {
        taints: [{ key: 'ToBeDeletedByClusterAutoscaler', value: '1', effect: 'NoSchedule' }],
      },
    },
    kind: 'autoscaler',
    value: /ToBeDeletedByClusterAutoscaler/u,
  },
  {
    says: 'it is not Ready',
    sight: { node: { ready: false, readySince: instant(now - 60_000) } },
    kind: 'nodeNotReady',
    value: /^it is not Ready since 2026-11-27T21:59:00.000Z$/u,
  },
  {
    says: 'it was rebooted less than a day ago, for something else',
    sight: { node: { annotations: rebootedAt(now - dayMs + 1) } },
    kind: 'loopGuard',
    value: /less than 1 days ago$/u,
  },
  {
    says: 'it was rebooted, as its note says, in the future',
    sight: { node: { annotations: rebootedAt(now + 30 * dayMs) } },
    kind: 'loopGuard',
    value: /less than 1 days ago$/u,
  },
  {
    says: "its last-reboot note can't be read",
    sight: { node: { annotations: { [lastRebootAnnotation]: '{"at":"yesterday"}' } } },
    kind: 'loopGuard',
    value: /can't be read; remove the annotation/u,
  },
];

describe('not now:', () => {
  it.each(waiting)('$says', ({ sight, scene, kind, value }) => {
    const { decision, outcome } = decide(sightOf(sight), sceneOf(scene));
    expect(decision.kind).toBe('wait');
    expect(outcome).toEqual({
      kind: 'deferred',
      reasons: [{ kind, value: expect.stringMatching(value) as string }],
    });
  });

  it('everything that is in the way is told at once', () => {
    const { outcome } = decide(
      sightOf({ node: { ready: false } }),
      sceneOf({ holds: [hold], claimedBy: 'day-shift', canceled: 'ada did' }),
    );
    expect(outcome.reasons.map(({ kind }) => kind)).toEqual([
      'canceled',
      'hold',
      'claim',
      'nodeNotReady',
    ]);
  });

  it('with a higher concurrency marks take slots one by one', () => {
    const concurrency = 2;
    const one = sceneOf({ concurrency, marked: [markedNode('a')] });
    const two = sceneOf({ concurrency, marked: [markedNode('a'), markedNode('b', 'garbled')] });
    expect(decide(sightOf(), one).decision.kind).toBe('reboot');
    expect(decide(sightOf(), two).outcome.reasons).toEqual([
      { kind: 'slots', value: 'out of service already: a, b (2 may be)' },
    ]);
  });

  it('a slot that was given before counts although its node carries no mark yet', () => {
    const reasons = (ahead: string[], concurrency: number, maxUnavailable: number) =>
      decide(sightOf({ policy: { maxUnavailable } }), sceneOf({ concurrency, ahead })).outcome
        .reasons;
    const full = { kind: 'slots', value: 'out of service already: 1 about to be (1 may be)' };
    expect(reasons(['gpu'], 1, 5)).toEqual([full]);
    const other = sceneOf({ concurrency: 2, ahead: ['gpu'] });
    expect(decide(sightOf({ policy: { maxUnavailable: 1 } }), other).decision.kind).toBe('reboot');
    const ofPool = 'out of service in pool work: 1 about to be (1 may be)';
    expect(reasons(['WORK'], 2, 1)).toEqual([{ kind: 'poolSlots', value: ofPool }]);
  });

  it('with fewer for the pool its own marks count, and those of nobody knows which pool', () => {
    const other = markedNode('a');
    const reasons = (marked: NodeView[]) =>
      decide(sightOf({ policy: { maxUnavailable: 1 } }), sceneOf({ concurrency: 5, marked }))
        .outcome.reasons;
    const full = (names: string) => [
      { kind: 'poolSlots', value: `out of service in pool work: ${names} (1 may be)` },
    ];
    expect(reasons([other])).toEqual(full('a'));
    expect(reasons([{ ...other, pool: 'WORK' }])).toEqual(full('a'));
    expect(reasons([{ ...other, pool: '' }])).toEqual(full('a'));
    expect(reasons([{ ...other, pool: 'batch' }])[0]?.kind).toBe('turn');
  });

  it('a window into which drain and restart just fit is wide enough', () => {
    const policy = { windows: [fridays], expectedDrainMinutes: 100, expectedRestartMinutes: 20 };
    expect(decide(sightOf({ policy }), sceneOf()).decision.kind).toBe('reboot');
  });
});

describe('the loop guard', () => {
  const long = now - 300 * dayMs;

  it('lets a node be rebooted for something new after a day', () => {
    const seen = sightOf({ node: { annotations: rebootedAt(now - dayMs) } });
    expect(decide(seen, sceneOf()).decision.kind).toBe('reboot');
  });

  it('calls a person when the same need stands on the same kernel, however long ago', () => {
    const seen = sightOf({ node: { annotations: rebootedAt(long, { need: sameNeed }) } });
    const { decision, outcome } = decide(seen, sceneOf());
    expect(decision.kind).toBe('wait');
    expect(outcome.kind).toBe('stillRequired');
    expect(outcome.reasons[0]?.value).toMatch(/same packages on the same kernel; remove the /u);
  });

  it('is no hindrance when the kernel is another one since', () => {
    const annotations = rebootedAt(long, { need: sameNeed, kernel: '6.8.0-1020-azure' });
    expect(decide(sightOf({ node: { annotations } }), sceneOf()).decision.kind).toBe('reboot');
  });
});

describe("what can't be read is a reason to wait:", () => {
  it.each<[string, Parameters<typeof sightOf>[0], RegExp]>([
    ['the node was not asked', { probe: null }, /^the node was not asked$/u],
    [
      'the probe knows nothing',
      { probe: { kind: 'unknown', reason: 'the VM agent gave no answer' } },
      /^the VM agent gave no answer$/u,
    ],
    [
      'the probe answered on another boot',
      { probe: { ...required, bootId: 'boot-9' } },
      /^the probe answered on boot boot-9, the node says boot-0$/u,
    ],
    [
      'nobody says which boot it is',
      { node: { bootId: '' }, probe: { ...required, bootId: '' } },
      /^the probe answered on boot/u,
    ],
  ])('%s', (_says, sight, value) => {
    const { decision, outcome } = decide(sightOf(sight), sceneOf({ holds: [hold] }));
    expect(decision.kind).toBe('wait');
    expect(outcome.kind).toBe('unknown');
    expect(outcome.reasons).toEqual([
      { kind: 'probe', value: expect.stringMatching(value) as string },
      expect.objectContaining({ kind: 'hold' }),
    ]);
  });

  const text = fc.oneof(fc.constant(''), fc.string(), fc.constantFrom('boot-0', 'vm-0'));
  const anyProbe: fc.Arbitrary<Probe | null> = fc.oneof(
    fc.constant(null),
    fc.record({ kind: fc.constant('unknown' as const), reason: text }),
    text.map((bootId): Probe => ({ ...required, bootId })),
    text.map((bootId): Probe => ({ ...notRequired, bootId })),
  );
  const annotation = fc.oneof(
    fc.string(),
    fc.json(),
    fc.string({ maxLength: 12 }).map((digits) => {
      const at = `2020-01-01T00:00:00.${digits}Z`;
      return JSON.stringify({ ...JSON.parse(writeLastReboot(lastReboot)), at });
    }),
  );
  const lastReboot = {
    at: instant(0),
    bootIdBefore: 'a',
    bootIdAfter: 'b',
    need: 'n',
    kernel: 'k',
    run: 'r',
  };
  const anySight = fc
    .record({
      probe: anyProbe,
      bootId: fc.oneof(fc.constant('boot-0'), text),
      match: fc.oneof(
        fc.constant<Match>(matchedOf()),
        text.map((value): Match => ({ kind: 'mismatch', value })),
        text.map((value): Match => ({ kind: 'foreign', value })),
        text.map((provisioningState) => matchedOf({ provisioningState })),
      ),
      annotations: fc.dictionary(
        fc.constantFrom(markAnnotation, lastRebootAnnotation),
        annotation,
        { maxKeys: 1 },
      ),
    })
    .map(({ probe, match, ...node }) => sightOf({ probe, match, node }));

  it('whatever is odd about a node, deciding never throws and never becomes a reboot', () => {
    fc.assert(
      fc.property(anySight, fc.constantFrom('Succeeded', '', 'Failed'), (sight, state) => {
        const { decision, outcome } = decide(
          sight,
          sceneOf({ cluster: { provisioningState: state } }),
        );
        const { node, match, probe } = sight;
        const proper =
          match.kind === 'matched' &&
          match.pool.provisioningState === 'Succeeded' &&
          state === 'Succeeded' &&
          probe?.probe.kind === 'required' &&
          probe.probe.bootId === node.bootId &&
          node.bootId !== '' &&
          !(markAnnotation in node.annotations);
        expect(proper || decision.kind !== 'reboot').toBe(true);
        expect(decision.reasons.length).toBeGreaterThan(0);
        expect(outcome.reasons.length).toBeGreaterThan(0);
      }),
      { numRuns: 500 },
    );
  });
});

describe('who a node is', () => {
  const meet = (node: Partial<NodeView>, over: Partial<Instance> = {}, facts = cluster) =>
    matchNode(nodeOf(node), facts, (ref) => {
      const found = { ...instance, ...over };
      return instanceRefId(ref).toLowerCase() === instance.id.toLowerCase() ? found : undefined;
    });

  it('is proved by place, computer name and pool tag, whatever their case', () => {
    expect(meet({}).kind).toBe('matched');
    const shouted = { computerName: instance.computerName.toUpperCase(), pool: 'WORK' };
    expect(meet({ providerId: `azure://${vmIn(nodeGroup.toUpperCase())}` }, shouted)).toMatchObject(
      {
        kind: 'matched',
        pool,
      },
    );
  });

  it('may be without a pool label, the tag of its instance counts', () => {
    expect(meet({ pool: '' })).toMatchObject({ kind: 'matched', pool });
  });

  it.each<[string, Partial<NodeView>, Partial<Instance>, RegExp]>([
    [
      "another cluster's VM is named",
      { providerId: `azure://${vmIn('MC_rg_two_westeurope')}` },
      {},
      /outside the node resource group MC_rg_one_westeurope: .*MC_rg_two_westeurope/u,
    ],
    [
      "another subscription's VM is named",
      { providerId: `azure://${vmIn(nodeGroup, subscription.replace('1', '9'))}` },
      {},
      /outside the node resource group/u,
    ],
    [
      'ARM has no such instance',
      { providerId: `azure://${vmIn(nodeGroup)}7` },
      {},
      /^ARM has no instance /u,
    ],
    [
      "another node's VM is named",
      {},
      { computerName: 'aks-work-12345678-vmss000001' },
      /computer name/u,
    ],
    ['the instance bears no name', {}, { computerName: '' }, /computer name/u],
    ['the node claims another pool', { pool: 'system' }, {}, /^the node says pool "system"/u],
    ['the instance has no vmId', {}, { vmId: '' }, /no vmId/u],
  ])('is a mismatch when %s: unknown, untouched and not asked', (_what, node, over, value) => {
    const match = meet(node, over);
    expect(match).toMatchObject({ value: expect.stringMatching(value) as string });
    expect(['mismatch', 'absent']).toContain(match.kind);
    const sight = sightOf({ node, match });
    expect(decide(sight, sceneOf())).toMatchObject({
      decision: { kind: 'skip' },
      outcome: { kind: 'unknown', reasons: [{ kind: 'identityMismatch' }] },
    });
    expect(worthProbing(sight, sceneOf())).toBe(false);
  });

  it.each<[string, Partial<NodeView>, Partial<Instance>]>([
    ['its providerID names no VM', { providerId: 'kind://docker/one/worker' }, {}],
    ['its providerID is missing', { providerId: '' }, {}],
    [
      'its providerID climbs',
      { providerId: `azure://${vmIn(nodeGroup).replace(scaleSet, '..')}` },
      {},
    ],
    ['its providerID has a query', { providerId: `azure://${vmIn(nodeGroup)}?x=` }, {}],
    ['its instance is of no pool', {}, { pool: '' }],
    ['its instance is of a pool that ARM does not list', {}, { pool: 'other' }],
  ])('is nobody of ours when %s', (_what, node, over) => {
    expect(meet(node, over).kind).toBe('foreign');
  });
});

describe('once a node is cordoned and its restart not asked for', () => {
  const kindOf = (scene: SceneOver, sight: Parameters<typeof sightOf>[0] = {}) =>
    decideCordoned(
      sightOf({ ...sight, node: { ...markedNode('self'), ...sight.node }, probe: null }),
      sceneOf({ marked: [markedNode('self')], ...scene }),
    );

  it('nothing in the way means go, its own mark and a stale probe included', () => {
    expect(kindOf({})).toEqual({ kind: 'go' });
  });

  it('a hold undoes it at once', () => {
    expect(kindOf({ holds: [hold] })).toMatchObject({ kind: 'stop', reasons: [{ kind: 'hold' }] });
  });

  it('a cancel undoes it at once', () => {
    expect(kindOf({ canceled: 'ada did' })).toMatchObject({
      kind: 'stop',
      reasons: [{ kind: 'canceled', value: 'ada did' }],
    });
  });

  it('a closed window undoes it', () => {
    expect(kindOf({}, { policy: { windows: [{ ...fridays, days: [6] }] } })).toMatchObject({
      kind: 'stop',
      reasons: [{ kind: 'window' }],
    });
  });

  it('a closing window undoes it, unless restart and proof still fit', () => {
    const policy = { windows: [fridays], expectedDrainMinutes: 90, expectedRestartMinutes: 20 };
    const late = (minutesLeft: number) =>
      kindOf({ now: Date.UTC(2026, 10, 28) - minutesLeft * 60_000 }, { policy });
    expect(late(20).kind).toBe('go');
    expect(late(19)).toMatchObject({ kind: 'stop', reasons: [{ kind: 'fit' }] });
  });

  it.each<[string, SceneOver, Parameters<typeof sightOf>[0]]>([
    ['claim', { claimedBy: 'day-shift' }, {}],
    ['clusterState', { cluster: { provisioningState: 'Updating' } }, {}],
    ['poolState', {}, { match: matchedOf({ provisioningState: 'Updating' }) }],
    ['halted', { marked: [markedNode('other', writeMark(stuck))] }, {}],
    ['excluded', {}, { policy: { excludeNodes: ['self'] } }],
    ['unsupported', { cluster: { nodeResourceGroupLocked: true } }, {}],
    ['nodeNotReady', {}, { node: { ready: false } }],
    [
      'autoscaler',
      {},
      {
        node: { taints: [{ key: 'DeletionCandidateOfClusterAutoscaler', value: '', effect: '' }] },
      },
    ],
  ])('the gate %s makes it wait', (kind, scene, sight) => {
    expect(kindOf(scene, sight)).toMatchObject({ kind: 'wait', reasons: [{ kind }] });
  });

  it('what stops it comes before what makes it wait', () => {
    expect(kindOf({ holds: [hold], claimedBy: 'day-shift' }).kind).toBe('stop');
  });

  it('concurrency that was lowered meanwhile takes no slot away', () => {
    expect(kindOf({ marked: [markedNode('self'), markedNode('other')] }).kind).toBe('go');
  });
});

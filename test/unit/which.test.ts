import { decide, decideCordoned, worthProbing } from '../../src/decide/gates.ts';
import { matchedOf, markedNode, sceneOf, sightOf } from '../support/sights.ts';
import type { SceneOver, SightOver } from '../support/sights.ts';

/** Which nodes are looked after: by settings, and by what they are. */

const gpu = { key: 'sku', value: 'gpu', effect: 'NoSchedule' };
const gateway = matchedOf({ mode: 'Gateway' });
const spotLabels = { 'kubernetes.azure.com/scalesetpriority': 'spot' };

interface Case {
  says: string;
  sight?: SightOver;
  scene?: SceneOver;
  kind?: 'unsupported';
  value: RegExp;
}

const leftAlone: Case[] = [
  {
    says: 'a pool that includePools does not name',
    sight: { policy: { includePools: ['web'] } },
    value: /^includePools does not name its pool work$/u,
  },
  {
    says: 'a node with a label that is excluded',
    sight: {
      node: { labels: { tier: 'db' } },
      policy: { excludeLabels: ['gpu', 'tier in (db, cache)'] },
    },
    value: /^excludeLabels selects it: tier in \(db, cache\)$/u,
  },
  {
    says: 'a node that no included label selects',
    sight: { node: { labels: { tier: 'db' } }, policy: { includeLabels: ['tier=web', 'gpu'] } },
    value: /^no selector of includeLabels selects it: tier=web; gpu$/u,
  },
  {
    says: 'a node with a taint that is excluded',
    sight: { node: { taints: [gpu] }, policy: { excludeTaints: ['x', 'sku=gpu:NoSchedule'] } },
    value: /^excludeTaints names a taint of it: sku=gpu:NoSchedule$/u,
  },
  {
    says: 'a node without a taint that is included',
    sight: { node: { taints: [gpu] }, policy: { includeTaints: ['sku=cpu'] } },
    value: /^it has no taint that includeTaints names: sku=cpu$/u,
  },
  {
    says: 'a Spot pool where settings say so',
    sight: { match: matchedOf({ spot: true }), policy: { spot: 'skip' } },
    value: /^it is a Spot node, and spot is "skip"$/u,
  },
  {
    says: 'a node that is labelled as Spot where settings say so',
    sight: { node: { labels: spotLabels }, policy: { spot: 'skip' } },
    value: /^it is a Spot node/u,
  },
  {
    says: 'a gateway pool',
    sight: { match: gateway },
    value: /gateway pool: a restart interrupts static egress/u,
  },
  {
    says: 'a node that is labelled as a gateway',
    sight: { node: { labels: { 'kubernetes.azure.com/mode': 'gateway' } } },
    value: /gateway pool/u,
  },
  {
    says: "a node of AKS Automatic's hosted pool, whatever else it is",
    sight: {
      node: { name: 'aks-hostedpool-18563472-vms1' },
      match: { kind: 'mismatch', value: 'outside' },
    },
    scene: { cluster: { nodeResourceGroupLocked: true } },
    kind: 'unsupported',
    value: /^AKS Automatic hosts it/u,
  },
  {
    says: 'a pool that ARM says is Windows',
    sight: { match: matchedOf({ os: 'Windows' }) },
    kind: 'unsupported',
    value: /^Windows nodes have no reboot-required file/u,
  },
  {
    says: 'a pool of a kind that is none of the two',
    sight: { match: matchedOf({ type: 'other' }) },
    kind: 'unsupported',
    value: /^pool work is neither of scale sets nor of Virtual Machines$/u,
  },
];

describe('left alone is', () => {
  it.each(leftAlone)('$says', ({ sight, scene, kind = 'excluded', value }) => {
    const seen = sightOf(sight);
    const reasons = [{ kind, value: expect.stringMatching(value) as string }];
    expect(decide(seen, sceneOf(scene))).toEqual({
      decision: { kind: 'skip', reasons },
      outcome: { kind: 'skipped', reasons },
    });
    expect(worthProbing(seen, sceneOf(scene))).toBe(false);
  });

  it.each(leftAlone)('$says, also when that turns out before the restart', (given) => {
    const { sight = {}, scene, kind = 'excluded' } = given;
    const name = sight.node?.name ?? 'self';
    const cordoned = { ...sight, node: { ...markedNode(name), ...sight.node } };
    expect(decideCordoned(sightOf(cordoned), sceneOf(scene))).toMatchObject({
      kind: 'wait',
      reasons: [{ kind }],
    });
  });
});

describe('looked after is', () => {
  it.each<[string, SightOver]>([
    ['a pool that includePools names', { policy: { includePools: ['web', 'work'] } }],
    [
      'a node that one of the included labels selects',
      { node: { labels: { tier: 'db' } }, policy: { includeLabels: ['gpu', 'tier=db'] } },
    ],
    [
      'a node that one of the included taints is on',
      { node: { taints: [gpu] }, policy: { includeTaints: ['x', 'sku'] } },
    ],
    ['a node that no excluded label selects', { policy: { excludeLabels: ['tier=db'] } }],
    ['a Spot pool, by default', { match: matchedOf({ spot: true }), node: { labels: spotLabels } }],
    ['a gateway pool where settings say so', { match: gateway, policy: { gateway: 'reboot' } }],
  ])('%s', (_says, sight) => {
    expect(decide(sightOf(sight), sceneOf()).decision.kind).toBe('reboot');
  });
});

import { decide } from '../../src/decide/gates.ts';
import { capacity, servingOf } from '../../src/decide/gates/capacity.ts';
import { mayRestartUndrained, wayAtLast, wayOf } from '../../src/decide/deadline.ts';
import type { NodeView } from '../../src/domain/node.ts';
import { defaultPolicy } from '../../src/policy/settings.ts';
import { nodeOf, sceneOf, sightOf } from '../support/sights.ts';

/** What would be left to take a node's pods, and what its drain is foreseen to come to. */

const zone = (name: string) => ({ labels: { 'topology.kubernetes.io/zone': name } });
const one: Partial<NodeView> = { name: 'one', ...zone('1') };

const cases: {
  says: string;
  others: Partial<NodeView>[];
  settings?: { minReadyInPool?: number; minReadyInZone?: number };
  leaving?: number;
  value?: string;
}[] = [
  { says: 'one other node will do', others: [{ name: 'two' }] },
  {
    says: 'a single-node pool will not',
    others: [],
    value: 'pool work would have 0 Ready nodes left to take its pods (minReadyInPool is 1)',
  },
  { says: 'a single-node pool may be allowed', others: [], settings: { minReadyInPool: 0 } },
  { says: 'other pools are no help', others: [{ name: 'two', pool: 'batch' }], value: 'pool work' },
  { says: 'cordoned nodes are none', others: [{ name: 'two', unschedulable: true }], value: '0 R' },
  { says: 'nodes that are down are none', others: [{ name: 'two', ready: false }], value: '0 R' },
  {
    says: 'as many as settings want',
    others: [{ name: 'two' }],
    settings: { minReadyInPool: 2 },
    value: '1 Ready node left to take its pods (minReadyInPool is 2)',
  },
  {
    says: 'in the zone as well, where settings want it',
    others: [{ name: 'two', ...zone('2') }],
    settings: { minReadyInZone: 1 },
    value: 'zone 1 of pool work would have 0 Ready nodes left to take its pods',
  },
  {
    says: 'and in the zone there may be one',
    others: [{ name: 'two', ...zone('1') }],
    settings: { minReadyInZone: 1 },
  },
  {
    says: 'what another lane is about to take',
    others: [{ name: 'two' }],
    leaving: 1,
    value: '0 R',
  },
];

describe('capacity:', () => {
  it.each(cases)('$says', ({ others, settings, leaving, value }) => {
    const sight = sightOf({ node: one, policy: { minReadyInPool: 1, ...settings } });
    const serving = servingOf([sight.node, ...others.map((other) => nodeOf(other))]);
    const reason = capacity(sight, { serving }, leaving);
    expect(reason?.kind).toBe(value === undefined ? undefined : 'capacity');
    expect(reason?.value ?? '').toContain(value ?? '');
  });

  it('keeps a node from being begun, and is no reason to undo one', () => {
    const policy = { minReadyInPool: 1 };
    expect(decide(sightOf({ policy }), sceneOf()).outcome).toMatchObject({
      kind: 'deferred',
      reasons: [{ kind: 'capacity' }],
    });
  });
});

describe('a drain that is foreseen', () => {
  const reason = { kind: 'blocked' as const, value: 'default/web blocked by PDB web' };
  const forecast = { leaving: 3, hopeless: [], passing: [] };

  it('to be hopeless keeps a node from being begun, and calls a person', () => {
    const sight = { ...sightOf(), forecast: { ...forecast, hopeless: [reason] } };
    expect(decide(sight, sceneOf())).toEqual({
      decision: { kind: 'wait', reasons: [reason] },
      outcome: { kind: 'undrainable', reasons: [reason] },
    });
  });

  it('to be held up for a while is told, and begun', () => {
    const sight = { ...sightOf(), forecast: { ...forecast, passing: [reason] } };
    const { decision } = decide(sight, sceneOf());
    expect(decision).toMatchObject({ kind: 'reboot', reasons: [{ kind: 'probe' }, reason] });
  });

  it('counts only once nothing else is in the way', () => {
    const policy = { minReadyInPool: 1 };
    const sight = { ...sightOf({ policy }), forecast: { ...forecast, hopeless: [reason] } };
    expect(decide(sight, sceneOf()).outcome.kind).toBe('deferred');
  });
});

describe('the way to the deadline', () => {
  const minute = 60_000;
  it.each([
    ['evict', 'evict', -1, 1000],
    ['evict', 'delete', 10, 9],
    ['delete', 'delete', 10, 10],
    ['delete', 'delete', 0, 0],
  ] as const)(
    'is to %s, and at last to %s, with %i after %i minutes',
    (way, last, after, passed) => {
      const settings = { ...defaultPolicy, deleteAfterMinutes: after };
      expect(wayOf(settings, 0, passed * minute)).toBe(way);
      expect(wayAtLast(settings)).toBe(last);
    },
  );

  it.each([
    ['setAside', 600, false],
    ['stop', 600, false],
    ['restart', 29, false],
    ['restart', 30, true],
  ] as const)('leads with %s after %i minutes to an undrained restart: %s', (end, passed, may) => {
    const settings = { ...defaultPolicy, atDrainDeadline: end };
    expect(mayRestartUndrained(settings, 0, passed * minute)).toBe(may);
  });
});

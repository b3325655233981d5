import { decide } from '../../src/decide/gates.ts';
import { heldBack } from '../../src/decide/rings.ts';
import type { PassedRing } from '../../src/decide/rings.ts';
import { roomInFleet } from '../../src/decide/room.ts';
import type { OutcomeCounts, OutcomeKind } from '../../src/domain/outcome.ts';
import type { Reason } from '../../src/domain/reason.ts';
import { ringsOf } from '../../src/policy/rings.ts';
import { parseSettings } from '../../src/policy/settings.ts';
import type { SettingsDocument } from '../../src/policy/settings.ts';
import { nodeOf, sceneOf, sightOf } from '../support/sights.ts';

const idOf = (name: string) =>
  '/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/rg' +
  `/providers/Microsoft.ContainerService/managedClusters/${name}`;

const parsed = (document: Omit<SettingsDocument, 'controller'>) =>
  parseSettings(JSON.stringify({ controller: 'night-shift', ...document }));

describe('rings', () => {
  it('are gone through in the order in which they are written; who names none comes last', () => {
    const settings = parsed({
      rings: ['dev', 'test', 'prod'],
      defaults: { ring: 'prod' },
      clusters: [
        { id: idOf('rest'), ring: '' },
        { id: idOf('shop') },
        { id: idOf('try'), ring: 'dev' },
        { id: idOf('bank') },
      ],
    });
    if (settings.kind === 'bad') throw new Error(JSON.stringify(settings.problems));
    const rings = ringsOf(settings.value, settings.value.clusters);
    expect(rings.map(({ name, clusters }) => [name, ...clusters.map(({ id }) => id.name)])).toEqual(
      [
        ['dev', 'try'],
        ['prod', 'shop', 'bank'],
        ['', 'rest'],
      ],
    );
  });

  it('that nobody has declared, or twice, are problems', () => {
    expect(
      parsed({
        rings: ['dev', 'dev'],
        defaults: { ring: 'prod' },
        clusters: [
          { id: idOf('a'), ring: 'dev' },
          { id: idOf('b'), ring: 'Dev' },
        ],
      }),
    ).toMatchObject({
      kind: 'bad',
      problems: [
        { path: 'rings[1]', problem: 'is the same as rings[0]' },
        { path: 'defaults.ring', problem: 'is "prod": it has to be one of rings (dev, dev)' },
        { path: 'clusters[1].ring', problem: 'is "Dev": it has to be one of rings (dev, dev)' },
      ],
    });
  });
});

describe('the next ring', () => {
  const stopsOn: OutcomeKind[] = ['notReady', 'failed'];
  const ringOf = (counts: OutcomeCounts, reasons: Reason[] = []): PassedRing => ({
    name: 'dev',
    held: false,
    clusters: [
      { cluster: 'try-1', summary: { cluster: 'try-1', id: '', counts, reasons, recovered: [] } },
    ],
  });
  const lock: Reason = { kind: 'lock', value: 'run r works on this cluster' };
  const unheard: PassedRing = { ...ringOf({}), clusters: [{ cluster: 'x', summary: undefined }] };

  it.each<[string, PassedRing, string[]]>([
    ['is opened when all went well', ringOf({ rebooted: 3, notNeeded: 2 }), []],
    ['is opened after what merely waits', ringOf({ deferred: 3, skipped: 1 }), []],
    ['is opened after nodes that were set aside', ringOf({ undrainable: 2 }), []],
    ['is opened after outcomes that settings let pass', ringOf({ unknown: 2 }), []],
    [
      'is held back by what went wrong',
      ringOf({ rebooted: 1, failed: 1, notReady: 2 }),
      ['ring dev: cluster try-1 has 2 notReady, 1 failed'],
    ],
    [
      'is held back while another run works on an earlier one',
      ringOf({ deferred: 2 }, [lock]),
      ['ring dev: cluster try-1 is still worked on: run r works on this cluster'],
    ],
    ['is held back by silence', unheard, ['ring dev: cluster x left no report']],
    [
      'is held back by one that was',
      { ...ringOf({}), held: true },
      ['ring dev was held back itself'],
    ],
  ])('%s', (_what, passed, expected) => {
    expect(heldBack([passed], stopsOn).map(({ value }) => value)).toEqual(expected);
  });

  it('tells of many clusters by the first ones and a number', () => {
    const rings = Array.from({ length: 14 }, () => ringOf({ failed: 1 }));
    const reasons = heldBack(rings, stopsOn);
    expect(reasons).toHaveLength(11);
    expect(reasons.at(-1)).toEqual({ kind: 'ring', value: 'and 4 clusters more' });
    const { outcome } = decide(sightOf(), sceneOf({ ringHeld: reasons }));
    expect(outcome).toEqual({
      kind: 'deferred',
      reasons: [{ kind: 'ring', value: expect.stringMatching(/^ring dev: .*; and 8 more$/u) }],
    });
  });
});

describe('the fleet', () => {
  const out = (...names: string[]) => names.map((node) => ({ cluster: 'one', node }));
  const reasons = (limit: number, cluster: string, names: string[]) =>
    decide(sightOf(), sceneOf({ fleet: { limit, cluster, out: out(...names) } })).outcome.reasons;
  const { name } = nodeOf();

  it('with as many nodes out as may be has no room for another', () => {
    expect(reasons(2, 'one', ['a', 'b'])).toEqual([
      { kind: 'fleet', value: 'out of service in the fleet: one/a, one/b (2 may be)' },
    ]);
    expect(reasons(3, 'one', ['a', 'b'])[0]?.kind).toBe('turn');
    expect(reasons(1, 'one', ['a', 'b', 'c', 'd', 'e'])[0]?.value).toContain('and 2 more');
  });

  it('does not count the node itself, but one of its name elsewhere', () => {
    expect(reasons(1, 'one', [name])[0]?.kind).toBe('turn');
    expect(reasons(1, 'two', [name])[0]?.kind).toBe('fleet');
  });
});

describe('a lane finds room in the fleet', () => {
  const named = (...names: string[]) => names.map((node) => ({ cluster: 'one', node }));
  const room = (limit: number, seated: string[], out: string[]) =>
    roomInFleet({ limit, seated: named(...seated), out: named(...out) });

  it.each<[string, number, string[], string[], object]>([
    ['when nothing is out', 2, [], [], { kind: 'seat', limit: 2 }],
    [
      'beside a lane whose node is out: that counts once',
      2,
      ['a'],
      ['a'],
      { kind: 'seat', limit: 2 },
    ],
    ['beside a node whose place was lost: one fewer', 2, [], ['a'], { kind: 'seat', limit: 1 }],
    ['not while lanes have all places', 2, ['a', 'b'], ['a'], { kind: 'taken' }],
    ['not while lanes and lost places have all', 2, ['a'], ['b'], { kind: 'taken' }],
    ['not while lost places have all', 1, [], ['b'], { kind: 'strays', strays: named('b') }],
    ['not beyond a limit that was lowered', 1, ['a', 'b'], ['a', 'b'], { kind: 'taken' }],
  ])('%s', (_what, limit, seated, out, expected) => {
    expect(room(limit, seated, out)).toEqual(expected);
  });
});

import fc from 'fast-check';
import { foretell } from '../../src/decide/course.ts';
import type { Course, PoolCourse } from '../../src/decide/course.ts';
import type { Sight } from '../../src/decide/gate.ts';
import { planCluster } from '../../src/decide/plan.ts';
import type { PlanFrame } from '../../src/decide/plan.ts';
import type { PoolFacts } from '../../src/domain/cluster.ts';
import type { Maintenance } from '../../src/domain/maintenance.ts';
import { summaryOf } from '../../src/domain/plan.ts';
import type { Probe } from '../../src/domain/probe.ts';
import type { Policy } from '../../src/policy/settings.ts';
import {
  dayMs,
  fridays as allFriday,
  hold,
  instance,
  instant,
  markedNode,
  matchedOf,
  notRequired,
  now,
  poolOf,
  required,
  sceneOf,
  sightOf,
} from '../support/sights.ts';
import type { SceneOver } from '../support/sights.ts';

const frame: PlanFrame = {
  cluster: 'one-x',
  run: '20261127T220000Z-a1b2c3',
  dryRun: true,
  poolOrder: [],
  moves: new Map(),
};
const minuteMs = 60_000;
/** `now` is a Friday, 22:00: this one has just opened. */
const fridays = { ...allFriday, start: '22:00', ends: { kind: 'after' as const, minutes: 120 } };

describe('the plan', () => {
  const system = poolOf('system', { mode: 'System' });
  const sight = (name: string, of: PoolFacts, daysDue: number, probe: Probe = required) => {
    const seen = sightOf({ node: { name, pool: of.name }, match: matchedOf(of), probe });
    const due = { bootId: 'boot-0', since: instant(now - daysDue * dayMs) };
    return { ...seen, ...(seen.probe === undefined ? {} : { probe: { ...seen.probe, due } }) };
  };
  const sights = [
    sight('s1', system, 9),
    sight('b1', poolOf('b'), 5),
    sight('a2', poolOf('a'), 1),
    sight('a1', poolOf('a'), 1),
    sight('a3', poolOf('a'), 7),
    sight('a4', poolOf('a'), 9, notRequired),
    sight('a5', poolOf('a'), 0, { kind: 'unknown', reason: 'no answer' }),
  ];
  const planOf = (seen: readonly Sight[], poolOrder: readonly string[] = []) =>
    planCluster({ ...frame, poolOrder }, seen, sceneOf());

  it('gives turns to those that need a reboot, the oldest need first, system pools last', () => {
    expect(planOf(sights).turns).toEqual(['a3', 'b1', 'a1', 'a2', 's1']);
    expect(planOf(sights, ['b', 'system']).turns).toEqual(['b1', 's1', 'a3', 'a1', 'a2']);
  });

  it('puts an unlabelled node where its instance belongs', () => {
    const unlabelled = sight('b0', poolOf('b'), 0);
    const node = { ...unlabelled.node, pool: '' };
    const { turns, nodes } = planOf([...sights, { ...unlabelled, node }], ['b']);
    expect(turns).toEqual(['b1', 'b0', 'a3', 'a1', 'a2', 's1']);
    expect(nodes.at(-1)).toMatchObject({ node: 'b0', pool: 'b' });
  });

  it('says of every node what is known, what was decided and why', () => {
    const plan = planOf(sights);
    expect(plan).toMatchObject({ at: instant(now), cluster: 'one-x' });
    expect(
      plan.nodes.map(({ node, decision, outcome }) => [node, decision.kind, outcome.kind]),
    ).toEqual([
      ['s1', 'reboot', 'deferred'],
      ['b1', 'reboot', 'deferred'],
      ['a2', 'reboot', 'deferred'],
      ['a1', 'reboot', 'deferred'],
      ['a3', 'reboot', 'deferred'],
      ['a4', 'skip', 'notNeeded'],
      ['a5', 'wait', 'unknown'],
    ]);
    expect(plan.nodes[0]).toMatchObject({
      pool: 'system',
      instance: instance.id,
      bootId: 'boot-0',
      kernel: '6.8.0-1021-azure',
      unschedulable: false,
      probe: { vmId: 'vm-0' },
    });
  });

  it('gives nobody a turn while a gate of the whole cluster is shut', () => {
    const plan = planCluster(frame, sights, sceneOf({ holds: [hold] }));
    expect(plan.turns).toEqual([]);
    expect(plan.nodes.every(({ outcome }) => outcome.reasons.length > 0)).toBe(true);
  });

  it('names no instance for a node that is nobody of ours', () => {
    const foreign = sightOf({ match: { kind: 'mismatch', value: 'x' }, probe: null });
    const [planned] = planOf([foreign]).nodes;
    expect(planned).toMatchObject({ instance: '', outcome: { kind: 'unknown' } });
    expect(planned).not.toHaveProperty('probe');
  });
});

describe('what is to be expected', () => {
  const sight = (name: string, policy: Partial<Policy> = {}, daysDue = 1, pool = 'work') => {
    const seen = sightOf({
      node: { name, pool },
      match: matchedOf(poolOf(pool)),
      policy: {
        expectedDrainMinutes: 10,
        expectedRestartMinutes: 20,
        soakSeconds: 0,
        ...policy,
      },
    });
    const due = { bootId: 'boot-0', since: instant(now - daysDue * dayMs) };
    return { ...seen, probe: seen.probe && { ...seen.probe, due } };
  };
  const many = (count: number, policy: Partial<Policy> = {}, pool = 'work') =>
    Array.from({ length: count }, (_, index) => sight(`${pool}-${index}`, policy, 1, pool));
  const planOf = (sights: readonly Sight[], over: SceneOver = {}) =>
    planCluster(frame, sights, sceneOf(over));
  const startsOf = (sights: readonly Sight[], over: SceneOver = {}) =>
    planOf(sights, over).nodes.map(({ turn }) =>
      turn?.expected === undefined ? 'never' : (Date.parse(turn.expected.start) - now) / minuteMs,
    );

  it.each<[string, Sight[], SceneOver, (number | string)[]]>([
    ['is one after the other, without windows', many(3), {}, [0, 30, 60]],
    ['is a pause between two', many(3, { soakSeconds: 600 }), {}, [0, 40, 80]],
    ['is two at once', many(3), { concurrency: 2 }, [0, 0, 30]],
    [
      'is one of a pool and another of another one',
      [...many(2, { maxUnavailable: 1 }), ...many(2, {}, 'zoo')],
      { concurrency: 2 },
      [0, 30, 0, 30],
    ],
    [
      'is the next window for what does not fit any more',
      many(5, { windows: [fridays] }),
      {},
      [0, 30, 60, 90, 7 * 24 * 60],
    ],
    [
      'is the window itself while it is closed',
      many(1, { windows: [fridays] }),
      { now: now - 60 * minuteMs },
      [0],
    ],
    [
      'is never in a window that is too short',
      many(1, { windows: [fridays], expectedDrainMinutes: 200 }),
      {},
      ['never'],
    ],
    [
      'is what earlier nodes took',
      many(2),
      {
        paces: {
          work: Array.from({ length: 5 }, (_, index) => ({
            run: 'r',
            node: `n${index}`,
            drainSeconds: 3600,
            restartSeconds: 60,
          })),
        },
      },
      [0, 80],
    ],
    [
      'is the end of a hold that has one',
      many(1),
      { holds: [{ ...hold, hold: { ...hold.hold, until: instant(now + 45 * minuteMs) } }] },
      [45],
    ],
    ['is when the need is old enough', [sight('a', { minNeedAgeHours: 25 })], {}, [60]],
    ['is nothing under a hold that has none', many(1), { holds: [hold] }, ['never']],
    [
      'is nothing while something else keeps the node',
      [sightOf({ node: { ready: false } })],
      {},
      ['never'],
    ],
  ])('%s', (_what, sights, over, expected) => {
    expect(startsOf(sights, over)).toEqual(expected);
  });

  it('is told for the cluster: how many are due, fit, and when all are done', () => {
    const { outlook } = planOf(many(5, { windows: [fridays] }));
    expect(outlook).toEqual({
      due: 5,
      kept: 0,
      fit: 4,
      window: { opensAt: instant(now), closesAt: instant(now + 120 * minuteMs) },
      doneBy: instant(now + 7 * dayMs + 30 * minuteMs),
      arisen: 5,
      served: 4,
      lookedAt: 0,
      warning: {
        value:
          '5 nodes came to need a reboot in the last 7 days, 4 of all that are due can be begun in the next 7',
        settings: ['windows', 'concurrency'],
      },
    });
  });

  it('is no warning while all that has arisen can be served', () => {
    expect(planOf(many(4, { windows: [fridays] })).outlook.warning).toBeUndefined();
    const old = Array.from({ length: 9 }, (_, index) =>
      sight(`o${index}`, { windows: [fridays] }, 9),
    );
    expect(planOf(old).outlook).toMatchObject({ due: 9, arisen: 0, served: 4 });
    expect(planOf(old).outlook.warning).toBeUndefined();
  });

  it('names what helps: the pool where it is the pool, the pause where it is the pause', () => {
    const narrow = { windows: [fridays], maxUnavailable: 1 };
    const over = { concurrency: 3 };
    expect(planOf(many(5, narrow), over).outlook.warning?.settings).toEqual([
      'windows',
      'maxUnavailable',
    ]);
    const pausing = { windows: [fridays], soakSeconds: 900 };
    expect(planOf(many(5, pausing)).outlook.warning?.settings).toEqual([
      'windows',
      'concurrency',
      'soakSeconds',
    ]);
  });

  it('counts what something else keeps, and tells no date for all when there is none', () => {
    const kept = sightOf({ node: { name: 'sick', ready: false } });
    expect(planOf([...many(1), kept]).outlook).toMatchObject({
      due: 2,
      kept: 1,
      doneBy: instant(now + 30 * minuteMs),
    });
    expect(planOf([kept]).outlook).not.toHaveProperty('doneBy');
    expect(planOf([]).outlook).toEqual({
      due: 0,
      kept: 0,
      fit: 0,
      arisen: 0,
      served: 0,
      lookedAt: 0,
    });
  });

  it('is counted from what is out of service already', () => {
    const { nodes } = planOf(many(2), { concurrency: 2, marked: [markedNode('other')] });
    expect(nodes.map(({ turn }) => turn?.expected?.start)).toEqual([
      instant(now),
      instant(now + 30 * minuteMs),
    ]);
  });

  it('is told with age, zone, window and the pods that would move', () => {
    const moves = new Map([
      [
        'work-0',
        { count: 1, pods: [{ pod: 'default/web', state: 'evicting' as const, why: 'x' }] },
      ],
    ]);
    const zoned = sight('work-0', { windows: [fridays] }, 3);
    const labels = { 'topology.kubernetes.io/zone': 'westeurope-1' };
    const plan = planCluster(
      { ...frame, moves },
      [{ ...zoned, node: { ...zoned.node, labels } }],
      sceneOf(),
    );
    expect(plan.nodes[0]?.turn).toEqual({
      position: 1,
      needSince: instant(now - 3 * dayMs),
      zone: 'westeurope-1',
      moves: moves.get('work-0'),
      expected: { start: instant(now), end: instant(now + 30 * minuteMs) },
      window: { opensAt: instant(now), closesAt: instant(now + 120 * minuteMs) },
    });
    expect(summaryOf(plan)).toMatchObject({ decisions: { reboot: 1 }, outlook: { due: 1 } });
    expect(summaryOf(plan)).not.toHaveProperty('nodes');
  });

  it('of 5,000 nodes is a plan of a few megabytes', () => {
    const daily = { ...fridays, days: [1, 2, 3, 4, 5, 6, 7] };
    const [first] = many(1, { windows: [daily] });
    const { policy } = first ?? sight('none');
    const sights = many(5_000).map((one) => ({ ...one, policy }));
    const plan = planOf(sights, { concurrency: 5 });
    expect(plan.outlook.due).toBe(5_000);
    expect(JSON.stringify(plan).length).toBeLessThan(8_000_000);
  });
});

describe('a course that is foretold', () => {
  const unknown: Maintenance = { kind: 'unknown', value: '' };
  const somePool = fc.record({
    minutes: fc.integer({ min: 1, max: 60 }),
    soakSeconds: fc.constantFrom(0, 300),
    limit: fc.integer({ min: 1, max: 3 }),
    windowed: fc.boolean(),
  });
  const scenario = fc.record({
    lanes: fc.integer({ min: 1, max: 4 }),
    pools: fc.tuple(somePool, somePool),
    nodes: fc.array(fc.constantFrom('a', 'b'), { maxLength: 25 }),
  });

  it('never has more nodes out than lanes and pools allow, and none outside its window', () => {
    fc.assert(
      fc.property(scenario, ({ lanes, pools, nodes }) => {
        const courseOf = ({ windowed, ...pool }: (typeof pools)[0]): PoolCourse => ({
          ...pool,
          hours: { windows: windowed ? [fridays] : [], excludedDates: [] },
        });
        const known = new Map([
          ['a', courseOf(pools[0])],
          ['b', courseOf(pools[1])],
        ]);
        const course: Course = {
          from: now,
          until: now + 30 * dayMs,
          lanes,
          pools: known,
          maintenance: unknown,
        };
        const named = nodes.map((pool, index) => ({ node: `${pool}${index}`, pool }));
        const found = foretell(named, course);
        const turns = named.flatMap(({ node, pool }) => {
          const told = found.get(node);
          return told === undefined ? [] : [{ ...told, pool }];
        });
        for (const { start, end, pool } of turns) {
          const out = turns.filter((other) => other.start <= start && other.end > start);
          expect(out.length).toBeLessThanOrEqual(lanes);
          const inPool = out.filter((other) => other.pool === pool);
          expect(inPool.length).toBeLessThanOrEqual(known.get(pool)?.limit ?? 0);
          if (known.get(pool)?.hours.windows.length === 0) continue;
          const week = (start - now) % (7 * dayMs);
          expect(week + (end - start)).toBeLessThanOrEqual(120 * minuteMs);
        }
      }),
    );
  });
});

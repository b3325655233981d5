import fc from 'fast-check';
import { lanesOf, nextTurn } from '../../src/decide/turn.ts';
import { hasFailed, isLeftOut } from '../../src/domain/run.ts';
import type { NodeResult } from '../../src/domain/run.ts';
import type { Turns } from '../../src/domain/turns.ts';
import { applyLock, freeLock } from '../../src/lock/lock.ts';
import type { LockOperation, LockState } from '../../src/lock/lock.ts';

/** Turns as `pool/node`, in order. */
function turnsOf(names: readonly string[], marked: Record<string, number> = {}): Turns {
  const nodes = names.map((name) => {
    const [pool = '', node = ''] = name.split('/');
    return { node, pool, instance: '', vmId: '' };
  });
  return { nodes, marked };
}

const plan = turnsOf(['web/w0', 'web/w1', 'batch/b0', 'web/w2', 'batch/b1']);

describe('the next turn', () => {
  const next = (given: Record<string, number>, slots: string[], limits: Record<string, number>) =>
    nextTurn(
      plan,
      { turns: given, slots: slots.map((pool) => ({ pool })) },
      (pool) => limits[pool] ?? 50,
    )?.address.node;

  it.each<[string, Record<string, number>, string[], Record<string, number>, string | undefined]>([
    ['is the first of the plan', {}, [], {}, 'w0'],
    ['is the first that was not given', { web: 1 }, ['web'], {}, 'w1'],
    ['is another one when its pool is full', { web: 1 }, ['web'], { web: 1 }, 'b0'],
    ['is in order again when its pool has room', { web: 1, batch: 1 }, ['batch'], { web: 1 }, 'w1'],
    [
      'is none when all pools are full',
      { web: 1, batch: 1 },
      ['web', 'batch'],
      { web: 1, batch: 1 },
      undefined,
    ],
    ['is none when the plan is through', { web: 3, batch: 2 }, [], {}, undefined],
    ['is none of a pool that is passed over', {}, [], { web: 0 }, 'b0'],
  ])('%s', (_what, given, slots, limits, expected) => {
    expect(next(given, slots, limits)).toBe(expected);
  });

  it('counts what was out of service before the plan against the pool', () => {
    const found = nextTurn(turnsOf(['web/w0'], { web: 1 }), { turns: {}, slots: [] }, () => 2);
    expect(found).toMatchObject({ index: 0, limit: 1 });
    expect(nextTurn(turnsOf(['web/w0'], { web: 2 }), { turns: {}, slots: [] }, () => 2)).toBe(
      undefined,
    );
  });
});

describe('as many lanes', () => {
  it.each([
    ['as nodes may be out, when there are enough', 3, 50, 3],
    ['as the pools have room for', 3, 1, 2],
    ['as there are nodes', 9, 50, 5],
  ])('%s', (_what, free, perPool, expected) => {
    expect(lanesOf(plan, free, () => perPool)).toBe(expected);
  });
});

describe('lanes that share a plan', () => {
  const scenario = fc.record({
    names: fc
      .array(fc.constantFrom('web', 'batch', 'sys'), { maxLength: 20 })
      .map((pools) => pools.map((pool, index) => `${pool}/n${index}`)),
    concurrency: fc.integer({ min: 1, max: 5 }),
    limits: fc.record({
      web: fc.integer({ min: 1, max: 3 }),
      batch: fc.integer({ min: 1, max: 3 }),
      sys: fc.integer({ min: 1, max: 3 }),
    }),
    /** Which of the lanes acts next; a lane at work ends its node, an idle one looks for another. */
    schedule: fc.infiniteStream(fc.nat({ max: 99 })),
  });

  it('take every node once, within both limits, and leave none behind', () => {
    fc.assert(
      fc.property(scenario, ({ names, concurrency, limits, schedule }) => {
        const turns = turnsOf(names);
        const mayBeOut = (pool: string) => limits[pool as keyof typeof limits];
        const lanes = Array.from({ length: lanesOf(turns, concurrency, mayBeOut) }, (_, lane) => ({
          holder: `lane${lane}`,
          node: '',
          over: false,
        }));
        let lock: LockState = freeLock;
        const ask = (operation: LockOperation) => {
          const { state, answer } = applyLock(lock, operation);
          lock = state;
          return answer;
        };
        ask({ op: 'enter', holder: 'a', run: 'r', now, floor: 0, evict: [] });
        const done: string[] = [];
        while (lanes.some(({ over }) => !over)) {
          const waiting = lanes.filter(({ over }) => !over);
          const lane = waiting[(schedule.next().value ?? 0) % waiting.length];
          if (lane === undefined) break;
          const { holder } = lane;
          if (lane.node !== '') {
            done.push(lane.node);
            lane.node = '';
            ask({ op: 'free', holder, failed: false, stays: false, stops: false });
            continue;
          }
          const given = { turns: lock.owner?.turns ?? {}, slots: lock.slots };
          const next = nextTurn(turns, given, mayBeOut);
          if (next === undefined) {
            lane.over = true;
            continue;
          }
          const { pool, node } = next.address;
          const turn = { pool, index: next.index, limit: next.limit, stopAfterFailures: 1 };
          const answer = ask({ op: 'take', owner: 'a', holder, now, limit: lanes.length, turn });
          expect(answer.kind).toBe('granted');
          lane.node = node;
          const out = lock.slots.filter((slot) => slot.pool === pool);
          expect(out.length).toBeLessThanOrEqual(mayBeOut(pool));
          expect(lock.slots.length).toBeLessThanOrEqual(concurrency);
        }
        expect(done.toSorted()).toEqual(turns.nodes.map(({ node }) => node).toSorted());
      }),
    );
  });
});

const now = '2026-11-27T22:00:00.000Z';

describe('a turn that is over', () => {
  const result = (
    kind: NodeResult['outcome']['kind'],
    instants: NodeResult['instants'],
  ): NodeResult => ({ node: 'n', purpose: 'reboot', outcome: { kind, reasons: [] }, instants });
  const out = { cordoned: now };
  const back = { cordoned: now, uncordoned: now };

  it.each<[NodeResult, boolean, boolean]>([
    [result('rebooted', back), false, false],
    [result('notNeeded', {}), false, false],
    [result('deferred', {}), false, false],
    [result('deferred', back), false, false],
    [result('undrainable', back), false, false],
    [result('unknown', {}), false, false],
    [result('unknown', out), true, true],
    [result('notReady', out), true, true],
    [result('notRebooted', out), true, true],
    [result('stillRequired', back), false, true],
    [result('stillRequired', {}), false, false],
    [result('failed', back), false, true],
    [result('failed', {}), true, true],
    [result('gone', out), false, false],
    [result('replaced', out), false, false],
    [result('deferred', out), true, false],
  ])('%j leaves its node out of service: %s; has failed: %s', (one, leftOut, failed) => {
    expect(isLeftOut(one)).toBe(leftOut);
    expect(hasFailed(one)).toBe(failed);
  });
});

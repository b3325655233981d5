import type { EntityContext } from 'durable-functions';
import fc from 'fast-check';
import { lockEntity } from '../../src/lock/entity.ts';
import { activeHold, applyLock, freeLock, lockOperation, parseLock } from '../../src/lock/lock.ts';
import type { LockAnswer, LockOperation, LockState, Turn } from '../../src/lock/lock.ts';

const at = (minute: number) => new Date(Date.UTC(2026, 10, 23, 22, minute)).toISOString();
const now = at(0);

const enter = (holder: string, more: { floor?: number; evict?: string[] } = {}): LockOperation => ({
  op: 'enter',
  holder,
  run: `run of ${holder}`,
  now,
  floor: 0,
  evict: [],
  ...more,
});
const turn = (pool: string, index: number, more: Partial<Turn> = {}): Turn => ({
  pool,
  index,
  limit: 50,
  stopAfterFailures: 1,
  ...more,
});
const take = (owner: string, holder: string, limit = 1, next = turn('web', 0)): LockOperation => ({
  op: 'take',
  owner,
  holder,
  now,
  limit,
  turn: next,
});
const recover = (owner: string, holder: string): LockOperation => ({
  op: 'take',
  owner,
  holder,
  now,
  limit: 1,
});
const progress = (holder: string, minute: number): LockOperation => ({
  op: 'progress',
  holder,
  node: 'node-1',
  step: 'drain',
  detail: '3 pods left',
  now: at(minute),
});
const free = (
  holder: string,
  how: { failed?: true; stays?: true; stops?: true } = {},
): LockOperation => ({
  op: 'free',
  holder,
  failed: how.failed === true,
  stays: how.stays === true,
  stops: how.stops === true,
});
const leave = (holder: string): LockOperation => ({ op: 'leave', holder });

/** Applies the operations one after the other; the last answer, and the state after it. */
function after(...operations: LockOperation[]): { state: LockState; answer: LockAnswer } {
  let seen: { state: LockState; answer: LockAnswer } = {
    state: freeLock,
    answer: { kind: 'done' },
  };
  for (const operation of operations) seen = applyLock(seen.state, operation);
  return seen;
}

const answer = (...operations: LockOperation[]) => after(...operations).answer;
const holders = ({ slots }: LockState) => slots.map(({ holder }) => holder);

describe('the lock', () => {
  it('lets one run in, and names it to the next', () => {
    expect(answer(enter('a'))).toEqual({ kind: 'entered', fence: 1 });
    expect(answer(enter('a'), enter('b'))).toMatchObject({
      kind: 'held',
      owner: { holder: 'a', run: 'run of a', since: now },
    });
  });

  it('lets the owner in again with the same number and the same count of turns', () => {
    const before = after(enter('a'), take('a', 'lane'));
    expect(applyLock(before.state, enter('a'))).toEqual({
      state: before.state,
      answer: { kind: 'entered', fence: 1 },
    });
  });

  it('is free once its owner has left, and nobody else can leave for it', () => {
    expect(answer(enter('a'), leave('a'), enter('b'))).toEqual({ kind: 'entered', fence: 2 });
    expect(answer(enter('a'), leave('b'), enter('b')).kind).toBe('held');
  });

  it('starts above the numbers on the marks when its own state was lost', () => {
    expect(answer(enter('a', { floor: 41 }))).toEqual({ kind: 'entered', fence: 42 });
    expect(answer(enter('a', { floor: 41 }), take('a', 'lane'))).toMatchObject({ fence: 43 });
  });

  it('goes to another when its owner was found dead, with the slots of that owner', () => {
    const { state, answer } = after(
      enter('a'),
      take('a', 'lane', 2),
      enter('b', { evict: ['a', 'lane'] }),
    );
    expect(answer).toEqual({ kind: 'entered', fence: 3 });
    expect(state.slots).toEqual([]);
    expect(state.owner).toMatchObject({ holder: 'b', turns: {}, failures: 0 });
  });

  it('takes slots of the dead back also while its owner stays', () => {
    const held = after(enter('a'), take('a', 'dead', 2), take('a', 'alive', 2, turn('web', 1)));
    const others = applyLock(held.state, enter('b', { evict: ['dead'] }));
    expect(others.answer.kind).toBe('held');
    expect(holders(others.state)).toEqual(['alive']);
    const own = applyLock(held.state, enter('a', { evict: ['dead'] }));
    expect(own.answer).toEqual({ kind: 'entered', fence: 1 });
    expect(holders(own.state)).toEqual(['alive']);
  });

  it('is not bricked by an absurd number on a mark', () => {
    const absurd = enter('a', { floor: Number.MAX_SAFE_INTEGER });
    expect(lockOperation.safeParse(absurd).success).toBe(false);
    const high = after(enter('a', { floor: 2 ** 40 }), take('a', 'lane'));
    expect(lockOperation.safeParse(enter('a', { floor: 2 ** 40 })).success).toBe(true);
    expect(parseLock(high.state)).toEqual(high.state);
  });
});

describe('a slot', () => {
  it('is given to the lanes of the owner only, as many as may be', () => {
    expect(answer(take('a', 'lane'))).toEqual({ kind: 'notOwner' });
    expect(answer(enter('a'), take('b', 'lane'))).toEqual({ kind: 'notOwner' });
    const second = turn('web', 1);
    expect(answer(enter('a'), take('a', 'one'))).toEqual({ kind: 'granted', fence: 2 });
    expect(answer(enter('a'), take('a', 'one'), take('a', 'two', 1, second))).toMatchObject({
      kind: 'full',
      slots: [{ holder: 'one' }],
    });
    expect(answer(enter('a'), take('a', 'one', 2), take('a', 'two', 2, second))).toEqual({
      kind: 'granted',
      fence: 3,
    });
  });

  it('that is freed can be taken again, for the next turn', () => {
    const free1 = [enter('a'), take('a', 'one'), free('one')];
    const next = take('a', 'two', 1, turn('web', 1));
    expect(answer(...free1, next)).toEqual({ kind: 'granted', fence: 3 });
    expect(after(...free1, free('one')).state.slots).toEqual([]);
  });

  it('is for one turn of one lane: who comes second with the same has to look again', () => {
    const both = [enter('a'), take('a', 'one', 2), take('a', 'two', 2)];
    expect(answer(...both)).toEqual({ kind: 'passed' });
    expect(answer(...both, take('a', 'two', 2, turn('web', 2)))).toEqual({ kind: 'passed' });
    expect(answer(...both, take('a', 'two', 2, turn('web', 1))).kind).toBe('granted');
    expect(answer(...both, take('a', 'two', 2, turn('batch', 0))).kind).toBe('granted');
  });

  it('is not given while its pool has no room, though the cluster has', () => {
    const narrow = (index: number) => turn('web', index, { limit: 1 });
    const one = [enter('a'), take('a', 'one', 3, narrow(0))];
    expect(answer(...one, take('a', 'two', 3, narrow(1)))).toEqual({ kind: 'passed' });
    expect(answer(...one, take('a', 'two', 3, turn('batch', 0))).kind).toBe('granted');
    expect(answer(...one, free('one'), take('a', 'two', 3, narrow(1))).kind).toBe('granted');
  });

  it('stays taken by a node that is left out of service, until the next owner', () => {
    const left = [enter('a'), take('a', 'one'), free('one', { failed: true, stays: true })];
    expect(holders(after(...left).state)).toEqual(['one']);
    expect(answer(...left, take('a', 'two', 1, turn('web', 1))).kind).toBe('full');
    expect(after(...left, leave('a'), enter('b')).state.slots).toEqual([]);
  });

  it('is not given any more once enough turns have failed', () => {
    const next = (index: number) =>
      take('a', 'one', 1, turn('web', index, { stopAfterFailures: 2 }));
    const once = [enter('a'), next(0), free('one', { failed: true })];
    expect(answer(...once, next(1)).kind).toBe('granted');
    expect(after(...once, free('one', { failed: true })).state.owner?.failures).toBe(1);
    const twice = [...once, next(1), free('one', { failed: true })];
    expect(answer(...twice, next(2))).toEqual({ kind: 'stopped' });
    expect(answer(...twice, recover('a', 'a')).kind).toBe('granted');
    expect(answer(...twice, leave('a'), enter('b'), take('b', 'one')).kind).toBe('granted');
  });

  it('is not given any more once one has stopped the run, until the next owner', () => {
    const two = [enter('a'), take('a', 'one', 2), take('a', 'two', 2, turn('web', 1))];
    const stopped = [...two, free('one', { stops: true }), free('two')];
    expect(answer(...stopped, take('a', 'two', 2, turn('web', 2)))).toEqual({ kind: 'stopped' });
    expect(answer(...stopped, recover('a', 'a')).kind).toBe('granted');
    expect(answer(...stopped, leave('a'), enter('b'), take('b', 'one')).kind).toBe('granted');
  });

  it('in the fleet needs no owner, ends with its holder, and names node and cluster', () => {
    const seat = (
      holder: string,
      { limit = 1, evict = [] }: { limit?: number; evict?: string[] } = {},
    ): LockOperation => ({ op: 'seat', holder, cluster: 'c', node: 'n', now, limit, evict });
    const one = after(seat('one'));
    expect(one).toMatchObject({
      answer: { kind: 'granted', fence: 1 },
      state: { slots: [{ holder: 'one', cluster: 'c', node: 'n' }] },
    });
    expect(answer(seat('one'), seat('two'))).toMatchObject({ kind: 'full' });
    expect(answer(seat('one'), seat('one')).kind).toBe('granted');
    expect(answer(seat('one'), seat('two', { limit: 2 })).kind).toBe('granted');
    expect(answer(seat('one'), seat('two', { evict: ['one'] })).kind).toBe('granted');
    expect(answer(seat('one'), free('one'), seat('two')).kind).toBe('granted');
  });

  it('for recovering is no turn and does not wait, because the mark has a slot already', () => {
    const { state, answer } = after(enter('a'), take('a', 'one'), recover('a', 'a'));
    expect(answer).toEqual({ kind: 'granted', fence: 3 });
    expect(state.owner?.turns).toEqual({ web: 1 });
  });

  it('of an owner that has left ends when the next one enters: what is still out has its mark', () => {
    const left = [enter('a'), take('a', 'one'), leave('a')];
    expect(holders(after(...left).state)).toEqual(['one']);
    expect(answer(...left, enter('b'), take('b', 'two')).kind).toBe('granted');
  });

  it('tells what it is for and how far it is, which is progress of the owner too', () => {
    const { state } = after(enter('a'), take('a', 'one'), progress('one', 5));
    expect(state.slots).toMatchObject([
      { holder: 'one', node: 'node-1', step: 'drain', detail: '3 pods left', progressAt: at(5) },
    ]);
    expect(state.owner?.progressAt).toBe(at(5));
  });

  it('of a stalled holder that was evicted is nothing to it any more', () => {
    const { state } = after(
      enter('a'),
      take('a', 'old'),
      enter('b', { evict: ['a', 'old'] }),
      take('b', 'new'),
    );
    expect(applyLock(state, free('old')).state).toEqual(state);
    expect(applyLock(state, progress('old', 9)).state).toEqual(state);
    expect(applyLock(state, leave('a')).state).toEqual(state);
    expect(applyLock(state, take('a', 'old'))).toEqual({ state, answer: { kind: 'notOwner' } });
  });
});

describe('a hold', () => {
  const hold = (until?: string): LockOperation => ({
    op: 'hold',
    who: 'ada',
    why: 'release day',
    now,
    ...(until === undefined ? {} : { until }),
  });
  const standing = (state: LockState, minute: number) => activeHold(state, Date.parse(at(minute)));

  it('stands until a person lifts it', () => {
    const { state } = after(hold());
    expect(standing(state, 59)).toEqual({ who: 'ada', why: 'release day', since: now });
    expect(standing(after(hold(), { op: 'lift' }).state, 59)).toBeUndefined();
  });

  it('with an end stands to that very moment', () => {
    const { state } = after(hold(at(30)));
    expect(standing(state, 29)).toMatchObject({ until: at(30) });
    expect(activeHold(state, Date.parse(at(30)) - 1)).toBeDefined();
    expect(standing(state, 30)).toBeUndefined();
  });

  it('is replaced by the next one, end and all', () => {
    expect(standing(after(hold(at(30)), hold()).state, 45)).toEqual({
      who: 'ada',
      why: 'release day',
      since: now,
    });
  });

  it('survives owners and slots that come and go, and takes neither', () => {
    const { state } = after(hold(), enter('a'), take('a', 'one'), free('one'), leave('a'));
    expect(standing(state, 1)).toBeDefined();
    expect(after(enter('a'), take('a', 'one'), hold()).state.slots).toHaveLength(1);
  });

  it('may not end at an instant that nobody could read later', () => {
    const until = '2026-11-23T22:00:00.1234567890Z';
    expect(lockOperation.safeParse(hold(until)).success).toBe(false);
  });
});

const people = fc.constantFrom('a', 'b', 'c', 'd');
const someTurn: fc.Arbitrary<Turn> = fc.record({
  pool: fc.constantFrom('web', 'batch'),
  index: fc.nat({ max: 2 }),
  limit: fc.constantFrom(1, 2),
  stopAfterFailures: fc.constantFrom(1, 3),
});
const operation: fc.Arbitrary<LockOperation> = fc.oneof(
  fc
    .record({
      holder: people,
      floor: fc.nat({ max: 50 }),
      evict: fc.uniqueArray(people, { maxLength: 2 }),
    })
    .map(({ holder, ...more }) => enter(holder, more)),
  people.map(leave),
  fc.tuple(people, people, someTurn).map(([owner, holder, next]) => take(owner, holder, 2, next)),
  fc.tuple(people, people).map(([owner, holder]) => recover(owner, holder)),
  fc.tuple(people, fc.nat({ max: 59 })).map(([holder, minute]) => progress(holder, minute)),
  fc.tuple(people, fc.boolean(), fc.boolean()).map(([holder, failed, stays]): LockOperation => ({
    op: 'free',
    holder,
    failed,
    stays,
    stops: false,
  })),
  fc.constant<LockOperation>({ op: 'lift' }),
);

interface Step {
  before: LockState;
  operation: LockOperation;
  state: LockState;
  answer: LockAnswer;
}

function history(operations: readonly LockOperation[]): Step[] {
  let before = freeLock;
  return operations.map((operation) => {
    const step = { before, operation, ...applyLock(before, operation) };
    before = step.state;
    return step;
  });
}

describe('whatever is asked of the lock, in whatever order,', () => {
  const always = (say: (steps: Step[]) => void) =>
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 40 }), (ops) => say(history(ops))),
      { numRuns: 300 },
    );

  it('a number is never given twice, and each is higher than all before', () => {
    always((steps) => {
      const given = steps.flatMap(({ before, answer }) => {
        const again = answer.kind === 'entered' && answer.fence === before.owner?.fence;
        return 'fence' in answer && !again ? [answer.fence] : [];
      });
      expect(given).toEqual([...new Set(given)].sort((a, b) => a - b));
    });
  });

  it('a turn is given only while fewer than the limit are out, and to one lane each', () => {
    always((steps) => {
      for (const { before, operation, answer } of steps) {
        expect(new Set(holders(before)).size).toBe(before.slots.length);
        if (operation.op !== 'take' || answer.kind !== 'granted') continue;
        const { turn, holder, limit } = operation;
        const others = before.slots.filter((slot) => slot.holder !== holder);
        if (turn === undefined) continue;
        expect(others.length).toBeLessThan(limit);
        expect(others.filter(({ pool }) => pool === turn.pool).length).toBeLessThan(turn.limit);
      }
    });
  });

  it('each turn of a pool is given once in an ownership, in order', () => {
    always((steps) => {
      const dealt = new Map<string, number[]>();
      for (const { before, operation, answer } of steps) {
        if (answer.kind !== 'granted' || operation.op !== 'take') continue;
        if (operation.turn === undefined) continue;
        const { pool, index } = operation.turn;
        const key = `${before.owner?.fence} ${pool}`;
        dealt.set(key, [...(dealt.get(key) ?? []), index]);
      }
      for (const turns of dealt.values()) expect(turns).toEqual(turns.map((_, index) => index));
    });
  });

  it('nobody loses ownership or slot but by itself, by eviction or to the next owner', () => {
    always((steps) => {
      for (const { before, operation, state, answer } of steps) {
        if (answer.kind === 'entered' && answer.fence !== before.owner?.fence) continue;
        const evict = operation.op === 'enter' ? operation.evict : [];
        const self = 'holder' in operation ? [operation.holder] : [];
        const mayLose = new Set([...evict, ...self]);
        const kept = holders(before).filter((holder) => !mayLose.has(holder));
        expect(holders(state)).toEqual(expect.arrayContaining(kept));
        const owner = before.owner?.holder;
        const keeps = owner !== undefined && !mayLose.has(owner);
        expect(keeps ? state.owner?.holder : owner).toBe(owner);
      }
    });
  });

  it('its state can be stored and read again', () => {
    always((steps) => {
      for (const { state } of steps) {
        expect(parseLock(JSON.parse(JSON.stringify(state)))).toEqual(state);
      }
    });
  });
});

describe('the entity around the lock', () => {
  /** One message to the entity: what it stored, if it did, and what it answered. */
  function send(state: unknown, operationName: string, input: unknown) {
    const seen: { state?: unknown; answer?: unknown } = {};
    const df = {
      operationName,
      getInput: () => input,
      getState: () => state,
      setState: (next: unknown) => (seen.state = next),
      return: (answer: unknown) => (seen.answer = answer),
    };
    lockEntity({ df } as unknown as EntityContext<unknown>);
    return seen;
  }

  it('begins free, and keeps what was done', () => {
    const { op: _, ...input } = enter('a');
    expect(send(undefined, 'enter', input)).toMatchObject({
      state: { fence: 1, owner: { holder: 'a' } },
      answer: { kind: 'entered', fence: 1 },
    });
    expect(send(undefined, 'lift', undefined).answer).toEqual({ kind: 'done' });
  });

  it.each([
    ['steal', {}],
    ['enter', { holder: 'a' }],
    ['enter', 'a'],
    ['take', { ...take('a', 'lane'), limit: 0 }],
    ['hold', { who: '', why: 'x', now }],
    ['free', { op: 'lift', holder: 7 }],
  ])('refuses the message %s %j, and changes nothing', (name, input) => {
    const seen = send(after(enter('a')).state, name, input);
    expect(seen.answer).toMatchObject({ kind: 'refused' });
    expect(seen).not.toHaveProperty('state');
  });

  it('does what the message is called, whatever the input says it is', () => {
    const { state } = after(enter('a'), take('a', 'lane'));
    const seen = send(state, 'free', { ...free('lane'), op: 'leave' });
    expect(seen.state).toMatchObject({ owner: { holder: 'a' }, slots: [] });
  });

  it('does not write over a state that it can not read', () => {
    expect(() => send({ fence: 'seven' }, 'lift', {})).toThrow('fence');
  });
});

import fc from 'fast-check';
import { orderTurns } from '../../src/decide/order.ts';
import type { Due } from '../../src/decide/order.ts';
import { withAge } from '../../src/domain/need.ts';
import type { ProbeRecord } from '../../src/domain/need.ts';

const hourMs = 3_600_000;
const now = Date.UTC(2026, 10, 27, 22);

/** A node as `name zone`, with what else is said about it. */
function due(text: string, more: Partial<Due> = {}): Due {
  const [node = '', zone = ''] = text.split(' ');
  return { node, zone, pool: 'web', system: false, needSince: now, affected: 3, ...more };
}
const order = (nodes: readonly Due[], poolOrder: readonly string[] = []) =>
  orderTurns(nodes, poolOrder, now);

describe('turns go', () => {
  it.each<[string, Due[], string[]]>([
    [
      'by name, when nothing else tells nodes apart',
      [due('b'), due('c'), due('a')],
      ['a', 'b', 'c'],
    ],
    [
      'to the oldest need first',
      [
        due('a'),
        due('b', { needSince: now - 25 * hourMs }),
        due('c', { needSince: now - 49 * hourMs }),
      ],
      ['c', 'b', 'a'],
    ],
    [
      'by name within a day: what came in one night is as old',
      [due('b', { needSince: now - 9 * hourMs }), due('a', { needSince: now - hourMs })],
      ['a', 'b'],
    ],
    [
      'last to a need whose age nobody knows',
      [due('a', { needSince: undefined }), due('b', { needSince: now - 30 * hourMs })],
      ['b', 'a'],
    ],
    [
      'to the fewest pods to move first, and last to those nobody has counted',
      [due('a', { affected: undefined }), due('b', { affected: 9 }), due('c', { affected: 0 })],
      ['c', 'b', 'a'],
    ],
    [
      'to system pools last, however old their need',
      [due('s', { system: true, needSince: now - 900 * hourMs }), due('u')],
      ['u', 's'],
    ],
    ['through the zones', [due('a 1'), due('b 1'), due('c 2'), due('d 3')], ['a', 'c', 'b', 'd']],
    [
      'twice to one zone only when it has more than all others together',
      [due('a 1'), due('b 1'), due('c 1'), due('d 2')],
      ['a', 'd', 'b', 'c'],
    ],
    [
      'to another zone also where the age changes',
      [due('a 1', { needSince: now - 30 * hourMs }), due('b 1'), due('c 2')],
      ['a', 'c', 'b'],
    ],
  ])('%s', (_what, nodes, expected) => {
    expect(order(nodes)).toEqual(expected);
  });

  it('to the pools that people put first, system pools among them', () => {
    const pools = [due('a'), due('b', { pool: 'batch' }), due('s', { pool: 'sys', system: true })];
    expect(order(pools, ['sys', 'Batch'])).toEqual(['s', 'b', 'a']);
  });
});

const someDue = fc
  .uniqueArray(
    fc.record({
      node: fc.stringMatching(/^[a-z]{1,4}$/u),
      pool: fc.constantFrom('web', 'batch', 'sys'),
      zone: fc.constantFrom('', 'eu-1', 'eu-2', 'eu-3'),
      needSince: fc.option(
        fc.integer({ min: 0, max: 5 }).map((days) => now - days * 24 * hourMs),
        {
          nil: undefined,
        },
      ),
      affected: fc.option(fc.integer({ min: 0, max: 3 }), { nil: undefined }),
    }),
    { selector: ({ node }) => node, maxLength: 24 },
  )
  .map((nodes): Due[] => nodes.map((one) => ({ ...one, system: one.pool === 'sys' })));
const somePools = fc.uniqueArray(fc.constantFrom('web', 'batch', 'sys', 'none'));

describe('the order', () => {
  it('names every node once, and is the same in whatever order they are listed', () => {
    const shuffled = someDue.chain((nodes) =>
      fc.tuple(
        fc.constant(nodes),
        fc.shuffledSubarray(nodes, { minLength: nodes.length, maxLength: nodes.length }),
      ),
    );
    fc.assert(
      fc.property(shuffled, somePools, ([nodes, others], poolOrder) => {
        const names = order(nodes, poolOrder);
        expect(names.toSorted()).toEqual(nodes.map(({ node }) => node).toSorted());
        expect(order(others, poolOrder)).toEqual(names);
      }),
    );
  });

  it('never lets a younger need, or a system pool, go before an older one of its kind', () => {
    fc.assert(
      fc.property(someDue, (nodes) => {
        const inOrder = order(nodes).map((name) => nodes.find(({ node }) => node === name));
        for (const [index, later] of inOrder.entries()) {
          const earlier = inOrder[index - 1];
          if (later === undefined || earlier === undefined) continue;
          expect(Number(earlier.system)).toBeLessThanOrEqual(Number(later.system));
          if (earlier.system !== later.system) continue;
          expect(earlier.needSince ?? now).toBeLessThanOrEqual(later.needSince ?? now);
        }
      }),
    );
  });

  it('lets as few nodes as possible follow one of their own zone', () => {
    const zones = fc.array(fc.constantFrom('1', '2', '3'), { maxLength: 7 });
    fc.assert(
      fc.property(zones, fc.option(fc.constantFrom('1', '2')), (zones, first) => {
        const nodes = zones.map((zone, index) => due(`n${index} ${zone}`));
        const older = first === null ? [] : [due(`old ${first}`, { needSince: now - 99 * hourMs })];
        const zoneOf = new Map([...nodes, ...older].map(({ node, zone }) => [node, zone]));
        const found = order([...nodes, ...older]).map((name) => zoneOf.get(name) ?? '');
        const fewest = Math.min(
          ...arrangements(zones).map((one) => repeats([...older.map(({ zone }) => zone), ...one])),
        );
        expect(repeats(found)).toBe(fewest);
      }),
      { numRuns: 60 },
    );
  });

  it('of a large fleet names every node once', () => {
    const nodes = Array.from({ length: 5_000 }, (_, index) =>
      due(`n${index} ${index % 7 ? 1 : 2}`),
    );
    expect(new Set(order(nodes)).size).toBe(5_000);
  });
});

const repeats = (zones: readonly string[]) =>
  zones.filter((zone, index) => index > 0 && zone === zones[index - 1]).length;

/** Every order in which these zones can stand; equal ones only once. */
function arrangements(zones: readonly string[]): string[][] {
  if (zones.length === 0) return [[]];
  return [...new Set(zones)].flatMap((zone) => {
    const rest = zones.toSpliced(zones.indexOf(zone), 1);
    return arrangements(rest).map((others) => [zone, ...others]);
  });
}

describe('the age of a need', () => {
  const boot = { kernel: '', uptimeSeconds: 0, birth: 0 };
  const required = (bootId: string, at: string, vmId = 'vm'): ProbeRecord => ({
    probe: { kind: 'required', bootId, ...boot, packages: [] },
    vmId,
    at,
  });
  const unknown = (at: string): ProbeRecord => ({
    probe: { kind: 'unknown', reason: 'no answer' },
    vmId: 'vm',
    at,
  });
  const fine = (at: string): ProbeRecord => ({
    probe: { kind: 'notRequired', bootId: 'b1', ...boot },
    vmId: 'vm',
    at,
  });
  const since = (...records: ProbeRecord[]) =>
    records.reduce<ProbeRecord | undefined>((earlier, one) => withAge(one, earlier), undefined)?.due
      ?.since;

  const dated = required('b1', '2026-01-05T22:00:00.000Z');
  const written: ProbeRecord = {
    ...dated,
    probe: { kind: 'required', bootId: 'b1', ...boot, packages: [], ageSeconds: 60 },
  };

  it.each<[string, ProbeRecord[], string | undefined]>([
    ['begins when its file was written', [written], '2026-01-05T21:59:00.000Z'],
    ['begins when it is seen first', [required('b1', 'mon')], 'mon'],
    ['goes on on the same boot', [required('b1', 'mon'), required('b1', 'tue')], 'mon'],
    ['begins anew on another boot', [required('b1', 'mon'), required('b2', 'tue')], 'tue'],
    ['begins anew on another machine', [required('b1', 'mon'), required('b1', 'tue', 'x')], 'tue'],
    [
      'survives a day on which the node could not be asked',
      [required('b1', 'mon'), unknown('tue'), required('b1', 'wed')],
      'mon',
    ],
    ['ends with the need', [required('b1', 'mon'), fine('tue'), required('b1', 'wed')], 'wed'],
    ['is none where there is no need', [fine('mon')], undefined],
  ])('%s', (_what, records, expected) => {
    expect(since(...records)).toBe(expected);
  });
});

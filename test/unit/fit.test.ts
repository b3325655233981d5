import fc from 'fast-check';
import { expectedOf } from '../../src/decide/fit.ts';
import { remember } from '../../src/domain/pace.ts';
import type { Paces } from '../../src/domain/pace.ts';
import type { NodeResult } from '../../src/domain/run.ts';
import { defaultPolicy } from '../../src/policy/settings.ts';
import type { Policy } from '../../src/policy/settings.ts';

/** What a node is expected to take, and what that is judged by. */

const start = Date.UTC(2026, 0, 5, 22);
const after = (minutes: number) => new Date(start + minutes * 60_000).toISOString();

/** A node that was drained and rebooted, or that got only so far. */
function took(
  node: string,
  minutes: { drain?: number; restart?: number },
  over: Partial<NodeResult> = {},
): NodeResult {
  const { drain, restart } = minutes;
  return {
    node,
    purpose: 'reboot',
    outcome: { kind: 'rebooted', reasons: [] },
    instants: {
      cordoned: after(0),
      ...(drain === undefined ? {} : { drained: after(drain) }),
      ...(restart === undefined
        ? {}
        : { restartAsked: after(100), uncordoned: after(100 + restart) }),
    },
    ...over,
  };
}

const told = (results: readonly NodeResult[], pool = 'web'): Paces =>
  results.reduce<Paces>((paces, result) => remember(paces, pool, 'run', result), {});
const nodes = (drains: readonly number[], restart = 6) =>
  told(drains.map((drain, index) => took(`n${index}`, { drain, restart })));

const expected = (paces: Paces, policy: Partial<Policy> = {}, pool = 'web') =>
  expectedOf({ ...defaultPolicy, ...policy }, pool, paces);
const ofSettings = { drainMinutes: 10, restartMinutes: 20 };

describe('what a node is expected to take', () => {
  it('is what the settings say as long as nobody knows better', () => {
    for (const fitBy of ['longer', 'history', 'settings'] as const) {
      expect(expected({}, { fitBy })).toEqual(ofSettings);
      expect(expected(nodes([50, 50, 50, 50]), { fitBy })).toEqual(ofSettings);
    }
  });

  it('is the longer of both, unless settings say otherwise', () => {
    const slow = nodes([31, 32, 33, 34, 35]);
    expect(expected(slow)).toEqual({ drainMinutes: 35, restartMinutes: 20 });
    expect(expected(slow, { fitBy: 'settings' })).toEqual(ofSettings);
    expect(expected(slow, { fitBy: 'history' })).toEqual({ drainMinutes: 35, restartMinutes: 6 });
  });

  it('is what so many percent of the earlier nodes did not exceed', () => {
    const ten = nodes([1, 2, 3, 4, 5, 6, 7, 8, 9, 60]);
    const at = (fitPercentile: number) =>
      expected(ten, { fitBy: 'history', fitPercentile }).drainMinutes;
    expect([50, 90, 91, 100].map(at)).toEqual([5, 9, 60, 60]);
  });

  it('is not what other pools take, whatever the case of their names', () => {
    const slow = [31, 32, 33, 34, 35].map((drain, index) => took(`n${index}`, { drain }));
    const paces = told(slow, 'GPU');
    expect(expected(paces).drainMinutes).toBe(10);
    expect(expected(paces, {}, 'gpu').drainMinutes).toBe(35);
  });

  it('forgets all but the last twenty nodes', () => {
    const drains = [
      ...Array.from({ length: 30 }, () => 90),
      ...Array.from({ length: 20 }, () => 2),
    ];
    expect(expected(nodes(drains), { fitBy: 'history' }).drainMinutes).toBe(2);
  });

  it('counts a node once, told however often, and one that got nowhere not at all', () => {
    const twice = told([took('a', { drain: 5 }), took('a', { drain: 5 }), took('b', {})]);
    expect(twice).toEqual({ web: [{ run: 'run', node: 'a', drainSeconds: 300 }] });
  });

  it('counts what a recovered node took from the restart on', () => {
    const recovered = took('a', {}, { purpose: 'recover' });
    recovered.instants = { restartAsked: after(0), uncordoned: after(7) };
    expect(told([recovered])).toEqual({ web: [{ run: 'run', node: 'a', restartSeconds: 420 }] });
  });

  it('is, by the longer of both, never less than what settings or history say alone', () => {
    const drains = fc.array(fc.integer({ min: 0, max: 99 }), { maxLength: 25 });
    fc.assert(
      fc.property(drains, fc.nat({ max: 60 }), fc.integer({ min: 50, max: 100 }), (d, m, p) => {
        const paces = nodes(d);
        const by = (fitBy: Policy['fitBy']) =>
          expected(paces, { fitBy, fitPercentile: p, expectedDrainMinutes: m }).drainMinutes;
        expect(by('longer')).toBe(Math.max(by('settings'), by('history')));
      }),
    );
  });
});

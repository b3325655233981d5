import fc from 'fast-check';
import type { Arbitrary } from 'fast-check';
import { probeScript } from '../../src/domain/probe.ts';
import { defaultPolicy, parseSettings } from '../../src/policy/settings.ts';
import { clusterId } from '../support/fleets.ts';
import {
  asDrawn,
  deepJson,
  holds,
  hostileText,
  hugeText,
  mutilated,
  prototypesAreClean,
  tricks,
} from './hostile.ts';

/** Settings that somebody has got wrong beyond recognition, or means to harm with. */

const right = {
  controller: 'platform',
  keepRunsDays: 30,
  rings: ['first', 'rest'],
  defaults: {
    ...defaultPolicy,
    windows: [{ days: ['mon', 'tue'], start: '22:00', end: '04:00', timeZone: 'Europe/Berlin' }],
    excludedDates: ['2026-12-24'],
    sentinelCommand: 'test -e /run/x',
  },
  clusters: [
    { id: clusterId('shop'), ring: 'first', pools: { web: { pollSeconds: 30 } } },
    { id: clusterId('bank'), ring: 'rest' },
  ],
};

/** No text may take so long, on any machine: a watchdog, not a measure. */
const longestMs = 5_000;

/** Reads a text, and expects an answer, in time: settings, or problems that say where. */
function expectAnswer(text: string): void {
  const begun = performance.now();
  const parsed = parseSettings(text);
  expect(performance.now() - begun).toBeLessThan(longestMs);
  expect(prototypesAreClean()).toBe(true);
  if (parsed.kind === 'ok') {
    // Whatever was accepted can be worked with.
    const policies = parsed.value.clusters.flatMap(({ policy, pools }) => [
      policy,
      ...pools.values(),
    ]);
    for (const policy of policies) probeScript(policy, policy.probeTimeoutSeconds);
    return;
  }
  expect(parsed.problems.length).toBeGreaterThan(0);
  for (const { path, problem, position } of parsed.problems) {
    expect(path).not.toBe('');
    expect(problem).not.toBe('');
    if (position !== undefined) expect(position.line).toBeGreaterThan(0);
  }
}

const doubled = (name: number) => `a${name}: &a${name} [*a${name - 1}, *a${name - 1}]`;

/** What readers of YAML have fallen for. */
const yaml: Record<string, string> = {
  'aliases that double': [
    'a0: &a0 [1, 1]',
    ...Array.from({ length: 40 }, (_, n) => doubled(n + 1)),
  ].join('\n'),
  'a list in itself': '&a [*a]',
  'settings in themselves': '&a {controller: *a, defaults: *a, clusters: [*a]}',
  'a window that holds the windows': 'defaults: &a {windows: *a}',
  'a merge': `defaults: {<<: {concurrency: 3}}`,
  'a merge of itself': '&a {<<: *a}',
  'a key of two': '? [a, b]\n: c',
  'a key without end': `${'k'.repeat(1_000_000)}: 1`,
  'keys without end': Array.from({ length: 20_000 }, (_, n) => `keepRunDays${n}: 1`).join('\n'),
  'entries without end': `clusters: [${'1,'.repeat(50_000)}1]`,
  'a tag that runs code': 'a: !!js/function "function(){}"',
  'a binary': 'a: !!binary "////"',
  'a prototype': '__proto__: {polluted: true}\nconstructor: {prototype: {polluted: true}}',
  'a prototype of defaults': 'defaults: {__proto__: {polluted: true}}',
  'two documents': 'a: 1\n---\nb: 1',
  'a directive': '%YAML 9.9\n---\na: 1',
  'a name without end': `controller: ${'a'.repeat(1_000_000)}!`,
  'an id without end': `clusters: [{id: "/subscriptions/${'0-'.repeat(500_000)}"}]`,
  'a time without end': `defaults: {windows: [{start: "${'0'.repeat(500_000)}:00", end: x}]}`,
  'comments without end': '#'.repeat(1_000_000),
  'spaces without end': `${' '.repeat(1_000_000)}x`,
};

describe(`settings (${asDrawn})`, () => {
  it('that were right, and hurt, are settings or problems', () => {
    expect(parseSettings(JSON.stringify(right)).kind).toBe('ok');
    holds(
      fc.property(mutilated(right), ({ payload }) => expectAnswer(JSON.stringify(payload))),
      3,
    );
  });

  it('of which a piece is another text are settings or problems', () => {
    const whole = JSON.stringify(right, null, 1);
    const place = fc.nat({ max: whole.length });
    holds(
      fc.property(place, fc.nat({ max: 40 }), hostileText, (at, length, text) =>
        expectAnswer(whole.slice(0, at) + text + whole.slice(at + length)),
      ),
      2,
    );
  });

  it.each(Object.keys(yaml))('with %s are problems at once', (name) => {
    const text = yaml[name] ?? '';
    expectAnswer(text);
    expect(parseSettings(text).kind).toBe('bad');
  });

  it('that are no settings at all are problems', () => {
    const text: Arbitrary<string> = fc.oneof(
      hostileText,
      deepJson,
      fc
        .array(fc.constantFrom(...tricks, ': ', '- ', '\n', '&a ', '*a', '{', '[', '|', '>'), {
          maxLength: 30,
        })
        .map((pieces) => pieces.join('')),
    );
    holds(fc.property(text, expectAnswer), 2);
    holds(fc.property(hugeText, expectAnswer), 0.1);
  });
});

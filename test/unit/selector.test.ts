import fc from 'fast-check';
import { parseLabelSelector } from '../../local/azure/kubernetes/selectors.ts';
import { isSelector, isTaintPattern, namesTaint, selects } from '../../src/domain/selector.ts';

describe('a label selector', () => {
  const labels = { tier: 'db', 'example.com/zone': '2', empty: '', cores: '16' };

  it.each<[string, boolean]>([
    ['tier=db', true],
    ['tier == db', true],
    ['tier=web', false],
    ['tier!=web', true],
    ['tier!=db', false],
    ['missing!=x', true],
    ['tier in (db, web)', true],
    ['tier in (web)', false],
    ['tier notin (web,cache)', true],
    ['missing notin (x)', true],
    ['missing in (x)', false],
    ['tier', true],
    ['missing', false],
    ['!tier', false],
    ['! missing', true],
    ['empty=', true],
    ['empty', true],
    ['example.com/zone in (1,2),tier=db', true],
    ['tier=db,!empty', false],
    ['cores>8', true],
    ['cores > 16', false],
    ['cores<17', true],
    ['tier<17', false],
    ['missing<17', false],
  ])('%s says %s', (selector, expected) => {
    expect(isSelector(selector)).toBe(true);
    expect(selects(selector, labels)).toBe(expected);
  });

  it.each([
    '',
    ' ',
    'tier=db,',
    'tier=d b',
    'tier in db',
    'tier in ()x',
    '=db',
    'tier=(a,b)',
    'Example.com/zone=1',
    'a/b/c',
    'cores>x',
    `${'k'.repeat(64)}=x`,
    '-tier',
  ])('%j is none', (selector) => {
    expect(isSelector(selector)).toBe(false);
    expect(() => selects(selector, labels)).toThrow('not a label selector');
  });

  const key = fc.constantFrom('tier', 'zone', 'example.com/kind', 'gpu');
  const value = fc.constantFrom('', 'a', 'b.c', 'D_1');
  const listed = fc.array(value, { minLength: 1, maxLength: 3 });
  const term = fc.oneof(
    fc.tuple(key, fc.constantFrom('=', '==', '!='), value).map((parts) => parts.join('')),
    fc
      .tuple(key, fc.constantFrom(' in ', ' notin '), listed)
      .map(([k, o, v]) => `${k}${o}(${v.join(',')})`),
    fc.tuple(fc.constantFrom('', '!'), key).map((parts) => parts.join('')),
  );

  it('says of any labels what another reading of the same grammar says', () => {
    fc.assert(
      fc.property(
        fc.array(term, { minLength: 1, maxLength: 4 }),
        fc.dictionary(key, value),
        (terms, some) => {
          const text = terms.join(',');
          expect(selects(text, some)).toBe(parseLabelSelector(text)?.(some));
        },
      ),
    );
  });
});

describe('a taint', () => {
  const taint = { key: 'kubernetes.azure.com/gpu', value: 'yes', effect: 'NoSchedule' };

  it.each<[string, boolean]>([
    ['kubernetes.azure.com/gpu', true],
    ['kubernetes.azure.com/gpu=yes', true],
    ['kubernetes.azure.com/gpu:NoSchedule', true],
    ['kubernetes.azure.com/gpu=yes:NoSchedule', true],
    ['kubernetes.azure.com/gpu=no', false],
    ['kubernetes.azure.com/gpu=', false],
    ['kubernetes.azure.com/gpu:NoExecute', false],
    ['gpu', false],
  ])('is named by %s: %s', (pattern, expected) => {
    expect(isTaintPattern(pattern)).toBe(true);
    expect(namesTaint(pattern, taint)).toBe(expected);
  });

  it.each(['', 'a b', 'gpu:Never', 'gpu=a=b', ':NoSchedule'])('is never named by %j', (pattern) => {
    expect(isTaintPattern(pattern)).toBe(false);
    expect(() => namesTaint(pattern, taint)).toThrow('not a taint');
  });
});

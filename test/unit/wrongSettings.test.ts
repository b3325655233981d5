import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { check } from '../../cli/settings/check.ts';
import { readDocument } from '../../src/policy/document.ts';
import { parseSettings, settingsSchema } from '../../src/policy/settings.ts';
import { adviceOn } from '../../src/policy/keys.ts';

/**
 * Settings files as people get them wrong, and all that is said about each. Beside each file lies
 * what `aks-reboot settings check` says; written when it is not there, to be read by a person.
 */

const directory = 'test/fixtures/settings';
const files = readdirSync(directory).filter((name) => !name.endsWith('.txt'));

describe('settings that are wrong', () => {
  it.each(files)('say what to change: %s', async (name) => {
    const said = await check(`${directory}/${name}`, {}, 0).then(
      () => 'nothing',
      (error: Error) => `${error.name}: ${error.message}\n`,
    );
    const expected = `${directory}/${name}.txt`;
    if (!existsSync(expected)) writeFileSync(expected, said);
    expect(said).toBe(readFileSync(expected, 'utf8'));
    expect(said).toMatch(/^BadInput: /u);
  });

  it('are ten at least', () => {
    expect(files.length).toBeGreaterThanOrEqual(10);
  });
});

describe('a document', () => {
  const valueOf = (text: string) => {
    const document = readDocument(text);
    return document.kind === 'read' ? document.value : document.why;
  };

  it('is YAML 1.2: times, dates, yes and no are texts, and JSON is YAML', () => {
    expect(valueOf('a: 22:30\nb: 2026-12-24\nc: no\nd: true\ne: 0600\n')).toEqual({
      a: '22:30',
      b: '2026-12-24',
      c: 'no',
      d: true,
      e: 600,
    });
    expect(valueOf('{\n\t"a": [1, "\\u00e4"]\n}')).toEqual({ a: [1, 'ä'] });
    expect(valueOf('\uFEFFa: 1\r\n')).toEqual({ a: 1 });
  });

  it('may say a thing once and mean it twice, but not without end', () => {
    expect(valueOf('a: &night {start: 22:00}\nb: *night')).toMatchObject({ b: { start: '22:00' } });
    const many = `a: &a [1]\nb: [${Array.from({ length: 101 }, () => '*a').join(', ')}]`;
    expect(valueOf(many)).toMatch(/^is neither YAML nor JSON: /u);
    expect(valueOf(`a: ${'['.repeat(10_000)}`)).toMatch(/^is neither YAML nor JSON: /u);
  });

  it('may hold itself, or the same thing again and again, and is shown in part', () => {
    const told = (text: string) => {
      const parsed = parseSettings(text);
      return parsed.kind === 'bad' ? parsed.problems[0]?.problem : 'nothing';
    };
    expect(told('&a [*a]')).toBe(`is ${'['.repeat(60)}…: it has to be an object`);
    const doubled = Array.from({ length: 40 }, (_, n) => `- &a${n + 1} [*a${n}, *a${n}]`);
    expect(told(['- &a0 [1]', ...doubled].join('\n'))).toContain('[[1],[[1],[1]],');
  });

  it('tells a place within it, also of what is left empty', () => {
    for (const text of ['&a ', 'a: &a', ': 1', '-']) {
      const document = readDocument(text);
      expect(document.kind === 'read' && document.positionOf([])).toEqual({ line: 1, column: 1 });
    }
  });

  it('is one', () => {
    expect(valueOf('a: 1\n---\nb: 1\n')).toMatch(/expected a single document/u);
    expect(valueOf(' \n# nothing\n')).toBe('is empty');
  });

  it('tells where each key and each entry of a list stands, or what holds it', () => {
    const text = 'a:\n  - b: 1\n    "c d": [x, {e: 2}]\n  - &n f\ng: *n\nh: {"i": 1}\n';
    const document = readDocument(text);
    if (document.kind !== 'read') throw new Error(document.why);
    const at = (...path: (string | number)[]) => {
      const { line, column } = document.positionOf(path);
      return `${line}:${column}`;
    };
    expect(at()).toBe('1:1');
    expect(at('a')).toBe('1:1');
    expect(at('a', 0, 'b')).toBe('2:5');
    expect(at('a', 0, 'c d')).toBe('3:5');
    expect(at('a', 0, 'c d', 1, 'e')).toBe('3:17');
    expect(at('g')).toBe('5:1');
    expect(at('h', 'i')).toBe('6:5');
    expect(at('a', 0, 'missing')).toBe('2:5');
    expect(at('missing', 'too')).toBe('1:1');
  });

  it('tells a place within it, whatever it holds', () => {
    fc.assert(
      fc.property(fc.json(), fc.array(fc.oneof(fc.string(), fc.nat({ max: 3 }))), (text, path) => {
        const document = readDocument(text);
        if (document.kind !== 'read') return;
        const { line, column } = document.positionOf(path);
        expect(line).toBeGreaterThan(0);
        expect(column).toBeGreaterThan(0);
        expect(text.split('\n')[line - 1]?.length ?? -1).toBeGreaterThanOrEqual(column - 1);
      }),
    );
  });
});

describe('a key that nothing reads', () => {
  const advice = (key: string, ...path: (string | number)[]) => adviceOn(settingsSchema, path, key);

  it.each([
    ['concurency', ['defaults'], 'did you mean "concurrency"?'],
    ['Concurrency', ['defaults'], 'did you mean "concurrency"?'],
    ['poll-seconds', ['clusters', 0], 'did you mean "pollSeconds"?'],
    ['drainTimeoutMintues', ['clusters', 3, 'pools', 'web'], 'did you mean "drainTimeoutMinutes"?'],
    ['soak', ['defaults'], 'did you mean "soakSeconds"?'],
    ['controller', ['defaults'], 'it belongs into the document itself'],
    ['concurrency', [], 'it belongs into defaults or clusters[…]'],
    ['keepRunDays', ['defaults'], 'did you mean "keepRunsDays", which belongs into the document'],
    ['zzzzz', ['defaults'], 'is not read by anything'],
  ])('%s in %j: %s', (key, path, expected) => {
    expect(advice(key, ...path)).toContain(expected);
  });

  it('is never said to be meant itself where it stands', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 12 }), (key) => {
        expect(advice(key, 'defaults')).not.toContain(`did you mean "${key}"?`);
      }),
      { numRuns: 30 },
    );
  });

  it('is told of at most 200 times: nobody reads on', () => {
    const keys = Array.from({ length: 20_000 }, (_, index) => `key${index}: 1`).join('\n');
    const parsed = parseSettings(keys);
    const problems = parsed.kind === 'bad' ? parsed.problems : [];
    expect(problems).toHaveLength(201);
    expect(problems.at(-1)).toEqual({ path: '(document)', problem: 'has 19802 more' });
  });

  it('costs a right document nothing: it is asked about wrong ones only', () => {
    const id =
      '/subscriptions/8d2f1b64-3c1e-4b0a-9f57-6a1c2e9d4b10/resourceGroups/a/providers' +
      '/Microsoft.ContainerService/managedClusters/a';
    expect(parseSettings(`controller: a\nclusters: [{ id: ${id} }]`).kind).toBe('ok');
  });
});

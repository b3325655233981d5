import fc from 'fast-check';
import { runRequestSchema } from '../../src/domain/run.ts';
import {
  cancelBody,
  holdBody,
  listQuery,
  parseBody,
  parseQuery,
  recoverBody,
  startRunBody,
} from '../../src/http/requests.ts';

function problems(result: ReturnType<typeof parseBody>): Record<string, string> {
  if (result.kind === 'ok') throw new Error(`expected problems: ${JSON.stringify(result.value)}`);
  return Object.fromEntries(result.problems.map(({ path, problem }) => [path, problem]));
}

const nothingAsked = { clusters: [], pools: [], nodes: [], dryRun: false, reason: '' };

describe('the body that starts a recovery', () => {
  it('may be left out, which means all clusters', () => {
    expect(parseBody('', recoverBody)).toEqual({ kind: 'ok', value: { clusters: [], reason: '' } });
  });

  it('names clusters and reasons only: what is there has to be put in order as a whole', () => {
    const asked = { clusters: ['one'], reason: 'r', takeOver: 'the old one is gone' };
    expect(parseBody(JSON.stringify(asked), recoverBody)).toEqual({ kind: 'ok', value: asked });
    expect(problems(parseBody('{"nodes": ["a"], "dryRun": true}', recoverBody))).toEqual({
      nodes: 'is not read by anything',
      dryRun: 'is not read by anything',
    });
  });
});

it('refuses a hold until after the year 9999: the lock would not read that', () => {
  const body = { who: 'ann', why: 'freeze', until: '9999-12-31T23:59:59-23:59' };
  expect(problems(parseBody(JSON.stringify(body), holdBody))).toEqual({
    until: '"9999-12-31T23:59:59-23:59" is after the year 9999',
  });
});

describe('the body that starts a run', () => {
  it.each(['', ' \n', '{}'])('may be left out, which means everything: %j', (text) => {
    expect(parseBody(text, startRunBody)).toEqual({ kind: 'ok', value: nothingAsked });
  });

  it('limits the run, says why, and may only look', () => {
    const asked = {
      clusters: ['one'],
      pools: ['system'],
      nodes: ['a', 'b'],
      dryRun: true,
      reason: 'CVE',
    };
    expect(parseBody(JSON.stringify(asked), startRunBody)).toEqual({ kind: 'ok', value: asked });
  });

  it('is refused when it is too long for what carries it', () => {
    const nodes = Array.from({ length: 500 }, (_, index) => `${'n'.repeat(80)}${index}`);
    const result = parseBody(JSON.stringify({ nodes }), startRunBody);
    expect(problems(result)['(body)']).toContain('at most 32000');
  });

  it('is refused however deep it nests', () => {
    const deep = `${'['.repeat(15_000)}${']'.repeat(15_000)}`;
    expect(problems(parseBody(deep, startRunBody))).toEqual({
      '(body)': `is ${'['.repeat(60)}…: it has to be an object`,
    });
  });

  it('gets every problem told at once', () => {
    const asked = {
      clusters: 'one',
      pools: ['', 'p'.repeat(64)],
      nodes: ['n'.repeat(254), 7],
      dryRun: 'yes',
      reason: null,
      takeOver: '',
      hurry: true,
    };
    expect(problems(parseBody(JSON.stringify(asked), startRunBody))).toEqual({
      clusters: 'is "one": it has to be a list',
      'pools[0]': 'is "": it has to have at least 1 character',
      'pools[1]': `is "${'p'.repeat(59)}…: it has to have at most 63 characters`,
      'nodes[0]': `is "${'n'.repeat(59)}…: it has to have at most 253 characters`,
      'nodes[1]': 'is 7: it has to be a text',
      dryRun: 'is "yes": it has to be true or false',
      reason: 'is null: it has to be a text',
      takeOver: 'is "": it has to have at least 1 character',
      hurry: 'is not read by anything',
    });
  });

  it.each([
    ['{"dryRun":', /^is not JSON: /u],
    ['null', /^is null: it has to be an object$/u],
    ['["one"]', /^is \["one"\]: it has to be an object$/u],
  ])('is refused as a whole when it is %s', (text, problem) => {
    expect(problems(parseBody(text, startRunBody))['(body)']).toMatch(problem);
  });

  it('that is taken here is never refused by the run that it starts', () => {
    const names = (longest: number) =>
      fc.array(fc.string({ minLength: 1, maxLength: longest + 1 }), { maxLength: 3 });
    const body = fc.record(
      {
        clusters: names(400),
        pools: names(63),
        nodes: names(253),
        dryRun: fc.boolean(),
        reason: fc.string({ maxLength: 501 }),
        takeOver: fc.string({ maxLength: 501 }),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(body, (asked) => {
        const taken = parseBody(JSON.stringify(asked), startRunBody);
        fc.pre(taken.kind === 'ok');
        const run = runRequestSchema.safeParse({ source: 'http', ...taken.value });
        expect(run.success).toBe(true);
      }),
    );
  });
});

describe('the body of a hold', () => {
  it('says who and why, and may say until when in any zone', () => {
    const hold = { who: 'ada', why: 'release day', until: '2026-12-24T18:00:00+01:00' };
    expect(parseBody(JSON.stringify(hold), holdBody)).toEqual({ kind: 'ok', value: hold });
  });

  it('is refused without who and why: a stop sign has an author', () => {
    expect(problems(parseBody('', holdBody))).toEqual({
      who: 'is missing: it has to be a text',
      why: 'is missing: it has to be a text',
    });
  });

  it.each(['tomorrow', '2026-12-24', '2026-12-24T18:00:00', '2026-02-30T00:00:00Z'])(
    'is refused when it ends at %s, which is no instant',
    (until) => {
      const body = JSON.stringify({ who: 'ada', why: 'because', until });
      expect(problems(parseBody(body, holdBody))).toEqual({
        until: `"${until}" is not an instant, e.g. "2026-12-24T18:00:00Z"`,
      });
    },
  );
});

describe('the body of a cancel', () => {
  it('says who and why', () => {
    const body = { who: 'ada', why: 'wrong cluster' };
    expect(parseBody(JSON.stringify(body), cancelBody)).toEqual({ kind: 'ok', value: body });
    expect(Object.keys(problems(parseBody('{"who":""}', cancelBody)))).toEqual(['who', 'why']);
  });
});

describe('the query that lists runs', () => {
  it('lists fifty when it names no limit', () => {
    expect(parseQuery({}, listQuery)).toEqual({ kind: 'ok', value: { limit: 50 } });
  });

  it('goes on after a run', () => {
    const query = { limit: '2', after: '20261123T231825Z-a1b2c3' };
    expect(parseQuery(query, listQuery)).toEqual({
      kind: 'ok',
      value: { limit: 2, after: '20261123T231825Z-a1b2c3' },
    });
  });

  it.each([
    ['0', 'is 0: it has to be at least 1'],
    ['201', 'is 201: it has to be at most 200'],
    ['', '"" is not a whole number'],
    ['1e2', '"1e2" is not a whole number'],
    ['-5', '"-5" is not a whole number'],
  ])('refuses the limit %j', (limit, problem) => {
    expect(problems(parseQuery({ limit }, listQuery))).toEqual({ limit: problem });
  });

  it('refuses what is no run id, and what it does not know', () => {
    expect(problems(parseQuery({ after: '../../etc', page: '2' }, listQuery))).toEqual({
      after: '"../../etc" is not a run id',
      page: 'is not read by anything',
    });
  });
});

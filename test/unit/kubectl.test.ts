import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { TroubleError } from '../../src/domain/trouble.ts';
import { readAnswers } from '../../src/kubernetes/command/answers.ts';
import { readFailure } from '../../src/kubernetes/command/kubectl.ts';
import { commandFor, scriptFor } from '../../src/kubernetes/command/script.ts';
import type { ApiRequest } from '../../src/kubernetes/command/script.ts';
import { kubectlFailures, understood } from '../support/kubectlFailures.ts';

const read: ApiRequest = { method: 'GET', path: '/api/v1/nodes/a', contentType: '', body: '' };

/** Written by test/tools/kubectlFailures.test.ts, which also says whether it is still so. */
describe.each(['1.20', '1.33'])('what kubectl %s said of a refusal', (version) => {
  const file = (name: string) =>
    new URL(`../fixtures/kubectl/${version}/${name}.txt`, import.meta.url);

  it.each(kubectlFailures)('is understood: $name', ({ name, request, expected }) => {
    const said = readFileSync(file(name), 'utf8');
    expect(understood(readFailure(said, request))).toEqual(understood(expected));
  });
});

describe('what kubectl says', () => {
  it('without a log is understood by its reason', () => {
    const said = 'Error from server (TooManyRequests): Cannot evict pod\n';
    expect(readFailure(said, read)).toEqual({
      kind: 'refused',
      status: 429,
      retryAfter: undefined,
      body: '{"reason":"TooManyRequests","message":"Cannot evict pod"}',
    });
  });

  it.each([
    ['The connection to the server x was refused - did you specify the right host or port?'],
    ['error: the server is on fire'],
  ])('of no answer is no answer: %s', (said) => {
    expect(readFailure(`warning\n${said}\n`, read)).toEqual({ kind: 'unanswered', value: said });
  });

  it('is read to its end alone, however long it is', () => {
    const end = 'Error from server (NotFound): nodes "a" not found\n';
    const said = `${'\n'.repeat(200_000)}${'server response object: [{'.repeat(20_000)}\n${end}`;
    expect(readFailure(said, read)).toMatchObject({ kind: 'refused', status: 404 });
  });

  it('of another request says nothing of ours', () => {
    const said = readFileSync(new URL('../fixtures/kubectl/1.20/notFound.txt', import.meta.url));
    const other = { ...read, path: '/api/v1/nodes/b' };
    expect(readFailure(said.toString(), other)).toMatchObject({
      kind: 'unanswered',
      value: expect.stringContaining('did not get to ask') as unknown,
    });
  });
});

it.each(['//[', '/', '/api/v1/nodes/', '/api/v1/nodes/..', '/api/v1/namespaces//pods/a', "/x'y"])(
  'writes no script for the path %j, and says so as trouble',
  (path) => {
    expect(() => scriptFor([{ ...read, path }])).toThrow(TroubleError);
  },
);

describe('the output of a script', () => {
  const output = 'noise\nAKSREBOOT1 BEGIN\n0 ok plain 7 {"a":1}\n1 late\nAKSREBOOT1 END 2\n';

  it('has an answer for each request', () => {
    expect(readAnswers(output, 2)).toEqual([{ kind: 'ok', json: '{"a":1}' }, { kind: 'late' }]);
  });

  it('that would unpack to more than any answer is not unpacked', () => {
    const data = gzipSync(Buffer.alloc(65 * 1024 * 1024)).toString('base64');
    const bomb = `AKSREBOOT1 BEGIN\n0 ok gzip ${data.length} ${data}\nAKSREBOOT1 END 1\n`;
    expect(() => readAnswers(bomb, 1)).toThrow('damaged');
  });

  it('of which any part is missing is worth nothing', () => {
    const whole = output.slice(output.indexOf('AKSREBOOT1'), -1);
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 40 }), (from, length) => {
        const cut = whole.slice(0, from) + whole.slice(from + length);
        expect(() => readAnswers(cut, 2)).toThrow('unreachable: the AKS command');
      }),
      { numRuns: 1000 },
    );
  });

  it.each([
    ['an answer too many', output.replace('1 late', '1 late\n2 late')],
    ['the same answer twice', output.replace('1 late', '0 late')],
    ['another count', output.replace('END 2', 'END 3')],
    ['an unknown word', output.replace('1 late', '1 maybe')],
    ['what jq did not understand', output.replace('1 late', '1 bad')],
    ['an unknown packing', output.replace('plain', 'zstd')],
    ['a damaged packing', output.replace('plain', 'gzip')],
    ['nothing', ''],
  ])('with %s is worth nothing', (_what, said) => {
    expect(() => readAnswers(said, 2)).toThrow('unreachable: the AKS command');
  });
});

/** Nothing for what no command can ask; anything else that is thrown fails the test. */
function scriptOrNone(request: ApiRequest): string | undefined {
  try {
    return scriptFor([request]);
  } catch (error) {
    if (error instanceof TroubleError) return undefined;
    throw error;
  }
}

describe('a script', () => {
  const name = fc.oneof(
    fc.string(),
    fc.constantFrom("a'b", 'a"b', '$(id)', '`id`', 'a\nb', 'a;b', '../x', 'a b', '\\', '*'),
  );
  const ask =
    /^ask 0 '[^']*' '[A-Za-z0-9+/=]*' (?:(?:get|create|replace|delete) --raw '[^']*'|patch)/u;

  it('holds no value outside of quotes, whatever is asked', () => {
    fc.assert(
      fc.property(
        name,
        name,
        fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'PATCH'),
        (a, b, method) => {
          const path = `/api/v1/nodes/${a}`;
          const contentType = 'application/json-patch+json';
          const script = scriptOrNone({ method, path, contentType, body: b });
          fc.pre(script !== undefined);
          const asks = script.split('\n').filter((line) => line.startsWith('ask 0'));
          expect(asks).toHaveLength(1);
          const [line = ''] = asks;
          expect(line).toMatch(ask);
          // What is left without what is in single quotes, and our own file, means nothing to sh.
          expect(line.replaceAll(/'[^']*'|"\$body"/gu, '')).toMatch(/^[A-Za-z0-9 =-]*$/u);
        },
      ),
    );
  });

  it('travels as one line in which no shell sees anything but words', () => {
    expect(commandFor(scriptFor([read]))).toMatch(/^echo [A-Za-z0-9+/=]+ \| base64 -d \| sh$/u);
  });

  it.each(['OPTIONS', 'HEAD'])('can not ask %s', (method) => {
    expect(() => scriptFor([{ ...read, method }])).toThrow('no command can ask that');
  });

  it('patches objects of any group by their full name', () => {
    const request = {
      method: 'PATCH',
      path: '/apis/apps/v1/namespaces/shop/deployments/web',
      contentType: 'application/merge-patch+json',
      body: '{}',
    };
    expect(scriptFor([request])).toContain(
      `patch 'deployments.v1.apps' 'web' -n 'shop' --type=merge --patch-file="$body" -o json`,
    );
  });
});

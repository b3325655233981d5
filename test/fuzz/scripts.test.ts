import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { Arbitrary } from 'fast-check';
import { readScriptResult } from '../../src/azure/script.ts';
import { parseRestart, restartScript } from '../../src/domain/guestRestart.ts';
import { parseProbe, probeScript } from '../../src/domain/probe.ts';
import { failureOf, TroubleError } from '../../src/domain/trouble.ts';
import { readAnswers } from '../../src/kubernetes/command/answers.ts';
import { readFailure } from '../../src/kubernetes/command/kubectl.ts';
import { commandFor, scriptFor } from '../../src/kubernetes/command/script.ts';
import type { ApiRequest } from '../../src/kubernetes/command/script.ts';
import { asDrawn, canary, holds, hostileText, hugeText, tricks } from './hostile.ts';

/** Scripts that we send, under a real shell, and what may come back of them. */

const bootId = '0b1e5f9c-4c1e-4f6b-9d6e-2f0a6f1c7d3a';

let root: string;
/** Stand-ins for what scripts call: they write down how they were called, and do nothing. */
const standIns = ['kubectl', 'jq', 'systemctl', 'systemd-run', 'shutdown', 'reboot', 'touch'];
const standIn = `#!/bin/sh
name=\${0##*/}
{ printf '%s\\n' "$name"; for word; do printf '%s\\n' "$word"; done; echo; } >>"$ROOT/called"
[ "$name" = jq ] && echo '{}'
for word; do
  [ "$before" = -f ] && cat "$word" >>"$ROOT/bodies"
  case $word in --patch-file=*) cat "\${word#*=}" >>"$ROOT/bodies" ;; esac
  before=$word
done
[ "$name" != systemctl ]
`;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'scripts-'));
  mkdirSync(join(root, 'bin'));
  mkdirSync(join(root, 'home'));
  mkdirSync(join(root, 'proc/sys/kernel/random'), { recursive: true });
  mkdirSync(join(root, 'var/run'), { recursive: true });
  writeFileSync(join(root, 'proc/sys/kernel/random/boot_id'), `${bootId}\n`);
  writeFileSync(join(root, 'proc/uptime'), '7.00 7.00\n');
  for (const name of standIns) writeFileSync(join(root, 'bin', name), standIn, { mode: 0o755 });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

interface Ran {
  stdout: string;
  /** A list of words for each call of a stand-in. */
  called: string[][];
  bodies: string;
  /** What it left in its directory. */
  left: string[];
}

function run(script: string): Ran {
  const read = (name: string) =>
    existsSync(join(root, name)) ? readFileSync(join(root, name), 'utf8') : '';
  for (const name of ['called', 'bodies']) rmSync(join(root, name), { force: true });
  const { stdout } = spawnSync('/bin/sh', ['-s'], {
    input: script,
    encoding: 'utf8',
    cwd: join(root, 'home'),
    env: { PATH: `${join(root, 'bin')}:/usr/bin:/bin`, ROOT: root, AKS_REBOOT_ROOT: root },
  });
  const calls = read('called').split('\n\n').slice(0, -1);
  return {
    stdout,
    called: calls.map((call) => call.split('\n')),
    bodies: read('bodies'),
    left: readdirSync(join(root, 'home')),
  };
}

/** As client-node writes names into paths. */
const named: Arbitrary<string> = hostileText.map((text) => encodeURIComponent(text.toWellFormed()));

const request: Arbitrary<ApiRequest> = fc.oneof(
  fc.record({
    method: fc.constant('GET'),
    path: fc.oneof(
      named.map((name) => `/api/v1/nodes/${name}`),
      named.map((name) => `/api/v1/pods?fieldSelector=${name}`),
      hostileText.map((text) => `/${text}`),
    ),
    contentType: fc.constant(''),
    body: fc.constant(''),
  }),
  fc.record({
    method: fc.constantFrom('POST', 'PUT', 'DELETE'),
    path: fc.tuple(named, named).map(([a, b]) => `/api/v1/namespaces/${a}/pods/${b}`),
    contentType: fc.constant('application/json'),
    body: hostileText.filter((text) => text !== ''),
  }),
  fc.record({
    method: fc.constant('PATCH'),
    path: fc.oneof(named, hostileText).map((name) => `/api/v1/nodes/${name}`),
    contentType: fc.oneof(fc.constant('application/json-patch+json'), hostileText),
    body: hostileText.filter((text) => text !== ''),
  }),
);

/** Whether a script asks for it at all; what it does not, it says as trouble. */
function isAsked(one: ApiRequest): boolean {
  try {
    scriptFor([one]);
    return true;
  } catch (error) {
    expect(error).toBeInstanceOf(TroubleError);
    return false;
  }
}

const verbs: Record<string, string> = {
  GET: 'get',
  POST: 'create',
  PUT: 'replace',
  DELETE: 'delete',
};

/** How kubectl has to be called for a request, but for where files lie. */
function wordsFor({ method, path, body }: ApiRequest): string[] {
  const fixed = ['kubectl', '-v=8', '--request-timeout=15s', '--cache-dir=…'];
  if (method === 'PATCH') {
    const name = path.slice(path.lastIndexOf('/') + 1);
    return [...fixed, 'patch', 'nodes', name, '--type=json', '--patch-file=…', '-o', 'json'];
  }
  const file = body === '' ? [] : ['-f', '…'];
  const unchecked = method === 'PUT' ? ['--validate=false'] : [];
  return [...fixed, verbs[method] ?? '', '--raw', path, ...file, ...unchecked];
}

const withoutPlaces = (words: readonly string[]) =>
  words.map((word, index) =>
    words[index - 1] === '-f' ? '…' : word.replace(/^(--(?:cache-dir|patch-file)=).*/u, '$1…'),
  );

describe(`scripts (${asDrawn})`, () => {
  it('of AKS commands call kubectl with the very words, and nothing else', () => {
    const some = fc.array(request, { minLength: 20, maxLength: 25 });
    holds(
      fc.property(some, (requests) => {
        const asked = requests.filter(isAsked);
        const { stdout, called, bodies, left } = run(commandFor(scriptFor(asked)));
        const calls = called.filter(([name]) => name === 'kubectl').map(withoutPlaces);
        expect(calls).toEqual(asked.map(wordsFor));
        expect(bodies).toBe(asked.map(({ body }) => body.toWellFormed()).join(''));
        expect(called.filter(([name]) => name !== 'kubectl' && name !== 'jq')).toEqual([]);
        expect(left).toEqual([]);
        expect(readAnswers(stdout, asked.length)).toHaveLength(asked.length);
      }),
      0.1,
    );
  });

  it('of probes hand the command over to a shell as it was written', () => {
    const text = hostileText.map((text) => text.toWellFormed().replaceAll('\0', ''));
    const codes = { sentinelRequiredCodes: [0], sentinelNotRequiredCodes: [1] };
    const sentinelPath = '/var/run/reboot-required';
    holds(
      fc.property(text, (told) => {
        const sentinelCommand = `cat >"$ROOT/told" <<'unlikely'\n${told}\nunlikely\nexit 1`;
        const script = probeScript({ sentinelPath, sentinelCommand, ...codes }, 20);
        const { stdout, called, left } = run(script);
        expect(readFileSync(join(root, 'told'), 'utf8')).toBe(`${told}\n`);
        expect(parseProbe(stdout)).toMatchObject({ kind: 'notRequired', bootId });
        expect([called, left]).toEqual([[], []]);
      }),
      0.3,
    );
  });

  it('are not written for paths and boot ids that a shell could read', () => {
    const sentinel = {
      sentinelCommand: '',
      sentinelRequiredCodes: [],
      sentinelNotRequiredCodes: [],
    };
    const written = (write: () => string) => {
      try {
        return write();
      } catch (error) {
        return failureOf(error).message;
      }
    };
    holds(
      fc.property(hostileText, (text) => {
        const probe = written(() => probeScript({ ...sentinel, sentinelPath: `/${text}` }, 20));
        const restart = written(() => restartScript(text));
        const isPath = /^[A-Za-z0-9._/-]{1,200}$/u.test(text);
        expect(probe.startsWith('not a sentinel path')).toBe(!isPath);
        expect(restart.startsWith('not a boot id')).toBe(!/^[a-f0-9-]{1,64}$/u.test(text));
      }),
      3,
    );
  });

  it('of restarts call what restarts, with the very words', () => {
    const unit = 'aks-reboot-restart';
    const { called, stdout, left } = run(restartScript(bootId));
    expect(called).toEqual([
      ['systemctl', 'is-active', '--quiet', `${unit}.timer`],
      ['systemd-run', '--quiet', '--on-active=15', `--unit=${unit}`, 'systemctl', 'reboot'],
    ]);
    expect(parseRestart(stdout)).toEqual({ kind: 'scheduled', by: 'systemdRun' });
    expect(left).not.toContain(canary);
  });
});

const common = `boot=${bootId} uptime=7 kernel=6.8.0-1021-azure birth=1790000000`;
const frames = [
  `AKSREBOOT2 required ${common} age=60 packages=libc6 reason= END`,
  `AKSREBOOT2 notRequired ${common} age= packages= reason= END`,
  `AKSRESTART1 scheduled boot=${bootId} by=systemdRun END`,
  ...tricks.filter((trick) => trick.startsWith('AKS')),
];

/** An output of ours among others', cut anywhere at both ends, as run-command brings it. */
const output: Arbitrary<string> = fc
  .record({
    out: fc.array(fc.oneof(fc.constantFrom(...frames, '\n', '\n'), hostileText), { maxLength: 6 }),
    err: fc.array(fc.oneof(fc.constantFrom(...frames), hostileText), { maxLength: 2 }),
    from: fc.oneof(fc.constant(0), fc.nat({ max: 400 })),
    less: fc.oneof(fc.constant(0), fc.nat({ max: 400 })),
  })
  .map(({ out, err, from, less }) => {
    const whole = `Enable succeeded: \n[stdout]\n${out.join('')}\n[stderr]\n${err.join('')}`;
    return whole.slice(from, whole.length - less);
  });

/** The one line that begins as ours do, if there is just one. */
function onlyLine(stdout: string, frame: string): string {
  const [line, ...more] = stdout.split('\n').filter((one) => one.startsWith(`${frame} `));
  return line === undefined || more.length > 0 ? '' : line.trimEnd();
}

/** What was said before the end has come is no answer; after it, nobody listens. */
function expectWholeOrTrouble(output: string): void {
  try {
    expect(readAnswers(output, 1)).toEqual([{ kind: 'ok', json: '{"a":1}' }]);
  } catch (error) {
    expect(error).toBeInstanceOf(TroubleError);
  }
}

describe(`what comes back of a script (${asDrawn})`, () => {
  it('is an answer only if it is one whole line of ours', () => {
    holds(
      fc.property(output, (message) => {
        const result = readScriptResult([{ code: 'ProvisioningState/succeeded', message }]);
        const stdout = result.kind === 'ended' ? result.stdout : '';
        const probe = parseProbe(stdout);
        if (probe.kind !== 'unknown') expect(frames).toContain(onlyLine(stdout, 'AKSREBOOT2'));
        const restart = parseRestart(stdout);
        if (restart.kind !== 'unknown') expect(frames).toContain(onlyLine(stdout, 'AKSRESTART1'));
      }),
      20,
    );
  });

  it('is no answer when it was said on the other stream', () => {
    const noise = hostileText.filter((text) => !text.includes('AKS') && !text.includes('[std'));
    holds(
      fc.property(fc.constantFrom(...frames), noise, (frame, text) => {
        const message = `Enable succeeded: \n[stdout]\n${text}\n[stderr]\n${frame}\n`;
        const result = readScriptResult([{ code: 'ProvisioningState/succeeded', message }]);
        const stdout = result.kind === 'ended' ? result.stdout : '';
        expect([parseProbe(stdout).kind, parseRestart(stdout).kind]).toEqual([
          'unknown',
          'unknown',
        ]);
      }),
      3,
    );
  });

  it('of an AKS command is read in no time, or is trouble, however long it is', () => {
    const request: ApiRequest = { method: 'GET', path: '/api/v1/nodes', contentType: '', body: '' };
    const begun = performance.now();
    const text = fc.oneof(
      { weight: 9, arbitrary: hostileText },
      { weight: 1, arbitrary: hugeText },
    );
    holds(
      fc.property(text, (said) => {
        const { kind } = readFailure(`I0105 x] GET https://c/api/v1/nodes\n${said}`, request);
        expect(['refused', 'unanswered']).toContain(kind);
        const answer = `AKSREBOOT1 BEGIN\n0 ok plain 7 {"a":1}\n${said}\nAKSREBOOT1 END 1\n`;
        expectWholeOrTrouble(answer);
      }),
    );
    expect(performance.now() - begun).toBeLessThan(20_000);
  });
});

import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { needOf, unnamedNeed } from '../../src/domain/need.ts';
import { parseProbe, probeScript } from '../../src/domain/probe.ts';
import type { Probe, Sentinel } from '../../src/domain/probe.ts';

const bootId = '0b1e5f9c-4c1e-4f6b-9d6e-2f0a6f1c7d3a';
const sentinel = '/var/run/reboot-required';
/** `/bin/sh`, and what else there is that is not the same shell by another name. */
const shells = ['/bin/sh', '/bin/dash', '/bin/bash'].filter((path, index, all) => {
  const real = (one: string) => (existsSync(one) ? realpathSync(one) : '');
  return existsSync(path) && all.findIndex((one) => real(one) === real(path)) === index;
});

/** What run-command keeps of a script's output. */
const keptBytes = 4_096;

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'probe-'));
  put('proc/sys/kernel/random/boot_id', `${bootId}\n`);
  put('proc/uptime', '93600.25 180000.00\n');
  put('bin/uname', "#!/bin/sh\necho '6.8.0-1021-azure'\n", 0o755);
  mkdirSync(join(root, 'var/run'), { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function put(path: string, text: string, mode = 0o644): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
  chmodSync(join(root, path), mode);
}

interface Ran {
  stdout: string;
  status: number | null;
  probe: Probe;
}

/** What is asked for unless a test says otherwise. */
const usual: Sentinel = {
  sentinelPath: sentinel,
  sentinelCommand: '',
  sentinelRequiredCodes: [0],
  sentinelNotRequiredCodes: [1],
};

function run(shell = '/bin/sh', timeoutSeconds = 20, over: Partial<Sentinel> = {}): Ran {
  const { stdout, status } = spawnSync(shell, ['-s'], {
    input: probeScript({ ...usual, ...over }, timeoutSeconds),
    encoding: 'utf8',
    cwd: root,
    env: { PATH: `${join(root, 'bin')}:/usr/bin:/bin`, AKS_REBOOT_ROOT: root },
  });
  return { stdout, status, probe: parseProbe(stdout) };
}

describe.each(shells)('the script under %s', (shell) => {
  it('says that a reboot is required, what for, and on which boot', () => {
    put('var/run/reboot-required', '*** System restart required ***\n');
    put('var/run/reboot-required.pkgs', 'linux-image-6.8.0-1022-azure\nlibc6\nlibc6\n');
    const { probe, stdout, status } = run(shell);
    expect(probe).toMatchObject({
      kind: 'required',
      bootId,
      kernel: '6.8.0-1021-azure',
      uptimeSeconds: 93_600,
      packages: ['libc6', 'linux-image-6.8.0-1022-azure'],
    });
    expect(stdout.split('\n')).toHaveLength(2);
    expect(status).toBe(0);
  });

  it('says how long ago the sentinel was written, by the clock of the node', () => {
    put('var/run/reboot-required', '');
    const age = (probe: Probe) => (probe.kind === 'required' ? probe.ageSeconds : undefined);
    const at = Date.now() / 1000 - 7200;
    utimesSync(join(root, 'var/run/reboot-required'), at, at);
    expect(age(run(shell).probe)).toBeGreaterThanOrEqual(7200);
    expect(age(run(shell).probe)).toBeLessThan(7300);
    utimesSync(join(root, 'var/run/reboot-required'), at + 14_400, at + 14_400);
    expect(age(run(shell).probe)).toBeUndefined();
  });

  it('says that none is required when the directory is there and the file is not', () => {
    expect(run(shell).probe).toMatchObject({ kind: 'notRequired', bootId, uptimeSeconds: 93_600 });
  });

  it('says when the root file system was born, which a reimage changes', () => {
    const born = (probe: Probe) => (probe.kind === 'unknown' ? undefined : probe.birth);
    put('bin/stat', '#!/bin/sh\necho 1790000000\n', 0o755);
    expect(born(run(shell).probe)).toBe(1_790_000_000);
    put('bin/stat', '#!/bin/sh\necho -\n', 0o755);
    expect(born(run(shell).probe)).toBe(0);
  });

  it('finds the file through the symlink that /var/run is', () => {
    rmSync(join(root, 'var/run'), { recursive: true });
    mkdirSync(join(root, 'run'));
    symlinkSync('../run', join(root, 'var/run'));
    put('run/reboot-required', '');
    expect(run(shell).probe).toMatchObject({ kind: 'required', packages: [] });
  });

  it('looks for the file that the settings name', () => {
    put('run/needs.reboot', '');
    expect(run(shell, 20, { sentinelPath: '/run/needs.reboot' }).probe).toMatchObject({
      kind: 'required',
    });
  });

  it('knows nothing when the directory is missing: that is no "not required"', () => {
    rmSync(join(root, 'var/run'), { recursive: true });
    const reason = 'the script says: unreadableDirectory';
    expect(run(shell).probe).toMatchObject({ kind: 'unknown', reason, facts: { bootId } });
  });

  it.each(['required', 'notRequired'])('knows nothing without a boot id, were it %s', (answer) => {
    if (answer === 'required') put('var/run/reboot-required', '');
    rmSync(join(root, 'proc/sys/kernel/random/boot_id'));
    expect(run(shell).probe).toEqual({ kind: 'unknown', reason: 'the script says: noBootId' });
  });

  it('takes of the boot id what a boot id is made of', () => {
    put('proc/sys/kernel/random/boot_id', ` ${bootId.toUpperCase()} ${bootId}; touch owned\r\n`);
    const { probe } = run(shell);
    expect(probe).toMatchObject({ kind: 'notRequired' });
    expect(probe).toHaveProperty('bootId', expect.stringMatching(/^[a-f0-9-]*$/u));
    expect(existsSync(join(root, 'owned'))).toBe(false);
  });

  it('gives up by its own timeout when a read hangs, and takes its children with it', () => {
    const fifo = join(root, 'proc/sys/kernel/random/boot_id');
    rmSync(fifo);
    expect(spawnSync('mkfifo', [fifo]).status).toBe(0);
    const { probe, status } = run(shell, 1);
    expect(probe).toEqual({ kind: 'unknown', reason: 'the script says: timeout' });
    expect(status).toBe(0);
  });

  it('knows nothing where there is no timeout command', () => {
    mkdirSync(join(root, 'empty'));
    const { stdout } = spawnSync(shell, ['-s'], {
      input: probeScript(usual, 20),
      encoding: 'utf8',
      env: { PATH: join(root, 'empty'), AKS_REBOOT_ROOT: root },
    });
    expect(parseProbe(stdout).kind).toBe('unknown');
  });

  it.each([
    ['command substitution', '$(touch owned)\n`touch owned`\n'],
    ['quotes', `"; touch owned; echo "\n'; touch owned; '\n`],
    ['another answer of ours', `x\nAKSREBOOT2 notRequired boot=${bootId} END\n`],
    ['the end of the heredoc', 'PROBE\ntouch owned\n'],
    ['control bytes', '\u0000\u001b[2J\r\n\t\u007f\n'],
    ['bytes that are no UTF-8', Buffer.from([0xff, 0xfe, 0x0a, 0xc3, 0x28]).toString('latin1')],
    ['blank lines', '\n\n \n'],
  ])('reads a package list with %s as text and nothing more', (_what, text) => {
    put('var/run/reboot-required', '');
    put('var/run/reboot-required.pkgs', text);
    const { probe, stdout } = run(shell);
    expect(probe.kind).toBe('required');
    expect(existsSync(join(root, 'owned'))).toBe(false);
    expect(stdout.trimEnd()).toMatch(/^AKSREBOOT2 [\u0020-\u007e]* END$/u);
  });

  it('fits its answer into what run-command keeps, with 10,000 packages', () => {
    const names = Array.from({ length: 10_000 }, (_, index) => `linux-modules-extra-${index}`);
    put('var/run/reboot-required', '');
    put('var/run/reboot-required.pkgs', names.join('\n'));
    const { probe, stdout } = run(shell);
    expect(Buffer.byteLength(stdout)).toBeLessThan(keptBytes);
    if (probe.kind !== 'required') throw new Error(JSON.stringify(probe));
    expect(probe.packages.length).toBeGreaterThan(50);
    // Another second may have begun.
    expect({ ...run(shell).probe, ageSeconds: 0 }).toEqual({ ...probe, ageSeconds: 0 });
  });

  it('names whole packages only, also where the list is cut', () => {
    const names = Array.from({ length: 500 }, (_, index) => `pkg-${index}-end`);
    put('var/run/reboot-required', '');
    put('var/run/reboot-required.pkgs', names.join('\n'));
    const { probe } = run(shell);
    if (probe.kind !== 'required') throw new Error(JSON.stringify(probe));
    expect(names).toEqual(expect.arrayContaining(probe.packages));
  });
});

describe.each(shells)('a sentinel command under %s', (shell) => {
  const ask = (sentinelCommand: string, over: Partial<Sentinel> = {}, timeoutSeconds = 20) =>
    run(shell, timeoutSeconds, { sentinelCommand, ...over }).probe;

  it('says by its exit code whether a reboot is required, whatever the file says', () => {
    put('var/run/reboot-required', '');
    expect(ask('exit 1')).toMatchObject({ kind: 'notRequired', bootId });
    rmSync(join(root, 'var/run/reboot-required'));
    const required = ask('exit 0');
    expect(required).toMatchObject({ kind: 'required', bootId, packages: [] });
    expect(required).not.toHaveProperty('ageSeconds');
  });

  it('says it by the codes that settings give it: needs-restarting turns them round', () => {
    const codes = { sentinelRequiredCodes: [1, 3], sentinelNotRequiredCodes: [0, 10] };
    expect(ask('exit 0', codes).kind).toBe('notRequired');
    expect(ask('exit 1', codes).kind).toBe('required');
    expect(ask('exit 3', codes).kind).toBe('required');
    expect(ask('exit 10', codes).kind).toBe('notRequired');
    expect(ask('exit 13', codes).kind).toBe('unknown');
  });

  it.each([
    ['a command that is not there', 'needs-no-restarting -r', 127],
    ['one that may not be run', '/etc/passwd', 126],
    ['one that is wrong', 'if then', 2],
    ['one that another shell would read', 'exit 7', 7],
  ])('is unknown for %s', (_what, command, code) => {
    expect(ask(command)).toMatchObject({
      kind: 'unknown',
      reason: `sentinelCommand ended with ${code}, which says neither yes nor no`,
      facts: { bootId },
    });
  });

  it.each([
    ['quotes', `test "it's" = 'it'"'"'s' && exit 1`],
    ['variables and substitution', 'x=$(printf 1); exit "$x"'],
    ['several lines and a heredoc', "cat <<'PROBE' | grep -q a || exit 1\nb\nPROBE\nexit 0"],
    ['other alphabets', 'test "ü→" = "ü→" && exit 1'],
    ['noise on both streams', 'echo AKSREBOOT2 required; echo x >&2; exit 1'],
    ['a look at its input', 'cat; exit 1'],
  ])('is run as it was written, with %s', (_what, command) => {
    expect(ask(command).kind).toBe('notRequired');
  });

  it('is stopped with the script, also when it does not want to be', () => {
    expect(ask('sleep 60', {}, 1)).toEqual({ kind: 'unknown', reason: 'the script says: timeout' });
    const lives = join(root, 'lives');
    const stubborn = ask(`trap '' TERM; while :; do touch ${lives}; sleep 0.1; done`, {}, 1);
    expect(stubborn).toEqual({ kind: 'unknown', reason: 'the script says: timeout' });
    rmSync(lives);
    spawnSync('sleep', ['0.5']);
    expect(existsSync(lives)).toBe(false);
  });
});

describe('the script', () => {
  it.each(["/var/run/it's", '/var/run/$(id)', 'var/run/x', '/var/run/a b', '/a\n/b', '/'])(
    'is not written for the path %j',
    (path) => {
      expect(() => probeScript({ ...usual, sentinelPath: path }, 60)).toThrow(
        'not a sentinel path',
      );
    },
  );
});

const common = `boot=${bootId} uptime=7 kernel=6.8.0-1021-azure birth=1790000000`;
const required = `AKSREBOOT2 required ${common} age=60 packages=libc6,linux-base reason= END`;
const notRequired = `AKSREBOOT2 notRequired ${common} age= packages= reason= END`;

describe('an answer', () => {
  it('is read from its one line, whatever stands around it', () => {
    expect(parseProbe(`motd\n${required}\r\nlogout\n`)).toEqual({
      kind: 'required',
      bootId,
      kernel: '6.8.0-1021-azure',
      uptimeSeconds: 7,
      birth: 1_790_000_000,
      packages: ['libc6', 'linux-base'],
      ageSeconds: 60,
    });
    expect(parseProbe(notRequired).kind).toBe('notRequired');
  });

  it('survives noise before it, of which only the last 4,096 bytes are kept', () => {
    const kept = `${'noise\n'.repeat(2_000)}${required}\n`.slice(-keptBytes);
    expect(parseProbe(kept).kind).toBe('required');
  });

  it.each([
    ['nothing was printed', '', 'the script printed no answer'],
    ['the line was cut from the front', required.slice(5), 'the script printed no answer'],
    ['the line was cut at the end', required.slice(0, -4), 'the script printed a garbled answer'],
    ['it came twice', `${required}\n${required}`, 'the script printed two answers'],
    ['it came both ways', `${required}\n${notRequired}`, 'the script printed two answers'],
    ['two lines ran together', required + notRequired, 'the script printed a garbled answer'],
    ['it has a word too many', required.replace(' END', ' x END'), 'garbled'],
    ['it is of another version', required.replace('AKSREBOOT2', 'AKSREBOOT3'), 'no answer'],
    ['it stands in a quote', `> ${required}`, 'the script printed no answer'],
    ['required names no boot', required.replace(bootId, ''), 'garbled'],
    ['not required names no boot', notRequired.replace(bootId, ''), 'garbled'],
    ['it says required and why not', required.replace('reason=', 'reason=noBootId'), 'garbled'],
    ['it says not required and why', notRequired.replace('reason=', 'reason=timeout'), 'garbled'],
    ['not required names an age', notRequired.replace('age=', 'age=7'), 'garbled'],
    ['not required names packages', notRequired.replace('packages=', 'packages=libc6'), 'garbled'],
  ])('is unknown when %s', (_what, stdout, reason) => {
    const probe = parseProbe(stdout);
    expect(probe).toEqual({ kind: 'unknown', reason: expect.stringContaining(reason) as string });
  });

  it('is never more than unknown when any one character of it is changed, lost or added', () => {
    const place = fc.nat({ max: required.indexOf('boot=') });
    const character = fc.string({ unit: 'binary', minLength: 0, maxLength: 2 });
    fc.assert(
      fc.property(place, character, fc.nat({ max: 1 }), (at, inserted, removed) => {
        const text = required.slice(0, at) + inserted + required.slice(at + removed);
        fc.pre(text !== required && !text.includes('\n'));
        expect(parseProbe(text).kind).toBe('unknown');
      }),
    );
  });

  it('is unknown for any text that holds no whole line of ours', () => {
    const piece = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('AKSREBOOT2 ', 'required', `boot=${bootId}`, ' END', '\n', 'reason= '),
      fc.nat({ max: required.length - 1 }).map((length) => required.slice(0, length)),
      fc.integer({ min: 1, max: required.length }).map((from) => required.slice(from)),
    );
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const text = pieces.join('');
        const whole = (line: string) => /^AKSREBOOT2 .* END\s*$/u.test(line);
        fc.pre(!text.split('\n').some(whole));
        expect(parseProbe(text).kind).toBe('unknown');
      }),
    );
  });
});

describe('a need', () => {
  const need = (packages: string[]) =>
    needOf(
      { kind: 'required', bootId, kernel: 'k', uptimeSeconds: 1, birth: 0, packages },
      '2026-11-23T00:00:00.000Z',
    );

  it('that names no packages has a hash that tells it from all that do', () => {
    expect(need([]).hash).toBe(unnamedNeed);
    expect(need(['unnamed']).hash).not.toBe(unnamedNeed);
  });

  it('has the same hash in whatever order the packages come, and another for others', () => {
    expect(need(['b', 'a']).hash).toBe(need(['a', 'b']).hash);
    expect(need(['a', 'b']).hash).not.toBe(need(['a']).hash);
    expect(need(['a', 'b']).packages).toEqual(['a', 'b']);
  });
});

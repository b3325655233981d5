import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { parseRestart, restartScript } from '../../src/domain/guestRestart.ts';

const bootId = '0b1e5f9c-4c1e-4f6b-9d6e-2f0a6f1c7d3a';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'restart-'));
  put('proc/sys/kernel/random/boot_id', `${bootId}\n`);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function put(path: string, text: string, mode = 0o644): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
  chmodSync(join(root, path), mode);
}

/** Tools that note how they were called, and end with that code. */
function tools(codes: Partial<Record<'systemctl' | 'systemd-run' | 'shutdown', number>>): void {
  for (const [name, code] of Object.entries({ systemctl: 3, ...codes })) {
    put(`bin/${name}`, `#!/bin/sh\necho "${name} $*" >> "$CALLS"\nexit ${code}\n`, 0o755);
  }
}

function run(script = restartScript(bootId)) {
  const calls = join(root, 'calls');
  const { stdout, stderr, status } = spawnSync('/bin/sh', ['-s'], {
    input: script,
    encoding: 'utf8',
    cwd: root,
    env: { PATH: `${join(root, 'bin')}:/usr/bin:/bin`, AKS_REBOOT_ROOT: root, CALLS: calls },
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const called = existsSync(calls) ? readFileSync(calls, 'utf8').trim().split('\n') : [];
  return {
    answer: parseRestart(stdout),
    called: called.filter((call) => !/is-active/u.test(call)),
  };
}

const byTimer = 'systemd-run --quiet --on-active=15 --unit=aks-reboot-restart systemctl reboot';

describe('the script that has a node restart itself', () => {
  it('leaves it to a timer of systemd, in a little while', () => {
    tools({ 'systemd-run': 0, shutdown: 0 });
    const { answer, called } = run();
    expect(answer).toEqual({ kind: 'scheduled', by: 'systemdRun' });
    expect(called).toEqual([byTimer]);
  });

  it('takes shutdown where that does not work', () => {
    tools({ 'systemd-run': 1, shutdown: 0 });
    const { answer, called } = run();
    expect(answer).toEqual({ kind: 'scheduled', by: 'shutdown' });
    expect(called).toEqual([byTimer, 'shutdown -r +1']);
  });

  it('refuses where nothing works, and takes back what may have been begun', () => {
    tools({ 'systemd-run': 1, shutdown: 1 });
    const { answer, called } = run();
    expect(answer).toEqual({ kind: 'refused', by: 'noTool' });
    expect(called.slice(2)).toEqual(['systemctl stop aks-reboot-restart.timer', 'shutdown -c']);
  });

  it('does nothing on another boot, however late it comes', () => {
    tools({ 'systemd-run': 0, shutdown: 0 });
    put('proc/sys/kernel/random/boot_id', `${bootId.replaceAll('0', '1')}\n`);
    expect(run()).toEqual({ answer: { kind: 'otherBoot' }, called: [] });
  });

  it('does nothing where the boot can not be told', () => {
    tools({ 'systemd-run': 0, shutdown: 0 });
    rmSync(join(root, 'proc'), { recursive: true });
    expect(run()).toEqual({ answer: { kind: 'refused', by: 'noBootId' }, called: [] });
  });

  it('asks no second time while the timer of the first is running', () => {
    tools({ 'systemd-run': 0, shutdown: 0, systemctl: 0 });
    expect(run()).toEqual({ answer: { kind: 'scheduled', by: 'earlier' }, called: [] });
  });

  it.each(["'; reboot; '", '$(reboot)', 'a b', '', 'a'.repeat(65), 'boot\nid'])(
    'takes nothing for a boot id that is none: %j',
    (claimed) => expect(() => restartScript(claimed)).toThrow('not a boot id'),
  );
});

describe('its answer', () => {
  const line = (kind: string, by = 'systemdRun') =>
    `AKSRESTART1 ${kind} boot=${bootId} by=${by} END`;

  it('is found among what others print', () => {
    expect(parseRestart(`wall: going down\n${line('scheduled')}\n`)).toMatchObject({
      kind: 'scheduled',
    });
  });

  it.each([
    ['nothing', ''],
    ['the agent instead', "Last script execution didn't finish."],
    ['half a line', line('scheduled').slice(0, -4)],
    ['two lines', `${line('scheduled')}\n${line('refused')}`],
    ['a kind that is none', line('maybe')],
    ['its own timeout', 'AKSRESTART1 unknown boot= by=timeout END'],
  ])('is unknown when it is %s', (_name, stdout) => {
    expect(parseRestart(stdout).kind).toBe('unknown');
  });

  it('is never a refusal unless it is exactly that', () => {
    fc.assert(
      fc.property(fc.nat(line('refused').length - 1), fc.string(), (at, other) => {
        const text = line('refused', 'noTool');
        const cut = text.slice(0, at) + other.replaceAll('\n', '') + text.slice(at + 1);
        fc.pre(cut.trimEnd() !== text && !/by=[A-Za-z]+ END$/u.test(cut));
        expect(parseRestart(cut).kind).toBe('unknown');
      }),
    );
  });
});

import type { Machine } from './world.ts';

/** What runs a script on a machine, as root, and tells what it printed. */
export interface Guest {
  /** @param now the simulation's clock, epoch milliseconds */
  run(machine: Machine, script: string, now: number): Promise<Output>;
  stop(): Promise<void>;
}

export interface Output {
  stdout: string;
  stderr: string;
  /** The script has asked the machine to reboot itself, so soon. */
  rebootInSeconds?: number;
}

const probeHeader = '# aks-reboot probe v2';
const usualSentinel = '/var/run/reboot-required';

/** The value of a shell assignment `name='value'`, as our scripts begin with. */
function assigned(script: string, name: string): string | undefined {
  return new RegExp(`^${name}='([^']*)'$`, 'm').exec(script)?.[1];
}

/** The boot id that a script sees on the machine; undefined where it cannot be read. */
export function visibleBootId({ behaviour, bootId }: Machine): string | undefined {
  if (behaviour.probe === 'noBootId') return undefined;
  return behaviour.probe === 'otherBootId' ? bootId.replaceAll(/[0-9a-f]/g, '0') : bootId;
}

/** The line that our probe script prints last, as it would be on this machine. */
function probeLine(machine: Machine, script: string, now: number): string {
  const bootId = visibleBootId(machine);
  const seen =
    assigned(script, 'command') === '' ? fileOn(machine, script) : commandOn(machine, script);
  const { verdict, reason } =
    bootId === undefined ? { verdict: 'unknown', reason: 'noBootId' } : seen;
  const packages = verdict === 'required' ? (seen.packages ?? []) : [];
  const aged = verdict === 'required' && seen.packages !== undefined;
  return [
    'AKSREBOOT2',
    verdict,
    `boot=${bootId ?? ''}`,
    `uptime=${Math.floor((now - machine.bootedAt) / 1000)}`,
    `kernel=${machine.kernel}`,
    `birth=${Math.floor(machine.bornAt / 1000)}`,
    `age=${aged ? Math.floor((now - machine.sentinelAt) / 1000) : ''}`,
    `packages=${[...new Set(packages)].sort().join(',')}`,
    `reason=${reason}`,
    'END',
  ].join(' ');
}

interface Seen {
  verdict: string;
  reason: string;
  packages?: readonly string[];
}

function fileOn({ packages }: Machine, script: string): Seen {
  const isThere = assigned(script, 'sentinel') === usualSentinel && packages !== undefined;
  return isThere
    ? { verdict: 'required', reason: '', packages }
    : { verdict: 'notRequired', reason: '' };
}

/** The command itself is nobody's here: the machine says how it ends. */
function commandOn({ behaviour, packages }: Machine, script: string): Seen {
  const code = String(behaviour.commandExit ?? (packages === undefined ? 1 : 0));
  const says = (name: string) => assigned(script, name)?.split(' ').includes(code) === true;
  if (says('required')) return { verdict: 'required', reason: '' };
  return says('spared')
    ? { verdict: 'notRequired', reason: '' }
    : { verdict: 'unknown', reason: `exit${code}` };
}

const restartHeader = '# aks-reboot restart v1';

/** Whether a script is our restart: what the audit log calls it. */
export function isRestartScript(script: string): boolean {
  return script.startsWith(restartHeader);
}

/** What our restart script does on this machine: it has systemd, unless it behaves badly. */
function restartOutput(machine: Machine, script: string): Output {
  const boot = visibleBootId(machine) ?? '';
  const say = (kind: string, by: string): Output => ({
    stdout: `AKSRESTART1 ${kind} boot=${boot} by=${by} END\n`,
    stderr: '',
  });
  if (boot === '') return say('refused', 'noBootId');
  if (boot !== assigned(script, 'expected')) return say('otherBoot', 'nobody');
  if (machine.behaviour.restart === 'fails') return say('refused', 'noTool');
  const delay = /--on-active=(\d+)/.exec(script)?.[1];
  return { ...say('scheduled', 'systemdRun'), rebootInSeconds: Number(delay) };
}

/** A quick stand-in: knows our scripts by their first lines, and refuses any other. */
export function modelGuest(): Guest {
  return {
    run(machine, script, now) {
      if (isRestartScript(script)) return Promise.resolve(restartOutput(machine, script));
      if (!script.startsWith(probeHeader)) {
        const stderr = 'the model guest knows only our own scripts; use the shell guest\n';
        return Promise.resolve({ stdout: '', stderr });
      }
      return Promise.resolve({ stdout: `${probeLine(machine, script, now)}\n`, stderr: '' });
    },
    stop: () => Promise.resolve(),
  };
}

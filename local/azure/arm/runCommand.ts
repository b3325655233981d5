import type { Clock } from '../../clock.ts';
import type { Timings } from '../fleet.ts';
import type { AuditAction } from '../audit.ts';
import type { Otherwise } from '../fleet.ts';
import { isRestartScript } from '../world/guest.ts';
import type { Guest, Output } from '../world/guest.ts';
import { around } from '../world/lifecycle.ts';
import type { End, Lifecycle } from '../world/lifecycle.ts';
import type { Machine } from '../world/world.ts';
import { conflict, failure } from './answer.ts';
import type { ArmAnswer } from './answer.ts';
import type { Operations } from './operations.ts';
import type { Call } from './route.ts';

/**
 * The action run command of a machine: one script at a time, its exit code lost, its output cut.
 */
export type RunCommand = (machine: Machine, call: Call) => ArmAnswer;

export interface RunCommandOptions {
  clock: Clock;
  timings: Timings;
  guest: Guest;
  lifecycle: Lifecycle;
  operations: Operations;
  otherwise: readonly Otherwise[];
}

const outputBytes = 4096;

const inProgress = conflict(
  'Conflict',
  'Run command extension execution is in progress. ' +
    'Please wait for completion before invoking a run command.',
);
const agentSilent = conflict(
  'OperationNotAllowed',
  'VMAgentStatusCommunicationError: VM has not reported status for VM agent or extensions. ' +
    'Verify that the OS is up and healthy, and that the VM has a running VM agent.',
);

const otherCommand = failure(400, {
  code: 'InvalidParameter',
  message: 'Only RunShellScript with a script and no parameters is simulated.',
});

interface Input {
  commandId: string;
  script: string[];
}

function parseInput(body: string): Input | undefined {
  let input: unknown;
  try {
    input = JSON.parse(body);
  } catch {
    return undefined;
  }
  const { commandId, script, parameters } = input as Record<string, unknown>;
  if (commandId !== 'RunShellScript' || !Array.isArray(script) || parameters !== undefined) {
    return undefined;
  }
  return { commandId, script: script.map(String) };
}

/** How the audit log calls what a script is sent for. */
export function scriptAction({ body }: Call): AuditAction {
  return isRestartScript(parseInput(body)?.script.join('\n') ?? '') ? 'restart' : 'probe';
}

/** The last bytes of a text: what is left of a longer output. */
function tail(text: string): string {
  const bytes = Buffer.from(text);
  return bytes.subarray(Math.max(0, bytes.length - outputBytes)).toString('utf8');
}

/** Linux gives one element with both streams in it; Windows would give two. */
const saying = (message: string): End => ({
  kind: 'succeeded',
  output: {
    value: [
      {
        code: 'ProvisioningState/succeeded',
        level: 'Info',
        displayStatus: 'Provisioning succeeded',
        message,
      },
    ],
  },
});

/** Somebody else's words on standard error, and one limit for both streams. */
function sharing({ stdout, stderr, ...rest }: Output): Output {
  const noise = `${stderr}${'sh: warning\n'.repeat(250)}`;
  const room = Math.max(0, outputBytes - Buffer.byteLength(noise));
  return { ...rest, stdout: room === 0 ? '' : stdout.slice(-room), stderr: noise };
}

/** Azure's own limit on a script that hangs. */
const longestScriptMs = 90 * 60_000;

/** For how long a script counts as running that is over; one that was cut off may do so. */
const heldMs = (script: string | undefined, otherwise: readonly Otherwise[]) =>
  script !== undefined && isRestartScript(script) && otherwise.includes('scriptHolds')
    ? longestScriptMs
    : 0;

const resultOf = ({ stdout, stderr }: Output): End =>
  saying(`Enable succeeded: \n[stdout]\n${tail(stdout)}\n[stderr]\n${tail(stderr)}`);

/** What comes back of it, as the machine behaves. */
function told({ behaviour }: Machine, output: Output): End {
  if (output.rebootInSeconds !== undefined && behaviour.restart === 'happensUnseen') {
    return cutOff;
  }
  const { stdout } = output;
  if (behaviour.probe === 'silent') return resultOf({ stdout: '', stderr: '' });
  if (behaviour.probe !== 'garbled') return resultOf(output);
  return resultOf({ stdout: stdout.slice(0, Math.floor(stdout.length / 2)), stderr: '' });
}

/** The machine was gone before its agent could tell the script's end. */
const cutOff = saying("Last script execution didn't finish.");

const failed = (code: string, message: string): End => ({ kind: 'failed', code, message });
const timedOut = failed(
  'VMExtensionProvisioningTimeout',
  'Provisioning of VM extension timed out.',
);

/** Why a machine takes no script now, if it takes none. */
function refusalOf(
  { behaviour, scriptRuns, restarts }: Machine,
  otherwise: readonly Otherwise[],
): ArmAnswer | undefined {
  if (behaviour.probe === 'agentDead') return agentSilent;
  const isRestarting = restarts.running > 0 && otherwise.includes('busyWhileRestarting');
  return behaviour.probe === 'conflict' || scriptRuns || isRestarting ? inProgress : undefined;
}

export function createRunCommand(options: RunCommandOptions): RunCommand {
  const { clock, timings } = options;

  /** Runs the script, and with it what it has the machine do. */
  const run = async (machine: Machine, script: string): Promise<Output> => {
    const output = await options.guest.run(machine, script, clock.now());
    const { rebootInSeconds } = output;
    if (rebootInSeconds !== undefined) options.lifecycle.rebootItself(machine, rebootInSeconds);
    return options.otherwise.includes('sharedOutput') ? sharing(output) : output;
  };

  const result = async (machine: Machine, script: string): Promise<End> => {
    const { probe = 'healthy' } = machine.behaviour;
    if (machine.phase !== 'up') {
      return timedOut;
    }
    if (machine.pool.settings.os === 'Windows') {
      return failed('VMExtensionProvisioningError', 'RunShellScript needs a Linux machine.');
    }
    switch (probe) {
      case 'hangs':
        return timedOut;
      case 'fails':
      case 'agentDead':
      case 'conflict':
        return failed(
          'VMExtensionProvisioningError',
          "VM has reported a failure when processing extension 'RunCommandLinux'.",
        );
      case 'silent':
      case 'garbled':
      case 'healthy':
      case 'noBootId':
      case 'otherBootId':
        return told(machine, await run(machine, script));
    }
  };

  const finish = async (machine: Machine, script: string | undefined, end: (end: End) => void) => {
    const release = clock.busy();
    try {
      end(script === undefined ? timedOut : await result(machine, script));
    } catch (error) {
      end(failed('VMExtensionProvisioningError', String(error)));
    } finally {
      const held = heldMs(script, options.otherwise);
      if (held === 0) machine.scriptRuns = false;
      else clock.at(clock.now() + held, () => (machine.scriptRuns = false));
      release();
    }
  };

  return (machine, call) => {
    const input = parseInput(call.body);
    if (input === undefined) return otherCommand;
    const script = input.script.join('\n');
    call.detail['script'] = script.split('\n')[0] ?? '';
    const { probe = 'healthy', restart } = machine.behaviour;
    const hangs = probe === 'hangs' || (restart === 'neverStarts' && isRestartScript(script));
    const refusal = refusalOf(machine, options.otherwise);
    if (refusal !== undefined) return refusal;

    const begun = options.operations.begin(machine, call.apiVersion, 200);
    const durationMs = hangs
      ? timings.scriptTimeoutMinutes * 60_000
      : around(machine, timings.runCommandSeconds, timings.spread);
    machine.scriptRuns = true;
    call.detail['operation'] = begun.id;
    clock.at(
      clock.now() + durationMs,
      () => void finish(machine, hangs ? undefined : script, begun.end),
    );
    return begun.accepted;
  };
}

import type { Clock } from '../../clock.ts';
import type { CommandBehaviour, Otherwise, Timings } from '../fleet.ts';
import { kubernetesAudience, verifyToken } from '../identity.ts';
import { pick } from '../random.ts';
import type { Random } from '../random.ts';
import type { CommandShell } from '../world/commandShell.ts';
import { startCommandPod } from '../world/commandPod.ts';
import type { CommandPod } from '../world/commandPod.ts';
import type { Cluster } from '../world/world.ts';
import { failure, ok } from './answer.ts';
import type { ArmAnswer } from './answer.ts';
import type { Call } from './route.ts';

/**
 * AKS run command: a pod in the cluster runs a shell command. Its request is answered at once; that
 * its pod could not be scheduled is told where its result would be.
 */
export interface ClusterCommands {
  start(cluster: Cluster, call: Call): ArmAnswer;
  result(cluster: Cluster, id: string, call: Call): ArmAnswer;
}

export interface ClusterCommandsOptions {
  clock: Clock;
  timings: Timings;
  random: Random;
  /** Runs a command as somebody, at the cluster's API server. */
  shell: CommandShell;
  origin: () => string;
  otherwise: readonly Otherwise[];
}

interface Command {
  cluster: Cluster;
  /** Undefined while it runs. */
  end: ArmAnswer | undefined;
}

const outputBytes = 512 * 1024;

export function createClusterCommands(options: ClusterCommandsOptions): ClusterCommands {
  const { clock, random, otherwise } = options;
  const commands = new Map<string, Command>();

  const begin = (cluster: Cluster, command: string, user: CommandUser) => {
    const id = pick(random, '0123456789abcdef', 32);
    const begun: Command = { cluster, end: undefined };
    commands.set(id, begun);
    const pod = startCommandPod({ clock, cluster, name: `command-${id}` });
    const end = (how: End) => {
      begun.end = answerOf(id, how, otherwise);
      const succeeded = how.kind === 'ran' && how.exitCode === 0;
      pod.end(succeeded ? (otherwise.includes('commandPodsStay') ? 'stays' : 'goes') : 'failed');
    };
    carryOut(options, { cluster, pod, command, user }).then(end, (error: unknown) =>
      end({ kind: 'failed', reason: String(error) }),
    );
    return id;
  };
  const location = (cluster: Cluster, id: string, { apiVersion }: Call) =>
    `${options.origin()}${cluster.id}/commandResults/${id}?api-version=${apiVersion}`;

  return {
    start(cluster, call) {
      const input = parseInput(call.body);
      if (input === undefined) return invalid('The command is missing.');
      if (cluster.settings.disableRunCommand) {
        return failure(400, {
          code: 'OperationNotAllowed',
          message: 'Run command is disabled for this cluster.',
        });
      }
      const entra = cluster.settings.access === 'entra';
      if (entra && input.clusterToken === '') {
        return invalid('clusterToken is required for AAD enabled clusters.');
      }
      const user: CommandUser = entra
        ? { kind: 'token', token: input.clusterToken }
        : { kind: 'admin', actor: call.actor };
      const id = begin(cluster, input.command, user);
      call.detail['command'] = id;
      return { status: 202, headers: { location: location(cluster, id, call) }, body: undefined };
    },
    result(cluster, id, call) {
      const command = commands.get(id);
      if (command === undefined || command.cluster !== cluster) {
        return failure(404, { code: 'NotFound', message: `Command ${id} was not found.` });
      }
      const { end } = command;
      if (end !== undefined) return end;
      return { status: 202, headers: { location: location(cluster, id, call) }, body: undefined };
    },
  };
}

/** As whom a command runs: the token's identity, or the cluster's own administrator. */
export type CommandUser = { kind: 'token'; token: string } | { kind: 'admin'; actor: string };

/** The user's name at the API server; undefined for a token that it would not take. */
export function nameOf(user: CommandUser): string | undefined {
  if (user.kind === 'admin') return user.actor;
  const verdict = verifyToken(`Bearer ${user.token}`, [kubernetesAudience]);
  return verdict.kind === 'valid' ? verdict.principal.actor : undefined;
}

interface Running {
  cluster: Cluster;
  pod: CommandPod;
  command: string;
  user: CommandUser;
}

type End =
  | { kind: 'ran'; exitCode: number; output: string; startedAt: number; endedAt: number }
  | { kind: 'failed'; reason: string }
  | { kind: 'notStarted' };

/** Waits for the pod, runs the command in it, and is cut short when the pod goes away. */
async function carryOut(
  { clock, timings, shell, otherwise }: ClusterCommandsOptions,
  { cluster, pod, command, user }: Running,
): Promise<End> {
  const half = (timings.commandSeconds * 1000) / 2;
  const { commands: behaviour } = cluster;
  if (behaviour === 'pullFails') {
    await clock.sleep(2 * half);
    return { kind: 'failed', reason: 'ImagePullBackOff' };
  }
  if (!(await pod.started())) return { kind: 'notStarted' };
  const startedAt = clock.now();
  if (behaviour === 'hangs') await clock.sleep(timings.scriptTimeoutMinutes * 60_000);
  await clock.sleep(half);
  if (!pod.runs()) return podGone;
  // Nothing else happens in the cluster meanwhile: the real time that it takes is none there.
  const release = clock.busy();
  const { exitCode, output } = await shell.run({ cluster, user, command }).finally(release);
  await clock.sleep(half);
  if (!pod.runs()) return podGone;
  return {
    kind: 'ran',
    exitCode,
    output: capped(output, behaviour, otherwise.includes('keepsTail') ? 'tail' : 'head'),
    startedAt,
    endedAt: clock.now(),
  };
}

const podGone: End = { kind: 'failed', reason: 'the pod was deleted' };

/** Of too long an output one end is kept. */
function capped(output: string, behaviour: CommandBehaviour, end: 'head' | 'tail'): string {
  const bytes = Buffer.from(output);
  const kept = behaviour === 'cut' ? Math.floor(bytes.length / 2) : outputBytes;
  const from = end === 'head' ? 0 : Math.max(0, bytes.length - kept);
  return bytes.subarray(from, from + kept).toString('utf8');
}

function answerOf(id: string, end: End, otherwise: readonly Otherwise[]): ArmAnswer {
  switch (end.kind) {
    case 'ran': {
      const startedAt = new Date(end.startedAt).toISOString();
      const finishedAt = new Date(end.endedAt).toISOString();
      const { exitCode, output: logs } = end;
      const provisioningState = 'Succeeded';
      return ok({ id, properties: { provisioningState, exitCode, startedAt, finishedAt, logs } });
    }
    case 'failed':
      return ok({ id, properties: { provisioningState: 'Failed', reason: end.reason } });
    case 'notStarted':
      if (otherwise.includes('unscheduledResult')) {
        const reason = 'KubernetesPerformanceError: the container did not start within 60s';
        return ok({ id, properties: { provisioningState: 'Failed', reason } });
      }
      return failure(404, {
        code: 'KubernetesPerformanceError',
        message:
          `Failed to run command due to cluster perf issue, container command-${id} in ` +
          'aks-command namespace did not start within 60s on your cluster, retry may helps. If ' +
          'issue persist, you may need to tune your cluster with better performance (larger ' +
          'node/paid tier).',
      });
  }
}

const invalid = (message: string): ArmAnswer => failure(400, { code: 'InvalidParameter', message });

function parseInput(body: string): { command: string; clusterToken: string } | undefined {
  let input: unknown;
  try {
    input = JSON.parse(body);
  } catch {
    return undefined;
  }
  const { command, clusterToken = '' } = input as Record<string, unknown>;
  if (typeof command !== 'string' || command === '' || typeof clusterToken !== 'string') {
    return undefined;
  }
  return { command, clusterToken };
}

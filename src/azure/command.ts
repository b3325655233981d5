import { restorePoller } from '@azure/arm-containerservice';
import type { ContainerServiceClient, RunCommandResult } from '@azure/arm-containerservice';
import type { ClusterFacts } from '../domain/cluster.ts';
import { forPeople, TroubleError } from '../domain/trouble.ts';
import type { TroubleKind } from '../domain/trouble.ts';
import type { Clock, ClusterCommands } from '../ports.ts';
import { lookAtOperation, startOperation } from './operation.ts';
import type { Look } from './operation.ts';

export interface CommandOptions {
  client: ContainerServiceClient;
  cluster: ClusterFacts;
  /** The Entra token as whom the command runs; none for clusters with local accounts. */
  token: (() => Promise<string>) | undefined;
  clock: Clock;
}

/** As often as `az aks command invoke` looks; all of AKS's other requests share one a second. */
const lookEveryMs = 5000;

/**
 * A command whose pod can't be scheduled fails after 60 s, and our scripts begin nothing in their
 * 46th second. Who asked in vain asks again: everything that is asked this way is conditional.
 */
const patienceMs = 120_000;

/**
 * What an activity has read and judged must not be much older when it acts: after so long it
 * begins nothing more, and is begun anew.
 */
const activityMs = 240_000;

/**
 * AKS run command: a pod in the cluster runs the command. The activity that asks waits for it,
 * asleep (docs/decisions/0014), and uses what it is given here alone.
 */
export function clusterCommands(options: CommandOptions): ClusterCommands {
  const { clock } = options;
  const opened = clock.now();
  return {
    async run(command) {
      const begun = clock.now();
      if (begun - opened > activityMs) {
        throw trouble('timeout', `this step has taken ${activityMs / 1000} s, it begins anew`);
      }
      let operation = await start(options, command);
      for (;;) {
        await clock.sleep(lookEveryMs);
        const look = await lookOrWait(options, operation, begun);
        if (look.kind === 'succeeded') return outputOf(look.result);
        if (look.kind === 'failed') throw trouble('unreachable', look.value);
        operation = look.token;
        if (clock.now() - begun > patienceMs) {
          throw trouble('timeout', `it has not ended after ${patienceMs / 1000} s`);
        }
      }
    },
  };
}

/** Longer pauses are the orchestrator's. */
const shortPauseSeconds = 20;

/** Asks for the command: again after a short pause where Azure, or our own allowance, says so. */
async function start(
  { client, cluster, token, clock }: CommandOptions,
  command: string,
): Promise<string> {
  const { resourceGroup, name } = cluster.id;
  for (;;) {
    // Fetched for each command and kept nowhere: it is the identity's whole power in the cluster.
    const clusterToken = (await token?.()) ?? '';
    const parameters = { command, context: '', clusterToken };
    const started = await startOperation(() =>
      client.managedClusters.runCommand(resourceGroup, name, parameters),
    );
    if (started.kind === 'started') return started.token;
    const { retryAfterSeconds = Infinity } = started.trouble;
    if (started.kind === 'unsure' || retryAfterSeconds > shortPauseSeconds) {
      throw new TroubleError(started.trouble);
    }
    await clock.sleep(retryAfterSeconds * 1000);
  }
}

/** One look; where only the look failed, and passing trouble was why, the command still runs. */
async function lookOrWait(
  { client, clock }: CommandOptions,
  operation: string,
  begun: number,
): Promise<Look<RunCommandResult>> {
  try {
    return await lookAtOperation(operation, (token) =>
      restorePoller(client, token, client.managedClusters.runCommand),
    );
  } catch (error) {
    if (!(error instanceof TroubleError)) throw error;
    const { kind, value, status = 500, retryAfterSeconds = 0 } = error.trouble;
    // So says Microsoft's page on failures of `az aks command invoke`.
    if (kind === 'notFound') throw trouble('unreachable', `its pod did not get to run: ${value}`);
    const passing = kind === 'throttled' || kind === 'timeout' || kind === 'unreachable';
    const left = begun + patienceMs - clock.now();
    if (!passing || (status < 500 && kind !== 'throttled') || retryAfterSeconds * 1000 > left) {
      throw error;
    }
    await clock.sleep(retryAfterSeconds * 1000);
    return { kind: 'running', token: operation };
  }
}

/** To the SDK it is a success whatever became of the command: both verdicts are read here. */
function outputOf(result: RunCommandResult | undefined): string {
  const { provisioningState = '', reason = '', exitCode, logs = '' } = result ?? {};
  if (provisioningState.toLowerCase() !== 'succeeded') {
    throw trouble('unreachable', `AKS says ${provisioningState || 'nothing of it'} ${reason}`);
  }
  if (exitCode === 0) return logs;
  throw trouble('invalid', `exit code ${exitCode ?? 'unknown'}: ${logs.slice(-300)}`);
}

function trouble(kind: TroubleKind, value: string): TroubleError {
  return new TroubleError({ kind, value: forPeople(`AKS run command: ${value}`) });
}

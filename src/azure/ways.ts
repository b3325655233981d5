import type { ContainerServiceClient } from '@azure/arm-containerservice';
import type { TokenCredential } from '@azure/identity';
import { accessAfterTry, chooseAccess } from '../decide/access.ts';
import type { Access, WantedAccess } from '../domain/access.ts';
import type { ClusterFacts } from '../domain/cluster.ts';
import { forPeople, isTransient, TroubleError } from '../domain/trouble.ts';
import type { Trouble } from '../domain/trouble.ts';
import type {
  ApiServer,
  Azure,
  Clock,
  ClusterCommands,
  Kubernetes,
  KubernetesAccess,
  Log,
} from '../ports.ts';
import { clusterAccess } from './access.ts';
import { clusterCommands } from './command.ts';

export interface WaysInOptions {
  credential: TokenCredential;
  clock: Clock;
  log: Log;
  containers: (subscription: string) => ContainerServiceClient;
  connect: {
    api: (access: KubernetesAccess) => ApiServer;
    runCommand: (commands: ClusterCommands) => Kubernetes;
  };
}

/**
 * What was found out by trying holds for so long: networks change seldom, and one lost connection
 * must not send a whole run another way.
 */
const triedMinutes = 30;
const secondTryMs = 2000;

/** The ways into clusters: which one is taken, and the connections. */
export function createWaysIn(options: WaysInOptions): Pick<Azure, 'access' | 'kubernetes'> {
  const { clock, log, connect, containers } = options;
  const accessOf = clusterAccess(options);
  const apiServers = new Map<string, ApiServer>();
  const tried = new Map<string, { access: Access; until: number }>();
  const keyOf = ({ id, entra }: ClusterFacts) => `${id.id.toLowerCase()} ${entra}`;

  const apiServer = async (cluster: ClusterFacts): Promise<ApiServer> => {
    const access = accessOf(cluster);
    // Fails here, where it is a person's to grant, and not within the first call.
    await access.kubeconfig('known');
    const key = keyOf(cluster);
    const connection = apiServers.get(key) ?? connect.api(access);
    apiServers.set(key, connection);
    return connection;
  };

  /** What keeps us from the API server, if anything does. Passing trouble of ARM is thrown. */
  const tryApi = async (cluster: ClusterFacts): Promise<Trouble | undefined> => {
    const connection = await troubleOrNot(apiServer(cluster));
    if (connection.kind === 'trouble') {
      // It says nothing of the network between us and the cluster.
      if (isTransient(connection.trouble)) throw new TroubleError(connection.trouble);
      return connection.trouble;
    }
    const first = await troubleOrNot(connection.value.reach());
    if (first.kind !== 'trouble') return undefined;
    await clock.sleep(secondTryMs);
    const second = await troubleOrNot(connection.value.reach());
    return second.kind === 'trouble' ? second.trouble : undefined;
  };

  const access = async (cluster: ClusterFacts, wanted: WantedAccess): Promise<Access> => {
    const choice = chooseAccess(wanted, cluster);
    if (choice.kind === 'chosen') return choice.access;
    if (choice.kind === 'none') throw new TroubleError(choice.trouble);
    const known = tried.get(keyOf(cluster));
    if (known !== undefined && clock.now() < known.until) return known.access;
    const found = accessAfterTry(cluster, await tryApi(cluster));
    tried.set(keyOf(cluster), { access: found, until: clock.now() + triedMinutes * 60_000 });
    const message = `cluster ${cluster.id.name} is reached by ${found.way}: ${found.why}`;
    log({ level: 'info', message, detail: { ...found } });
    return found;
  };

  /** That run command is not for us, either, says nothing new of the network: it is tried again. */
  const secondChoice = (cluster: ClusterFacts, error: unknown): unknown => {
    const found = tried.get(keyOf(cluster));
    const refused = error instanceof TroubleError && error.trouble.kind === 'forbidden';
    if (found === undefined || !refused) return error;
    tried.delete(keyOf(cluster));
    const value = forPeople(`${error.trouble.value}; ${found.access.why}`);
    return new TroubleError({ kind: 'unreachable', value });
  };

  return {
    access,
    async kubernetes(cluster, way) {
      switch (way) {
        case 'api':
          return apiServer(cluster);
        case 'runCommand': {
          const client = containers(cluster.id.subscription);
          const { token } = accessOf(cluster);
          const commands = clusterCommands({ client, cluster, token, clock });
          return connect.runCommand({
            run: (command) =>
              commands.run(command).catch((error: unknown) => {
                throw secondChoice(cluster, error);
              }),
          });
        }
      }
    },
  };
}

async function troubleOrNot<T>(
  asked: Promise<T>,
): Promise<{ kind: 'value'; value: T } | { kind: 'trouble'; trouble: Trouble }> {
  try {
    return { kind: 'value', value: await asked };
  } catch (error) {
    if (!(error instanceof TroubleError)) throw error;
    return { kind: 'trouble', trouble: error.trouble };
  }
}

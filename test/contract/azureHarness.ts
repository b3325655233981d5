import type { TokenCredential } from '@azure/identity';
import { startAzure } from '../../local/azure/azure.ts';
import type { SimulatedAzure, SimulatedAzureOptions } from '../../local/azure/azure.ts';
import type { RequestSeen } from '../../local/azure/faults.ts';
import { parseFleet } from '../../local/azure/fleet.ts';
import type { Fault, Fleet, RequestFault } from '../../local/azure/fleet.ts';
import { issueToken } from '../../local/azure/identity.ts';
import { sleepUntil, virtualClock } from '../../local/clock.ts';
import { createAzure } from '../../src/azure/azure.ts';
import type { AzureOptions } from '../../src/azure/azure.ts';
import { parseClusterId, parseInstanceRef } from '../../src/domain/arm.ts';
import type { ClusterId, InstanceRef } from '../../src/domain/arm.ts';
import { TroubleError } from '../../src/domain/trouble.ts';
import type { Trouble } from '../../src/domain/trouble.ts';
import { createCommandKubernetes, createKubernetes } from '../../src/kubernetes/kubernetes.ts';
import type { Azure, Log } from '../../src/ports.ts';

export const subscription = '11111111-1111-4111-8111-111111111111';

export function clusterId(name: string, of = subscription): ClusterId {
  const id =
    `/subscriptions/${of}/resourceGroups/rg/providers` +
    `/Microsoft.ContainerService/managedClusters/${name}`;
  const parsed = parseClusterId(id);
  if (parsed === undefined) throw new Error(`not a cluster id: ${id}`);
  return parsed;
}

export interface Simulation {
  azure: SimulatedAzure;
  /** Every request that reached ARM or an API server, in order. */
  seen: RequestSeen[];
  logged: Parameters<Log>[0][];
  /** The adapter under test, as `controller`. */
  adapter(options?: Partial<AzureOptions>): Azure;
  /** Virtual time stands still until what it returns is called. */
  hold(): () => void;
  /** Lets virtual time go by. */
  pass(seconds: number): Promise<void>;
  /** Once, unless told otherwise, for requests to ARM. */
  fault(rule: Partial<RequestFault> & { path: string; fault: Fault }): void;
  stop(): Promise<void>;
}

/** Simulated Azure on loopback under virtual time, and adapters to it. */
export async function simulate(
  fleet: object,
  options: Pick<SimulatedAzureOptions, 'commands'> = {},
): Promise<Simulation> {
  const seen: RequestSeen[] = [];
  const logged: Parameters<Log>[0][] = [];
  const clock = virtualClock(Date.parse('2026-01-05T22:00:00Z'));
  const onRequest = (request: RequestSeen, when: 'before' | 'after') => {
    if (when === 'before') seen.push(request);
    return undefined;
  };
  const azure = await startAzure({ fleet: parsedFleet(fleet), clock, onRequest, ...options });
  return {
    azure,
    seen,
    logged,
    adapter: (options = {}) =>
      createAzure({
        credential: credentialOf('controller'),
        armEndpoint: azure.armEndpoint,
        ca: azure.ca,
        connect: { api: createKubernetes, runCommand: createCommandKubernetes },
        clock,
        log: (entry) => logged.push(entry),
        ...options,
      }),
    hold: () => clock.busy(),
    pass: (seconds) => sleepUntil(clock, clock.now() + seconds * 1000),
    fault: (rule) =>
      void azure.faults.add({ service: 'arm', skip: 0, times: 1, when: 'before', ...rule }),
    async stop() {
      clock.stop();
      await azure.stop();
    },
  };
}

/** Tokens as Entra gives them, without asking it. */
export function credentialOf(actor: string): TokenCredential {
  return {
    getToken: (scopes) => {
      const audience = [scopes].flat()[0]?.replace('/.default', '') ?? '';
      const expiresOnTimestamp = Date.now() + 3_600_000;
      const token = issueToken(actor, audience, Math.floor(expiresOnTimestamp / 1000));
      return Promise.resolve({ token, expiresOnTimestamp });
    },
  };
}

/** The trouble that a call ends in; throws when it ends well, or in anything else. */
export async function troubleOf(call: Promise<unknown>): Promise<Trouble> {
  try {
    await call;
  } catch (error) {
    if (error instanceof TroubleError) return error.trouble;
    throw error;
  }
  throw new Error('the call ended well');
}

export function refOf(id: string | undefined): InstanceRef {
  const ref = parseInstanceRef(id ?? '');
  if (ref === undefined) throw new Error(`not an instance: ${id}`);
  return ref;
}

function parsedFleet(input: object): Fleet {
  const read = parseFleet(input);
  if (read.kind !== 'fleet') throw new Error(JSON.stringify(read.value));
  return read.value;
}

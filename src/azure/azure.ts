import { ComputeManagementClient, restorePoller } from '@azure/arm-compute';
import type { RunCommandInput, RunCommandResult } from '@azure/arm-compute';
import { ContainerServiceClient } from '@azure/arm-containerservice';
import type { HttpClient } from '@azure/core-rest-pipeline';
import type { TokenCredential } from '@azure/identity';
import type { ClusterId, InstanceRef } from '../domain/arm.ts';
import { instanceRefId, isMachineName } from '../domain/arm.ts';
import type { Instance } from '../domain/cluster.ts';
import type { Maintenance } from '../domain/maintenance.ts';
import { isTransient, TroubleError } from '../domain/trouble.ts';
import type {
  ApiServer,
  Azure,
  Clock,
  ClusterCommands,
  Exchange,
  Kubernetes,
  KubernetesAccess,
  Log,
  ScriptPoll,
} from '../ports.ts';
import { firedAlerts } from './alerts.ts';
import { aksRate, createAllowance } from './allowance.ts';
import type { Rate } from './allowance.ts';
import { clusterFacts, instanceFacts, poolTag } from './facts.ts';
import { maintenanceOf, nodeOsSchedule } from './maintenance.ts';
import { itemsOf } from './pages.ts';
import { lookAtOperation, startOperation } from './operation.ts';
import type { Poller } from './operation.ts';
import { createRest } from './rest.ts';
import type { Rest } from './rest.ts';
import { readScriptResult } from './script.ts';
import { troubleOfUnexpected } from './trouble.ts';
import { createWaysIn } from './ways.ts';
import { wirePolicy } from './wire.ts';
import type { WireOptions } from './wire.ts';
import { listPermissions } from './permissions.ts';

export interface AzureOptions {
  credential: TokenCredential;
  /** Origin of ARM: `https://management.azure.com`, or that of a sovereign cloud. */
  armEndpoint: string;
  /** What our tokens are asked for; ARM's endpoint, unless that differs. */
  audience?: string;
  /** Trust only this authority (PEM) instead of those that Node trusts. */
  ca?: string;
  /** How a cluster's API server is talked to, over HTTPS and by AKS run command. */
  connect: {
    api: (access: KubernetesAccess) => ApiServer;
    runCommand: (commands: ClusterCommands) => Kubernetes;
  };
  clock: Clock;
  log: Log;
  /** Of each single request. */
  deadlineSeconds?: number;
  /** Told of every request and its answer. */
  onExchange?: (exchange: Exchange) => void;
  /** What carries requests to ARM, instead of the SDKs' own. */
  httpClient?: HttpClient;
}

/** With what all clients tell one place. */
type Wired = AzureOptions & Pick<WireOptions, 'onTime' | 'onExchange'>;

const defaultDeadlineSeconds = 30;
/** AKS answers a run command once its pod was scheduled, for which it waits up to 60 s. */
const commandStartSeconds = 75;

/**
 * ARM through the Azure SDKs: clients are made once for each subscription, and send everything
 * once. What comes back other than success is thrown as `TroubleError`.
 */
export function createAzure(given: AzureOptions): Azure {
  let skewSeconds: number | undefined;
  const options: Wired = {
    ...given,
    onExchange: given.onExchange ?? (() => {}),
    onTime: (time) => {
      skewSeconds = Math.round((time - given.clock.now()) / 1000);
    },
  };
  const compute = perSubscription((subscription) => computeClient(options, subscription));
  const containers = perSubscription((subscription) => containerClient(options, subscription));
  const rest = perSubscription((subscription) => restClient(options, subscription));
  const waysIn = createWaysIn({ ...options, containers });

  return {
    cluster: (id, also) =>
      readable(async () => {
        const client = containers(id.subscription);
        const { resourceGroup, name } = id;
        const maintenance = also === undefined ? notAsked : await readMaintenance(client, id);
        return clusterFacts(id, await client.managedClusters.get(resourceGroup, name), maintenance);
      }),
    instances: (cluster) =>
      readable(() => listInstances(compute(cluster.id.subscription), cluster.nodeResourceGroup)),
    instance: (ref) =>
      readable(() => absentAsUndefined(readInstance(compute(ref.subscription), ref))),
    skewSeconds: () => Promise.resolve(skewSeconds),
    permissions: (subscription, scope) =>
      readable(() => listPermissions(rest(subscription), scope)),
    startScript: (ref, script) =>
      startOperation(() => runScript(compute(ref.subscription), ref, script)),
    pollScript: (ref, token) => pollScript(compute(ref.subscription), token),
    startRestart: (ref) => startOperation(() => restart(compute(ref.subscription), ref)),
    pollRestart: async (ref, token) => {
      const client = compute(ref.subscription);
      const operation = client.virtualMachines.restart;
      const look = await lookAtOperation(token, (token) => restorePoller(client, token, operation));
      return look.kind === 'succeeded' ? { kind: 'succeeded' } : look;
    },
    alerts: (question) => readable(() => firedAlerts(rest(question.subscription), question)),
    ...waysIn,
  };
}

function perSubscription<Client>(create: (subscription: string) => Client) {
  const clients = new Map<string, Client>();
  return (subscription: string): Client => {
    const key = subscription.toLowerCase();
    const client = clients.get(key) ?? create(subscription);
    clients.set(key, client);
    return client;
  };
}

function computeClient(options: Wired, subscription: string): ComputeManagementClient {
  const client = new ComputeManagementClient(
    options.credential,
    subscription,
    clientOptions(options),
  );
  client.pipeline.addPolicy(wire(options, 'compute', subscription), { phase: 'Serialize' });
  return client;
}

function containerClient(options: Wired, subscription: string): ContainerServiceClient {
  const client = new ContainerServiceClient(
    options.credential,
    subscription,
    clientOptions(options),
  );
  const policy = wire(options, 'containerService', subscription, aksRate);
  client.pipeline.addPolicy(policy, { phase: 'Serialize' });
  return client;
}

function restClient(options: Wired, subscription: string): Rest {
  const { credentials, ...rest } = clientOptions(options);
  return createRest({
    ...rest,
    ca: options.ca,
    credential: options.credential,
    scopes: credentials.scopes,
    wire: wire(options, 'resourceManager', subscription),
  });
}

function clientOptions({ armEndpoint, audience, ca, httpClient }: AzureOptions) {
  const { origin } = new URL(armEndpoint);
  return {
    endpoint: origin,
    credentials: { scopes: [`${audience ?? origin}/.default`] },
    // The default sends a restart again after a 500 or a lost connection.
    retryOptions: { maxRetries: 0 },
    ...(ca === undefined ? {} : { tlsOptions: { ca } }),
    ...(httpClient === undefined ? {} : { httpClient }),
  };
}

function wire(options: Wired, service: string, subscription: string, rate?: Rate) {
  return wirePolicy({
    service,
    subscription,
    endpoint: new URL(options.armEndpoint),
    deadlineSeconds: ({ pathname }) =>
      pathname.endsWith('/runCommand')
        ? commandStartSeconds
        : (options.deadlineSeconds ?? defaultDeadlineSeconds),
    allowance: createAllowance(options.clock, rate),
    clock: options.clock,
    log: options.log,
    onTime: options.onTime,
    onExchange: options.onExchange,
  });
}

const notAsked: Maintenance = { kind: 'unknown', value: 'nobody asked for it' };

/** Passing trouble is thrown: asking again may help. Any other is an answer: nobody knows. */
async function readMaintenance(
  client: ContainerServiceClient,
  { resourceGroup, name }: ClusterId,
): Promise<Maintenance> {
  try {
    const list = client.maintenanceConfigurations.listByManagedCluster(resourceGroup, name);
    return maintenanceOf(await itemsOf(list));
  } catch (error) {
    const trouble = error instanceof TroubleError ? error.trouble : troubleOfUnexpected(error);
    if (isTransient(trouble)) throw error;
    return { kind: 'unknown', value: `${nodeOsSchedule} can't be read: ${trouble.value}` };
  }
}

/**
 * One request (a page) for the sets, one for each set's VMs, one for standalone VMs. ARM lists the
 * latter without their power state, except for a whole subscription, on which we ask for no right;
 * `instance` tells it.
 */
async function listInstances(client: ComputeManagementClient, group: string): Promise<Instance[]> {
  if (group === '') throw new Error('the cluster says no node resource group');
  const instances: Instance[] = [];
  for (const set of await itemsOf(client.virtualMachineScaleSets.list(group))) {
    // The VMs of a Flexible set are standalone VMs too.
    if (!isMachineName(set.name) || set.orchestrationMode === 'Flexible') continue;
    const list = client.virtualMachineScaleSetVMs.list(group, set.name, { expand: 'instanceView' });
    const vms = await itemsOf(list);
    instances.push(...vms.map((vm) => instanceFacts(vm.id, vm, set.tags)));
  }
  const vms = await itemsOf(client.virtualMachines.list(group));
  instances.push(...vms.map((vm) => instanceFacts(vm.id, vm)));
  // What has no id is nobody's machine.
  return instances.filter(({ id }) => id !== '');
}

async function readInstance(client: ComputeManagementClient, ref: InstanceRef): Promise<Instance> {
  const group = ref.resourceGroup;
  switch (ref.kind) {
    case 'vm': {
      const vm = await client.virtualMachines.get(group, ref.name, { expand: 'instanceView' });
      return instanceFacts(vm.id ?? instanceRefId(ref), vm);
    }
    case 'scaleSetVm': {
      const { scaleSet, instanceId } = ref;
      const expand = { expand: 'instanceView' } as const;
      const vms = client.virtualMachineScaleSetVMs;
      const vm = await vms.get(group, scaleSet, instanceId, expand);
      const tags =
        poolTag(vm.tags ?? {}) === ''
          ? (await client.virtualMachineScaleSets.get(group, scaleSet)).tags
          : {};
      return instanceFacts(vm.id ?? instanceRefId(ref), vm, tags);
    }
  }
}

function restart(client: ComputeManagementClient, ref: InstanceRef): Poller<void> {
  const { resourceGroup: group } = ref;
  switch (ref.kind) {
    case 'vm':
      return client.virtualMachines.restart(group, ref.name);
    case 'scaleSetVm':
      return client.virtualMachineScaleSetVMs.restart(group, ref.scaleSet, ref.instanceId);
  }
}

function runScript(
  client: ComputeManagementClient,
  ref: InstanceRef,
  script: string,
): Poller<RunCommandResult> {
  const { resourceGroup: group } = ref;
  const input: RunCommandInput = { commandId: 'RunShellScript', script: [script] };
  switch (ref.kind) {
    case 'vm':
      return client.virtualMachines.runCommand(group, ref.name, input);
    case 'scaleSetVm':
      return client.virtualMachineScaleSetVMs.runCommand(
        group,
        ref.scaleSet,
        ref.instanceId,
        input,
      );
  }
}

async function pollScript(client: ComputeManagementClient, token: string): Promise<ScriptPoll> {
  const operation = client.virtualMachines.runCommand;
  const look = await lookAtOperation(token, (token) => restorePoller(client, token, operation));
  return look.kind === 'succeeded' ? readScriptResult(look.result?.value ?? []) : look;
}

/**
 * The SDK throws whatever it stumbles over in an answer; to others it is an answer that can't be
 * read.
 */
async function readable<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
  try {
    return await ask();
  } catch (error) {
    throw error instanceof TroubleError ? error : new TroubleError(troubleOfUnexpected(error));
  }
}

async function absentAsUndefined<Answer>(asked: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof TroubleError && error.trouble.kind === 'notFound') return undefined;
    throw error;
  }
}

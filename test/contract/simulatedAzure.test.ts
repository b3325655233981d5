import { ComputeManagementClient, restorePoller } from '@azure/arm-compute';
import { ContainerServiceClient } from '@azure/arm-containerservice';
import { DefaultAzureCredential, ManagedIdentityCredential } from '@azure/identity';
import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import { startAzure } from '../../local/azure/azure.ts';
import type { SimulatedAzure } from '../../local/azure/azure.ts';
import { createAuthority } from '../../local/azure/certificates.ts';
import { parseFleet } from '../../local/azure/fleet.ts';
import type { Fleet } from '../../local/azure/fleet.ts';
import { kubernetesAudience } from '../../local/azure/identity.ts';
import { virtualClock } from '../../local/clock.ts';

const subscription = '11111111-1111-4111-8111-111111111111';
const clusterId = (name: string) =>
  `/subscriptions/${subscription}/resourceGroups/rg/providers` +
  `/Microsoft.ContainerService/managedClusters/${name}`;
const nodeGroup = 'MC_rg_one_westeurope';

function fleet(): Fleet {
  const read = parseFleet({
    name: 'contract',
    pageSize: 2,
    timings: { spread: 0 },
    clusters: [
      {
        id: clusterId('one'),
        pools: [
          {
            name: 'system',
            mode: 'System',
            count: 5,
            zones: ['1', '2', '3'],
            each: { packages: ['linux-image-6.8.0-1', 'libc6'] },
            nodes: { 1: { probe: 'agentDead' }, 2: { probe: 'conflict' } },
          },
          { name: 'alone', type: 'VirtualMachines', count: 2 },
        ],
      },
      { id: clusterId('two'), access: 'local', pools: [{ name: 'system', count: 1 }] },
    ],
  });
  if (read.kind !== 'fleet') throw new Error(JSON.stringify(read.value));
  return read.value;
}

let clock: ReturnType<typeof virtualClock>;
let azure: SimulatedAzure;
let compute: ComputeManagementClient;
let aks: ContainerServiceClient;

const credential = (actor: string) => {
  Object.assign(process.env, azure.environment(actor));
  return new DefaultAzureCredential();
};
const clientOptions = (ca = azure.ca) => ({
  endpoint: azure.armEndpoint,
  tlsOptions: { ca },
  retryOptions: { maxRetries: 0 },
});
const script = ['# aks-reboot probe v2', "sentinel='/var/run/reboot-required'", "command=''"];
const runScript = { commandId: 'RunShellScript', script };

async function vmss(): Promise<string> {
  const [set] = await all(compute.virtualMachineScaleSets.list(nodeGroup));
  return set?.name ?? '';
}

async function all<T>(pages: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of pages) items.push(item);
  return items;
}

async function refusal(promise: PromiseLike<unknown>) {
  try {
    await promise;
  } catch (error) {
    return error as {
      statusCode?: number;
      code?: string;
      message: string;
      response: { headers: { get(name: string): string | undefined } };
    };
  }
  throw new Error('was not refused');
}

beforeEach(async () => {
  clock = virtualClock(Date.parse('2026-01-05T22:00:00Z'));
  azure = await startAzure({ fleet: fleet(), clock });
  compute = new ComputeManagementClient(credential('alice'), subscription, clientOptions());
  aks = new ContainerServiceClient(credential('alice'), subscription, clientOptions());
});

afterEach(async () => {
  clock.stop();
  await azure.stop();
});

describe('what the SDKs read', () => {
  it('finds clusters, pools and machines by their real shapes', async () => {
    const cluster = await aks.managedClusters.get('rg', 'one');
    expect(cluster).toMatchObject({
      id: clusterId('one'),
      provisioningState: 'Succeeded',
      powerState: { code: 'Running' },
      nodeResourceGroup: nodeGroup,
      disableLocalAccounts: true,
      nodeResourceGroupProfile: { restrictionLevel: 'Unrestricted' },
    });
    expect((await all(aks.managedClusters.list())).map(({ name }) => name)).toEqual(['one', 'two']);
    const pools = await all(aks.agentPools.list('rg', 'one'));
    expect(pools.map((pool) => [pool.name, pool.typePropertiesType, pool.mode])).toEqual([
      ['system', 'VirtualMachineScaleSets', 'System'],
      ['alone', 'VirtualMachines', 'User'],
    ]);
    const machines = await all(aks.machines.list('rg', 'one', 'alone'));
    expect(machines.map((machine) => machine.properties?.resourceId)).toEqual([
      expect.stringMatching(/virtualMachines\/aks-alone-\d{8}-vms1$/),
      expect.stringMatching(/virtualMachines\/aks-alone-\d{8}-vms2$/),
    ]);
  });

  it('follows nextLink through every page of instances, with their instance views', async () => {
    const name = await vmss();
    const instances = await all(
      compute.virtualMachineScaleSetVMs.list(nodeGroup, name, { expand: 'instanceView' }),
    );
    expect(instances.map(({ instanceId }) => instanceId)).toEqual(['0', '1', '2', '3', '4']);
    expect(instances.map((one) => one.osProfile?.computerName)).toContain(`${name}000004`);
    expect(instances[0]?.instanceView?.statuses?.map(({ code }) => code)).toContain(
      'PowerState/running',
    );
    expect(instances.map((one) => one.instanceView?.vmAgent?.statuses?.[0]?.displayStatus)).toEqual(
      ['Ready', 'Not Ready', 'Ready', 'Ready', 'Ready'],
    );
  });

  it('matches ids in any case, as ARM does', async () => {
    const name = await vmss();
    const one = await compute.virtualMachineScaleSetVMs.get(
      nodeGroup.toUpperCase(),
      name.toUpperCase(),
      '0',
    );
    expect(one.vmId).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe('a run command', () => {
  it('is started by one poller and ended by another, in the recorded shape', async () => {
    const stand = clock.busy();
    const name = await vmss();
    const started = compute.virtualMachineScaleSetVMs.runCommand(nodeGroup, name, '0', runScript);
    await started.submitted();
    const token = await started.serialize();

    const restore = () =>
      restorePoller(compute, token, compute.virtualMachineScaleSetVMs.runCommand);
    const early = restore();
    await early.poll();
    expect(early.isDone).toBe(false);

    const busy = await refusal(
      compute.virtualMachineScaleSetVMs.runCommand(nodeGroup, name, '0', runScript).submitted(),
    );
    expect(busy).toMatchObject({ statusCode: 409, code: 'Conflict' });

    const over = new Promise<void>((resolve) => {
      clock.at(clock.now() + 31_000, resolve);
    });
    stand();
    await over;
    const late = restore();
    await late.poll();
    expect(late.isDone).toBe(true);
    const [element, ...more] = (late.result as { value: { message: string }[] }).value;
    expect(more).toEqual([]);
    expect(element).toMatchObject({
      code: 'ProvisioningState/succeeded',
      message: expect.stringMatching(
        /^Enable succeeded: \n\[stdout\]\nAKSREBOOT2 required boot=\S+ uptime=\d+ kernel=\S+ birth=\d+ age=\d+ packages=libc6,linux-image-6\.8\.0-1 reason= END\n\n\[stderr\]\n$/,
      ) as unknown,
    });
    expect(azure.audit.lines.map(({ actor, action, status }) => [actor, action, status])).toEqual([
      ['alice', 'probe', 202],
      ['alice', 'probe', 409],
    ]);
  });

  it('on a standalone VM ends by pollUntilDone', async () => {
    const [vm] = await all(compute.virtualMachines.list(nodeGroup));
    const result = await compute.virtualMachines.runCommand(nodeGroup, vm?.name ?? '', runScript, {
      updateIntervalInMs: 1,
    });
    expect(result.value?.[0]?.message).toContain('AKSREBOOT2 notRequired');
  });

  it('is refused by a machine whose agent is dead, or where another script runs', async () => {
    const name = await vmss();
    const run = (id: string) =>
      refusal(
        compute.virtualMachineScaleSetVMs.runCommand(nodeGroup, name, id, runScript).submitted(),
      );
    expect((await run('1')).message).toContain('VMAgentStatusCommunicationError');
    expect(await run('2')).toMatchObject({ statusCode: 409, code: 'Conflict' });
    expect(await run('77')).toMatchObject({ statusCode: 404 });
  });
});

describe('a restart', () => {
  it('brings a new boot and kernel and takes the sentinel away', async () => {
    const name = await vmss();
    const machine = azure.world.node(`${name}000000`);
    const before = machine.bootId;
    await compute.virtualMachineScaleSetVMs.restart(nodeGroup, name, '0', {
      updateIntervalInMs: 1,
    });
    expect(machine).toMatchObject({ phase: 'up', kernel: '6.8.0-1', packages: undefined });
    expect(machine.bootId).not.toBe(before);
    const own = azure.audit.lines.filter(({ action }) => action !== 'ready');
    expect(own.map(({ actor, node, action, status }) => [actor, node, action, status])).toEqual([
      ['alice', machine.nodeName, 'restart', 202],
      ['azure', machine.nodeName, 'down', 0],
      ['azure', machine.nodeName, 'booted', 0],
    ]);
    expect(own[2]?.detail).toMatchObject({ bootId: machine.bootId, kernel: '6.8.0-1' });
  });

  it('with only a Location is done when that answers 204', async () => {
    const settings = fleet();
    settings.faults.operationHeaders = 'locationOnly';
    settings.faults.restartFinalStatus = 204;
    await azure.stop();
    azure = await startAzure({ fleet: settings, clock });
    const client = new ComputeManagementClient(credential('alice'), subscription, clientOptions());
    const [vm] = await all(client.virtualMachines.list(nodeGroup));
    const failed = await refusal(
      client.virtualMachines.restart(nodeGroup, vm?.name ?? '', { updateIntervalInMs: 1 }),
    );
    // The SDK takes the 204 for an error; callers must know that it is success.
    expect(failed.statusCode).toBe(204);
  });
});

describe('refusals', () => {
  it('tell a right that is missing by action and scope', async () => {
    azure.faults.deny({ action: 'Microsoft.Compute/virtualMachineScaleSets/read' });
    const error = await refusal(vmss());
    expect(error).toMatchObject({ statusCode: 403 });
    expect(error.message + error.code).toMatch(/AuthorizationFailed|statusCode 403/);
    const one = await refusal(compute.virtualMachineScaleSets.get(nodeGroup, 'x'));
    expect(one).toMatchObject({ statusCode: 403, code: 'AuthorizationFailed' });
    expect(one.message).toContain(
      "'Microsoft.Compute/virtualMachineScaleSets/read' over scope '/subscriptions/",
    );
  });

  it('tell what does not exist', async () => {
    expect(await refusal(aks.managedClusters.get('rg', 'three'))).toMatchObject({
      statusCode: 404,
      code: 'ResourceNotFound',
    });
    expect(await refusal(aks.managedClusters.get('nowhere', 'one'))).toMatchObject({
      statusCode: 404,
      code: 'ResourceGroupNotFound',
    });
  });

  it('tell an api-version that nobody knows', async () => {
    const old = new ContainerServiceClient(credential('alice'), subscription, {
      ...clientOptions(),
      apiVersion: '2016-01-01',
    });
    expect(await refusal(old.managedClusters.get('rg', 'one'))).toMatchObject({
      statusCode: 400,
      code: 'NoRegisteredProviderFound',
    });
  });

  it('tell how long to wait when too many asked', async () => {
    const stand = clock.busy();
    for (let i = 0; i < 60; i++) await aks.managedClusters.get('rg', 'one');
    const error = await refusal(aks.managedClusters.get('rg', 'one'));
    expect(error).toMatchObject({ statusCode: 429, code: 'Throttled' });
    expect(error.response.headers.get('retry-after')).toBe('1');
    stand();
  });

  it('need a token for this audience, and our own certificate authority', async () => {
    const options = { credentials: { scopes: [`${kubernetesAudience}/.default`] } };
    const wrong = new ComputeManagementClient(credential('alice'), subscription, {
      ...clientOptions(),
      ...options,
    });
    expect(await refusal(wrong.virtualMachineScaleSets.get(nodeGroup, 'x'))).toMatchObject({
      statusCode: 401,
      code: 'InvalidAuthenticationTokenAudience',
    });
    const other = await createAuthority('somebody else');
    const misled = new ComputeManagementClient(
      credential('alice'),
      subscription,
      clientOptions(other.pem),
    );
    const error = await refusal(misled.virtualMachineScaleSets.get(nodeGroup, 'x'));
    expect(error.code).toMatch(/UNABLE_TO_VERIFY|CERT|SELF_SIGNED/);
  });
});

describe('a fault', () => {
  it('cuts the connection after the effect, which stays', async () => {
    const name = await vmss();
    azure.faults.add({
      service: 'arm',
      path: '/restart',
      skip: 0,
      times: 1,
      when: 'after',
      fault: { kind: 'drop' },
    });
    const error = await refusal(
      compute.virtualMachineScaleSetVMs.restart(nodeGroup, name, '0').submitted(),
    );
    expect(error.code).toBe('ECONNRESET');
    expect(azure.audit.lines[0]).toMatchObject({
      action: 'restart',
      status: 0,
      detail: { taken: true, fault: 'drop after' },
    });
  });
});

describe('a cluster', () => {
  const nodes = async (text: string, token?: string) => {
    const config = new KubeConfig();
    config.loadFromString(text);
    if (token !== undefined) {
      const user = config.getCurrentUser();
      config.users = [{ name: user?.name ?? '', token }];
    }
    return (await config.makeApiClient(CoreV1Api).listNode()).items;
  };
  const kubeconfigOf = async (cluster: string) => {
    const { kubeconfigs } = await aks.managedClusters.listClusterUserCredentials('rg', cluster, {
      format: 'exec',
    });
    return Buffer.from(kubeconfigs?.[0]?.value ?? '').toString();
  };

  it('with Entra is reached by a bearer token and the authority of its kubeconfig', async () => {
    const text = await kubeconfigOf('one');
    expect(text).toContain('command: kubelogin');
    expect(text).not.toContain('client-key-data');
    Object.assign(process.env, azure.environment('bob'));
    const { token } = await new ManagedIdentityCredential({
      clientId: process.env['AZURE_CLIENT_ID'] ?? '',
    }).getToken(`${kubernetesAudience}/.default`);
    const found = await nodes(text, token);
    const name = await vmss();
    expect(
      found
        .map((node) => node.metadata?.name)
        .toSorted((a, b) => String(a).localeCompare(String(b))),
    ).toEqual([
      expect.stringMatching(/^aks-alone-\d{8}-vms1$/),
      expect.stringMatching(/^aks-alone-\d{8}-vms2$/),
      ...[0, 1, 2, 3, 4].map((id) => `${name}00000${id}`),
    ]);
    expect(found[2]?.spec?.providerID).toContain('/resourceGroups/mc_rg_one_westeurope/');
    await expect(nodes(text, 'nonsense')).rejects.toMatchObject({ code: 401 });
  });

  it('with local accounts is reached by the client certificate of its kubeconfig', async () => {
    expect(await nodes(await kubeconfigOf('two'))).toHaveLength(1);
    expect(await nodes(await azure.kubeconfig(clusterId('one')))).toHaveLength(7);
  });
});

import type { Azure, Kubernetes } from '../../src/ports.ts';
import { clusterId, simulate, troubleOf } from './azureHarness.ts';
import type { Simulation } from './azureHarness.ts';
import { describeKubernetesPort } from './kubernetesPort.ts';

/** The Kubernetes adapters against simulated Azure's API servers, reached through ARM. */

describe('over HTTPS', () => {
  describeKubernetesPort({ way: 'api' });
});

describe('by AKS run command', () => {
  describeKubernetesPort({ way: 'runCommand' });
});

const one = clusterId('one');
const two = clusterId('two');

const fleet = {
  name: 'kubernetes',
  timings: { spread: 0 },
  clusters: [
    {
      id: one.id,
      pools: [{ name: 'web', count: 2, nodes: { 1: { cordoned: true } } }],
    },
    {
      id: two.id,
      access: 'local',
      pools: [{ name: 'web', count: 1 }],
      workloads: [{ kind: 'Pod', name: 'lonely', on: { pool: 'web', index: 0 } }],
    },
  ],
};

let simulation: Simulation;
let arm: Azure;

beforeEach(async () => {
  simulation = await simulate(fleet);
  arm = simulation.adapter();
});

afterEach(() => simulation.stop());

const connect = async (id = one): Promise<Kubernetes> =>
  arm.kubernetes(await arm.cluster(id), 'api');

const asked = (method: string, path: string) =>
  simulation.seen.filter((request) => request.method === method && request.path.includes(path));

describe('reaching an API server', () => {
  it('asks ARM once for the way, and Entra clusters are told our token', async () => {
    const kubernetes = await connect();
    await kubernetes.nodes();
    await (await connect()).nodes();
    expect(asked('POST', 'listClusterUserCredential')).toHaveLength(1);
    expect(asked('GET', '/api/v1/nodes')).toMatchObject([
      { actor: 'controller' },
      { actor: 'controller' },
    ]);
  });

  it('is let in by the certificate of a cluster with local accounts', async () => {
    expect(await (await connect(two)).nodes()).toHaveLength(1);
  });

  it('asks for a new kubeconfig, once, when the API server does not know us', async () => {
    const kubernetes = await connect();
    const unauthorized = { kind: 'answer', status: 401 } as const;
    simulation.fault({ service: 'kubernetes', path: '/nodes', fault: unauthorized });
    expect(await kubernetes.nodes()).toHaveLength(2);
    expect(asked('POST', 'listClusterUserCredential')).toHaveLength(2);
    simulation.fault({ service: 'kubernetes', path: '/nodes', times: 5, fault: unauthorized });
    for (let call = 0; call < 3; call += 1) {
      expect(await troubleOf(kubernetes.nodes())).toMatchObject({ kind: 'forbidden', status: 401 });
    }
    expect(asked('POST', 'listClusterUserCredential')).toHaveLength(3);
  });

  it('says at once when ARM does not hand out the kubeconfig', async () => {
    simulation.azure.faults.deny({
      action: 'Microsoft.ContainerService/managedClusters/listClusterUserCredential/action',
    });
    const trouble = await troubleOf(connect());
    expect(trouble).toMatchObject({ kind: 'forbidden' });
    expect(trouble.value).toContain('listClusterUserCredential/action');
  });
});

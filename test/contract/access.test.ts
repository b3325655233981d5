import type { WantedAccess } from '../../src/domain/access.ts';
import type { Azure, ClusterCommands } from '../../src/ports.ts';
import { clusterId, simulate, troubleOf } from './azureHarness.ts';
import type { Simulation } from './azureHarness.ts';

/** Which way leads into a cluster, and what AKS run command answers. */

const pools = [{ name: 'web', mode: 'System', count: 2 }];
const named = (name: string, over: object = {}) => ({ id: clusterId(name).id, pools, ...over });

const fleet = {
  name: 'access',
  clusters: [
    named('public'),
    named('private', { private: true }),
    named('peered', { private: true, reachable: true }),
    named('fenced', { authorizedIPRanges: ['203.0.113.0/24'] }),
    named('closed', { private: true, disableRunCommand: true }),
    named('accounts', { private: true, access: 'local' }),
    named('full', { private: true, pools: [{ name: 'web', count: 1, each: { cordoned: true } }] }),
  ],
};

let simulation: Simulation;
let azure: Azure;

beforeEach(async () => {
  simulation = await simulate(fleet);
  azure = simulation.adapter();
});

afterEach(() => simulation.stop());

const accessTo = async (name: string, wanted: WantedAccess) =>
  azure.access(await azure.cluster(clusterId(name)), wanted);

const requests = (path: RegExp) => simulation.seen.filter((request) => path.test(request.path));

describe('the way into a cluster', () => {
  it.each([
    ['public', 'auto', 'api', 'its API server is public'],
    ['private', 'auto', 'runCommand', 'its private API server does not answer from here: GET /ver'],
    ['peered', 'auto', 'api', 'its private API server answers from here'],
    ['fenced', 'auto', 'runCommand', 'its API server does not answer from here: GET /version: '],
    ['closed', 'auto', 'api', 'its run command is disabled'],
    ['private', 'api', 'api', 'the settings say so'],
    ['public', 'runCommand', 'runCommand', 'the settings say so'],
  ] as const)('to %s, wanted %s, is %s: %s', async (name, wanted, way, why) => {
    const access = await accessTo(name, wanted);
    expect(access.way).toBe(way);
    expect(access.why).toMatch(new RegExp(`^${why}`, 'u'));
  });

  it('is tried once in half an hour, and told in the log', async () => {
    await accessTo('private', 'auto');
    await simulation.pass(29 * 60);
    await accessTo('private', 'auto');
    const told = () => simulation.logged.filter(({ message }) => /is reached by/u.test(message));
    expect(told()).toMatchObject([
      {
        level: 'info',
        message: expect.stringContaining('cluster private is reached by runCommand'),
      },
    ]);
    await simulation.pass(2 * 60);
    await accessTo('private', 'auto');
    expect(told()).toHaveLength(2);
  });

  it('counts an API server that refuses us as one that answers', async () => {
    const fault = { kind: 'answer', status: 403 } as const;
    simulation.fault({ service: 'kubernetes', path: '/version', fault });
    expect(await accessTo('peered', 'auto')).toMatchObject({ way: 'api' });
  });

  it('does not follow from one lost connection', async () => {
    simulation.fault({ service: 'kubernetes', path: '/version', fault: { kind: 'drop' } });
    expect(await accessTo('peered', 'auto')).toMatchObject({ way: 'api' });
    expect(requests(/\/version/u)).toHaveLength(2);
  });

  it('is run command where the kubeconfig is not for us, but does not follow from a pause', async () => {
    const credential = { path: 'listClusterUserCredential' };
    simulation.fault({
      ...credential,
      fault: { kind: 'answer', status: 429, headers: { 'retry-after': '5' } },
    });
    expect(await troubleOf(accessTo('private', 'auto'))).toMatchObject({ kind: 'throttled' });
    await simulation.pass(10);
    simulation.fault({ ...credential, fault: { kind: 'answer', status: 403 } });
    expect(await accessTo('private', 'auto')).toMatchObject({ way: 'runCommand' });
  });

  it('is none where the settings want run command and the cluster has disabled it', async () => {
    expect(await troubleOf(accessTo('closed', 'runCommand'))).toEqual({
      kind: 'forbidden',
      value: 'its run command is disabled (apiServerAccessProfile.disableRunCommand)',
    });
  });

  it('is tried again when run command turns out to be forbidden', async () => {
    simulation.azure.faults.deny({
      action: 'Microsoft.ContainerService/managedClusters/runCommand/action',
    });
    const cluster = await azure.cluster(clusterId('private'));
    const { way } = await azure.access(cluster, 'auto');
    const trouble = await troubleOf((await azure.kubernetes(cluster, way)).nodes());
    expect(trouble.kind).toBe('unreachable');
    expect(trouble.value).toMatch(/no permission for .*runCommand\/action on .*does not answer/u);
    await azure.access(cluster, 'auto');
    expect(simulation.logged.filter(({ message }) => /reached by/u.test(message))).toHaveLength(2);
  });
});

describe('a command', () => {
  /** The commands of a cluster, as its Kubernetes adapter is given them. */
  async function commandsOf(name: string): Promise<ClusterCommands> {
    let given: ClusterCommands | undefined;
    const adapter = simulation.adapter({
      connect: {
        api: () => {
          throw new Error('not that way');
        },
        runCommand(commands) {
          given = commands;
          return undefined as never;
        },
      },
    });
    await adapter.kubernetes(await adapter.cluster(clusterId(name)), 'runCommand');
    if (given === undefined) throw new Error('no commands');
    return given;
  }
  /** A script of ours that asks for nothing. */
  const script = '# aks-reboot command v1\necho AKSREBOOT1 BEGIN\necho AKSREBOOT1 END 0\n';
  const command = `echo ${Buffer.from(script).toString('base64')} | base64 -d | sh`;
  const run = async (name = 'private') => (await commandsOf(name)).run(command);

  it('runs in a pod, and its output returns', async () => {
    expect(await run()).toBe('AKSREBOOT1 BEGIN\nAKSREBOOT1 END 0\n');
    expect(simulation.azure.audit.lines).toMatchObject([
      { action: 'runCommand', actor: 'controller', cluster: clusterId('private').id, status: 202 },
      { action: 'podDeleted' },
    ]);
  });

  it('carries our token into Entra clusters, and none into others', async () => {
    await run();
    await run('accounts');
    const tokens = requests(/\/runCommand/u).map(
      ({ body }) => (JSON.parse(body) as { clusterToken: string }).clusterToken,
    );
    expect(tokens).toEqual([expect.stringMatching(/^ey/u), '']);
    const logged = JSON.stringify([simulation.logged, simulation.azure.audit.lines]);
    expect(logged).not.toContain(tokens[0]);
  });

  it('is looked at every five seconds', async () => {
    await run();
    // 6 s until the pod runs, 4 s for the command.
    expect(requests(/\/commandResults\//u)).toHaveLength(3);
  });

  it('that no node takes is passing trouble', async () => {
    expect(await troubleOf(run('full'))).toMatchObject({
      kind: 'unreachable',
      value: expect.stringContaining('did not start within 60s') as unknown,
    });
  });

  it.each([
    ['pullFails', 'unreachable', /AKS says Failed ImagePullBackOff/u],
    ['hangs', 'timeout', /has not ended after 120 s/u],
  ] as const)('whose cluster %s is trouble', async (behaviour, kind, value) => {
    const cluster = simulation.azure.world.cluster(clusterId('private').id);
    if (cluster !== undefined) cluster.commands = behaviour;
    const trouble = await troubleOf(run());
    expect(trouble.kind).toBe(kind);
    expect(trouble.value).toMatch(value);
  });

  it('that ends with another exit code than 0 is trouble, with its last words', async () => {
    const commands = await commandsOf('private');
    expect(await troubleOf(commands.run('rm -rf /'))).toMatchObject({
      kind: 'invalid',
      value: expect.stringMatching(/exit code 127: the model shell knows only/u) as unknown,
    });
  });

  const results = { path: '/commandResults/' };
  const body = (code: string, message = 'x') => ({ error: { code, message } });
  const ended = (properties: object) => ({
    kind: 'answer' as const,
    status: 200,
    body: { id: 'x', properties },
  });

  it.each([
    ['succeeded', 0, undefined],
    ['SUCCEEDED', 0, undefined],
    ['Succeeded', 1, 'invalid'],
    ['failed', 0, 'unreachable'],
    ['', 0, 'unreachable'],
    ['Succeeded', undefined, 'invalid'],
  ])('that ended %s with exit code %s: %s', async (provisioningState, exitCode, kind) => {
    simulation.fault({ ...results, fault: ended({ provisioningState, exitCode, logs: 'said' }) });
    const outcome = await run().catch((error: { trouble: { kind: string } }) => error.trouble.kind);
    expect(outcome).toBe(kind ?? 'said');
  });

  it('is not lost by looks that fail in passing', async () => {
    for (const fault of [
      { kind: 'drop' },
      { kind: 'answer', status: 503 },
      { kind: 'answer', status: 429, headers: { 'retry-after': '7' } },
    ] as const) {
      simulation.fault({ ...results, fault });
    }
    expect(await run()).toContain('END 0');
    expect(requests(/\/runCommand/u)).toHaveLength(1);
  });

  it.each([
    ['KubernetesPerformanceError', 'did not start within 30s', 'unreachable'],
    ['KubernetesOperationError', 'admission webhook "x" denied the request: no', 'forbidden'],
    ['NotFound', 'gone', 'unreachable'],
  ])('that AKS could not start says so: %s', async (code, message, kind) => {
    const status = code === 'NotFound' ? 404 : 400;
    const fault = { kind: 'answer', status, body: body(code, message) } as const;
    simulation.fault({ ...results, fault });
    expect(await troubleOf(run())).toMatchObject({ kind });
    if (code === 'NotFound') return;
    simulation.fault({ path: '/runCommand', fault });
    expect(await troubleOf(run())).toMatchObject({ kind });
  });

  it('is asked for again after a short pause, and given up for a long one', async () => {
    const throttled = (seconds: string) =>
      ({ kind: 'answer', status: 429, headers: { 'retry-after': seconds } }) as const;
    simulation.fault({ path: '/runCommand', fault: throttled('9') });
    expect(await run()).toContain('END 0');
    expect(requests(/\/runCommand/u)).toHaveLength(2);
    simulation.fault({ path: '/runCommand', fault: throttled('90') });
    expect(await troubleOf(run())).toMatchObject({ kind: 'throttled', retryAfterSeconds: 90 });
  });

  it('is begun no more for an activity that has taken four minutes', async () => {
    const commands = await commandsOf('private');
    await simulation.pass(239);
    expect(await commands.run(command)).toContain('END 0');
    expect(await troubleOf(commands.run(command))).toMatchObject({
      kind: 'timeout',
      value: expect.stringContaining('it begins anew') as unknown,
    });
  });

  it('of which nobody knows whether AKS took it is passing trouble', async () => {
    simulation.fault({ path: '/runCommand', when: 'after', fault: { kind: 'drop' } });
    expect(await troubleOf(run())).toMatchObject({ kind: 'unreachable' });
    expect(requests(/\/runCommand/u)).toHaveLength(1);
  });

  it('needs a token of its own for the results, and says which right is missing', async () => {
    simulation.azure.faults.deny({
      action: 'Microsoft.ContainerService/managedClusters/commandResults/read',
    });
    const trouble = await troubleOf(run());
    expect(trouble.kind).toBe('forbidden');
    expect(trouble.value).toContain('commandResults/read');
  });
});

describe('an output', () => {
  it('of which a part was lost is trouble, and never an empty list', async () => {
    const cluster = simulation.azure.world.cluster(clusterId('private').id);
    if (cluster !== undefined) cluster.commands = 'cut';
    const kubernetes = await azure.kubernetes(
      await azure.cluster(clusterId('private')),
      'runCommand',
    );
    expect(await troubleOf(kubernetes.nodes())).toMatchObject({
      kind: 'unreachable',
      value: expect.stringContaining('did not come whole') as unknown,
    });
  });

  it('answers all that one moment asks for', async () => {
    const kubernetes = await azure.kubernetes(
      await azure.cluster(clusterId('private')),
      'runCommand',
    );
    const [nodes, lease, gone] = await Promise.all([
      kubernetes.nodes(),
      kubernetes.lease('kube-system', 'x'),
      kubernetes.node('nobody'),
    ]);
    expect([nodes.length, lease, gone]).toEqual([2, undefined, undefined]);
    expect(requests(/\/runCommand/u)).toHaveLength(1);
  });

  it('serves what was read ahead once, and not after a write', async () => {
    const cluster = await azure.cluster(clusterId('private'));
    const kubernetes = await azure.kubernetes(cluster, 'runCommand');
    const [node] = await kubernetes.nodes();
    const name = node?.name ?? '';
    const commands = () => requests(/\/runCommand/u).length;
    expect(commands()).toBe(1);
    kubernetes.ahead({ nodes: true, node: name, pods: name });
    await kubernetes.node(name);
    await kubernetes.daemonPods(name, []);
    expect(commands()).toBe(2);
    await kubernetes.daemonPods(name, []);
    expect(commands()).toBe(3);
    await kubernetes.patchNode(name, [{ op: 'test', path: '/metadata/uid', value: node?.uid }]);
    await kubernetes.nodes();
    expect(commands()).toBe(5);
  });
});

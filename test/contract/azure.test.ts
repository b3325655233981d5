import tls from 'node:tls';
import { createAuthority } from '../../local/azure/certificates.ts';
import { missingActions } from '../../src/domain/permission.ts';
import type { Azure, Started } from '../../src/ports.ts';
import { clusterId, credentialOf, refOf, simulate, troubleOf } from './azureHarness.ts';
import type { Simulation } from './azureHarness.ts';

/** The ARM adapter against simulated Azure over HTTPS, with the real SDK clients. */

const one = clusterId('one');
const other = '22222222-2222-4222-8222-222222222222';

const fleet = {
  name: 'azure',
  pageSize: 2,
  timings: { spread: 0 },
  clusters: [
    {
      id: one.id,
      nodeOSUpgradeChannel: 'Unmanaged',
      pools: [
        { name: 'system', mode: 'System', count: 5, each: { packages: ['libc6'] } },
        { name: 'alone', type: 'VirtualMachines', count: 3 },
        { name: 'win', os: 'Windows', osSku: 'Windows2022', count: 1 },
      ],
    },
    { id: clusterId('far', other).id, pools: [{ name: 'system', count: 1 }] },
  ],
};

let simulation: Simulation;
let arm: Azure;

beforeEach(async () => {
  simulation = await simulate(fleet);
  arm = simulation.adapter();
});

afterEach(() => simulation.stop());

const posts = (action: string) =>
  simulation.seen.filter(({ method, path }) => method === 'POST' && path.includes(`/${action}?`));

async function instancesOf(pool: string) {
  const instances = await arm.instances(await arm.cluster(one));
  return instances.filter((instance) => instance.pool === pool);
}

async function firstRef(pool: string) {
  const [instance] = await instancesOf(pool);
  return refOf(instance?.id);
}

/** The token of what was started; throws when it was not. */
function tokenOf(started: Started): string {
  if (started.kind !== 'started') throw new Error(JSON.stringify(started));
  return started.token;
}

describe('reading', () => {
  it('reads a cluster and its pools with one request', async () => {
    const cluster = await arm.cluster(one);
    expect(simulation.seen).toHaveLength(1);
    expect(cluster).toMatchObject({
      id: one,
      provisioningState: 'Succeeded',
      powerState: 'Running',
      nodeResourceGroupLocked: false,
      entra: true,
      nodeOsChannel: 'Unmanaged',
    });
    expect(cluster.pools.map(({ name, type, mode, os }) => [name, type, mode, os])).toEqual([
      ['system', 'VirtualMachineScaleSets', 'System', 'Linux'],
      ['alone', 'VirtualMachines', 'User', 'Linux'],
      ['win', 'VirtualMachineScaleSets', 'User', 'Windows'],
    ]);
  });

  it('lists scale-set and standalone instances through all pages', async () => {
    const system = await instancesOf('system');
    const alone = await instancesOf('alone');
    expect([system.length, alone.length]).toEqual([5, 3]);
    expect(new Set([...system, ...alone].map(({ vmId }) => vmId)).size).toBe(8);
    expect(system[0]).toMatchObject({ provisioningState: 'Succeeded', powerState: 'running' });
    expect(simulation.seen.some(({ path }) => /skip/iu.test(path))).toBe(true);
  });

  it.each(['system', 'alone'])(
    'reads one instance of pool %s with its power state',
    async (pool) => {
      const [listed] = await instancesOf(pool);
      const known = { powerState: 'running', agent: 'ready' };
      expect(await arm.instance(refOf(listed?.id))).toEqual({ ...listed, ...known });
    },
  );

  it('says undefined of an instance that ARM does not have', async () => {
    const ref = await firstRef('system');
    const absent = ref.kind === 'scaleSetVm' ? { ...ref, instanceId: '4711' } : ref;
    expect(await arm.instance(absent)).toBeUndefined();
  });

  it('says which answer it could not read', async () => {
    simulation.fault({
      path: '/managedClusters/one\\?',
      fault: { kind: 'answer', status: 200, body: { properties: { agentPoolProfiles: 7 } } },
    });
    expect(await troubleOf(arm.cluster(one))).toMatchObject({ kind: 'invalid' });
  });
});

describe('asking what we may do', () => {
  const action = 'Microsoft.Compute/virtualMachines/restart/action';
  const scopeOf = async () =>
    `/subscriptions/${one.subscription}/resourceGroups/${(await arm.cluster(one)).nodeResourceGroup}`;

  it('tells every action that is granted at a scope, and not the one that was taken away', async () => {
    const scope = await scopeOf();
    const granted = await arm.permissions(one.subscription, scope);
    expect(missingActions([action], granted)).toEqual([]);
    simulation.azure.faults.deny({ action });
    const left = await arm.permissions(one.subscription, scope);
    expect(missingActions([action, action.replace('restart', 'runCommand')], left)).toEqual([
      action,
    ]);
  });

  it('reads all pages of a list, and nothing that is none', async () => {
    const scope = await scopeOf();
    const next = `${simulation.azure.armEndpoint}${scope}/providers/Microsoft.Authorization/permissions?api-version=2022-04-01`;
    simulation.fault({
      path: 'Microsoft.Authorization',
      fault: {
        kind: 'answer',
        status: 200,
        body: { value: [{ actions: ['a/*'] }], nextLink: next },
      },
    });
    const pages = await arm.permissions(one.subscription, scope);
    expect(missingActions(['a/b/read', action], pages)).toEqual([]);
    simulation.fault({
      path: 'Microsoft.Authorization',
      fault: { kind: 'answer', status: 200, body: { permissions: [] } },
    });
    expect(await troubleOf(arm.permissions(one.subscription, scope))).toMatchObject({
      kind: 'invalid',
    });
  });
});

describe('starting a restart', () => {
  it('is started and polled until it succeeded, one GET a look', async () => {
    const ref = await firstRef('system');
    let token = tokenOf(await arm.startRestart(ref));
    const before = simulation.seen.length;
    const first = await arm.pollRestart(ref, token);
    expect(simulation.seen).toHaveLength(before + 1);
    if (first.kind !== 'running') throw new Error(first.kind);
    token = first.token;
    await simulation.pass(1800);
    expect(await arm.pollRestart(ref, token)).toEqual({ kind: 'succeeded' });
  });

  it.each([
    ['a 500', { kind: 'answer', status: 500 }],
    ['a 503 with Retry-After', { kind: 'answer', status: 503, headers: { 'retry-after': '1' } }],
    ['a 408', { kind: 'answer', status: 408 }],
    ['a cut connection', { kind: 'drop' }],
  ] as const)('sends exactly one request and is unsure after %s', async (_name, fault) => {
    const ref = await firstRef('system');
    simulation.fault({ path: '/restart\\?', when: 'after', times: 9, fault });
    const started = await arm.startRestart(ref);
    expect(posts('restart')).toHaveLength(1);
    expect(started.kind).toBe('unsure');
  });

  it.each([400, 403, 404, 409])('is refused by a %d, after one request', async (status) => {
    const ref = await firstRef('alone');
    const body = { error: { code: 'Nope', message: 'no' } };
    simulation.fault({ path: '/restart\\?', fault: { kind: 'answer', status, body } });
    expect(await arm.startRestart(ref)).toMatchObject({ kind: 'refused', trouble: { status } });
    expect(posts('restart')).toHaveLength(1);
  });

  it('is unsure when its deadline passes', async () => {
    const ref = await firstRef('system');
    simulation.fault({
      path: '/restart\\?',
      when: 'after',
      fault: { kind: 'delay', wallMilliseconds: 1500 },
    });
    const started = await simulation.adapter({ deadlineSeconds: 0.2 }).startRestart(ref);
    expect(started).toMatchObject({ kind: 'unsure', trouble: { kind: 'timeout' } });
    expect(posts('restart')).toHaveLength(1);
  });

  it('takes a 204 for the end of it', async () => {
    await simulation.stop();
    simulation = await simulate({ ...fleet, faults: { restartFinalStatus: 204 } });
    arm = simulation.adapter();
    const ref = await firstRef('system');
    const token = tokenOf(await arm.startRestart(ref));
    await simulation.pass(1800);
    expect(await arm.pollRestart(ref, token)).toEqual({ kind: 'succeeded' });
  });

  it.each([
    ['a 200 at once', { kind: 'answer', status: 200 }],
    ['a 202 that names no operation', { kind: 'answer', status: 202 }],
    ['a 202 with a body of no sense', { kind: 'answer', status: 202, body: 'surprise' }],
  ] as const)('takes %s for started, and leaves the proof to others', async (_name, fault) => {
    const ref = await firstRef('system');
    simulation.fault({ path: '/restart\\?', when: 'after', fault });
    const token = tokenOf(await arm.startRestart(ref));
    expect(await arm.pollRestart(ref, token)).toEqual({ kind: 'succeeded' });
    expect(posts('restart')).toHaveLength(1);
  });

  it('keeps the token good when a look at it fails', async () => {
    const ref = await firstRef('system');
    const token = tokenOf(await arm.startRestart(ref));
    simulation.fault({ path: '/operations/', fault: { kind: 'answer', status: 502 } });
    expect(await troubleOf(arm.pollRestart(ref, token))).toMatchObject({ kind: 'unreachable' });
    expect(await arm.pollRestart(ref, token)).toMatchObject({ kind: 'running' });
  });

  it('says what failed when the operation failed', async () => {
    const [instance] = await instancesOf('system');
    simulation.azure.person.behave(instance?.computerName ?? '', { restart: 'fails' });
    const ref = refOf(instance?.id);
    const token = tokenOf(await arm.startRestart(ref));
    await simulation.pass(1800);
    expect(await arm.pollRestart(ref, token)).toMatchObject({ kind: 'failed' });
  });

  it('carries our token to ARM only, whatever a forged token says', async () => {
    const ref = await firstRef('system');
    const token = tokenOf(await arm.startRestart(ref));
    const forged = token.replaceAll(simulation.azure.armEndpoint, 'https://127.0.0.1:1');
    expect(await troubleOf(arm.pollRestart(ref, forged))).toMatchObject({
      kind: 'invalid',
      value: expect.stringContaining('not ARM') as string,
    });
    expect(await troubleOf(arm.pollRestart(ref, 'garbage'))).toMatchObject({ kind: 'invalid' });
  });
});

describe('running a script', () => {
  it.each(['system', 'alone'])(
    'runs it on an instance of pool %s and reads its output',
    async (pool) => {
      const ref = await firstRef(pool);
      const script = "# aks-reboot probe v2\nsentinel='/var/run/reboot-required'\ncommand=''\n";
      const release = simulation.hold();
      const token = tokenOf(await arm.startScript(ref, script));
      expect(await arm.pollScript(ref, token)).toMatchObject({ kind: 'running' });
      release();
      await simulation.pass(600);
      const ended = await arm.pollScript(ref, token);
      expect(ended).toMatchObject({ kind: 'ended', stderr: '' });
      expect(ended.kind === 'ended' && ended.stdout).toMatch(
        /^AKSREBOOT2 (not)?[rR]equired .* END\s*$/u,
      );
    },
  );

  it('is refused while another one runs', async () => {
    const ref = await firstRef('system');
    simulation.hold();
    tokenOf(await arm.startScript(ref, '# aks-reboot probe v2\nsentinel=/x\n'));
    expect(await arm.startScript(ref, '# aks-reboot probe v2\nsentinel=/x\n')).toMatchObject({
      kind: 'refused',
      trouble: { kind: 'conflict', status: 409 },
    });
  });
});

describe('throttling', () => {
  const throttled = {
    kind: 'answer',
    status: 429,
    headers: { 'retry-after': '1200' },
    body: { error: { code: 'OperationNotAllowed', message: 'too many requests' } },
  } as const;

  it('is told at once and never slept through', async () => {
    simulation.fault({ path: '/managedClusters/one\\?', fault: throttled });
    expect(await troubleOf(arm.cluster(one))).toMatchObject({
      kind: 'throttled',
      status: 429,
      retryAfterSeconds: 1200,
    });
    expect(simulation.logged).toMatchObject([{ level: 'warn' }]);
  });

  it('pauses one service of one subscription until Retry-After passed', async () => {
    const cluster = await arm.cluster(one);
    const ref = await firstRef('system');
    simulation.fault({ path: '/restart\\?', fault: throttled });
    expect(await arm.startRestart(ref)).toMatchObject({ kind: 'refused' });
    const before = simulation.seen.length;
    await simulation.pass(1000);
    expect(await troubleOf(arm.instances(cluster))).toMatchObject({
      kind: 'throttled',
      retryAfterSeconds: 200,
    });
    // Definitely not sent, so it counts as refused.
    expect(await arm.startRestart(ref)).toMatchObject({ kind: 'refused' });
    expect(simulation.seen).toHaveLength(before);
    expect(await arm.cluster(one)).toEqual(cluster);
    expect(await arm.instances(await arm.cluster(clusterId('far', other)))).toHaveLength(1);
    await simulation.pass(200);
    expect(await arm.startRestart(ref)).toMatchObject({ kind: 'started' });
    expect(posts('restart')).toHaveLength(2);
  });

  it('asks the AKS resource provider for no more than its share', async () => {
    const ask = async () => (await troubleOf(arm.cluster(one).then(() => Promise.reject()))).kind;
    const answers = await Promise.allSettled(Array.from({ length: 30 }, () => arm.cluster(one)));
    const refused = answers.filter(({ status }) => status === 'rejected');
    expect(refused).toHaveLength(10);
    expect(await ask()).toBe('throttled');
    await simulation.pass(10);
    expect(await arm.cluster(one)).toMatchObject({ id: one });
  });
});

describe('who we are and whom we talk to', () => {
  it('names the action and the scope that a person has to grant', async () => {
    const ref = await firstRef('system');
    const action = 'Microsoft.Compute/virtualMachineScaleSets/virtualMachines/restart/action';
    simulation.azure.faults.deny({ action });
    const refused = await arm.startRestart(ref);
    if (refused.kind !== 'refused') throw new Error(refused.kind);
    expect(refused.trouble.kind).toBe('forbidden');
    expect(refused.trouble.value).toContain(`no permission for ${action} on /subscriptions/`);
  });

  it('says so when a deny assignment locks the node resource group', async () => {
    await simulation.stop();
    const [cluster] = fleet.clusters;
    simulation = await simulate({
      ...fleet,
      clusters: [{ ...cluster, nodeResourceGroupLockdown: true }],
    });
    arm = simulation.adapter();
    expect(await arm.cluster(one)).toMatchObject({ nodeResourceGroupLocked: true });
    const refused = await arm.startRestart(await firstRef('system'));
    expect(refused).toMatchObject({ kind: 'refused', trouble: { kind: 'forbidden' } });
    expect(JSON.stringify(refused)).toContain('a deny assignment forbids');
  });

  it('refuses an ARM that another authority vouches for', async () => {
    const { pem } = await createAuthority('somebody else');
    expect(await troubleOf(simulation.adapter({ ca: pem }).cluster(one))).toMatchObject({
      kind: 'unreachable',
    });
    expect(simulation.seen).toHaveLength(0);
  });

  it('trusts what Node trusts when it is given no authority', async () => {
    const trusted = tls.getCACertificates('default');
    tls.setDefaultCACertificates([...trusted, simulation.azure.ca]);
    try {
      const { ca: _own, ...options } = { ca: simulation.azure.ca };
      const azure = simulation.adapter(options);
      expect(await azure.cluster(one)).toMatchObject({ id: one });
    } finally {
      tls.setDefaultCACertificates(trusted);
    }
  });

  it('asks for tokens of the audience that it is given', async () => {
    const scopes: string[] = [];
    const credential = credentialOf('controller');
    const adapter = simulation.adapter({
      audience: 'https://management.azure.com',
      credential: {
        getToken(scope, options) {
          scopes.push(...[scope].flat());
          return credential.getToken(scope, options);
        },
      },
    });
    await adapter.cluster(one);
    expect(scopes).toEqual(['https://management.azure.com/.default']);
  });

  it('says that there is no credential, and sends nothing', async () => {
    const azure = simulation.adapter({
      credential: { getToken: () => Promise.reject(named('CredentialUnavailableError')) },
    });
    expect(await troubleOf(azure.cluster(one))).toMatchObject({ kind: 'forbidden' });
    expect(simulation.seen).toHaveLength(0);
  });
});

function named(name: string): Error {
  return Object.assign(new Error('no managed identity'), { name });
}

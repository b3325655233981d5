import { request } from 'node:https';
import { startAzure } from '../../local/azure/azure.ts';
import type { SimulatedAzure } from '../../local/azure/azure.ts';
import { parseFleet, readFleet } from '../../local/azure/fleet.ts';
import { generateFleet } from '../../local/azure/generateFleet.ts';
import { armAudience, issueToken } from '../../local/azure/identity.ts';
import { modelGuest } from '../../local/azure/world/guest.ts';
import { shellGuest } from '../../local/azure/world/shellGuest.ts';
import { createThrottle } from '../../local/azure/arm/throttle.ts';
import type { Machine } from '../../local/azure/world/world.ts';
import { sleepUntil, virtualClock } from '../../local/clock.ts';
import { parseRestart, restartScript } from '../../src/domain/guestRestart.ts';
import { parseProbe, probeScript } from '../../src/domain/probe.ts';
import { sentinelDefaults } from '../../src/policy/sentinel.ts';

const subscription = '11111111-1111-4111-8111-111111111111';
const id =
  `/subscriptions/${subscription}/resourceGroups/rg/providers` +
  '/Microsoft.ContainerService/managedClusters/one';
const start = Date.parse('2026-01-05T22:00:00Z');
const hourMs = 3_600_000;

const running: { azure: SimulatedAzure; clock: ReturnType<typeof virtualClock> }[] = [];

afterEach(async () => {
  for (const { azure, clock } of running.splice(0)) {
    clock.stop();
    await azure.stop();
  }
});

async function begin(fleet: object, guest: 'model' | 'shell' = 'model') {
  const read = parseFleet({ name: 'test', timings: { spread: 0 }, ...fleet });
  if (read.kind !== 'fleet') throw new Error(JSON.stringify(read.value));
  const clock = virtualClock(start);
  const azure = await startAzure({ fleet: read.value, clock, guest });
  running.push({ azure, clock });
  const machines = azure.world.clusters.flatMap(({ pools }) => pools.flatMap((p) => p.machines));
  const machine = machines[0];
  if (machine === undefined) throw new Error('a fleet without machines');
  return { azure, clock, machines, machine };
}

const pool = (settings: object) => ({
  clusters: [{ id, pools: [{ name: 'web', count: 1, ...settings }] }],
});

interface Answer {
  status: number;
  headers: NodeJS.Dict<string | string[]>;
  body: Record<string, unknown>;
}

function ask(azure: SimulatedAzure, method: string, path: string, body = ''): Promise<Answer> {
  const expires = Math.floor(Date.now() / 1000) + 3600;
  const headers = { authorization: `Bearer ${issueToken('alice', armAudience, expires)}` };
  const url = path.startsWith('https:') ? path : `${azure.armEndpoint}${path}`;
  const version = url.includes('ContainerService') ? '2026-06-01' : '2026-04-01';
  const full = /api-version=/.test(url)
    ? url
    : `${url}${url.includes('?') ? '&' : '?'}api-version=${version}`;
  return new Promise((resolve, reject) => {
    const sent = request(full, { method, headers, ca: azure.ca }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>,
        }),
      );
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

const restart = (azure: SimulatedAzure, machine: Machine) =>
  ask(azure, 'POST', `${machine.id}/restart`);
const trail = (azure: SimulatedAzure) =>
  azure.audit.lines.map(({ action, actor, status }) => `${actor} ${action} ${status}`);
const scriptBody = (script: string) =>
  JSON.stringify({ commandId: 'RunShellScript', script: [script] });

describe('the guests', () => {
  const libc = { packages: ['libc6'] };
  it.each<[string, string, object, string]>([
    ['needs a reboot', 'required', { packages: ['linux-image-6.8.0-1', 'libc6', 'libc6'] }, ''],
    ['has a sentinel that names no packages', 'required', { packages: [] }, ''],
    ['needs none', 'notRequired', {}, ''],
    ['shows another boot', 'required', { ...libc, probe: 'otherBootId' }, ''],
    ['has a boot id that cannot be read', 'unknown', { ...libc, probe: 'noBootId' }, ''],
    ['has a sentinel of a day ago', 'required', { ...libc, sentinelHours: 24 }, ''],
    ['has a command that says yes', 'required', { commandExit: 0 }, 'exit 0'],
    ['has a command that says no', 'notRequired', { ...libc, commandExit: 1 }, 'exit 1'],
    ['has a command that says neither', 'unknown', { commandExit: 9 }, 'exit 9'],
  ])('print the same for a node that %s, by the real script', async (_, kind, each, command) => {
    const { machine } = await begin(pool({ each }));
    const script = probeScript({ ...sentinelDefaults, sentinelCommand: command }, 20);
    const shell = await shellGuest();
    const now = start + 12_345;
    const real = await shell.run(machine, script, now);
    const model = await modelGuest().run(machine, script, now);
    // The script looks at the real clock, and a second may pass.
    const ageless = (text: string) => text.replace(/age=\d+/u, 'age=N');
    expect({ ...real, stdout: ageless(real.stdout) }).toEqual({
      stdout: ageless(model.stdout),
      stderr: '',
    });
    const [one, other] = [real, model].map(({ stdout }) => parseProbe(stdout));
    expect(one?.kind).toBe(kind);
    const ageOf = (probe: typeof one) => (probe?.kind === 'required' ? probe.ageSeconds : 0) ?? 0;
    expect(Math.abs(ageOf(one) - ageOf(other))).toBeLessThan(5);
    await shell.stop();
  });

  it.each<[string, object, string, number | undefined]>([
    ['restarts itself', {}, 'scheduled', 15],
    ['has no tool for it', { restart: 'fails' }, 'refused', undefined],
    ['is on another boot', { probe: 'otherBootId' }, 'otherBoot', undefined],
    ['does not know its boot', { probe: 'noBootId' }, 'refused', undefined],
  ])('do the same on a node that %s, by the real script', async (_, each, kind, seconds) => {
    const { machine } = await begin(pool({ each }));
    const script = restartScript(machine.bootId);
    const shell = await shellGuest();
    const real = await shell.run(machine, script, start);
    const model = await modelGuest().run(machine, script, start);
    expect(real).toEqual(model);
    expect(parseRestart(real.stdout).kind).toBe(kind);
    expect(real.rebootInSeconds).toBe(seconds);
    await shell.stop();
  });

  it('keep only the last 4,096 bytes of what a script prints', async () => {
    const { azure, clock, machine } = await begin(pool({}), 'shell');
    const script =
      'i=0; while [ $i -lt 3000 ]; do echo $i; i=$((i+1)); done; echo last >&2; exit 3';
    const stand = clock.busy();
    const begun = await ask(azure, 'POST', `${machine.id}/runCommand`, scriptBody(script));
    const over = sleepUntil(clock, clock.now() + 40_000);
    stand();
    await over;
    const { body } = await ask(azure, 'GET', String(begun.headers['location']));
    const message = (body['value'] as { message: string }[])[0]?.message ?? '';
    const [, stdout = '', stderr] =
      /^Enable succeeded: \n\[stdout\]\n(.*)\n\[stderr\]\n(.*)$/s.exec(message) ?? [];
    expect(Buffer.byteLength(stdout)).toBe(4096);
    expect(stdout.endsWith('\n2998\n2999\n')).toBe(true);
    expect(stderr).toBe('last\n');
  });
});

describe('a machine', () => {
  it('that never returns stays down, to ARM running, until a person lifts it', async () => {
    const { azure, clock, machine } = await begin(
      pool({ each: { packages: ['linux-image-6.8.0-1'], returns: false } }),
    );
    const before = machine.bootId;
    const stand = clock.busy();
    const begun = await restart(azure, machine);
    const over = sleepUntil(clock, start + hourMs);
    stand();
    await over;
    expect(machine).toMatchObject({ phase: 'down', bootId: before });
    const operation = await ask(azure, 'GET', String(begun.headers['azure-asyncoperation']));
    expect(operation.body).toMatchObject({ status: 'Succeeded' });
    const view = await ask(azure, 'GET', `${machine.id}/instanceView`);
    expect(JSON.stringify(view.body)).toContain('PowerState/running');
    expect(JSON.stringify(view.body)).toContain('Not Ready');
    azure.person.lift(machine.nodeName);
    expect(machine).toMatchObject({ phase: 'up', kernel: '6.8.0-1', packages: undefined });
    expect(machine.bootId).not.toBe(before);
    const own = trail(azure).filter((line) => !line.includes('ready'));
    expect(own).toEqual(['alice restart 202', 'azure down 0', 'azure booted 0']);
  });

  it('whose sentinel returns daily has it again a day after each boot', async () => {
    const { azure, clock, machine } = await begin(
      pool({ each: { packages: ['libc6'], sentinelReturnsHours: 24 } }),
    );
    const stand = clock.busy();
    await restart(azure, machine);
    const seen: unknown[] = [];
    const look = (hours: number) =>
      clock.at(start + hours * hourMs, () => seen.push(machine.packages));
    look(1);
    look(25);
    const over = sleepUntil(clock, start + 26 * hourMs);
    stand();
    await over;
    expect(seen).toEqual([undefined, ['libc6']]);
  });

  it.each([
    ['neverStarts', 'InProgress'],
    ['changesNothing', 'Succeeded'],
    ['fails', 'Failed'],
  ])('whose restart %s keeps its boot, and its operation says %s', async (behaviour, status) => {
    const { azure, clock, machine } = await begin(pool({ each: { restart: behaviour } }));
    const before = machine.bootId;
    const stand = clock.busy();
    const begun = await restart(azure, machine);
    const over = sleepUntil(clock, start + hourMs);
    stand();
    await over;
    const { body } = await ask(azure, 'GET', String(begun.headers['azure-asyncoperation']));
    expect(body).toMatchObject({ status });
    expect(machine).toMatchObject({ phase: 'up', bootId: before });
  });

  it('that is reimaged by its restart is another one, and may keep its sentinel', async () => {
    const { azure, clock, machine } = await begin(
      pool({ each: { packages: ['libc6'], restart: 'reimages', sentinelReturnsHours: 0 } }),
    );
    const { vmId, bornAt } = machine;
    const stand = clock.busy();
    await restart(azure, machine);
    const over = sleepUntil(clock, start + hourMs);
    stand();
    await over;
    expect(machine.vmId).not.toBe(vmId);
    expect(machine.bornAt).toBeGreaterThan(bornAt);
    expect(machine.packages).toEqual(['libc6']);
  });

  it('that is deleted is gone from ARM and Kubernetes', async () => {
    const { azure, machine } = await begin(pool({ count: 2 }));
    azure.person.deleteInstance(machine.nodeName);
    expect((await ask(azure, 'GET', machine.id)).status).toBe(404);
    expect((await restart(azure, machine)).status).toBe(404);
    const node = `/api/v1/nodes/${machine.nodeName}`;
    expect(machine.cluster.kubernetes.object(node)).toBeUndefined();
    expect(azure.audit.lines.find(({ action }) => action === 'restart')).toMatchObject({
      actor: 'alice',
      cluster: id,
      status: 404,
      detail: { taken: false },
    });
  });

  it('has the names that AKS gives', async () => {
    const { machines } = await begin({
      clusters: [
        {
          id,
          pools: [
            { name: 'web', count: 23 },
            { name: 'win', os: 'Windows', count: 1 },
            { name: 'alone', type: 'VirtualMachines', count: 1 },
            { name: 'default', type: 'NodeAutoProvisioning', count: 1 },
          ],
        },
      ],
    });
    const [last, windows, alone, nap] = machines.slice(22);
    expect(last?.nodeName).toMatch(/^aks-web-\d{8}-vmss00000m$/);
    expect(last?.providerId).toContain('/resourceGroups/mc_rg_one_westeurope/providers/');
    expect(windows?.nodeName).toBe('akswin000000');
    expect(alone?.nodeName).toMatch(/^aks-alone-\d{8}-vms1$/);
    expect(nap?.nodeName).toMatch(/^aks-default-\w{5}$/);
  });
});

describe('what people do', () => {
  it('shows in Kubernetes, in ARM and in the audit log under their name', async () => {
    const { azure, machine } = await begin(pool({}));
    const node = () =>
      machine.cluster.kubernetes.object(`/api/v1/nodes/${machine.nodeName}`) as {
        spec: { unschedulable?: boolean };
      };
    await azure.person.cordon(machine.nodeName);
    expect(node().spec.unschedulable).toBe(true);
    await azure.person.uncordon(machine.nodeName);
    expect(node().spec.unschedulable).toBeUndefined();
    azure.person.setState(id, 'Upgrading', 'web');
    const { body } = await ask(azure, 'GET', `${id}/agentPools/web`);
    expect(body).toMatchObject({ properties: { provisioningState: 'Upgrading' } });
    expect(trail(azure)).toEqual(['person cordon 200', 'person uncordon 200']);
  });
});

describe('a Node that lies', () => {
  it('names the machine of another cluster, while ARM tells the truth', async () => {
    const other = id.replace(/one$/, 'two');
    const { machines } = await begin({
      clusters: [
        { id: other, pools: [{ name: 'web', count: 1 }] },
        {
          id,
          pools: [
            {
              name: 'web',
              count: 1,
              nodes: { 0: { providerIdOf: { cluster: other, pool: 'web', index: 0 } } },
            },
          ],
        },
      ],
    });
    const [victim, liar] = machines;
    expect(liar?.providerId).toBe(victim?.providerId);
    expect(liar?.id).not.toBe(victim?.id);
  });
});

describe('rights', () => {
  it('in a locked node resource group end at reading', async () => {
    const { azure, machine } = await begin({
      clusters: [{ id, nodeResourceGroupLockdown: true, pools: [{ name: 'web', count: 1 }] }],
    });
    expect((await ask(azure, 'GET', machine.id)).status).toBe(200);
    expect(await restart(azure, machine)).toMatchObject({
      status: 403,
      body: { error: { code: 'DenyAssignmentAuthorizationFailed' } },
    });
  });

  it('that are denied to one actor on one scope are not denied elsewhere', async () => {
    const action = 'Microsoft.Compute/virtualMachineScaleSets/virtualMachines/restart/action';
    const { azure, machines } = await begin(pool({ count: 2 }));
    const [first, second] = machines;
    if (first === undefined || second === undefined) throw new Error('two machines');
    azure.faults.deny({ action, scope: first.id, actor: 'alice' });
    azure.faults.deny({ action, scope: second.id, actor: 'bob' });
    const refused = await restart(azure, first);
    expect(refused.status).toBe(403);
    expect(JSON.stringify(refused.body)).toContain(`over scope '${first.id}'`);
    expect((await restart(azure, second)).status).toBe(202);
  });
});

describe('an operation', () => {
  it('is remembered for a while after its end and then is a 404', async () => {
    const { azure, clock, machine } = await begin(pool({}));
    const stand = clock.busy();
    const begun = await restart(azure, machine);
    const url = String(begun.headers['azure-asyncoperation']);
    const later = sleepUntil(clock, start + hourMs / 2);
    stand();
    await later;
    expect((await ask(azure, 'GET', url)).body).toMatchObject({ status: 'Succeeded' });
    await sleepUntil(clock, start + 2 * hourMs);
    expect((await ask(azure, 'GET', url)).status).toBe(404);
  });
});

describe('a fault rule', () => {
  it('lets some pass, strikes as often as it says, before the effect or after', async () => {
    const answer = { kind: 'answer', status: 500, body: { error: { code: 'Oops' } } };
    const { azure, machine } = await begin({
      ...pool({}),
      faults: {
        requests: [
          { method: 'POST', path: '/restart', skip: 1, fault: answer },
          { method: 'POST', path: '/RESTART', skip: 1, when: 'after', fault: answer },
        ],
      },
    });
    const statuses = [];
    for (let i = 0; i < 4; i++) statuses.push((await restart(azure, machine)).status);
    expect(statuses).toEqual([202, 500, 500, 202]);
    const taken = azure.audit.lines
      .filter(({ action }) => action === 'restart')
      .map(({ detail }) => [detail['taken'], detail['fault']]);
    expect(taken).toEqual([
      [true, undefined],
      [false, 'answer before'],
      [true, 'answer after'],
      [true, undefined],
    ]);
  });
});

describe('the throttle', () => {
  it('takes from every bucket or from none, and refills with time', () => {
    const clock = virtualClock(start);
    let now = start;
    const throttle = createThrottle({ ...clock, now: () => now }, true);
    const wide = { policy: 'wide', owner: 's', size: 9, perSecond: 1, answer: 'arm' } as const;
    const narrow = { ...wide, policy: 'narrow', size: 2, perSecond: 0.5 };
    expect(throttle.take([wide, narrow]).kind).toBe('taken');
    expect(throttle.take([wide, narrow]).kind).toBe('taken');
    expect(throttle.take([wide, narrow])).toMatchObject({ kind: 'empty', retryAfterSeconds: 2 });
    expect(throttle.take([wide])).toMatchObject({ remaining: [{ tokens: 6 }] });
    now += 2000;
    expect(throttle.take([wide, narrow]).kind).toBe('taken');
    expect(throttle.take([wide, narrow]).kind).toBe('empty');
  });
});

describe('determinism', () => {
  it('gives the same ids, names and boots for the same seed, others for another', async () => {
    const ids = async (seed: number) => {
      const { machines } = await begin({ ...pool({ count: 3 }), seed });
      return machines.map(({ vmId, bootId, nodeName }) => [vmId, bootId, nodeName]);
    };
    const first = await ids(1);
    expect(await ids(1)).toEqual(first);
    const other = await ids(2);
    expect(other).not.toEqual(first);
    expect(other.map(([, , name]) => name)).toEqual(first.map(([, , name]) => name));
  });
});

describe('size', () => {
  it('of 5,000 nodes is workable: every instance is listed, page by page', async () => {
    const fleet = generateFleet({ clusters: 1, nodesPerCluster: 5000, seed: 1 });
    const { azure } = await begin({
      ...fleet,
      clusters: fleet.clusters.map((cluster) => ({ ...cluster, workloads: [] })),
    });
    const cluster = azure.world.clusters[0];
    const group =
      `/subscriptions/${cluster?.subscription}/resourceGroups/${cluster?.nodeResourceGroup}` +
      '/providers/Microsoft.Compute/virtualMachineScaleSets';
    const sets = (await ask(azure, 'GET', group)).body['value'] as { name: string }[];
    let count = 0;
    for (const { name } of sets) {
      const url = `${group}/${name}/virtualMachines?$expand=instanceView`;
      count += ((await ask(azure, 'GET', url)).body['value'] as unknown[]).length;
    }
    expect(count).toBe(5000);
  });

  it.each(['default', 'fleet'])('of the shipped fleet "%s" starts', async (name) => {
    const read = readFleet(name);
    if (read.kind !== 'fleet') throw new Error(name);
    const { azure, machines } = await begin(read.value);
    for (const machine of machines) {
      const path = `/api/v1/nodes/${machine.nodeName}`;
      expect(machine.cluster.kubernetes.object(path)).toMatchObject({
        spec: { providerID: machine.providerId },
        status: { nodeInfo: { bootID: machine.bootId } },
      });
    }
    expect(azure.audit.lines).toEqual([]);
  });
});

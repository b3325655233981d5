/** The real kubectl, against one simulated cluster behind HTTPS with client certificates. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Audit } from '../../local/azure/audit.ts';
import type { Kubernetes } from '../../local/azure/kubernetes/kubernetes.ts';
import { nodeEvent } from '../../src/domain/nodeEvent.ts';
import type { NodeEventReason } from '../../src/domain/nodeEvent.ts';
import { createKubernetes as createAdapter } from '../../src/kubernetes/kubernetes.ts';
import { startStage } from './kubectl.ts';
import type { Ran, Stage } from './kubectl.ts';

const user = 'someone@example.com';
const nodes = ['aks-one-00000000-vmss000000', 'aks-one-00000000-vmss000001'] as const;
const [first, second] = nodes;

let stage: Stage;
let directory: string;
let kubernetes: Kubernetes;
let audit: Audit;

const kubectl = (...args: string[]): Promise<Ran> => stage.kubectl(...args);

async function done(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await kubectl(...args);
  if (code !== 0) throw new Error(`kubectl ${args.join(' ')} exited ${code}: ${stderr}`);
  return stdout;
}

/** The cells of a printed table, header first. */
function cells(table: string): string[][] {
  return table
    .trimEnd()
    .split('\n')
    .map((line) => line.split(/\s{2,}/).map((cell) => cell.trim()));
}

beforeEach(async () => {
  stage = await startStage({ user, speed: 10, startsAt: Date.UTC(2026, 0, 5, 12) });
  ({ directory, kubernetes, audit } = stage);
  for (const [index, name] of nodes.entries()) {
    kubernetes.machineJoins({
      name,
      providerId: `azure:///virtualMachines/${index}`,
      pool: 'one',
      bootId: `boot-${index}`,
      machineId: `machine-${index}`,
      systemUuid: `uuid-${index}`,
      kernelVersion: '5.15.0-1084-azure',
      osImage: 'Ubuntu 22.04.5 LTS',
      kubeletVersion: 'v1.33.3',
      ip: `10.224.0.${index + 4}`,
    });
  }
});

afterEach(() => stage.close());

function createWorkloads(): void {
  kubernetes.createWorkload({
    kind: 'Deployment',
    namespace: 'shop',
    name: 'web',
    replicas: 4,
    emptyDir: true,
    pdb: { minAvailable: 3 },
  });
  kubernetes.createWorkload({ kind: 'DaemonSet', namespace: 'kube-system', name: 'agent' });
}

describe('kubectl', () => {
  it('tells the version of the server', async () => {
    // Old clients print the whole structure.
    expect(await done('version')).toMatch(/Server Version: .*v1\.33\.3/);
  });

  it('prints the usual columns of nodes, and more of them with -o wide', async () => {
    const plain = cells(await done('get', 'nodes'));
    expect(plain[0]).toEqual(['NAME', 'STATUS', 'ROLES', 'AGE', 'VERSION']);
    expect(plain[1]?.slice(0, 3)).toEqual([first, 'Ready', '<none>']);
    const wide = cells(await done('get', 'nodes', '-o', 'wide', second));
    expect(wide[0]?.slice(5)).toEqual([
      'INTERNAL-IP',
      'EXTERNAL-IP',
      'OS-IMAGE',
      'KERNEL-VERSION',
      'CONTAINER-RUNTIME',
    ]);
    expect(wide[1]?.slice(5, 9)).toEqual([
      '10.224.0.5',
      '<none>',
      'Ubuntu 22.04.5 LTS',
      '5.15.0-1084-azure',
    ]);
  });

  it('lists pods of all namespaces, and those of one node', async () => {
    createWorkloads();
    const all = cells(await done('get', 'pods', '-A'));
    expect(all[0]).toEqual(['NAMESPACE', 'NAME', 'READY', 'STATUS', 'RESTARTS', 'AGE']);
    expect(all).toHaveLength(1 + 4 + 2);
    expect(all.slice(1).map((row) => row.slice(2, 5).join(' '))).toEqual(
      Array.from({ length: 6 }, () => '1/1 Running 0'),
    );
    const some = await done(
      'get',
      'pods',
      '-A',
      '-o',
      'wide',
      '--chunk-size=2',
      '--field-selector',
      `spec.nodeName=${first}`,
    );
    expect(
      cells(some)
        .slice(1)
        .map((row) => row[7]),
    ).toEqual([first, first, first]);
  });

  it('describes a node with its pods and events', async () => {
    createWorkloads();
    await done('cordon', first);
    const text = await done('describe', 'node', first);
    expect(text).toMatch(/Unschedulable:\s+true/);
    expect(text).toContain('NodeNotSchedulable');
    expect(text).toMatch(/kube-system\s+agent-/);
  });

  it('finds our Events by the uid of the node that it describes', async () => {
    const { uid } = (kubernetes.object(`/api/v1/nodes/${first}`) as { metadata: { uid: string } })
      .metadata;
    const kubeconfig = await readFile(join(directory, 'config'), 'utf8');
    const adapter = createAdapter({ kubeconfig: async () => kubeconfig, token: undefined });
    const tell = async (reason: NodeEventReason, message: string) => {
      const at = new Date(Date.UTC(2026, 0, 5, 12)).toISOString();
      const event = nodeEvent(
        { name: first, uid },
        { run: 'r', fence: 1 },
        { reason, message, at },
      );
      await adapter.recordEvent(event);
    };
    await tell('Drained', 'Nothing is left to drain');
    await tell('Cordoned', 'Cordoned by run r');
    await tell('DrainBlocked', 'Drain is held up: shop/web-1 blocked by PDB web');
    await tell('DrainBlocked', 'Drain is held up: shop/web-1 blocked by PDB web');
    const described = await done('describe', 'node', first);
    const events = cells(described.slice(described.indexOf('Events:'))).slice(3);
    const ours = events.filter((row) => row.includes('aks-reboot-orchestrator'));
    const told = [
      ['Normal', 'Cordoned', 'Cordoned by run r'],
      ['Warning', 'DrainBlocked', 'Drain is held up: shop/web-1 blocked by PDB web'],
      ['Normal', 'Drained', 'Nothing is left to drain'],
    ];
    // Up to 1.20 `describe node` looks for Events whose uid is the node's name, as kubelets do.
    const version = JSON.parse(await done('version', '--client', '-o', 'json')) as {
      clientVersion: { minor: string };
    };
    const looksByUid = Number.parseInt(version.clientVersion.minor, 10) > 20;
    expect(ours.map(([, type, reason, , , message]) => [type, reason, message])).toEqual(
      looksByUid ? told : [],
    );
    expect(await done('describe', 'node', second)).not.toContain('aks-reboot-orchestrator');
    expect(await done('get', 'events', '--field-selector', 'reason=DrainBlocked')).toContain(first);
  });

  it('shows budgets, workloads and leases', async () => {
    createWorkloads();
    expect(cells(await done('get', 'pdb', '-n', 'shop'))[1]?.slice(0, 4)).toEqual([
      'web',
      '3',
      'N/A',
      '1',
    ]);
    expect(await done('get', 'deploy,rs,sts,ds,job,lease,ns,events', '-A')).toContain('agent');
  });

  it('cordons and uncordons', async () => {
    expect(await done('cordon', first)).toBe(`node/${first} cordoned\n`);
    expect(await done('cordon', first)).toBe(`node/${first} already cordoned\n`);
    expect(cells(await done('get', 'nodes'))[1]?.[1]).toBe('Ready,SchedulingDisabled');
    expect(await done('uncordon', first)).toBe(`node/${first} uncordoned\n`);
    expect(
      audit.lines.map(({ actor, node, action, status }) => [actor, node, action, status]),
    ).toEqual([
      [user, first, 'cordon', 200],
      [user, first, 'uncordon', 200],
    ]);
  });

  it('annotates, labels and taints', async () => {
    await done('annotate', 'node', first, 'example.com/reason=kernel');
    await done('label', 'node', first, 'example.com/ring=1');
    await done('taint', 'node', first, 'example.com/busy=yes:NoSchedule');
    await done('annotate', 'node', first, 'example.com/reason-');
    expect(kubernetes.object(`/api/v1/nodes/${first}`)).toMatchObject({
      metadata: { labels: { 'example.com/ring': '1' } },
      spec: { taints: [{ key: 'example.com/busy', value: 'yes', effect: 'NoSchedule' }] },
    });
    expect(audit.lines.map(({ detail }) => [detail['annotations'], detail['labels']])).toEqual([
      [{ 'example.com/reason': 'kernel' }, undefined],
      [undefined, { 'example.com/ring': '1' }],
      [undefined, undefined],
      [{ 'example.com/reason': null }, undefined],
    ]);
  });

  it('refuses to drain what it may not touch, naming it', async () => {
    createWorkloads();
    const { code, stderr } = await kubectl('drain', first);
    expect(code).toBe(1);
    expect(stderr).toContain(
      'cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore)',
    );
    expect(stderr).toContain(
      'cannot delete Pods with local storage (use --delete-emptydir-data to override)',
    );
  });

  it('drains a node, waiting for a budget to allow the second pod', async () => {
    createWorkloads();
    const { code, stdout, stderr } = await kubectl(
      'drain',
      first,
      '--ignore-daemonsets',
      '--delete-emptydir-data',
      '--timeout=60s',
    );
    expect(stderr).toContain("Cannot evict pod as it would violate the pod's disruption budget.");
    // Clients before 1.23 say evicted.
    expect(stdout).toMatch(new RegExp(`node/${first} (drained|evicted)`));
    expect(code).toBe(0);
    const left = cells(
      await done('get', 'pods', '-A', '--field-selector', `spec.nodeName=${first}`),
    ).slice(1);
    expect(left.map((row) => row[0])).toEqual(['kube-system']);
    const evictions = audit.lines.filter(({ action }) => action === 'evict');
    expect(evictions.filter(({ status }) => status === 201)).toHaveLength(2);
    expect(evictions.filter(({ status }) => status === 429).length).toBeGreaterThan(0);
    expect(audit.lines.filter(({ action }) => action === 'podDeleted')).toHaveLength(2);
  });

  it('waits for a node that comes back, and for a pod that goes', async () => {
    createWorkloads();
    kubernetes.machineGoesDown(second, 'gracefully');
    const waiting = done('wait', '--for=condition=Ready=true', `node/${second}`, '--timeout=30s');
    await done('wait', '--for=condition=Ready=false', `node/${second}`, '--timeout=30s');
    kubernetes.machineIsUp(second, { bootId: 'another', kernelVersion: '5.15.0-1090-azure' });
    expect(await waiting).toBe(`node/${second} condition met\n`);
    const pod = cells(await done('get', 'pods', '-n', 'shop'))[1]?.[0] ?? '';
    expect(await done('delete', 'pod', '-n', 'shop', pod)).toContain(`"${pod}" deleted`);
  });

  it('says what a server says of what is not there', async () => {
    const { stderr } = await kubectl('get', 'node', 'nowhere');
    expect(stderr).toBe('Error from server (NotFound): nodes "nowhere" not found\n');
  });
});

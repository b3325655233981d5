/** The real kubectl, against one simulated cluster behind HTTPS with client certificates. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAudit, type Audit } from '../../local/azure/audit.ts';
import { createAuthority } from '../../local/azure/certificates.ts';
import { createKubernetes, type Kubernetes } from '../../local/azure/kubernetes/kubernetes.ts';
import { listen, type Listener } from '../../local/azure/listener.ts';
import { seededRandom } from '../../local/azure/random.ts';
import { compressedClock } from '../../local/clock.ts';
import { nodeEvent } from '../../src/domain/nodeEvent.ts';
import type { NodeEventReason } from '../../src/domain/nodeEvent.ts';
import { createKubernetes as createAdapter } from '../../src/kubernetes/kubernetes.ts';

interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

const user = 'someone@example.com';
const nodes = ['aks-one-00000000-vmss000000', 'aks-one-00000000-vmss000001'] as const;
const [first, second] = nodes;

let directory: string;
let listener: Listener;
let kubernetes: Kubernetes;
let audit: Audit;

function kubectl(...args: string[]): Promise<Ran> {
  const options = ['--kubeconfig', join(directory, 'config'), '--cache-dir', directory];
  return new Promise((resolve, reject) => {
    execFile('kubectl', [...options, ...args], (error, stdout, stderr) => {
      if (error?.code === 'ENOENT') {
        reject(new Error('kubectl is not on the PATH: these tests need it (apt install kubectl)'));
      } else {
        resolve({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr });
      }
    });
  });
}

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
  directory = await mkdtemp(join(tmpdir(), 'kubectl-'));
  // Ten times as fast as the wall: kubectl's own waits are in real seconds.
  const clock = compressedClock(10, { wall: Date.now(), shown: Date.UTC(2026, 0, 5, 12) });
  audit = createAudit(() => clock.now());
  kubernetes = createKubernetes({
    clock,
    audit,
    cluster:
      '/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/c',
    random: seededRandom(1, 'kubectl'),
    version: '1.33.3',
  });
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
  const authority = await createAuthority('test');
  const server = await authority.issueServer();
  const client = await authority.issueClient(user, 'system:masters');
  listener = await listen({
    clock,
    port: 0,
    tls: { key: server.key, cert: server.certificate, ca: authority.pem, requestCert: true },
    log: () => {},
    async answer({ certificateUser = 'nobody', ...request }) {
      const response = await kubernetes.handle({ ...request, user: certificateUser });
      return 'stream' in response ? { kind: 'stream', ...response } : { kind: 'body', ...response };
    },
  });
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  await writeFile(
    join(directory, 'config'),
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'c',
      contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
      clusters: [
        {
          name: 'c',
          cluster: {
            server: `https://127.0.0.1:${listener.port}`,
            'certificate-authority-data': base64(authority.pem),
          },
        },
      ],
      users: [
        {
          name: 'u',
          user: {
            'client-certificate-data': base64(client.certificate),
            'client-key-data': base64(client.key),
          },
        },
      ],
    }),
  );
});

afterEach(async () => {
  kubernetes.close();
  await listener.close();
  await rm(directory, { recursive: true, force: true });
});

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
    expect(ours.map(([, type, reason, , , message]) => [type, reason, message])).toEqual([
      ['Normal', 'Cordoned', 'Cordoned by run r'],
      ['Warning', 'DrainBlocked', 'Drain is held up: shop/web-1 blocked by PDB web'],
      ['Normal', 'Drained', 'Nothing is left to drain'],
    ]);
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

import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAudit } from '../../local/azure/audit.ts';
import type { Audit } from '../../local/azure/audit.ts';
import { createAuthority } from '../../local/azure/certificates.ts';
import type { Authority } from '../../local/azure/certificates.ts';
import { createKubernetes } from '../../local/azure/kubernetes/kubernetes.ts';
import type { Kubernetes, KubernetesOptions } from '../../local/azure/kubernetes/kubernetes.ts';
import { listen } from '../../local/azure/listener.ts';
import { seededRandom } from '../../local/azure/random.ts';
import { compressedClock } from '../../local/clock.ts';

/** One simulated cluster behind HTTPS with client certificates, and the real kubectl. */

export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

export interface Stage {
  kubernetes: Kubernetes;
  audit: Audit;
  /** Where a cache and files may lie. */
  directory: string;
  /** A kubeconfig for a user of that name, as its text. */
  kubeconfigFor(user: string): Promise<string>;
  /** Runs kubectl as the stage's user; a failure of kubectl is an answer too. */
  kubectl(...args: string[]): Promise<Ran>;
  close(): Promise<void>;
}

export interface StageOptions {
  /** Whose certificate kubectl shows. */
  user: string;
  /** How fast the cluster's clock goes: kubectl's own waits are in real seconds. */
  speed: number;
  /** What the clock shows at the start, epoch milliseconds. */
  startsAt: number;
  timings?: KubernetesOptions['timings'];
}

export async function startStage({
  user,
  speed,
  startsAt,
  timings = {},
}: StageOptions): Promise<Stage> {
  const directory = await mkdtemp(join(tmpdir(), 'kubectl-'));
  const clock = compressedClock(speed, { wall: Date.now(), shown: startsAt });
  const audit = createAudit(() => clock.now());
  const kubernetes = createKubernetes({
    clock,
    audit,
    cluster:
      '/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/c',
    random: seededRandom(1, 'kubectl'),
    version: '1.33.3',
    timings,
  });
  const authority = await createAuthority('test');
  const server = await authority.issueServer();
  const listener = await listen({
    clock,
    port: 0,
    tls: { key: server.key, cert: server.certificate, ca: authority.pem, requestCert: true },
    log: () => {},
    async answer({ certificateUser = 'nobody', ...request }) {
      const response = await kubernetes.handle({ ...request, user: certificateUser });
      return 'stream' in response ? { kind: 'stream', ...response } : { kind: 'body', ...response };
    },
  });
  const kubeconfigFor = (name: string) => kubeconfig(authority, listener.port, name);
  const config = join(directory, 'config');
  await writeFile(config, await kubeconfigFor(user));
  return {
    kubernetes,
    audit,
    directory,
    kubeconfigFor,
    kubectl: (...args) => run(['--kubeconfig', config, '--cache-dir', directory, ...args]),
    async close() {
      kubernetes.close();
      await listener.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function run(args: readonly string[]): Promise<Ran> {
  return new Promise((resolve, reject) => {
    execFile('kubectl', args, (error, stdout, stderr) => {
      if (error?.code === 'ENOENT') {
        reject(new Error('kubectl is not on the PATH: these tests need it (apt install kubectl)'));
      } else {
        resolve({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr });
      }
    });
  });
}

async function kubeconfig(authority: Authority, port: number, user: string): Promise<string> {
  const client = await authority.issueClient(user, 'system:masters');
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  const cluster = {
    server: `https://127.0.0.1:${port}`,
    'certificate-authority-data': base64(authority.pem),
  };
  const identity = {
    'client-certificate-data': base64(client.certificate),
    'client-key-data': base64(client.key),
  };
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'c',
    contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
    clusters: [{ name: 'c', cluster }],
    users: [{ name: 'u', user: identity }],
  });
}

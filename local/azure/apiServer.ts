import type { Clock } from '../clock.ts';
import type { CommandUser } from './arm/clusterCommand.ts';
import { createAuthority } from './certificates.ts';
import type { KeyPair } from './certificates.ts';
import { throughFaults } from './faults.ts';
import type { Faults } from './faults.ts';
import { kubernetesAudience, tenant, verifyToken } from './identity.ts';
import type { ApiResponse } from './kubernetes/kubernetes.ts';
import { listen } from './listener.ts';
import type { Listener, ListenOptions, WireAnswer, WireRequest } from './listener.ts';
import type { Cluster } from './world/world.ts';

/** The HTTPS front of one cluster's Kubernetes API: who are you, then the API itself. */
export interface ApiServer extends Listener {
  readonly cluster: Cluster;
  /** What listClusterUserCredential hands out. */
  userKubeconfig(actor: string): Promise<string>;
  /** A kubeconfig with a client certificate that may do everything, for kubectl. */
  adminKubeconfig(actor: string): Promise<string>;
  /** The kubeconfig of a command's pod, which is within the cluster's network. */
  commandKubeconfig(user: CommandUser): Promise<string>;
}

export interface ApiServerOptions {
  cluster: Cluster;
  clock: Clock;
  answer: ListenOptions['answer'];
  /** 0: any free one. */
  port: number;
  log: (text: string) => void;
}

/** The certificate that a local-account kubeconfig holds has power over everything. */
const adminGroup = 'system:masters';

export async function startApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { cluster } = options;
  const authority = await createAuthority(`Kubernetes CA of ${cluster.name}`);
  const own = await authority.issueServer();
  const listener = await listen({
    clock: options.clock,
    port: options.port,
    // Whoever comes without a certificate may still bring a token.
    tls: {
      key: own.key,
      cert: own.certificate,
      ca: authority.pem,
      requestCert: true,
      rejectUnauthorized: false,
    },
    answer: options.answer,
    log: options.log,
  });
  const server = `https://127.0.0.1:${listener.port}`;
  const certificates = new Map<string, Promise<string[]>>();
  const certificateOf = (actor: string) => {
    const known =
      certificates.get(actor) ?? authority.issueClient(actor, adminGroup).then(certificateUser);
    certificates.set(actor, known);
    return known;
  };
  const config = (user: readonly string[], at = server) =>
    kubeconfig(cluster, { server: at, ca: authority.pem, user });
  return {
    ...listener,
    cluster,
    adminKubeconfig: async (actor) => config(await certificateOf(actor)),
    userKubeconfig: async (actor) =>
      config(
        cluster.settings.access === 'local' ? await certificateOf(actor) : kubelogin(),
        isReachable(cluster) ? server : nowhere,
      ),
    commandKubeconfig: async (user) =>
      config(user.kind === 'admin' ? await certificateOf(user.actor) : [`token: ${user.token}`]),
  };
}

/** Nobody listens there: a private API server's name would not even be known outside. */
const nowhere = 'https://127.0.0.1:9';

/** Whether the API server can be reached from outside the cluster's network. */
export function isReachable({ settings }: Cluster): boolean {
  return settings.reachable ?? !(settings.private || settings.authorizedIPRanges.length > 0);
}

function userOf(request: WireRequest): string | undefined {
  if (request.certificateUser !== undefined) return request.certificateUser;
  const verdict = verifyToken(request.headers['authorization'], [kubernetesAudience]);
  return verdict.kind === 'valid' ? verdict.principal.actor : undefined;
}

/** What the API server says to whom it does not know. */
const unauthorized: WireAnswer = {
  kind: 'body',
  status: 401,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: 'Unauthorized',
    reason: 'Unauthorized',
    code: 401,
  }),
};

/** A cluster's API behind its door: who are you, then the API itself. */
export function createApiServer({ kubernetes }: Cluster, faults: Faults) {
  return async (request: WireRequest): Promise<WireAnswer> => {
    const user = userOf(request);
    if (user === undefined) return unauthorized;
    const { method, url, headers, body, signal } = request;
    const seen = { service: 'kubernetes', method, path: url, body, actor: user } as const;
    return throughFaults(faults, seen, async () =>
      toWire(await kubernetes.handle({ method, url, headers, body, user, signal })),
    );
  };
}

const toWire = (response: ApiResponse): WireAnswer =>
  'stream' in response ? { kind: 'stream', ...response } : { kind: 'body', ...response };

const base64 = (text: string) => Buffer.from(text).toString('base64');

/** Who holds the key is whom the certificate names. */
export function certificateUser({ certificate, key }: KeyPair): string[] {
  return [`client-certificate-data: ${base64(certificate)}`, `client-key-data: ${base64(key)}`];
}

/** The exec stanza of `format=exec`, as AKS writes it for Entra clusters. */
export const kubelogin = () => [
  'exec:',
  '  apiVersion: client.authentication.k8s.io/v1beta1',
  '  command: kubelogin',
  '  args:',
  ...['get-token', '--environment', 'AzurePublicCloud', '--server-id', kubernetesAudience]
    .concat('--client-id', '80faf920-1908-4b52-b5ef-a8e7bedfc67a', '--tenant-id', tenant)
    .concat('--login', 'devicecode')
    .map((argument) => `  - ${argument}`),
  '  env: null',
  '  provideClusterInfo: false',
];

export function kubeconfig(
  { name, resourceGroup }: Pick<Cluster, 'name' | 'resourceGroup'>,
  { server, ca, user }: { server: string; ca: string; user: readonly string[] },
): string {
  const userName = `clusterUser_${resourceGroup}_${name}`;
  return [
    'apiVersion: v1',
    'kind: Config',
    'clusters:',
    `- name: ${name}`,
    '  cluster:',
    `    certificate-authority-data: ${base64(ca)}`,
    `    server: ${server}`,
    'contexts:',
    `- name: ${name}`,
    '  context:',
    `    cluster: ${name}`,
    `    user: ${userName}`,
    `current-context: ${name}`,
    'preferences: {}',
    'users:',
    `- name: ${userName}`,
    '  user:',
    ...user.map((line) => `    ${line}`),
    '',
  ].join('\n');
}

import { loadYaml } from '@kubernetes/client-node/dist/yaml.js';
import * as z from 'zod';

/**
 * Where an API server is, whom it is signed by, and who we are to it unless an Entra token says so.
 */
export interface Target {
  server: URL;
  /** PEM. */
  ca: string;
  identity:
    | { kind: 'certificate'; cert: string; key: string }
    | { kind: 'token'; token: string }
    /** The kubeconfig holds none: Entra clusters leave that to kubelogin. */
    | { kind: 'none' };
}

const pem = z.base64().transform((text) => Buffer.from(text, 'base64').toString('utf8'));

const kubeconfigSchema = z.object({
  'current-context': z.string(),
  contexts: z.array(
    z.object({ name: z.string(), context: z.object({ cluster: z.string(), user: z.string() }) }),
  ),
  clusters: z.array(
    z.object({
      name: z.string(),
      cluster: z.object({
        server: z.url({ protocol: /^https$/u }),
        // Required, and no way around it: an API server that we can't verify gets no token of ours.
        'certificate-authority-data': pem,
      }),
    }),
  ),
  users: z.array(
    z.object({
      name: z.string(),
      user: z.object({
        'client-certificate-data': pem.optional(),
        'client-key-data': pem.optional(),
        token: z.string().optional(),
      }),
    }),
  ),
});

/** Reads the current context of a kubeconfig; throws an error that quotes nothing of it. */
export function parseKubeconfig(text: string): Target {
  const config = kubeconfigSchema.safeParse(yaml(text));
  if (!config.success) {
    const paths = config.error.issues.map(({ path }) => path.join('.')).join(', ');
    throw new Error(`the kubeconfig is not usable: ${paths || 'not a kubeconfig'}`);
  }
  const { contexts, clusters, users, 'current-context': current } = config.data;
  const context = contexts.find(({ name }) => name === current)?.context;
  const cluster = clusters.find(({ name }) => name === context?.cluster)?.cluster;
  const user = users.find(({ name }) => name === context?.user)?.user;
  if (cluster === undefined || user === undefined) {
    throw new Error('the kubeconfig is not usable: its current context names no cluster and user');
  }
  const { 'client-certificate-data': cert, 'client-key-data': key, token } = user;
  return {
    server: new URL(cluster.server),
    ca: cluster['certificate-authority-data'],
    identity:
      cert !== undefined && key !== undefined
        ? { kind: 'certificate', cert, key }
        : token !== undefined
          ? { kind: 'token', token }
          : { kind: 'none' },
  };
}

/** The parser's own errors quote the text, so they end here. */
function yaml(text: string): unknown {
  try {
    return loadYaml<unknown>(text);
  } catch {
    return undefined;
  }
}

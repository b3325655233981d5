import type { ContainerServiceClient } from '@azure/arm-containerservice';
import type { TokenCredential } from '@azure/identity';
import type { ClusterFacts } from '../domain/cluster.ts';
import { TroubleError } from '../domain/trouble.ts';
import type { Clock, KubernetesAccess } from '../ports.ts';
import { troubleOfFailure, troubleOfUnexpected } from './trouble.ts';

/**
 * Of AKS's own server application: the same in every tenant and cloud (kubelogin's documentation).
 */
const kubernetesScope = '6dae42f8-4368-4678-94ff-3960e28e3630/.default';

/** A kubeconfig is asked for again after that; a rotated certificate is noticed at once anyway. */
const kubeconfigMinutes = 30;

export interface ClusterAccessOptions {
  credential: TokenCredential;
  clock: Clock;
  containers: (subscription: string) => ContainerServiceClient;
}

/**
 * How to reach clusters' API servers. Kubeconfigs of clusters with local accounts hold a key to
 * everything: they are kept in memory only, and said nowhere.
 */
export function clusterAccess(options: ClusterAccessOptions) {
  const { clock } = options;
  const known = new Map<string, { text: Promise<string>; until: number }>();

  return (cluster: ClusterFacts): KubernetesAccess => {
    const key = cluster.id.id.toLowerCase();
    const ask = (): Promise<string> => {
      const text = askForKubeconfig(options, cluster);
      known.set(key, { text, until: clock.now() + kubeconfigMinutes * 60_000 });
      text.catch(() => {
        if (known.get(key)?.text === text) known.delete(key);
      });
      return text;
    };
    return {
      kubeconfig(freshness) {
        const entry = known.get(key);
        const serves = freshness === 'known' && entry !== undefined && clock.now() < entry.until;
        return serves ? entry.text : ask();
      },
      token: cluster.entra ? () => kubernetesToken(options.credential) : undefined,
    };
  };
}

async function askForKubeconfig(
  { containers }: ClusterAccessOptions,
  { id }: ClusterFacts,
): Promise<string> {
  try {
    // For Entra clusters `exec` holds no secret at all; others answer the same whatever is asked
    // for.
    const { kubeconfigs = [] } = await containers(
      id.subscription,
    ).managedClusters.listClusterUserCredentials(id.resourceGroup, id.name, { format: 'exec' });
    const value = kubeconfigs[0]?.value;
    if (value === undefined) throw new Error('no kubeconfig');
    return Buffer.from(value).toString('utf8');
  } catch (error) {
    throw error instanceof TroubleError ? error : new TroubleError(troubleOfUnexpected(error));
  }
}

async function kubernetesToken(credential: TokenCredential): Promise<string> {
  const asked = 'token for the API server';
  let token;
  try {
    token = await credential.getToken(kubernetesScope);
  } catch (error) {
    throw new TroubleError(troubleOfFailure(asked, error));
  }
  if (token === null) throw new TroubleError({ kind: 'forbidden', value: `${asked}: none given` });
  return token.token;
}

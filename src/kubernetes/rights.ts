import type { AuthorizationV1Api } from '@kubernetes/client-node/dist/gen/index.js';
import type { KubernetesRight } from '../domain/kubernetesRight.ts';
import { readable } from './answers.ts';

/**
 * Asks the cluster, right by right, what it does not grant us. Everybody who is known may ask that
 * of himself (ClusterRole system:basic-user).
 */
export async function deniedRights(
  api: AuthorizationV1Api,
  rights: readonly KubernetesRight[],
): Promise<KubernetesRight[]> {
  const answers = await Promise.all(
    rights.map(async ({ verb, group, resource: full, namespace }) => {
      const [resource, subresource] = full.split('/');
      const review = await readable(
        api.createSelfSubjectAccessReview({
          body: {
            spec: {
              resourceAttributes: {
                verb,
                group,
                ...(resource === undefined ? {} : { resource }),
                ...(subresource === undefined ? {} : { subresource }),
                ...(namespace === undefined ? {} : { namespace }),
              },
            },
          },
        }),
      );
      return review.status?.allowed === true;
    }),
  );
  return rights.filter((_right, index) => answers[index] !== true);
}

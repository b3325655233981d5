import * as z from 'zod';
import type { Access } from '../domain/access.ts';
import type { KubernetesRight } from '../domain/kubernetesRight.ts';
import clusterRole from '../../infra/roles/cluster.json' with { type: 'json' };
import kubernetesRole from '../../infra/roles/kubernetes.json' with { type: 'json' };
import subscriptionRole from '../../infra/roles/subscription.json' with { type: 'json' };
import nodesRole from '../../infra/roles/nodes.json' with { type: 'json' };
import type { ClusterSettings, Policy } from './settings.ts';
import { asksForMaintenance } from './window.ts';

/**
 * The rights that runs need, from the very files that infra/ makes roles of: by feature, because
 * nobody should grant what his settings don't use.
 */
const azureRoleSchema = z.object({
  title: z.string(),
  scope: z.enum(['cluster', 'nodeResourceGroup', 'subscription']),
  sections: z.array(
    z.object({ feature: z.string(), rights: z.array(z.object({ action: z.string() })) }),
  ),
});

const kubernetesRoleSchema = z.object({
  sections: z.array(
    z.object({
      feature: z.string(),
      rights: z.array(
        z.object({
          apiGroup: z.string(),
          resource: z.string(),
          verbs: z.array(z.string()),
          namespace: z.string().optional(),
        }),
      ),
    }),
  ),
});

const azureRoles = [clusterRole, nodesRole, subscriptionRole].map((role) =>
  azureRoleSchema.parse(role),
);
const { sections: kubernetesSections } = kubernetesRoleSchema.parse(kubernetesRole);

/** What a role has to grant, and where it has to be assigned. */
export interface NeededActions {
  role: string;
  at: 'cluster' | 'nodeResourceGroup' | 'subscription';
  actions: string[];
}

/** The Azure actions that a cluster with these settings needs, reached that way, by role. */
export function azureRights(cluster: ClusterSettings, way: Access['way']): NeededActions[] {
  const features = featuresOf(cluster, way);
  const roles = azureRoles.map(({ title, scope, sections }) => ({
    role: title,
    at: scope,
    actions: sections
      .filter(({ feature }) => features.has(feature))
      .flatMap(({ rights }) => rights.map(({ action }) => action)),
  }));
  return roles.filter(({ actions }) => actions.length > 0);
}

/** The rights in the cluster itself that these settings need. */
export function kubernetesRights(cluster: ClusterSettings): KubernetesRight[] {
  const features = featuresOf(cluster, 'api');
  return kubernetesSections
    .filter(({ feature }) => features.has(feature))
    .flatMap(({ rights }) => rights)
    .flatMap(({ apiGroup, resource, verbs, namespace }) =>
      verbs.map((verb) => ({
        verb,
        group: apiGroup,
        resource,
        ...(namespace === undefined ? {} : { namespace }),
      })),
    );
}

/** The features that settings use, as the files call them. */
function featuresOf({ policy, pools }: ClusterSettings, way: Access['way']): ReadonlySet<string> {
  const policies = [policy, ...pools.values()];
  const some = (uses: (policy: Policy) => boolean) => policies.some(uses);
  const used: [string, boolean][] = [
    ['always', true],
    ['aksRunCommand', way === 'runCommand'],
    ['maintenanceSchedules', some(asksForMaintenance)],
    ['deletePods', some(({ deleteAfterMinutes }) => deleteAfterMinutes >= 0)],
    ['azureAlerts', some(({ azureAlerts }) => azureAlerts !== 'off')],
  ];
  return new Set(used.flatMap(([feature, isUsed]) => (isUsed ? [feature] : [])));
}

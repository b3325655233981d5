import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';

/**
 * The rights that the program needs, as infra/roles/*.json says them: Bicep makes custom roles of
 * them, and the manifests and the table of docs/security.md are written from them.
 */

const reasons = {
  why: z.string(),
  /** What happens when it is taken away. */
  without: z.string(),
};

/** A right in Azure. */
const actionSchema = z.strictObject({
  action: z.string().regex(/^Microsoft\.[A-Za-z]+(?:\/[A-Za-z]+)+\/(?:read|action)$/u),
  /** What in the code asks for it. */
  call: z.string(),
  ...reasons,
});

/** A right in a cluster. */
const accessSchema = z.strictObject({
  apiGroup: z.string(),
  resource: z.string(),
  verbs: z.array(z.enum(['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'])).min(1),
  /** The same in Azure RBAC for Kubernetes, below `Microsoft.ContainerService/managedClusters/`. */
  dataActions: z.array(z.string()).min(1),
  /** Where it holds; the whole cluster without it. */
  namespace: z.string().optional(),
  ...reasons,
});

function roleSchema<Right extends z.ZodType>(right: Right) {
  return z.strictObject({
    title: z.string(),
    description: z.string(),
    scope: z.enum(['cluster', 'nodeResourceGroup', 'subscription']),
    sections: z.array(
      z.strictObject({
        /** `always`, or what has to be wanted for the section's rights to be given. */
        feature: z.string().regex(/^[a-z][A-Za-z]+$/u),
        rights: z.array(right).min(1),
      }),
    ),
  });
}

const azureRoleSchema = roleSchema(actionSchema);
const kubernetesRoleSchema = roleSchema(accessSchema);
export type AzureRole = z.infer<typeof azureRoleSchema>;
export type KubernetesRole = z.infer<typeof kubernetesRoleSchema>;
export type Access = z.infer<typeof accessSchema>;

export interface Roles {
  cluster: AzureRole;
  nodes: AzureRole;
  subscription: AzureRole;
  kubernetes: KubernetesRole;
}

/** @param root of the repository */
export function readRoles(root: string): Roles {
  const read = (name: string): unknown =>
    JSON.parse(readFileSync(join(root, `infra/roles/${name}.json`), 'utf8'));
  return {
    cluster: azureRoleSchema.parse(read('cluster')),
    nodes: azureRoleSchema.parse(read('nodes')),
    subscription: azureRoleSchema.parse(read('subscription')),
    kubernetes: kubernetesRoleSchema.parse(read('kubernetes')),
  };
}

/** Everything that can be wanted beside `always`, in the order of the files. */
export function featuresOf({ cluster, nodes, subscription, kubernetes }: Roles): string[] {
  const azure = [cluster, nodes, subscription].flatMap(({ sections }) => sections);
  const sections = [...azure, ...kubernetes.sections];
  const features = new Set(sections.map(({ feature }) => feature));
  return [...features].filter((feature) => feature !== 'always');
}

const scopeNames: Record<AzureRole['scope'], string> = {
  cluster: 'cluster',
  nodeResourceGroup: 'node resource group',
  subscription: 'subscription',
};

/** The rows of the table of rights, one for each right. */
export function rightsTable({ cluster, nodes, subscription, kubernetes }: Roles): string {
  const azure = [cluster, nodes, subscription].flatMap((role) =>
    role.sections.flatMap(({ feature, rights }) =>
      rights.map(({ action, call, why, without }) => {
        return [`\`${action}\``, scopeNames[role.scope], feature, call, why, without];
      }),
    ),
  );
  const inCluster = kubernetes.sections.flatMap(({ feature, rights }) =>
    rights.map(({ apiGroup, resource, verbs, namespace, why, without }) => {
      const name = apiGroup === '' ? resource : `${resource}.${apiGroup}`;
      const where = namespace === undefined ? 'API server' : `API server, \`${namespace}\``;
      return [`\`${verbs.join(', ')} ${name}\``, where, feature, '', why, without];
    }),
  );
  const rows = [...azure, ...inCluster].map((cells) => `| ${cells.join(' | ')} |`);
  const head = '| right | where | for | call | why | without it |\n|---|---|---|---|---|---|';
  return [head, ...rows].join('\n');
}

import type { Access, KubernetesRole } from './roles.ts';

const name = 'aks-reboot-orchestrator';

/**
 * The manifests that give the identity its rights in a cluster, by file name: one for what is always
 * needed, one for each feature. `OBJECT_ID` stands for the identity's object id.
 */
export function kubernetesManifests(role: KubernetesRole): Map<string, string> {
  return new Map(
    role.sections.map(({ feature, rights }) => {
      const suffix = feature === 'always' ? '' : `-${feature.replaceAll(/[A-Z]/gu, dashed)}`;
      const named = (namespace: string | undefined) =>
        rights.filter((right) => right.namespace === namespace);
      const namespaces = [...new Set(rights.map(({ namespace }) => namespace))];
      const documents = namespaces.flatMap((namespace) =>
        grant(`${name}${suffix}`, namespace, named(namespace)),
      );
      const head =
        '# Written by `npm run docs` from infra/roles/kubernetes.json.\n' +
        '# OBJECT_ID is the object id of the managed identity: docs/deploy.md says how to apply it.\n';
      return [`rbac${suffix}.yaml`, `${head}${documents.join('---\n')}`];
    }),
  );
}

const dashed = (letter: string) => `-${letter.toLowerCase()}`;

/** A role and its binding. */
function grant(role: string, namespace: string | undefined, rights: readonly Access[]): string[] {
  const kind = namespace === undefined ? 'ClusterRole' : 'Role';
  const place = namespace === undefined ? '' : `, namespace: ${namespace}`;
  const head = (of: string) =>
    `apiVersion: rbac.authorization.k8s.io/v1\nkind: ${of}\nmetadata: { name: ${role}${place} }\n`;
  const rules = rights.map(({ apiGroup, resource, verbs, why }) => {
    const rule = `apiGroups: ['${apiGroup}'], resources: [${resource}], verbs: [${verbs.join(', ')}]`;
    return `  # ${why}\n  - { ${rule} }\n`;
  });
  const binding = [
    `roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ${kind}, name: ${role} }\n`,
    `subjects:\n  - { apiGroup: rbac.authorization.k8s.io, kind: User, name: OBJECT_ID }\n`,
  ];
  return [`${head(kind)}rules:\n${rules.join('')}`, `${head(`${kind}Binding`)}${binding.join('')}`];
}

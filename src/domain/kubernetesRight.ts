/** A right in a cluster, as its RBAC spells it. */
export interface KubernetesRight {
  verb: string;
  /** Empty for the core group. */
  group: string;
  /** With its subresource: `pods/eviction`. */
  resource: string;
  /** Only there; everywhere when it is not said. */
  namespace?: string;
}

/** `create pods/eviction`, `patch leases.coordination.k8s.io in kube-system`. */
export function rightText({ verb, group, resource, namespace }: KubernetesRight): string {
  const where = namespace === undefined ? '' : ` in ${namespace}`;
  return `${verb} ${resource}${group === '' ? '' : `.${group}`}${where}`;
}

/** A Kubernetes node as we see it: what decisions need and nothing else. */
export interface NodeView {
  name: string;
  uid: string;
  /** Changes with every write to the object: what a conditional patch tests. */
  resourceVersion: string;
  providerId: string;
  /** ISO 8601. */
  createdAt: string;
  unschedulable: boolean;
  ready: boolean;
  /** Since when the Ready condition stands as it is, ISO 8601 on the cluster's clock. */
  readySince: string;
  bootId: string;
  kernel: string;
  osImage: string;
  os: 'linux' | 'windows';
  kubeletVersion: string;
  /** The AKS pool, from `kubernetes.azure.com/agentpool` or `agentpool`; empty when unlabelled. */
  pool: string;
  labels: Record<string, string>;
  taints: { key: string; value: string; effect: string }[];
  /** What is said of its health, by the kubelet and by others; Ready stands above. */
  conditions: { type: string; status: string; message: string }[];
  annotations: Record<string, string>;
}

/** An operation of a JSON Patch (RFC 6902) that makes sense on a node. */
export type PatchOperation =
  { op: 'test' | 'add' | 'replace'; path: string; value: unknown } | { op: 'remove'; path: string };

/** Escapes a key for a JSON Pointer (RFC 6901), e.g. an annotation's name. */
function pointerKey(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}

/**
 * A patch that changes the node only if nobody else has changed it since it was seen. Testing the
 * resourceVersion covers every field at once, absent ones too (a JSON Patch cannot test for
 * absence).
 *
 * @param annotations new values; `undefined` removes one
 */
export function conditionalPatch(
  node: NodeView,
  change: { unschedulable?: boolean; annotations?: Record<string, string | undefined> },
): PatchOperation[] {
  const patch: PatchOperation[] = [
    { op: 'test', path: '/metadata/resourceVersion', value: node.resourceVersion },
  ];
  if (change.unschedulable !== undefined && change.unschedulable !== node.unschedulable) {
    // `add` replaces a member that exists, so it serves whether the field was written before or
    // not.
    patch.push({ op: 'add', path: '/spec/unschedulable', value: change.unschedulable });
  }
  if (Object.keys(node.annotations).length === 0) {
    patch.push({ op: 'add', path: '/metadata/annotations', value: {} });
  }
  for (const [key, value] of Object.entries(change.annotations ?? {})) {
    const path = `/metadata/annotations/${pointerKey(key)}`;
    if (value !== undefined) patch.push({ op: 'add', path, value });
    else if (key in node.annotations) patch.push({ op: 'remove', path });
  }
  return patch;
}

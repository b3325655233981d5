/** Which pods stand which taints (k8s.io/component-helpers/scheduling/corev1/helpers.go). */
import type { Node, Pod, Taint, Toleration } from './objects.ts';

export const taintKeys = {
  unschedulable: 'node.kubernetes.io/unschedulable',
  notReady: 'node.kubernetes.io/not-ready',
  unreachable: 'node.kubernetes.io/unreachable',
} as const;

/** DefaultTolerationSeconds gives every pod these (admission plugin of the same name). */
const defaultTolerationSeconds = 300;

export const defaultTolerations: Toleration[] = [
  {
    key: taintKeys.notReady,
    operator: 'Exists',
    effect: 'NoExecute',
    tolerationSeconds: defaultTolerationSeconds,
  },
  {
    key: taintKeys.unreachable,
    operator: 'Exists',
    effect: 'NoExecute',
    tolerationSeconds: defaultTolerationSeconds,
  },
];

/**
 * What the DaemonSet controller adds (pkg/controller/daemon/util AddOrUpdateDaemonPodTolerations).
 */
export const daemonTolerations: Toleration[] = [
  { key: taintKeys.notReady, operator: 'Exists', effect: 'NoExecute' },
  { key: taintKeys.unreachable, operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/disk-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/memory-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/pid-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: taintKeys.unschedulable, operator: 'Exists', effect: 'NoSchedule' },
];

function matches(toleration: Toleration, taint: Taint): boolean {
  if (toleration.effect !== undefined && toleration.effect !== taint.effect) return false;
  if (toleration.key !== undefined && toleration.key !== '' && toleration.key !== taint.key) {
    return false;
  }
  if (toleration.operator === 'Exists') return true;
  return toleration.key !== undefined && (toleration.value ?? '') === (taint.value ?? '');
}

export function tolerates(tolerations: readonly Toleration[] | undefined, taint: Taint): boolean {
  return tolerations?.some((toleration) => matches(toleration, taint)) ?? false;
}

/** The first taint that keeps such pods off the node. */
export function repellingTaint(
  node: Node,
  tolerations: readonly Toleration[] | undefined,
): Taint | undefined {
  return node.spec.taints?.find(
    (taint) => taint.effect !== 'PreferNoSchedule' && !tolerates(tolerations, taint),
  );
}

/**
 * How long the pod may stay on a node with that NoExecute taint, in seconds; Infinity when it need
 * not go (pkg/controller/tainteviction).
 */
export function staySeconds(pod: Pod, taint: Taint): number {
  const matching = (pod.spec.tolerations ?? []).filter((toleration) => matches(toleration, taint));
  if (matching.length === 0) return 0;
  return Math.min(...matching.map(({ tolerationSeconds }) => tolerationSeconds ?? Infinity));
}

/**
 * The cluster autoscaler takes a drained node for an unneeded one, unless its Node says otherwise
 * (kubernetes/autoscaler, cluster-autoscaler/FAQ.md). We say so while we work on a node, and put
 * back what stood there.
 */
export const scaleDownAnnotation = 'cluster-autoscaler.kubernetes.io/scale-down-disabled';
const disabled = 'true';

type Annotations = Readonly<Record<string, string>>;

/** What keeps the autoscaler away, and what stood there before; null for nothing. */
export function disableScaleDown(annotations: Annotations) {
  return {
    before: annotations[scaleDownAnnotation] ?? null,
    annotations: { [scaleDownAnnotation]: disabled },
  };
}

/**
 * What puts back the word that stood there. What somebody has written meanwhile stays.
 *
 * @param before as it was told; undefined when we never wrote it
 */
export function restoreScaleDown(
  annotations: Annotations,
  before: string | null | undefined,
): Record<string, string | undefined> {
  const isOurs = before !== undefined && annotations[scaleDownAnnotation] === disabled;
  return isOurs ? { [scaleDownAnnotation]: before ?? undefined } : {};
}

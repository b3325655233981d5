import { sameArmId } from '../domain/arm.ts';
import type { Reason } from '../domain/reason.ts';
import type { ClusterSettings, Settings } from './settings.ts';

/** The clusters that a request names, by key, name or ARM id; all when it names none. */
export function chooseClusters(
  settings: Settings,
  named: readonly string[],
): { kind: 'chosen'; clusters: ClusterSettings[] } | { kind: 'refused'; reasons: Reason[] } {
  if (named.length === 0) return { kind: 'chosen', clusters: settings.clusters };
  const is = (cluster: ClusterSettings, name: string) =>
    [cluster.key, cluster.id.name, cluster.id.id].some((known) => sameArmId(known, name));
  const unknown = named.filter((name) => !settings.clusters.some((cluster) => is(cluster, name)));
  if (unknown.length > 0) {
    const reasons = unknown.map((name): Reason => {
      return { kind: 'notFound', value: `cluster "${name}" is not in the settings` };
    });
    return { kind: 'refused', reasons };
  }
  const clusters = settings.clusters.filter((one) => named.some((name) => is(one, name)));
  return { kind: 'chosen', clusters };
}

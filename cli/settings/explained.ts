import type * as z from 'zod';
import { defaultPolicy } from '../../src/policy/settings.ts';
import type { settingsSchema } from '../../src/policy/settings.ts';

/** Where the value of each setting comes from. */

/** In this order; the later one wins. */
export type Origin = 'built-in' | 'defaults' | 'cluster' | 'pool';

export interface Explained {
  name: string;
  /** As it is written in the settings. */
  value: unknown;
  from: Origin;
}

type Document = z.output<typeof settingsSchema>;

/**
 * What holds for a cluster (by its place in the document), or for one of its pools.
 *
 * @param pool its name in lower case; one that says nothing of its own takes what the cluster says
 */
export function explain(document: Document, cluster: number, pool?: string): Explained[] {
  const { pools = {}, ...own } = document.clusters[cluster] ?? {};
  const layers: [Origin, Record<string, unknown>][] = [
    ['pool', pool === undefined ? {} : (pools[pool] ?? {})],
    ['cluster', own],
    ['defaults', document.defaults],
    ['built-in', defaultPolicy],
  ];
  return Object.keys(defaultPolicy).map((name) => {
    const found = layers.find(([, layer]) => layer[name] !== undefined);
    return { name, value: found?.[1][name], from: found?.[0] ?? 'built-in' };
  });
}

/** The path to where a setting was written; to its cluster when it was not. */
export function placeOf(
  { name, from }: Pick<Explained, 'name' | 'from'>,
  cluster: number,
  pool?: string,
): PropertyKey[] {
  switch (from) {
    case 'built-in':
      return ['clusters', cluster];
    case 'defaults':
      return ['defaults', name];
    case 'cluster':
      return ['clusters', cluster, name];
    case 'pool':
      return ['clusters', cluster, 'pools', pool ?? '', name];
  }
}

import * as z from 'zod';
import { outcomeKinds } from '../domain/outcome.ts';
import type { OutcomeKind } from '../domain/outcome.ts';
import type { Relation } from './problem.ts';
import type { ClusterSettings } from './settings.ts';

/** Rings of clusters: a run goes through one after the other, e.g. "dev" before "prod". */

const notAName = 'is not a name of at most 40 letters, digits and . _ -';

/** Settings of the document as a whole. */
export const ringsShape = {
  rings: z
    .array(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$/u, notAName))
    .max(20)
    .default([])
    .describe('Rings of clusters, in the order in which a run goes through them.'),
  ringStopsOn: z
    .array(z.enum(outcomeKinds))
    .default(['unknown', 'notRebooted', 'notReady', 'stillRequired', 'failed'])
    .describe('Outcomes in a ring after which nothing is begun in the rings after it.'),
} as const;

/** What a cluster says. */
export const ringShape = {
  ring: z
    .string()
    .describe('Its ring, one of `rings`; clusters that name none come after all rings.'),
} as const;

export interface Rings {
  /** Names, in order. */
  rings: readonly string[];
  ringStopsOn: readonly OutcomeKind[];
}

/** Clusters, ring by ring; rings without any are left out. */
export function ringsOf<T extends Pick<ClusterSettings, 'policy'>>(
  { rings }: Pick<Rings, 'rings'>,
  clusters: readonly T[],
): { name: string; clusters: T[] }[] {
  const found = [...rings, ''].map((name) => ({
    name,
    clusters: clusters.filter(({ policy }) => policy.ring === name),
  }));
  return found.filter((ring) => ring.clusters.length > 0);
}

/** What is wrong with the rings' names. */
export function ringProblems(document: {
  rings: readonly string[];
  defaults: { ring?: string | undefined };
  clusters: readonly { ring?: string | undefined }[];
}): Relation[] {
  const { rings, defaults, clusters } = document;
  const twins = rings.flatMap((name, index): Relation[] => {
    const twin = rings.indexOf(name);
    const problem = `is the same as rings[${twin}]`;
    return twin === index ? [] : [{ path: ['rings', index], problem }];
  });
  const known = rings.length === 0 ? 'there are none' : rings.join(', ');
  const stranger = (path: PropertyKey[], ring: string | undefined): Relation[] => {
    if (ring === undefined || ring === '' || rings.includes(ring)) return [];
    return [{ path, problem: `is "${ring}": it has to be one of rings (${known})` }];
  };
  return [
    ...twins,
    ...stranger(['defaults', 'ring'], defaults.ring),
    ...clusters.flatMap(({ ring }, index) => stranger(['clusters', index, 'ring'], ring)),
  ];
}

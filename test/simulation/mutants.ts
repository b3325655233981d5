import { fileURLToPath } from 'node:url';
import { campaign } from './campaign.ts';
import type { Mutation } from './mutations.ts';
import type { Result } from './result.ts';

/** Seeds within which each break has to be noticed. */
const seedsMax = 200;

interface Noticed {
  mutation: Mutation;
  /** How many seeds it took; undefined when none of them did it. */
  seeds: number | undefined;
  by: string;
}

/** Lets the simulation loose on deliberate breaks, and prints a line of each. @returns all noticed */
export async function tryMutants(
  chosen: readonly Mutation[],
  from: number,
  workers: number | undefined,
): Promise<boolean> {
  console.log('promise             seeds  broken so that it …');
  const noticed: Noticed[] = [];
  for (const mutation of chosen) {
    const one = await tryMutant(mutation, from, workers);
    noticed.push(one);
    console.log(rowOf(one));
  }
  return noticed.every(({ seeds }) => seeds !== undefined);
}

async function tryMutant(
  mutation: Mutation,
  from: number,
  workers: number | undefined,
): Promise<Noticed> {
  const { regression, promise } = mutation;
  // By another promise alone it may have been noticed for another reason.
  const breaks = ({ breaches }: Result) => breaches.some((breach) => breach.promise === promise);
  const results = await campaign({
    from,
    count: regression === undefined ? seedsMax : 1,
    regression,
    limitSeconds: 3600,
    until: breaks,
    workers,
    nodeArguments: ['--import', fileURLToPath(new URL('mutant.ts', import.meta.url))],
    environment: { SIMULATED_MUTATION: mutation.name },
  });
  const first = results.find(breaks);
  const by = [...new Set(first?.breaches.map(({ promise }) => promise))].join(', ');
  const seeds = regression === undefined ? first && first.seed - from + 1 : first && 1;
  return { mutation, seeds, by };
}

function rowOf({ mutation, seeds, by }: Noticed): string {
  const unnoticed = mutation.regression === undefined ? `> ${seedsMax}` : 'NOT';
  const count = seeds === undefined ? unnoticed : String(seeds);
  const where = mutation.regression === undefined ? by : `${by}; its own scenario`;
  return `${mutation.promise.padEnd(18)}  ${count.padStart(5)}  ${mutation.name}  [${where}]`;
}

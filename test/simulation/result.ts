import { countStrikes } from './chronicle.ts';
import { drawnEdges, edgesOf, gridOf } from './coverage.ts';
import { judge } from './judge.ts';
import type { Breach } from './judge.ts';
import { play } from './play.ts';
import type { Scenario } from './scenario.ts';

/** What remains of a play: small, and fit for JSON. */
export interface Result {
  seed: number;
  digest: string;
  hours: number;
  runs: number;
  reboots: number;
  breaches: Breach[];
  strikes: Record<string, number>;
  edges: Record<string, number>;
  grid: Record<string, number>;
}

/** Plays a scenario and judges it. */
export async function resultOf(scenario: Scenario): Promise<Result> {
  const played = await play(scenario);
  const { entries, evidence, digest, hours } = played;
  const edges = Object.fromEntries(edgesOf(entries));
  return {
    seed: scenario.seed,
    digest,
    hours,
    runs: entries.filter((entry) => entry.kind === 'ended' && entry.begun.step === 'openRun')
      .length,
    reboots: evidence.lines.filter(({ action }) => action === 'booted').length,
    breaches: [...judge(played), ...undrawn(edges)],
    strikes: Object.fromEntries(countStrikes(entries)),
    edges,
    grid: Object.fromEntries(gridOf(entries)),
  };
}

/** A transition that docs/architecture.md does not know. */
function undrawn(edges: Readonly<Record<string, number>>): Breach[] {
  const strange = Object.keys(edges).filter((edge) => !drawnEdges().includes(edge));
  return strange.map((edge) => ({ promise: 'the drawing', text: `${edge} is not drawn` }));
}

export function addCounts(sum: Record<string, number>, more: Record<string, number>): void {
  for (const [key, count] of Object.entries(more)) sum[key] = (sum[key] ?? 0) + count;
}

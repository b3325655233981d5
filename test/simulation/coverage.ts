import type { Entry } from './chronicle.ts';

/** Every transition of a node's machine, as `from > to`, as often as it was taken. */
export function edgesOf(entries: readonly Entry[]): Map<string, number> {
  return counted(entries.flatMap((entry) => (entry.kind === 'edge' ? [entry.edge] : [])));
}

/** How often a fault of a kind struck a node that was in that state, as `kind|state`. */
export function gridOf(entries: readonly Entry[]): Map<string, number> {
  return counted(
    entries.flatMap((entry) =>
      entry.kind === 'fault' ? entry.during.map((state) => `${entry.fault.kind}|${state}`) : [],
    ),
  );
}

function counted(keys: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
}

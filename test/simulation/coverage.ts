import { readFileSync } from 'node:fs';
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

/** The edges of the machine as docs/architecture.md draws it, `from > to`. */
export function drawnEdges(): readonly string[] {
  drawn ??= readDrawing();
  return drawn;
}

let drawn: readonly string[] | undefined;

function readDrawing(): string[] {
  const page = readFileSync(new URL('../../docs/architecture.md', import.meta.url), 'utf8');
  const drawing = /```mermaid\nstateDiagram-v2\n([\s\S]*?)```/u.exec(page)?.[1] ?? '';
  return [...drawing.matchAll(/^\s*(\S+) --> (\S+?)(?::.*)?$/gmu)]
    .map(([, from = '', to = '']) => `${from} > ${to}`)
    .filter((edge) => !edge.endsWith('> [*]'));
}

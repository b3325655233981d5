import { drawnEdges } from './coverage.ts';
import { addCounts } from './result.ts';
import type { Result } from './result.ts';
import { faultKinds, nodeStates } from './scenario.ts';
import type { FaultKind, NodeStateName } from './scenario.ts';

/** What a campaign prints in the end. */
export function summaryOf(results: readonly Result[], seconds: number): string {
  const strikes: Record<string, number> = {};
  for (const result of results) addCounts(strikes, result.strikes);
  const sum = (of: (result: Result) => number) =>
    results.reduce((total, result) => total + of(result), 0);
  const struck = faultKinds.map((kind) => `${kind} ${strikes[kind] ?? 0}`);
  const total = Object.values(strikes).reduce((a, b) => a + b, 0);
  return [
    `${results.length} seeds in ${seconds.toFixed(0)} s: ` +
      `${sum(({ runs }) => runs)} runs, ${sum(({ reboots }) => reboots)} boots, ` +
      `${sum(({ hours }) => hours).toFixed(0)} virtual hours`,
    `${total} faults: ${struck.join(', ')}`,
    `${results.filter(({ breaches }) => breaches.length > 0).length} seeds broke a promise`,
  ].join('\n');
}

/** Which edges were taken how often, and which faults struck nodes in which states. */
export function coverageOf(results: readonly Result[]): string {
  const { edges, grid } = countsOf(results);
  return [edgeTable(edges), gridTable(grid)].join('\n\n');
}

function countsOf(results: readonly Result[]) {
  const edges: Record<string, number> = {};
  const grid: Record<string, number> = {};
  for (const result of results) {
    addCounts(edges, result.edges);
    addCounts(grid, result.grid);
  }
  return { edges, grid };
}

/** So many seeds take every edge, and have every kind of fault strike in every state. */
const enoughForEdges = 2000;
const enoughForCells = 10_000;

/** What a campaign of that size should have come to, and did not. */
export function gapsOf(results: readonly Result[]): string[] {
  const { edges, grid } = countsOf(results);
  const untaken = drawnEdges().filter((edge) => !(edge in edges));
  return [
    ...(results.length >= enoughForEdges ? untaken.map((edge) => `never took ${edge}`) : []),
    ...(results.length >= enoughForCells
      ? emptyCells(grid).map((cell) => `never struck ${cell}`)
      : []),
  ];
}

export function edgeTable(edges: Readonly<Record<string, number>>): string {
  const drawn = drawnEdges();
  const states = [...new Set(drawn.map((edge) => edge.split(' > ')[0] ?? ''))];
  const lines = states.map((state) => {
    const own = drawn.filter((edge) => edge.startsWith(`${state} > `));
    const told = own.map((edge) => `${edge.slice(state.length + 3)} ${edges[edge] ?? 'NEVER'}`);
    return `  ${state.padEnd(8)} ${told.join(', ')}`;
  });
  const other = Object.keys(edges).filter((edge) => !drawn.includes(edge));
  const undrawn = other.length > 0 ? [`  not drawn: ${other.join(', ')}`] : [];
  const taken = drawn.filter((edge) => (edges[edge] ?? 0) > 0).length;
  return [`Edges of the node's machine: ${taken} of ${drawn.length}`, ...lines, ...undrawn].join(
    '\n',
  );
}

function gridTable(grid: Readonly<Record<string, number>>): string {
  const width = Math.max(...faultKinds.map((kind) => kind.length));
  const head = nodeStates.map((state) => state.padStart(7)).join(' ');
  const cell = (kind: FaultKind, state: NodeStateName) =>
    String(grid[`${kind}|${state}`] ?? (isPossible(kind, state) ? '.' : '-')).padStart(7);
  const rows = faultKinds.map(
    (kind) => `${kind.padEnd(width)} ${nodeStates.map((state) => cell(kind, state)).join(' ')}`,
  );
  const empty = emptyCells(grid);
  return [
    'Faults, and the states in which those nodes were that they struck',
    `${' '.repeat(width)} ${head}`,
    ...rows,
    `${empty.length} cells are empty${empty.length > 0 ? `: ${empty.join(', ')}` : ''}`,
  ].join('\n');
}

/** Cells that could be hit and were not. */
export function emptyCells(grid: Readonly<Record<string, number>>): string[] {
  return faultKinds.flatMap((kind) =>
    nodeStates
      .filter((state) => isPossible(kind, state))
      .map((state) => `${kind}|${state}`)
      .filter((cell) => !(cell in grid)),
  );
}

/** What strikes in a state by an odd chance only, or never. */
const improbable: Partial<Record<FaultKind, readonly NodeStateName[]>> = {
  // Another Azure is there from the beginning, before any node is in any state.
  otherAzure: nodeStates,
  // Steps in these states read nothing of ARM, or nothing that was read before.
  stale: ['adopt', 'drain', 'undo', 'leave', 'end'],
  // These look at single objects and list nothing.
  expired: ['adopt', 'probe', 'boot', 'undo', 'leave', 'end'],
  // The lock hears of a mark's adoption when it is over: before that only others tell it something.
  lockTwice: ['adopt'],
  stalled: ['adopt'],
};

const isPossible = (kind: FaultKind, state: NodeStateName) =>
  improbable[kind]?.includes(state) !== true;

/** A column of a table on the terminal. */
export interface Column<Row> {
  name: string;
  cell: (row: Row) => string;
  /** Given up, highest number first, when the table is too wide; without, it never is. */
  drop?: number;
}

/** So much of the last column has to be seen, or another one is given up. */
const leastOfLast = 20;

/**
 * Lines of a table, its header first, as `kubectl` prints them. What does not fit into `width`
 * loses columns, and then the end of its last one.
 */
export function grid<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  { width, gap = '   ' }: { width: number; gap?: string },
): { header: string; lines: string[] } {
  const all = columns
    .map((column) => ({ ...column, cells: rows.map(column.cell) }))
    .filter(({ cells, drop }) => drop === undefined || cells.some((cell) => cell !== ''))
    .map((column) => {
      const widest = Math.max(column.name.length, ...column.cells.map(({ length }) => length));
      return { ...column, widest };
    });
  let kept = all;
  for (const { drop } of all.toSorted((a, b) => (b.drop ?? 0) - (a.drop ?? 0))) {
    if (drop === undefined || leastWidth(kept, gap) <= width) break;
    kept = kept.filter((column) => column.drop !== drop);
  }
  const line = (cells: readonly string[]) => {
    const text = cells.map((cell, index) => cell.padEnd(kept[index]?.widest ?? 0)).join(gap);
    return cut(text.trimEnd(), width);
  };
  return {
    header: line(kept.map(({ name }) => name)),
    lines: rows.map((_row, index) => line(kept.map(({ cells }) => cells[index] ?? ''))),
  };
}

function leastWidth(columns: readonly { widest: number }[], gap: string): number {
  const last = columns.at(-1)?.widest ?? 0;
  const widths = columns.reduce((sum, { widest }) => sum + widest + gap.length, -gap.length);
  return widths - last + Math.min(last, leastOfLast);
}

/** The text, or as much of it as fits. */
export function cut(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, Math.max(0, width - 1))}…` : text;
}

import type { AuditLine } from '../../local/azure/audit.ts';
import type { Entry } from './chronicle.ts';
import type { Play } from './play.ts';

/**
 * A play to read: one line an event, in columns. docs/testing.md explains them.
 *
 * `T+` since the start · who: a process of ours, or azure, kubelet, controller, person, FAULT ·
 * the node · what · its answer · more
 */
export function traceOf({ evidence, entries }: Play): string {
  const start = Math.min(...entries.map(({ at }) => at));
  const names = shortNames(evidence.before.map(({ node }) => node));
  const rows = [
    ...evidence.lines.map((line) => ({ at: Date.parse(line.t), cells: cellsOfLine(line, names) })),
    ...entries.flatMap((entry) => {
      const cells = cellsOfEntry(entry, names);
      return cells === undefined ? [] : [{ at: entry.at, cells }];
    }),
  ];
  const sorted = rows.sort((a, b) => a.at - b.at);
  return [legend, ...sorted.map(({ at, cells }) => lineOf(since(at - start), cells))].join('\n');
}

type Cells = [who: string, node: string, what: string, answer: string, more: string];

const legend = lineOf('T+', ['who', 'node', 'what', 'answer', 'more']);

function lineOf(time: string, [who, node, what, answer, more]: Cells): string {
  const columns = [time.padStart(12), who.padEnd(10), node.padEnd(8), what.padEnd(14)];
  return [...columns, answer.padEnd(10), more].join('  ').trimEnd().slice(0, 240);
}

function since(milliseconds: number): string {
  const two = (value: number) => String(Math.floor(value)).padStart(2, '0');
  const seconds = milliseconds / 1000;
  const thousandths = String(Math.round(milliseconds) % 1000).padStart(3, '0');
  return `${two(seconds / 3600)}:${two((seconds / 60) % 60)}:${two(seconds % 60)}.${thousandths}`;
}

/** `aks-web-90190600-vmss000002` is `web2`. */
function shortNames(nodes: readonly string[]): Map<string, string> {
  return new Map(
    nodes.map((node) => {
      const [, pool = node, number = ''] = /^aks-([a-z]+)-\d+-vms+0*(\w+)$/u.exec(node) ?? [];
      return [node, `${pool}${number}`];
    }),
  );
}

function cellsOfLine(line: AuditLine, names: Map<string, string>): Cells {
  const { actor, node, action, status, detail } = line;
  return [
    actor,
    names.get(node) ?? node,
    action,
    status === 0 ? '' : String(status),
    `${detailOf(detail).slice(0, 170)} #${line.seq}`,
  ];
}

/** What of a line's detail tells something: no user agents, no ids of requests. */
function detailOf(detail: Record<string, unknown>): string {
  const dull = new Set(['userAgent', 'requestId', 'instance', 'operation', 'script', 'uid']);
  const parts = Object.entries(detail).filter(([name]) => !dull.has(name));
  return parts.map(([name, value]) => `${name}=${wordOf(value)}`).join(' ');
}

const wordOf = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));

function cellsOfEntry(entry: Entry, names: Map<string, string>): Cells | undefined {
  switch (entry.kind) {
    case 'fault': {
      const { kind, ...rest } = entry.fault;
      const hits = [entry.step, ...entry.during].filter(Boolean).join(',');
      return ['FAULT', '', kind, '', `${JSON.stringify(rest)} hits ${hits}`];
    }
    case 'ended': {
      const { actor, node, step, nth, at } = entry.begun;
      const took = `${((entry.at - at) / 1000).toFixed(1)} s`;
      const more = `#${nth}, ${took} ${wordOf(entry.detail)}`;
      return [actor, names.get(node) ?? node, `> ${step}`, entry.answer, more];
    }
    case 'lock': {
      const { actor, node, op, holder, step, detail } = entry;
      return [actor, names.get(node) ?? node, `lock ${op}`, step, `${holder} ${detail}`];
    }
    case 'act':
      return ['FAULT', '', entry.text, '', ''];
    case 'note':
      return [entry.actor, '', entry.text, '', ''];
    case 'begun':
    case 'edge':
      return undefined;
  }
}

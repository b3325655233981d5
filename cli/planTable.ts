import { styleText } from 'node:util';
import { needsPerson } from '../src/domain/outcome.ts';
import type { Outlook } from '../src/domain/plan.ts';
import type { ClusterReport, NodeReport } from '../src/domain/run.ts';
import { cut, grid } from './grid.ts';
import type { Column } from './grid.ts';

/**
 * A cluster's plan as people read it, lines: what is to be expected, the nodes in the order of
 * their turns, those that wait or are left alone, and what stands in the way of a drain. Times are
 * UTC.
 *
 * @param at when the plan was made, ISO 8601
 * @param width of the terminal
 */
export function planLines({ nodes, outlook }: ClusterReport, at: string, width: number): string[] {
  const fine = nodes.filter(({ outcome }) => outcome.kind === 'notNeeded').length;
  const told = nodes.filter(({ outcome }) => outcome.kind !== 'notNeeded').toSorted(compare);
  const now = Date.parse(at);
  const { header, lines } = grid(columnsOf(now), told, { width, gap: '  ' });
  return [
    ...(outlook === undefined ? [] : outlookLines(outlook, width)),
    ...(told.length === 0 ? [] : [styleText('dim', header)]),
    ...lines.map((line, index) => colored(line, told[index])),
    ...(fine === 0
      ? []
      : [styleText('dim', `${countOf(fine, 'node needs', 'nodes need')} no reboot`)]),
    ...inTheWay(told, width),
  ];
}

function columnsOf(now: number): Column<NodeReport>[] {
  return [
    { name: '#', cell: ({ turn }) => (turn === undefined ? '-' : String(turn.position)) },
    { name: 'NAME', cell: ({ node }) => node },
    { name: 'POOL', cell: ({ pool }) => pool, drop: 2 },
    { name: 'ZONE', cell: ({ turn }) => turn?.zone ?? '', drop: 5 },
    { name: 'PLAN', cell: ({ decision }) => decision.kind },
    { name: 'DUE', cell: ({ turn }) => age(turn?.needSince, now), drop: 3 },
    { name: 'PODS', cell: podsOf, drop: 4 },
    { name: 'START', cell: ({ turn }) => shortTime(turn?.expected?.start), drop: 1 },
    { name: 'END', cell: ({ turn }) => shortTime(turn?.expected?.end), drop: 6 },
    { name: 'WHY', cell: ({ decision }) => decision.reasons.map(({ value }) => value).join('; ') },
  ];
}

/** Turns first; then what needs a person; then the rest, by name. */
function compare(a: NodeReport, b: NodeReport): number {
  const place = ({ turn }: NodeReport) => turn?.position ?? Number.MAX_SAFE_INTEGER;
  const calm = ({ outcome }: NodeReport) => Number(!needsPerson(outcome.kind));
  return place(a) - place(b) || calm(a) - calm(b) || (a.node < b.node ? -1 : 1);
}

/** How many would move, and how many of those can't. */
function podsOf({ turn }: NodeReport): string {
  if (turn?.moves === undefined) return '';
  const { count } = turn.moves;
  const stuck = stuckOf(turn.moves).length;
  return stuck === 0 ? String(count) : `${count}!`;
}

function stuckOf({
  pods,
  hopeless,
}: NonNullable<NonNullable<NodeReport['turn']>['moves']>): string[] {
  const refused = pods.filter(({ state }) => state === 'refused' || state === 'blocked');
  return [
    ...new Set([...(hopeless ?? []).map(({ value }) => value), ...refused.map(({ why }) => why)]),
  ];
}

function inTheWay(nodes: readonly NodeReport[], width: number): string[] {
  const lines = nodes.flatMap(({ node, turn }) => {
    const stuck = turn?.moves === undefined ? [] : stuckOf(turn.moves);
    return stuck.map((why) => cut(`  ${node}: ${why}`, width));
  });
  return lines.length === 0 ? [] : [styleText('yellow', 'In the way of a drain:'), ...lines];
}

function outlookLines(outlook: Outlook, width: number): string[] {
  const { due, kept, fit, window, doneBy, warning } = outlook;
  if (due === 0) return ['Nothing is due.'];
  const parts = [`${countOf(due, 'node is', 'nodes are')} due`];
  if (kept > 0) parts.push(`${kept} of them kept by more than time`);
  if (window !== undefined) {
    const closes = window.closesAt === undefined ? '' : ` to ${shortTime(window.closesAt)}`;
    parts.push(
      `${countOf(fit, 'fits', 'fit')} the window from ${shortTime(window.opensAt)}${closes}`,
    );
  }
  if (doneBy !== undefined) parts.push(`all done by ${shortTime(doneBy)}`);
  else if (due > kept) parts.push('not all done within 90 days');
  const lines = wrap(`${parts.join(', ')} UTC`, width);
  if (warning === undefined) return lines;
  const help = warning.settings.length === 0 ? '' : `; what helps: ${warning.settings.join(', ')}`;
  const warned = wrap(`Need arises faster than it is served: ${warning.value}${help}`, width);
  return [...lines, ...warned.map((line) => styleText('yellow', line))];
}

/** Breaks a line between words. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

function colored(line: string, node: NodeReport | undefined): string {
  if (node === undefined) return line;
  if (needsPerson(node.outcome.kind)) return styleText('red', line);
  return node.decision.kind === 'reboot' ? styleText('green', line) : line;
}

/** `01-05 22:30`. */
function shortTime(instant: string | undefined): string {
  return instant === undefined ? '' : instant.slice(5, 16).replace('T', ' ');
}

const hourMs = 3_600_000;

/** As `kubectl` tells ages: `3d`, `5h`. */
function age(since: string | undefined, now: number): string {
  if (since === undefined) return '';
  const hours = Math.max(0, (now - Date.parse(since)) / hourMs);
  return hours >= 48 ? `${Math.floor(hours / 24)}d` : `${Math.floor(hours)}h`;
}

function countOf(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}

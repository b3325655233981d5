import { styleText } from 'node:util';
import { needsPerson } from '../src/domain/outcome.ts';
import type { OutcomeKind } from '../src/domain/outcome.ts';
import type { ClusterReport, NodeReport, RunReport } from '../src/domain/run.ts';

const gap = '   ';

/**
 * The report as people read it: a table for each cluster, like `kubectl get nodes -o wide`, and
 * what it comes to.
 *
 * @param columns width of the terminal
 */
export function printReport(report: RunReport, columns: number): string {
  const clusters = report.clusters.flatMap((cluster) => [...printCluster(cluster, columns), '']);
  return [...clusters, summary(report)].join('\n');
}

function printCluster(cluster: ClusterReport, columns: number): string[] {
  const byCommand = cluster.access?.way === 'runCommand' ? [cluster.access.why] : [];
  const way = byCommand.map((value) => ({ kind: 'by AKS run command', value }));
  const why = [...way, ...cluster.recovered, ...cluster.reasons]
    .map(({ kind, value }) => `${kind}: ${value}`)
    .join('; ');
  const title = styleText('bold', cluster.cluster) + (why === '' ? '' : `  ${why}`);
  if (cluster.nodes.length === 0) return [title];
  const header = ['NAME', 'POOL', 'STATUS', 'OUTCOME', 'TOOK', 'KERNEL', 'REASON'];
  const rows = [...cluster.nodes]
    .sort((a, b) => (a.node < b.node ? -1 : 1))
    .map((node) => ({ node, cells: cellsOf(node) }));
  const widths = header.map((name, index) =>
    Math.max(name.length, ...rows.map(({ cells }) => cells[index]?.length ?? 0)),
  );
  const line = (cells: string[]) =>
    cells
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join(gap)
      .trimEnd()
      .slice(0, columns);
  return [
    title,
    styleText('dim', line(header)),
    ...rows.map(({ node, cells }) => colored(line(cells), node.outcome.kind)),
  ];
}

function cellsOf(node: NodeReport): string[] {
  const { kernelBefore, kernelAfter, instants, outcome } = node;
  const kernel =
    kernelAfter === undefined || kernelAfter === kernelBefore
      ? kernelBefore
      : `${kernelBefore} -> ${kernelAfter}`;
  const { cordoned, ended } = instants;
  const took = cordoned && ended ? minutes(Date.parse(ended) - Date.parse(cordoned)) : '';
  const reason = outcome.reasons.map(({ value }) => value).join('; ');
  return [node.node, node.pool, statusOf(node), outcome.kind, took, kernel, reason];
}

/**
 * Whether it is in service now: as found, unless a person is needed for a node that was restarted.
 */
function statusOf({ outcome, wasUnschedulable, instants }: NodeReport): string {
  const left = instants.cordoned !== undefined && instants.uncordoned === undefined;
  const open = left && needsPerson(outcome.kind);
  return wasUnschedulable || open ? 'cordoned' : 'in service';
}

function minutes(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)}m${String(seconds % 60).padStart(2, '0')}s`;
}

function colored(text: string, kind: OutcomeKind): string {
  if (needsPerson(kind)) return styleText('red', text);
  return kind === 'rebooted' ? styleText('green', text) : text;
}

function summary({ run, status, counts, startedAt, endedAt }: RunReport): string {
  const parts = Object.entries(counts).map(([kind, count]) => `${count} ${kind}`);
  const took =
    endedAt === undefined ? '' : ` in ${minutes(Date.parse(endedAt) - Date.parse(startedAt))}`;
  return `Run ${run} ${status}${took}: ${parts.join(', ') || 'no nodes'}`;
}

/** 0 when nothing needs a person, 1 when something does. */
export function exitCodeOf({ counts }: Pick<RunReport, 'counts'>): 0 | 1 {
  const kinds = Object.keys(counts) as OutcomeKind[];
  return kinds.some((kind) => needsPerson(kind) && (counts[kind] ?? 0) > 0) ? 1 : 0;
}

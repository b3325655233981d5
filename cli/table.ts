import { styleText } from 'node:util';
import { needsPerson } from '../src/domain/outcome.ts';
import type { OutcomeKind } from '../src/domain/outcome.ts';
import { runReportSchema } from '../src/domain/run.ts';
import type { ClusterReport, NodeReport, RunReport } from '../src/domain/run.ts';
import { grid } from './grid.ts';
import type { Column } from './grid.ts';
import { planLines } from './planTable.ts';
import { printableTexts } from './terminal.ts';

/**
 * The report as people read it: a table for each cluster, like `kubectl get nodes -o wide`, and
 * what it comes to. Of a dry run it is the plan.
 *
 * @param width of the terminal
 */
export function printReport(given: RunReport, width: number): string {
  const report = runReportSchema.parse(printableTexts(given));
  const plannedAt = report.request.dryRun ? (report.endedAt ?? report.startedAt) : undefined;
  const clusters = report.clusters.flatMap((cluster) => [
    ...printCluster(cluster, width, plannedAt),
    '',
  ]);
  return [...clusters, summary(report)].join('\n');
}

function printCluster(
  cluster: ClusterReport,
  width: number,
  plannedAt: string | undefined,
): string[] {
  const byCommand = cluster.access?.way === 'runCommand' ? [cluster.access.why] : [];
  const way = byCommand.map((value) => ({ kind: 'by AKS run command', value }));
  const why = [...way, ...cluster.recovered, ...cluster.reasons]
    .map(({ kind, value }) => `${kind}: ${value}`)
    .join('; ');
  const title = styleText('bold', cluster.cluster) + (why === '' ? '' : `  ${why}`);
  const notes = cluster.notes.map(({ kind, value }) => styleText('dim', `${kind} ${value}`));
  if (cluster.nodes.length === 0) return [title, ...notes];
  if (plannedAt !== undefined) return [title, ...notes, ...planLines(cluster, plannedAt, width)];
  const rows = [...cluster.nodes].sort((a, b) => (a.node < b.node ? -1 : 1));
  const { header, lines } = grid(columnsOfReport, rows, { width });
  return [
    title,
    ...notes,
    styleText('dim', header),
    ...rows.map(({ outcome }, index) => colored(lines[index] ?? '', outcome.kind)),
  ];
}

const columnsOfReport: Column<NodeReport>[] = [
  { name: 'NAME', cell: ({ node }) => node },
  { name: 'POOL', cell: ({ pool }) => pool },
  { name: 'STATUS', cell: statusOf, drop: 2 },
  { name: 'OUTCOME', cell: ({ outcome }) => outcome.kind },
  { name: 'TOOK', cell: tookOf, drop: 1 },
  { name: 'KERNEL', cell: kernelOf, drop: 3 },
  { name: 'REASON', cell: ({ outcome }) => outcome.reasons.map(({ value }) => value).join('; ') },
];

function kernelOf({ kernelBefore, kernelAfter }: NodeReport): string {
  return kernelAfter === undefined || kernelAfter === kernelBefore
    ? kernelBefore
    : `${kernelBefore} -> ${kernelAfter}`;
}

function tookOf({ instants: { cordoned, ended } }: NodeReport): string {
  return cordoned && ended ? minutes(Date.parse(ended) - Date.parse(cordoned)) : '';
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

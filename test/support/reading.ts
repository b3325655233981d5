import type { AuditLine } from '../../local/azure/audit.ts';
import type { SimulatedAzure } from '../../local/azure/azure.ts';
import { markAnnotation } from './evidence.ts';
import type { NodeReport, Report } from './evidence.ts';

/** Short ways to say what a test looks for in reports and audit lines. */

export const nodeReports = ({ clusters }: Report): NodeReport[] =>
  clusters.flatMap(({ nodes }) => [...nodes]);

/** Outcome kinds, by node. */
export const outcomesOf = (report: Report): Record<string, string> =>
  Object.fromEntries(nodeReports(report).map(({ node, outcome }) => [node, outcome.kind]));

/** One node's outcome, as `kind: reason, reason`. */
export function outcomeOf(report: Report, name: string | undefined): string {
  const found = nodeReports(report).find(({ node }) => node === name);
  if (found === undefined) return 'nothing';
  const { kind, reasons } = found.outcome;
  return `${kind}: ${reasons.map((reason) => reason.kind).join(', ')}`;
}

/** What was said about a node, for people. */
export const wordsOf = (report: Report, name: string | undefined): string =>
  nodeReports(report)
    .filter(({ node }) => node === name)
    .flatMap(({ outcome }) => outcome.reasons.map(({ value }) => value))
    .join('; ');

type Test = (line: AuditLine) => boolean;

const on =
  (action: AuditLine['action']) =>
  (node?: string): Test =>
  (line) =>
    line.action === action && (node === undefined || line.node === node);

export const cordonOf = on('cordon');
export const uncordonOf = on('uncordon');
export const evictionOn = on('evict');
export const restartOf = on('restart');
export const downOf = on('down');
export const bootOf = on('booted');
export const probeOf = on('probe');

interface ApiEvent {
  reason: string;
  message: string;
  type: string;
  source: { component: string };
  lastTimestamp: string;
}

/** Our Events on a node as `kubectl describe node` finds and sorts them: by the Node's uid, by time. */
export function eventsOf({ world }: SimulatedAzure, name: string): ApiEvent[] {
  const { kubernetes } = world.node(name).cluster;
  const node = kubernetes.object(`/api/v1/nodes/${name}`) as { metadata: { uid: string } };
  const query = `fieldSelector=involvedObject.kind%3DNode,involvedObject.uid%3D${node.metadata.uid}`;
  const list = kubernetes.object(`/api/v1/events?${query}`) as unknown as { items: ApiEvent[] };
  return list.items.sort((a, b) => Date.parse(a.lastTimestamp) - Date.parse(b.lastTimestamp));
}

/** The write of an attempt on the mark: the next thing is the request for the restart. */
export const attemptOn =
  (node?: string): Test =>
  (line) => {
    if (!on('annotate')(node)(line) || line.status !== 200) return false;
    const annotations = line.detail['annotations'] as Record<string, unknown> | undefined;
    return String(annotations?.[markAnnotation]).includes('"attempt"');
  };

/** The same with the answer that it got. */
export const answered =
  (test: Test, status: number): Test =>
  (line) =>
    test(line) && line.status === status;

/** Moments of a node's way at which something may happen to a process, each with its audit line. */
export const momentsOfANode: readonly [string, Test][] = [
  ['the cordon', answered(cordonOf(), 200)],
  ['an eviction', answered(evictionOn(), 201)],
  ['the attempt written, the restart not sent', attemptOn()],
  ['the restart sent, its answer not heard', answered(restartOf(), 202)],
  ['the machine going down', downOf()],
  ['the boot', bootOf()],
  ['the uncordon', answered(uncordonOf(), 200)],
];

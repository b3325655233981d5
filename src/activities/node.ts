import { isoInstant } from '../domain/instant.ts';
import { longestEscalated, markAnnotation, readMark, writeMark } from '../domain/mark.ts';
import type { Mark } from '../domain/mark.ts';
import { conditionalPatch } from '../domain/node.ts';
import type { NodeView } from '../domain/node.ts';
import { afterRestart } from '../domain/outcome.ts';
import type { Outcome, OutcomeKind } from '../domain/outcome.ts';
import type { Reason, ReasonKind } from '../domain/reason.ts';
import { restoreScaleDown } from '../domain/scaleDown.ts';
import { TroubleError } from '../domain/trouble.ts';
import type { Policy } from '../policy/settings.ts';
import type { Kubernetes, Reads } from '../ports.ts';
import type { Ended, Escalated, NodeFacts } from '../steps.ts';
import { connect, matchNow, openSite, policyFor, rememberedFacts } from './scene.ts';
import type { Desk, Site } from './scene.ts';

/** The node that an activity works on, with the slot's fencing number. */
export interface Target {
  run: string;
  cluster: string;
  node: string;
  fence: number;
  /** The Node object's UID and the machine behind it, once they are known. */
  uid?: string | undefined;
  vmId?: string | undefined;
}

/** A node that carries our mark, read just now. */
export interface Held {
  kind: 'held';
  site: Site;
  /** What holds for nodes of its pool. */
  policy: Policy;
  kubernetes: Kubernetes;
  node: NodeView;
  mark: Mark;
}

/**
 * Reads the node and its mark, and finds out whether it still is ours to work on: same node object,
 * our run's mark, our fencing number. Every activity behind the cordon starts with it.
 *
 * @param soon what the activity reads next
 */
export async function hold(desk: Desk, target: Target, soon: Reads = {}): Promise<Held | Ended> {
  const { run, cluster, node, fence, uid, vmId } = target;
  const site = await openSite(desk, cluster);
  const kubernetes = await connect(desk, site);
  kubernetes.ahead({ node, ...soon });
  const seen = await kubernetes.node(node);
  if (seen === undefined) return ended('gone', 'gone', 'the node is not in the cluster any more');
  if (uid !== undefined && seen.uid !== uid) return otherNode(desk, site, seen, vmId);
  const mark = readMark(seen.annotations);
  if (mark.kind !== 'read')
    return ended('deferred', 'lost', 'our mark is not on the node any more');
  if (mark.value.run !== run || mark.value.fence !== fence) {
    const other = `${mark.value.controller}, run ${mark.value.run}`;
    return ended('deferred', 'lost', `the mark was taken over by ${other}`);
  }
  return {
    kind: 'held',
    site,
    policy: policyFor(site, seen),
    kubernetes,
    node: seen,
    mark: mark.value,
  };
}

/**
 * Under this name there is another Node object, with nothing of ours on it: another machine's, or
 * the same machine's, whose kubelet has registered anew because somebody deleted the one before.
 */
async function otherNode(
  desk: Desk,
  site: Site,
  seen: NodeView,
  vmId: string | undefined,
): Promise<Ended> {
  const match = await matchNow(desk, seen, await rememberedFacts(desk, site));
  const same = match.kind === 'matched' && match.instance.vmId === vmId;
  return same
    ? ended(
        'deferred',
        'lost',
        'its Node was deleted and registered anew: mark and cordon are gone',
      )
    : ended('replaced', 'replaced', 'another machine has taken the place of this node');
}

/**
 * Takes our mark and our cordon off in one conditional patch, and gives the autoscaler back its
 * word. A node that a person had cordoned before us stays cordoned, one that somebody uncordoned
 * meanwhile stays uncordoned.
 */
export async function release(
  { kubernetes, node, mark }: Held,
  annotations: Record<string, string | undefined> = {},
): Promise<void> {
  const patch = conditionalPatch(node, {
    unschedulable: mark.wasUnschedulable && node.unschedulable,
    annotations: {
      ...annotations,
      ...restoreScaleDown(node.annotations, mark.scaleDownBefore),
      [markAnnotation]: undefined,
    },
  });
  const patched = await kubernetes.patchNode(node.name, patch);
  if (patched.kind !== 'stale') return;
  throw new TroubleError({ kind: 'conflict', value: 'the node changed while it was released' });
}

/** How a node is left that was released, for people. */
export function asFound({ mark }: Pick<Held, 'mark'>): string {
  return mark.wasUnschedulable ? 'Left cordoned, as it was' : 'Back in service';
}

/** Writes a changed mark if nobody else has changed the node; says whether it was written. */
export async function rewriteMark(
  { kubernetes, node }: Pick<Held, 'kubernetes' | 'node'>,
  mark: Mark,
) {
  const annotations = { [markAnnotation]: writeMark(mark) };
  return kubernetes.patchNode(node.name, conditionalPatch(node, { annotations }));
}

export function factsOf(mark: Mark): NodeFacts {
  const { wasUnschedulable, bootId, kernel, uid, vmId } = mark;
  return {
    uid,
    vmId,
    wasUnschedulable,
    bootIdBefore: bootId,
    kernelBefore: kernel,
    ...escalatedOf(mark),
  };
}

/** What the outcome has to say of the drain, as far as it is written on the mark. */
export function escalatedOf({ escalated }: Mark): Escalated {
  return escalated === undefined ? {} : { escalated };
}

/** The mark with one thing more that the drain did beyond evicting; said once. */
export function withEscalated(mark: Mark, what: string): Mark {
  const { escalated: before = '' } = mark;
  if (what === '' || before.includes(what)) return mark;
  const escalated = [before, what].filter((text) => text !== '').join('; ');
  return { ...mark, escalated: escalated.slice(0, longestEscalated) };
}

export function outcome(kind: OutcomeKind, reason: ReasonKind, value: string): Outcome {
  return { kind, reasons: [{ kind: reason, value }] };
}

export function outcomeOf(kind: OutcomeKind, reasons: Reason[]): Outcome {
  return { kind, reasons };
}

export function ended(kind: OutcomeKind, reason: ReasonKind, value: string): Ended {
  return { kind: 'ended', outcome: outcome(kind, reason, value) };
}

/** The same where a restart was asked for, or may have been by an earlier delivery. */
export function restarted({ outcome }: Ended): Ended {
  return { kind: 'ended', outcome: afterRestart(outcome) };
}

/** The outcome of work that gates stopped before the restart. */
export function stoppedOutcome(reasons: Reason[]): Outcome {
  const canceled = reasons.some(({ kind }) => kind === 'canceled');
  return { kind: canceled ? 'canceled' : 'deferred', reasons };
}

export function nowIso(desk: Desk): string {
  return isoInstant(desk.clock.now());
}

const minuteMs = 60_000;

/** Whether `minutes` have passed since `instant`, on this activity's clock. */
export function isOver(desk: Desk, instant: string, minutes: number): boolean {
  return desk.clock.now() - Date.parse(instant) >= minutes * minuteMs;
}

import type { AuditLine } from '../../local/azure/audit.ts';
import { markAnnotation, scaleDownAnnotation } from './evidence.ts';
import type { Evidence, NodeReport, Report, Scene } from './evidence.ts';

/**
 * DESIGN's promises, each as a function of what Azure and Kubernetes saw. They share no code with `src/`
 * and say what is broken, a sentence each; nothing means kept.
 */
export type Violations = string[];

const minuteMs = 60_000;
const at = (line: { t: string }) => Date.parse(line.t);
const tookEffect = ({ status, detail }: AuditLine) =>
  detail['taken'] === true || (status >= 200 && status < 300);
const where = ({ t, seq, node, actor }: AuditLine) => `${t} #${seq} ${node} by ${actor}`;

/** What a line did to our mark; undefined for nothing. */
function markChange({ detail }: AuditLine): 'written' | 'removed' | undefined {
  const annotations = detail['annotations'];
  if (typeof annotations !== 'object' || annotations === null) return undefined;
  if (!(markAnnotation in annotations)) return undefined;
  const text = (annotations as Record<string, unknown>)[markAnnotation];
  return text === null ? 'removed' : 'written';
}

interface MarkTold {
  run?: string;
  attempt?: { number: number; at: string };
  escalated?: string;
}

/** What a line wrote as the mark; others may write there what they like. */
function markOf({ detail }: AuditLine): MarkTold {
  try {
    const text = String((detail['annotations'] as Record<string, unknown>)[markAnnotation]);
    return (JSON.parse(text) ?? {}) as MarkTold;
  } catch {
    return {};
  }
}

/** Whether the run that took the node was asked to take it without a need; dead runs tell nothing. */
function isForced({ reports }: Evidence, line: AuditLine): boolean {
  const report = reports.find(({ run }) => run === markOf(line).run);
  if (report === undefined) return 'forced' in markOf(line);
  const { force } = report.request;
  return force !== undefined && (force.nodes.length === 0 || force.nodes.includes(line.node));
}

const isOurs = ({ actors }: Evidence, { actor }: AuditLine) => actors.has(actor);
const ourEffects = (evidence: Evidence) =>
  evidence.lines.filter((line) => isOurs(evidence, line) && tookEffect(line));

/** Where the Node has just been deleted, the last that was seen of it. */
function sceneAt({ scenes }: Evidence, line: AuditLine): Scene {
  const scene = scenes.get(line.seq) ?? lastScene(scenes, line);
  if (scene === undefined) throw new Error(`nobody looked at ${where(line)}`);
  return scene;
}

function lastScene(scenes: Evidence['scenes'], { node, seq }: AuditLine): Scene | undefined {
  const before = [...scenes].filter(([at, scene]) => at < seq && scene.node === node);
  return before.at(-1)?.[1];
}

const disturbed = ({ circumstances }: Evidence, line: AuditLine) =>
  circumstances?.disturbed(line) ?? false;
const rulesAt = ({ circumstances }: Evidence, line: AuditLine) =>
  circumstances?.rules(line.actor, at(line));

/** A stretch in which a node bore one run's mark. */
interface Span {
  node: string;
  run: string;
  /** The line by which the node became ours, if need be by an earlier run. */
  began: AuditLine;
  first: AuditLine;
  /** What ended it: the mark was removed or is another run's; undefined if it stays. */
  end: { line: AuditLine; how: 'removed' | 'taken' | 'bySomebody' } | undefined;
}

const spansKnown = new WeakMap<Evidence, Span[]>();

/** Every stretch of every node, in the order of their beginnings. */
function spansOf(evidence: Evidence): Span[] {
  const known = spansKnown.get(evidence);
  if (known !== undefined) return known;
  const spans: Span[] = [];
  const open = new Map<string, Span>();
  const left = [...evidence.departures];
  for (const line of evidence.lines) {
    // With the Node goes the mark.
    for (; left[0] !== undefined && left[0].seq < line.seq; left.shift()) {
      const gone = open.get(left[0].node);
      if (gone !== undefined) gone.end = { line, how: 'bySomebody' };
      open.delete(left[0].node);
    }
    const change = line.action === 'annotate' && tookEffect(line) ? markChange(line) : undefined;
    if (change === undefined) continue;
    const { node } = line;
    const present = open.get(node);
    const ours = isOurs(evidence, line);
    const { run = '' } = change === 'written' ? markOf(line) : {};
    if (ours && change === 'written' && present?.run === run) continue;
    if (present !== undefined) {
      const how = ours ? (change === 'removed' ? 'removed' : 'taken') : 'bySomebody';
      present.end = { line, how };
      open.delete(node);
    }
    if (!ours || change === 'removed') continue;
    const span: Span = { node, run, began: present?.began ?? line, first: line, end: undefined };
    spans.push(span);
    open.set(node, span);
  }
  spansKnown.set(evidence, spans);
  return spans;
}

const isWithin = ({ first, end }: Span, { seq }: AuditLine) =>
  seq >= first.seq && seq <= (end?.line.seq ?? Infinity);

/** Lines at which a node that was not marked became so: it is ours from there on. */
function takings(evidence: Evidence): AuditLine[] {
  const marked = new Set(evidence.before.filter((node) => node.marked).map(({ node }) => node));
  return evidence.lines.filter((line) => {
    if (line.action !== 'annotate' || !tookEffect(line)) return false;
    const change = markChange(line);
    const was = marked.has(line.node);
    if (change === 'written') marked.add(line.node);
    if (change === 'removed') marked.delete(line.node);
    return change === 'written' && !was && isOurs(evidence, line);
  });
}

/** Promise 1: never more than `concurrency` nodes of a cluster out of service because of us. */
export function oneAtATime(evidence: Evidence, concurrency = 1): Violations {
  return outAtOnce(evidence, concurrency, ({ cluster }) => cluster, 'concurrency');
}

/** Promise 1 for a pool, where its settings say fewer than the cluster's. */
export function poolLimit(evidence: Evidence, pool: string, limit: number): Violations {
  const known = [...evidence.before, ...evidence.after];
  const pools = new Map(known.map((node) => [node.node, node.pool]));
  const groupOf = ({ cluster, node }: AuditLine) =>
    pools.get(node) === pool ? cluster : undefined;
  return outAtOnce(evidence, limit, groupOf, 'maxUnavailable');
}

/** Promise 1 for the fleet, where the settings of the whole document say fewer. */
export function fleetLimit(evidence: Evidence, limit: number): Violations {
  return outAtOnce(evidence, limit, () => 'fleet', 'fleetConcurrency');
}

/** A node that is out of service because of us; restarted by us it is so until it is Ready again. */
interface Out {
  group: string;
  returned: boolean;
  restarted: boolean;
}

/** Never more than `limit` nodes of one group out of service because of us; the others don't count. */
function outAtOnce(
  evidence: Evidence,
  limit: number,
  groupOf: (line: AuditLine) => string | undefined,
  rule: 'concurrency' | 'maxUnavailable' | 'fleetConcurrency',
): Violations {
  const out = new Map<string, Out>();
  const limitAt = (line: AuditLine) => Math.max(limit, rulesAt(evidence, line)?.[rule] ?? limit);
  const unready = new Set(evidence.before.filter(({ ready }) => !ready).map(({ node }) => node));
  const violations: Violations = [];
  const left = [...evidence.departures];
  for (const line of evidence.lines) {
    for (; left[0] !== undefined && left[0].seq < line.seq; left.shift()) out.delete(left[0].node);
    const { action, node } = line;
    if (action === 'ready') {
      if (line.detail['ready'] === 'True') unready.delete(node);
      else unready.add(node);
    }
    if (!tookEffect(line) && action !== 'ready') continue;
    const change = action === 'annotate' ? markChange(line) : undefined;
    const takes = action === 'cordon' || (change === 'written' && isCordoned(evidence, line));
    if (isOurs(evidence, line) && takes && !out.has(node)) {
      const group = groupOf(line);
      if (group === undefined) continue;
      out.set(node, { group, returned: false, restarted: false });
      const others = [...out].filter(([, one]) => one.group === group).map(([name]) => name);
      if (others.length > limitAt(line)) {
        violations.push(`${where(line)}: out of service at once: ${others.join(', ')}`);
      }
    }
    const known = out.get(node);
    if (known === undefined) continue;
    if (isOurs(evidence, line) && (action === 'uncordon' || change === 'removed')) {
      known.returned = true;
    }
    if (isOurs(evidence, line) && action === 'restart') known.restarted = true;
    const released = !isOurs(evidence, line) && (action === 'uncordon' || change === 'removed');
    const serves = !known.restarted || !unready.has(node);
    if (released || (known.returned && serves)) out.delete(node);
  }
  return violations;
}

/** What AKS leaves of a command that has ended serves nobody any more. */
const mayStay = ({ name, owner, mirror, finished }: Scene['pods'][number]) =>
  mirror || owner.startsWith('DaemonSet/') || (finished && name.startsWith('aks-command/'));

/** What is written on a node that somebody put back into service takes it out no more. */
const isCordoned = (evidence: Evidence, line: AuditLine) =>
  evidence.scenes.get(line.seq)?.unschedulable !== false;

/** Whether Azure may have taken it: anything but a definite refusal counts as asked. */
const asked = ({ status, detail }: AuditLine) =>
  detail['taken'] === true || status < 400 || status >= 500;

/** A script that the node refuses restarts nothing. */
const isRefusedInside = (evidence: Evidence, line: AuditLine) =>
  'script' in line.detail && !sceneAt(evidence, line).restartsItself;

/** Our restart requests, those that were definitely refused left out. */
const restartsOf = (evidence: Evidence) =>
  evidence.lines.filter(
    (line) => line.action === 'restart' && isOurs(evidence, line) && asked(line),
  );

/**
 * Promise 2: no restart is asked for unless the node is cordoned and nothing is left to drain; or, where
 * settings want it all the same, unless the node's outcome says so.
 */
export function drainedFirst(
  evidence: Evidence,
  undrained: 'never' | 'said' = 'never',
): Violations {
  const askedBefore = new Set<string>();
  return restartsOf(evidence).flatMap((line): Violations => {
    const scene = sceneAt(evidence, line);
    const boot = `${line.node} ${scene.bootId}`;
    const again = askedBefore.has(boot);
    askedBefore.add(boot);
    // The attempt's write is refused where the node has changed since it was looked at.
    const written = writtenAttempt(evidence, line);
    const guarded = (written && evidence.scenes.get(written.seq)) ?? scene;
    if (!guarded.unschedulable) return [`${where(line)}: restarted without being cordoned`];
    // A machine that is down can't end its pods any more.
    const left = podsSeen(evidence, line, scene).filter(
      (pod) => !mayStay(pod) && !(again && (pod.terminating || !scene.ready)),
    );
    if (left.length === 0 || (undrained === 'said' && isSaid(evidence, line, left))) return [];
    return [`${where(line)}: restarted with ${left.map(({ name }) => name).join(', ')} on it`];
  });
}

/** What a restart's guard has seen on the node last, where its looks are known. */
function podsSeen({ circumstances }: Evidence, line: AuditLine, { pods }: Scene): Scene['pods'] {
  if (circumstances === undefined) return pods;
  const look = circumstances.looks.findLast(
    ({ at: when, node, actor }) =>
      node === line.node && actor === line.actor && when <= at(line) && when > at(line) - minuteMs,
  );
  return look?.pods ?? pods;
}

/** Many are told by their number. */
const podsTold = (value: string) => Number(/(\d+) pods? left/u.exec(value)?.[1] ?? 0);

/**
 * Whether a report of that time says of the node that it was restarted with each of these on it, or,
 * where its run has died, the mark by which the next one knows.
 */
function isSaid(evidence: Evidence, line: AuditLine, left: Scene['pods']): boolean {
  const reports = told(evidence).filter(
    ({ report, node }) => node.node === line.node && during(report, line),
  );
  const words = reports.flatMap(({ node }) => node.outcome.reasons);
  const attempt = writtenAttempt(evidence, line);
  const marked = attempt === undefined ? [] : (markOf(attempt).escalated ?? []);
  const reported = words.filter(({ kind }) => kind === 'escalated').map(({ value }) => value);
  const said = reported.concat(marked);
  return left.every(({ name }) =>
    said.some((value) => value.includes(name) || podsTold(value) >= left.length),
  );
}

interface Told {
  report: Report;
  cluster: string;
  node: NodeReport;
}

const told = ({ reports }: Evidence): Told[] =>
  reports.flatMap((report) =>
    report.clusters.flatMap(({ id, nodes }) =>
      nodes.map((node) => ({ report, cluster: id, node })),
    ),
  );

const during = ({ startedAt, endedAt = startedAt }: Report, line: AuditLine) =>
  at(line) >= Date.parse(startedAt) && at(line) <= Date.parse(endedAt);

/** Promise 3: another boot of the same machine, steadily Ready, its DaemonSets back, no sentinel. */
export function proved(evidence: Evidence, readyForSeconds = 30): Violations {
  return told(evidence)
    .filter(({ node }) => node.outcome.kind === 'rebooted')
    .flatMap(({ report, node }): Violations => {
      const span = spansOf(evidence).findLast(
        ({ node: name, run, end }) =>
          name === node.node && run === report.run && end?.how === 'removed',
      );
      if (span?.end === undefined) {
        return [`${node.node} is said to be rebooted, but nobody put it back into service`];
      }
      const { began } = span;
      const end = span.end.line;
      const since = evidence.lines.filter(
        (line) => line.node === node.node && line.seq > began.seq && line.seq <= end.seq,
      );
      const first = sceneAt(evidence, began);
      const last = sceneAt(evidence, end);
      const steady = rulesAt(evidence, end)?.readyForSeconds ?? readyForSeconds;
      return unproved({ node, since, first, last, end, readyForSeconds: steady, evidence }).map(
        (why) => `${where(end)}: not proved: ${why}`,
      );
    });
}

function unproved(proof: {
  node: NodeReport;
  since: readonly AuditLine[];
  first: Scene;
  last: Scene;
  end: AuditLine;
  readyForSeconds: number;
  evidence: Evidence;
}): string[] {
  const { node, since, first, last, end, readyForSeconds, evidence } = proof;
  const why: string[] = [];
  const expect = (holds: boolean, otherwise: string) => void (holds || why.push(otherwise));
  expect(last.bootId !== first.bootId, 'the boot id is the same');
  expect(last.bootId === node.bootIdAfter, 'the report tells another boot id');
  expect(last.kernel === node.kernelAfter, 'the report tells another kernel');
  expect(last.vmId === first.vmId && last.bornAt === first.bornAt, 'another machine');
  expect(last.ready, 'not Ready');
  const ready = since.findLast(({ action }) => action === 'ready');
  const steadyMs = ready?.detail['ready'] === 'True' ? at(end) - at(ready) : 0;
  expect(steadyMs >= readyForSeconds * 1000, `Ready for ${steadyMs} ms only`);
  const booted = since.findLast(({ action }) => action === 'booted');
  const probe = since.findLast(
    (line) => line.action === 'probe' && isOurs(evidence, line) && tookEffect(line),
  );
  const forced = node.outcome.reasons.some(({ kind }) => kind === 'forced');
  // What an update leaves there after the machine was asked is the next run's.
  const { sentinelSince = Infinity } = last;
  const isNew = sentinelSince > (probe === undefined ? at(end) : at(probe));
  expect(forced || isNew, 'the sentinel is there');
  expect(booted !== undefined, 'it never booted');
  expect((probe?.seq ?? 0) > (booted?.seq ?? 0), 'the sentinel was not asked for after the boot');
  const daemons = (scene: Scene, ready: boolean) =>
    scene.pods.filter((pod) => pod.owner.startsWith('DaemonSet/') && pod.ready === ready);
  const missing = daemons(last, false).filter(({ owner }) =>
    daemons(first, true).some((pod) => pod.owner === owner),
  );
  expect(missing.length === 0, `not Ready again: ${missing.map(({ name }) => name).join(', ')}`);
  return why;
}

/** Outcomes that leave a node to a person, out of service. */
const leftToPerson = ['notReady', 'notRebooted', 'unknown', 'failed'];

/** Promise 4: what a person cordoned stays cordoned, and nothing else does. */
export function leftAsFound(evidence: Evidence): Violations {
  const violations: Violations = [];
  const cordonedBy = new Map<string, 'us' | 'person'>();
  for (const { node, unschedulable } of evidence.before) {
    if (unschedulable) cordonedBy.set(node, 'person');
  }
  for (const line of evidence.lines.filter(tookEffect)) {
    const ours = isOurs(evidence, line);
    if (line.action === 'cordon') cordonedBy.set(line.node, ours ? 'us' : 'person');
    if (line.action !== 'uncordon') continue;
    if (ours && cordonedBy.get(line.node) === 'person' && wasTheirs(evidence, line)) {
      violations.push(`${where(line)}: uncordoned what a person had cordoned`);
    }
    cordonedBy.delete(line.node);
  }
  for (const { node, unschedulable, marked } of evidence.after) {
    const ours = marked || (unschedulable && cordonedBy.get(node) === 'us');
    if (!ours || isLeftToPerson(evidence, node)) continue;
    violations.push(`${node} is still ${unschedulable ? 'cordoned' : 'marked'} by us`);
  }
  return [...violations, ...autoscalersWord(evidence)];
}

/** Whether the node was cordoned when it became ours; later cordons of theirs can't be told from ours. */
function wasTheirs(evidence: Evidence, line: AuditLine): boolean {
  const span = spansOf(evidence).findLast((one) => one.node === line.node && isWithin(one, line));
  if (span === undefined) return true;
  const before = evidence.lines.findLast(
    ({ node, action, seq, ...rest }) =>
      node === line.node &&
      seq < span.began.seq - 1 &&
      (action === 'cordon' || action === 'uncordon') &&
      tookEffect({ node, action, seq, ...rest }),
  );
  if (before !== undefined) return before.action === 'cordon' && !isOurs(evidence, before);
  return evidence.before.some(({ node, unschedulable }) => node === line.node && unschedulable);
}

/** What the autoscaler is told about a node is what others have told it last. */
function autoscalersWord(evidence: Evidence): Violations {
  const word = new Map(evidence.before.map(({ node, scaleDown }) => [node, scaleDown]));
  for (const line of evidence.lines) {
    const changed = line.detail['annotations'] as Record<string, string | null> | undefined;
    const said = changed?.[scaleDownAnnotation];
    if (said === undefined || isOurs(evidence, line) || !tookEffect(line)) continue;
    word.set(line.node, said);
  }
  return evidence.after.flatMap(({ node, marked, scaleDown }) => {
    const before = word.get(node) ?? null;
    const touched = spansOf(evidence).some(
      (one) => one.node === node && one.end?.how === 'bySomebody',
    );
    if (marked || touched || scaleDown === before) return [];
    return [
      `${node} tells the autoscaler ${scaleDown ?? 'nothing'}, it was ${before ?? 'nothing'}`,
    ];
  });
}

function isLeftToPerson(evidence: Evidence, name: string): boolean {
  const last = told(evidence).findLast(({ node }) => node.node === name);
  const taken = takings(evidence).findLast(({ node }) => node === name);
  const restarted = restartsOf(evidence).some(
    ({ node, seq }) => node === name && seq > (taken?.seq ?? 0),
  );
  return restarted && leftToPerson.includes(last?.node.outcome.kind ?? '');
}

/** Promise 5: one request an attempt, written before; two attempts on one boot, half an hour apart. */
export function neverTwice(evidence: Evidence, bootTimeoutMinutes = 30): Violations {
  const violations: Violations = [];
  const boots = new Map<string, AuditLine[]>();
  for (const line of restartsOf(evidence)) {
    if (isRefusedInside(evidence, line)) continue;
    const boot = `${line.node} ${sceneAt(evidence, line).bootId} ${forgotten(evidence, line)}`;
    const earlier = boots.get(boot) ?? [];
    boots.set(boot, [...earlier, line]);
    const last = earlier.at(-1);
    if (earlier.length >= 2) violations.push(`${where(line)}: a third restart of one boot`);
    const pause = rulesAt(evidence, line)?.bootTimeoutMinutes ?? bootTimeoutMinutes;
    if (last !== undefined && at(line) - at(last) < pause * minuteMs) {
      violations.push(`${where(line)}: restarted again after ${(at(line) - at(last)) / 1000} s`);
    }
    const { operations } = sceneAt(evidence, line);
    const others = line.detail['taken'] === true ? operations - 1 : operations;
    if (last !== undefined && others > 0 && !disturbed(evidence, line)) {
      violations.push(`${where(line)}: restarted again while Azure carries out another restart`);
    }
  }
  return [...violations, ...unwritten(evidence), ...putBackEarly(evidence)];
}

/** A definite refusal, even where Azure does it all the same: nobody can know. */
const isDenied = ({ status }: AuditLine) => status >= 400 && status < 500 && status !== 408;

/** Nodes put back into service while Azure carries out a restart of theirs that we asked for. */
function putBackEarly(evidence: Evidence): Violations {
  const restarts = restartsOf(evidence);
  return ourEffects(evidence).flatMap((line) => {
    if (line.action !== 'annotate' || markChange(line) !== 'removed') return [];
    const { operations, bootId } = sceneAt(evidence, line);
    const isBefore = ({ node, seq }: AuditLine) => node === line.node && seq < line.seq;
    const ours = restarts.some(
      (restart) =>
        isBefore(restart) && !isDenied(restart) && sceneAt(evidence, restart).bootId === bootId,
    );
    const theirs = evidence.lines.some(
      (other) => other.action === 'restart' && !isOurs(evidence, other) && isBefore(other),
    );
    return ours && !theirs && operations > 0
      ? [`${where(line)}: put back while Azure still restarts it`]
      : [];
  });
}

/** Requests for a restart, refused ones too, before which no attempt was written for them. */
function unwritten(evidence: Evidence): Violations {
  const before = new Map<string, AuditLine>();
  // Where the machine is gone there is no node to the request.
  const asked = evidence.lines.filter(
    (line) => line.action === 'restart' && line.node !== '' && isOurs(evidence, line),
  );
  return asked.flatMap((line) => {
    const attempt = writtenAttempt(evidence, line);
    const last = before.get(line.node);
    before.set(line.node, line);
    return attempt === undefined || attempt.seq < (last?.seq ?? 0)
      ? [`${where(line)}: the attempt was not written before`]
      : [];
  });
}

/** How often somebody had taken our mark off the node: with it goes what we know of its restarts. */
const forgotten = (evidence: Evidence, { node, seq }: AuditLine) =>
  spansOf(evidence).filter(
    (span) => span.node === node && span.end?.how === 'bySomebody' && span.end.line.seq < seq,
  ).length;

/** What others do to a mark right before the request comes too late for us to see it. */
const inFlightMs = 30_000;

/** The line that wrote this restart's attempt on the node: the last word on the mark before it. */
function writtenAttempt(evidence: Evidence, restart: AuditLine): AuditLine | undefined {
  const last = evidence.lines.findLast(
    (line) =>
      line.seq < restart.seq &&
      line.node === restart.node &&
      line.action === 'annotate' &&
      tookEffect(line) &&
      markChange(line) !== undefined &&
      (isOurs(evidence, line) || at(line) < at(restart) - inFlightMs),
  );
  if (last === undefined || last.actor !== restart.actor) return undefined;
  return markChange(last) === 'written' && markOf(last).attempt !== undefined ? last : undefined;
}

export interface OpenWindow {
  from: string;
  to: string;
}

/** Promise 6: nothing is cordoned outside of the windows, nor when it can't fit in. */
export function neverOutOfHours(
  evidence: Evidence,
  windows: readonly OpenWindow[],
  neededMinutes: number,
): Violations {
  return takings(evidence).flatMap((line): Violations => {
    const open = windows.find(
      ({ from, to }) => at(line) >= Date.parse(from) && at(line) < Date.parse(to),
    );
    if (open === undefined) return [`${where(line)}: cordoned outside of the windows`];
    const leftMinutes = (Date.parse(open.to) - at(line)) / minuteMs;
    return leftMinutes < neededMinutes ? [`${where(line)}: ${leftMinutes} minutes are left`] : [];
  });
}

/** Promise 6 where each installation has windows of its own. */
export function neverOutOfTheirHours(evidence: Evidence): Violations {
  return takings(evidence)
    .filter((line) => rulesAt(evidence, line)?.mayBegin(at(line)) === false)
    .map((line) => `${where(line)}: cordoned out of hours`);
}

const longestProbeMinutes = 30;

/** Promise 7: a node is touched only if it was asked, said yes, and everything around it was well. */
export function unknownIsNo(evidence: Evidence): Violations {
  return takings(evidence).flatMap((line) => {
    const scene = sceneAt(evidence, line);
    const probe = evidence.lines.findLast(
      (other) =>
        other.node === line.node &&
        other.action === 'probe' &&
        other.seq < line.seq &&
        isOurs(evidence, other) &&
        tookEffect(other),
    );
    const why: string[] = [];
    const expect = (holds: boolean, otherwise: string) => void (holds || why.push(otherwise));
    const calm = !disturbed(evidence, line);
    const due = scene.sentinelSince !== undefined;
    expect(due || !calm || isForced(evidence, line), 'it needs no reboot');
    expect(scene.honest, 'its Node names another machine');
    expect(scene.ready || !calm, 'it was not Ready');
    expect(scene.clusterState === 'Succeeded' || !calm, `the cluster is ${scene.clusterState}`);
    expect(scene.poolState === 'Succeeded' || !calm, `the pool is ${scene.poolState}`);
    const rules = rulesAt(evidence, line);
    const { run = '' } = markOf(line);
    expect(rules?.isApproved(run, line.node, at(line)) !== false, 'nobody has approved it');
    const age = probe === undefined ? Infinity : at(line) - at(probe);
    const limit = rules?.probeMinutes ?? longestProbeMinutes;
    expect(age <= limit * minuteMs, `it was asked ${Math.round(age / minuteMs)} minutes before`);
    return why.map((one) => `${where(line)}: cordoned although ${one}`);
  });
}

/** Promise 8, as far as one can see it: nothing of ours is left, whatever happened on the way. */
export function nothingLeft({ after }: Evidence): Violations {
  return after.filter(({ marked }) => marked).map(({ node }) => `${node} still carries our mark`);
}

const outcomes = new Set(
  'rebooted notNeeded gone replaced deferred skipped canceled unknown undrainable notRebooted notReady stillRequired failed'.split(
    ' ',
  ),
);
const reasons = new Set(
  (
    'window fit hold canceled lock claim halted slots access clusterState poolState excluded unsupported nodeNotReady ' +
    'cordonedByPerson autoscaler aksAtWork scheduledEvent kured blockingPod prometheus azureAlert approval nodeApproval ' +
    'needAge forced identityMismatch loopGuard probe turn blocked terminating undrainable ' +
    'poolSlots failures ring fleet capacity drainDeadline stopped escalated ' +
    'lost uncordoned restartRefused sameBoot notReady daemonSets stillRequired gone replaced ' +
    'recovered throttled forbidden notFound conflict invalid unreachable timeout bug'
  ).split(' '),
);
/** A node that was restarted can't end like this. */
const untouched = ['notNeeded', 'skipped', 'deferred', 'canceled', 'undrainable'];

/** Promise 9: every node ends every run with an outcome and its reasons, and they agree with the audit. */
export function nothingSilent(evidence: Evidence): Violations {
  const violations = told(evidence).flatMap((one) => [
    ...badWords(one),
    ...disagreements(evidence, one),
  ]);
  const gone = evidence.departures.map(({ node }) => node);
  for (const { run, clusters } of evidence.reports) {
    for (const { id, nodes, reasons: why } of clusters) {
      // A cluster that could not be read, or was left alone, says so as a whole.
      if (nodes.length === 0 && why.some(({ value }) => value.trim() !== '')) continue;
      const named = nodes.map(({ node }) => node);
      const missing = evidence.before.filter(
        ({ cluster, node }) => cluster === id && !named.includes(node) && !gone.includes(node),
      );
      violations.push(...missing.map(({ node }) => `run ${run} says nothing about ${node}`));
    }
  }
  return violations;
}

function badWords({ report, node }: Told): Violations {
  const { kind, reasons: why } = node.outcome;
  const violations: Violations = [];
  const say = (text: string) => violations.push(`run ${report.run}, ${node.node}: ${text}`);
  if (!outcomes.has(kind)) say(`"${kind}" is no outcome`);
  if (why.length === 0) say(`${kind} without a reason`);
  for (const reason of why) {
    if (!reasons.has(reason.kind)) say(`"${reason.kind}" is no reason`);
    if (reason.kind === 'bug') say(`a defect: ${reason.value}`);
    if (reason.value.trim() === '') say(`${reason.kind} without words`);
  }
  return violations;
}

/** Where what a report says of a node is not what the run did to it. */
function disagreements(evidence: Evidence, { report, node }: Told): Violations {
  const spans = spansOf(evidence).filter(
    (span) => span.node === node.node && span.run === report.run,
  );
  const own = ourEffects(evidence).filter(
    (line) => line.node === node.node && spans.some((span) => isWithin(span, line)),
  );
  const { kind } = node.outcome;
  const violations: Violations = [];
  const say = (text: string) => violations.push(`run ${report.run}, ${node.node}: ${text}`);
  if (report.request.dryRun && own.length > 0) {
    say(`a dry run did ${own.map(({ action }) => action).join(', ')}`);
  }
  const restarted = own.some(
    (line) => line.action === 'restart' && !isRefusedInside(evidence, line),
  );
  if (restarted && untouched.includes(kind)) say(`restarted, and said to be ${kind}`);
  const released = spans.some(({ end }) => end?.how === 'removed');
  if (kind === 'rebooted' && !released) say('said to be rebooted, and not put back');
  const gone = evidence.departures.some((departure) => departure.node === node.node);
  // Whoever takes a mark over finds it on the node: the run before has left it there.
  const left = spans.findLast(({ end }) => end === undefined || end.how === 'taken');
  const lasts = left !== undefined && left === spans.at(-1) && !gone;
  if (
    lasts &&
    !wasFreed(evidence, left, report) &&
    !leftToPerson.includes(kind) &&
    !wasLost(node)
  ) {
    say(`left marked, and said to be ${kind}`);
  }
  return violations;
}

/** Reports tell instants by their own clock. */
const clocksDifferMs = 5 * minuteMs;

/** Whoever had taken it over had put it back before the report ended: then nothing was left marked. */
const wasFreed = (evidence: Evidence, { node, first }: Span, { endedAt = '' }: Report) =>
  spansOf(evidence).some(
    (span) =>
      span.node === node &&
      span.first.seq > first.seq &&
      span.end?.how === 'removed' &&
      at(span.end.line) <= Date.parse(endedAt) + clocksDifferMs,
  );

/** Another run had taken the node over before this one ended, and it says so. */
const wasLost = ({ outcome }: NodeReport) => outcome.reasons.some(({ kind }) => kind === 'lost');

/** All promises but the one about windows, for a fleet whose nodes can go out of service one by one. */
export function brokenPromises(
  evidence: Evidence,
  {
    concurrency = 1,
    readyForSeconds = 30,
    undrained = 'never',
  }: { concurrency?: number; readyForSeconds?: number; undrained?: 'never' | 'said' } = {},
): Violations {
  return [
    ...oneAtATime(evidence, concurrency),
    ...drainedFirst(evidence, undrained),
    ...proved(evidence, readyForSeconds),
    ...leftAsFound(evidence),
    ...neverTwice(evidence),
    ...unknownIsNo(evidence),
    ...nothingSilent(evidence),
  ];
}

/** The same, and that nothing of ours is left: for a rehearsal that has come to its end. */
export function brokenOrLeft(
  evidence: Evidence,
  options: Parameters<typeof brokenPromises>[1] = {},
): Violations {
  return [...brokenPromises(evidence, options), ...nothingLeft(evidence)];
}

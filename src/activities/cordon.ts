import { markAnnotation, readMark, writeMark } from '../domain/mark.ts';
import type { Mark } from '../domain/mark.ts';
import { forcedBy } from '../domain/force.ts';
import { servedNeed, withAge } from '../domain/need.ts';
import type { ProbeRecord } from '../domain/need.ts';
import { conditionalPatch } from '../domain/node.ts';
import type { NodeView } from '../domain/node.ts';
import { disableScaleDown } from '../domain/scaleDown.ts';
import type { Scene, Sight } from '../decide/gate.ts';
import { decide } from '../decide/gates.ts';
import { waitsForRoom } from '../decide/gates/capacity.ts';
import type { Match } from '../decide/identity.ts';
import { lockEntityName } from '../lock/entity.ts';
import { parseLock } from '../lock/lock.ts';
import type { LockState } from '../lock/lock.ts';
import type { Policy } from '../policy/settings.ts';
import type { Kubernetes } from '../ports.ts';
import type { StepInput, StepOutputs } from '../steps.ts';
import { claimLease } from './claim.ts';
import { tell } from './events.ts';
import type { Subject } from './events.ts';
import { readFleet } from './fleet.ts';
import { forecastOf } from './forecast.ts';
import { factsOf, isOver, nowIso, outcome, outcomeOf } from './node.ts';
import { answerServesMinutes } from './probe.ts';
import { connect, matchNow, openSite, policyFor, readFacts, readScene } from './scene.ts';
import type { Desk } from './scene.ts';

const staleWaitSeconds = 5;
const roomWaitSeconds = 30;

/**
 * Takes a node out of service: all gates and the fit are judged now, then mark and cordon are
 * written by one conditional patch. Asked twice it finds its own mark and says the same.
 */
export async function cordon(
  desk: Desk,
  input: StepInput<'cordon'>,
): Promise<StepOutputs['cordon']> {
  const { run, cluster, fence } = input;
  const site = await openSite(desk, cluster);
  const facts = await readFacts(desk, site);
  const kubernetes = await connect(desk, site);
  kubernetes.ahead({ nodes: true, pods: input.node, lease: claimLease });
  const nodes = await kubernetes.nodes();
  // Read by itself, although it is on the list: whoever can't do that could not put it back.
  const node = await kubernetes.node(input.node);
  if (node === undefined) {
    return {
      kind: 'no',
      outcome: outcome('gone', 'gone', 'the node is not in the cluster any more'),
    };
  }
  const mine = readMark(node.annotations);
  if (mine.kind === 'read' && mine.value.run === run && mine.value.fence === fence) {
    await tellCordoned(desk, { kubernetes, node, mark: mine.value }, input.probe);
    return { kind: 'cordoned', at: mine.value.since, facts: factsOf(mine.value) };
  }
  if (mine.kind !== 'none') {
    return { kind: 'no', outcome: outcome('deferred', 'slots', 'the node carries a mark already') };
  }
  const lock = parseLock(await desk.durable.entity(lockEntityName, cluster));
  // An old holder whose slot was taken over must not begin anything.
  if (!lock.slots.some((slot) => slot.fence === fence)) {
    return { kind: 'no', outcome: outcome('deferred', 'lost', 'the slot was taken over') };
  }
  const match = await matchNow(desk, node, facts);
  const policy = policyFor(site, node);
  const probe = await aged(desk, input, policy);
  const around = await readScene(desk, site, run, { facts, nodes, policies: [policy] });
  const ahead = slotsAhead(lock, fence, around);
  const scene: Scene = { ...around, ahead, fleet: await readFleet(desk, site) };
  const sight = { node, match, probe, policy };
  const judged = await judge(desk, kubernetes, sight, scene);
  if (judged.kind === 'again') return judged;
  const { decision, outcome: verdict } = judged;
  const served = servedNeed(probe, forcedBy(scene.force, node.name));
  if (decision.kind !== 'reboot' || match.kind !== 'matched' || served === undefined) {
    return { kind: 'no', outcome: canceledOr(verdict) };
  }
  const stale = staleAnswer(desk, probe, match.instance.vmId);
  if (stale !== undefined) return { kind: 'no', outcome: stale };
  const daemonPods = await kubernetes.daemonPods(node.name, []);
  const ready = daemonPods.filter(({ pod }) => pod === 'ready').map(({ daemonSet }) => daemonSet);
  const scaleDown = disableScaleDown(node.annotations);
  const mark: Mark = {
    ...markOf(desk, input, site.settings.controller, node, match),
    ...served,
    daemonSetsReady: [...new Set(ready)].sort(),
    scaleDownBefore: scaleDown.before,
  };
  const patch = conditionalPatch(node, {
    unschedulable: true,
    annotations: { ...scaleDown.annotations, [markAnnotation]: writeMark(mark) },
  });
  // Before the mark: what is counted and not there is found out, what is there and not counted
  // isn't.
  await desk.reports.writeOutOfService({ cluster, node: node.name });
  const patched = await kubernetes.patchNode(node.name, patch);
  if (patched.kind !== 'done') {
    const detail = 'somebody else changed the node just now';
    return { kind: 'again', waitSeconds: staleWaitSeconds, detail };
  }
  desk.log({ level: 'info', message: 'cordoned', run, cluster, node: node.name });
  await tellCordoned(desk, { kubernetes, node, mark }, probe);
  return { kind: 'cordoned', at: mark.since, facts: factsOf(mark) };
}

/** Why the node's answer does not hold for this machine, or not any more. */
function staleAnswer(desk: Desk, probe: ProbeRecord, vmId: string) {
  if (probe.vmId !== vmId) {
    const value = `the probe asked vmId ${probe.vmId}, the instance is ${vmId} now`;
    return outcome('unknown', 'identityMismatch', value);
  }
  return isOver(desk, probe.at, answerServesMinutes)
    ? outcome('deferred', 'probe', `its answer of ${probe.at} is too old to act on`)
    : undefined;
}

function tellCordoned(
  desk: Desk,
  subject: Subject & { mark: Pick<Mark, 'forced'> },
  { probe }: ProbeRecord,
): Promise<void> {
  const packages = probe.kind === 'required' ? probe.packages.join(', ') : '';
  const need = packages === '' ? 'it needs a reboot' : `it needs a reboot for ${packages}`;
  const why = subject.mark.forced ?? need;
  return tell(desk, subject, 'Cordoned', `Cordoned by run ${subject.mark.run}: ${why}`);
}

/** With the age of its need, where a gate has to know it and the node does not say. */
async function aged(
  desk: Desk,
  { cluster, node, probe }: StepInput<'cordon'>,
  { minNeedAgeHours }: Policy,
): Promise<ProbeRecord> {
  const says = probe.probe.kind === 'required' && probe.probe.ageSeconds !== undefined;
  if (minNeedAgeHours === 0 || says) return probe;
  return withAge(probe, (await desk.reports.lastProbes(cluster))[node]);
}

type Judged =
  | ({ kind: 'judged' } & ReturnType<typeof decide>)
  | Extract<StepOutputs['cordon'], { kind: 'again' }>;

/** All gates; then, where nothing is in the way, what the drain would come to. */
async function judge(
  desk: Desk,
  kubernetes: Kubernetes,
  sight: Sight,
  scene: Scene,
): Promise<Judged> {
  const before = decide(sight, scene);
  const { kind, reasons } = before.decision;
  const open = kind === 'reboot';
  if (open || (kind === 'wait' && reasons.every((reason) => reason.kind === 'capacity'))) {
    const room = waitsForRoom(sight, scene);
    if (room !== undefined) {
      return { kind: 'again', waitSeconds: roomWaitSeconds, detail: room.value };
    }
  }
  if (!open) return { kind: 'judged', ...before };
  const forecast = await forecastOf(desk, kubernetes, sight.node.name, sight.policy);
  return { kind: 'judged', ...decide({ ...sight, forecast }, scene) };
}

/**
 * Two lanes may come here at the same moment, and neither sees the other's cordon yet. Slots are
 * given one after the other: whose number is lower goes first, and counts as out of service.
 */
function slotsAhead({ slots }: LockState, fence: number, { marked }: Scene): string[] {
  const names = new Set(marked.map(({ name }) => name));
  return slots
    .filter((slot) => slot.fence < fence && !names.has(slot.node))
    .map(({ pool }) => pool);
}

function canceledOr(verdict: ReturnType<typeof decide>['outcome']) {
  const canceled = verdict.kind === 'deferred' && verdict.reasons[0]?.kind === 'canceled';
  return canceled ? outcomeOf('canceled', verdict.reasons) : verdict;
}

function markOf(
  desk: Desk,
  { run, fence }: StepInput<'cordon'>,
  controller: string,
  node: NodeView,
  match: Extract<Match, { kind: 'matched' }>,
) {
  return {
    version: 1 as const,
    controller,
    run,
    fence,
    bootId: node.bootId,
    uid: node.uid,
    vmId: match.instance.vmId,
    kernel: node.kernel,
    wasUnschedulable: node.unschedulable,
    since: nowIso(desk),
  };
}

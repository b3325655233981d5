import {
  lastRebootAnnotation,
  lastRefusalAnnotation,
  markAnnotation,
  readLastReboot,
  writeLastReboot,
  writeLastRefusal,
} from '../domain/mark.ts';
import type { LastReboot } from '../domain/mark.ts';
import { needOf } from '../domain/need.ts';
import { remember } from '../domain/pace.ts';
import type { Outcome } from '../domain/outcome.ts';
import { isLeftOut } from '../domain/run.ts';
import { factsOf as factsOfProbe } from '../domain/probe.ts';
import type { Probe } from '../domain/probe.ts';
import { TroubleError } from '../domain/trouble.ts';
import type { Ended, StepInput, StepOutputs } from '../steps.ts';
import { tell } from './events.ts';
import {
  asFound,
  ended,
  hold,
  isOver,
  nowIso,
  outcome,
  outcomeOf,
  release,
  restarted,
  rewriteMark,
} from './node.ts';
import type { Held } from './node.ts';
import { missingDaemonPods } from './ready.ts';
import { connect, openSite } from './scene.ts';
import type { Desk } from './scene.ts';

/**
 * The last piece of the proof, the sentinel, and with it the way back into service: uncordon,
 * unmark and the last-reboot note are one conditional patch. No gate, hold or window is asked here.
 */
export async function finish(
  desk: Desk,
  input: StepInput<'finish'>,
): Promise<StepOutputs['finish']> {
  const held = await hold(desk, input);
  if (held.kind === 'ended') return finishedAlready(desk, input, held);
  const { node, mark, policy } = held;
  const { pollSeconds, readyTimeoutMinutes } = policy;
  const late = isOver(desk, input.since, readyTimeoutMinutes + proofMinutes);
  const verdict = await judge(input, held, late);
  switch (verdict.kind) {
    case 'unproved':
      return late
        ? { kind: 'stuck', outcome: verdict.outcome }
        : { kind: 'again', waitSeconds: pollSeconds, detail: wordsOf(verdict.outcome) };
    case 'replaced':
      await release(held);
      await tell(desk, held, 'MachineReplaced', `${asFound(held)}: ${verdict.value}`);
      return ended('replaced', 'replaced', verdict.value);
    case 'proved': {
      const at = nowIso(desk);
      const note = {
        at,
        bootIdBefore: mark.bootId,
        bootIdAfter: node.bootId,
        need: verdict.need,
        kernel: node.kernel,
        run: mark.run,
        ...(mark.forced === undefined ? {} : { forced: mark.forced }),
      };
      await release(held, {
        [lastRebootAnnotation]: writeLastReboot(note),
        [lastRefusalAnnotation]: undefined,
      });
      const { run, cluster } = input;
      desk.log({ level: 'info', message: verdict.outcome.kind, run, cluster, node: node.name });
      const reason = verdict.outcome.kind === 'rebooted' ? 'RebootProved' : 'StillRequired';
      await tell(desk, held, reason, `${asFound(held)}: ${wordsOf(verdict.outcome)}`);
      return {
        kind: 'finished',
        at,
        outcome: verdict.outcome,
        bootIdAfter: node.bootId,
        kernelAfter: node.kernel,
      };
    }
  }
}

/** On top of what Ready may take: asking for the sentinel takes patience of its own. */
const proofMinutes = 15;

type Proof =
  | { kind: 'proved'; outcome: Outcome; need: string }
  | { kind: 'replaced'; value: string }
  | { kind: 'unproved'; outcome: Outcome };

function unproved(value: string): Proof {
  return { kind: 'unproved', outcome: outcome('unknown', 'probe', value) };
}

/**
 * The whole proof once more, in the very activity that puts the node back: minutes may have passed
 * since it was seen to be well.
 */
async function judge(input: StepInput<'finish'>, held: Held, late: boolean): Promise<Proof> {
  const proof = judgeProof(input.probe.probe, held);
  if (proof.kind !== 'proved') return proof;
  const { readySince } = held.node;
  const bad = (reason: 'notReady' | 'daemonSets', value: string): Proof => {
    return { kind: 'unproved', outcome: outcome('notReady', reason, value) };
  };
  if (input.transition !== undefined && input.transition !== readySince) {
    return bad('notReady', `it did not stay Ready: not so before ${readySince}`);
  }
  const missing = await missingDaemonPods(held, late);
  return missing.length === 0
    ? proof
    : bad('daemonSets', `DaemonSet pods not Ready any more: ${missing.join(', ')}`);
}

function judgeProof(probe: Probe, { node, mark }: Held): Proof {
  if (!node.ready) {
    const value = `not Ready any more since ${node.readySince || 'unknown'}`;
    return { kind: 'unproved', outcome: outcome('notReady', 'notReady', value) };
  }
  const facts = factsOfProbe(probe);
  if (probe.kind === 'unknown' && (mark.forced === undefined || facts === undefined)) {
    return unproved(probe.reason);
  }
  if (facts?.bootId !== node.bootId) {
    return unproved(`the probe answered on boot ${facts?.bootId}, the node says ${node.bootId}`);
  }
  if (node.bootId === mark.bootId) return unproved(`boot id ${mark.bootId} has not changed`);
  if (mark.birth > 0 && facts.birth > 0 && facts.birth !== mark.birth) {
    return { kind: 'replaced', value: 'its root file system is a new one: it was reimaged' };
  }
  const asksAgain = probe.kind === 'required' && mark.forced === undefined;
  const need = asksAgain ? needOf(probe, '').hash : mark.need;
  const { bootId: bootIdBefore, forced } = mark;
  const boots = { bootIdBefore, bootIdAfter: node.bootId, kernel: node.kernel, forced };
  return { kind: 'proved', outcome: provedOutcome(probe, boots), need };
}

function provedOutcome(
  probe: Probe,
  {
    bootIdBefore,
    bootIdAfter,
    kernel,
    forced,
  }: Pick<LastReboot, 'bootIdBefore' | 'bootIdAfter' | 'kernel' | 'forced'>,
): Outcome {
  const boot = (id: string) => id.slice(0, 8);
  const why = `boot ${boot(bootIdBefore)} became ${boot(bootIdAfter)}, kernel ${kernel}`;
  if (forced !== undefined) {
    // Whoever forces a reboot wants it, and says nothing about the sentinel.
    const after = probe.kind === 'required' ? `${why}; it asks for a reboot` : why;
    return outcomeOf('rebooted', [
      { kind: 'probe', value: after },
      { kind: 'forced', value: forced },
    ]);
  }
  if (probe.kind === 'notRequired') return outcome('rebooted', 'probe', why);
  const value = `rebooted (${why}), but it says again that it has to`;
  return outcome('stillRequired', 'stillRequired', value);
}

/**
 * No mark, but this very run's note of the boot that the node is on: an earlier delivery of this
 * activity has finished the node, and died before it could say so.
 */
async function finishedAlready(
  desk: Desk,
  input: StepInput<'finish'>,
  why: Ended,
): Promise<StepOutputs['finish']> {
  const site = await openSite(desk, input.cluster);
  const node = await (await connect(desk, site)).node(input.node);
  if (node === undefined || markAnnotation in node.annotations) return restarted(why);
  const note = readLastReboot(node.annotations);
  const ours = note.kind === 'read' && note.value.run === input.run;
  if (!ours || note.value.bootIdAfter !== node.bootId) return restarted(why);
  return {
    kind: 'finished',
    at: note.value.at,
    outcome: provedOutcome(input.probe.probe, note.value),
    bootIdAfter: node.bootId,
    kernelAfter: node.kernel,
  };
}

/** Puts a node back whose restart was not asked for. Asked twice, it finds no mark and is done. */
export async function undo(desk: Desk, input: StepInput<'undo'>): Promise<StepOutputs['undo']> {
  const held = await hold(desk, input);
  if (held.kind === 'ended') return undoneAlready(desk, input, held.outcome);
  if (held.mark.attempt !== undefined) {
    const value = 'a restart may have been asked for: mark and cordon stay until a run finds out';
    return ended('failed', 'sameBoot', value);
  }
  await release(held, refusalNote(input.outcome, nowIso(desk)));
  const { run, cluster, node } = input;
  desk.log({ level: 'info', message: 'undone', run, cluster, node, detail: { ...input.outcome } });
  const why = wordsOf(input.outcome);
  await tell(desk, held, 'RebootUndone', `${asFound(held)}, without a reboot: ${why}`);
  return { kind: 'undone', at: nowIso(desk) };
}

/** What keeps the next runs from draining the node, or all nodes, in vain. */
function refusalNote({ reasons }: Outcome, at: string): Record<string, string> {
  const refusal = reasons.find(({ kind }) => kind === 'restartRefused');
  if (refusal === undefined) return {};
  const scope = reasons.some(({ kind }) => kind === 'forbidden') ? 'cluster' : 'node';
  return { [lastRefusalAnnotation]: writeLastRefusal({ at, scope, value: refusal.value }) };
}

/**
 * No mark at all means that an earlier delivery of this activity did it, or that nothing was
 * cordoned.
 */
async function undoneAlready(
  desk: Desk,
  input: StepInput<'undo'>,
  why: Outcome,
): Promise<StepOutputs['undo']> {
  const site = await openSite(desk, input.cluster);
  const node = await (await connect(desk, site)).node(input.node);
  const unmarked = node !== undefined && !(markAnnotation in node.annotations);
  return unmarked ? { kind: 'undone', at: nowIso(desk) } : { kind: 'ended', outcome: why };
}

function wordsOf({ reasons }: Outcome): string {
  return reasons.map(({ value }) => value).join('; ');
}

const longestReason = 400;

/**
 * Leaves mark and cordon, with the reason for people: the cluster is halted until it is resolved.
 */
export async function leaveMarked(
  desk: Desk,
  input: StepInput<'leaveMarked'>,
): Promise<StepOutputs['leaveMarked']> {
  const held = await hold(desk, input);
  if (held.kind === 'ended') return { kind: 'done' };
  const { kind, reasons } = input.outcome;
  const value = wordsOf(input.outcome).slice(0, longestReason);
  const patched = await rewriteMark(held, {
    ...held.mark,
    stuck: { kind, value, at: nowIso(desk) },
  });
  if (patched.kind === 'stale') {
    throw new TroubleError({ kind: 'conflict', value: 'the node changed while it was left' });
  }
  const { run, cluster, node } = input;
  desk.log({ level: 'error', message: kind, run, cluster, node, detail: { reasons } });
  await tell(desk, held, 'RebootStuck', `Out of service, ${kind}: ${value}`);
  return { kind: 'done' };
}

export async function recordNode(
  desk: Desk,
  { run, cluster, pool, result }: StepInput<'recordNode'>,
): Promise<StepOutputs['recordNode']> {
  await desk.reports.writeNodeResult(run, cluster, result);
  const { node, instants } = result;
  if (!isLeftOut(result)) await desk.reports.removeOutOfService({ cluster, node });
  else if (instants.cordoned !== undefined) {
    // Its place in the fleet is given back next, and what the cordon wrote may be lost by now.
    await desk.reports.writeOutOfService({ cluster, node });
  }
  // Two lanes that end at once may lose one of the two: the next node tells as much.
  const paces = await desk.reports.paces(cluster);
  const more = remember(paces, pool, run, result);
  if (more !== paces) await desk.reports.writePaces(cluster, more);
  return { kind: 'done' };
}

import { forcedBy } from '../../domain/force.ts';
import { epochMs } from '../../domain/instant.ts';
import { readLastReboot } from '../../domain/mark.ts';
import { needOf } from '../../domain/need.ts';
import type { ProbeRecord } from '../../domain/need.ts';
import { factsOf } from '../../domain/probe.ts';
import type { Reason } from '../../domain/reason.ts';
import type { Scene, Sight } from '../gate.ts';

/** Whether the node needs a reboot, and whether it had one for the same need. */

const hourMs = 60 * 60_000;
const dayMs = 24 * hourMs;

export function needReason(
  { probe, node }: Sight,
  { force }: Scene,
): {
  kind: 'required' | 'notRequired' | 'unknown';
  reason: Reason;
} {
  const unknown = (value: string) => ({
    kind: 'unknown' as const,
    reason: { kind: 'probe' as const, value },
  });
  if (probe === undefined) return unknown('the node was not asked');
  const facts = factsOf(probe.probe);
  const forced = facts && forcedBy(force, node.name);
  const answer = probe.probe;
  if (answer.kind === 'unknown' && forced === undefined) return unknown(answer.reason);
  if (facts !== undefined && (facts.bootId === '' || facts.bootId !== node.bootId)) {
    return unknown(`the probe answered on boot ${facts.bootId}, the node says ${node.bootId}`);
  }
  if (forced !== undefined) return { kind: 'required', reason: { kind: 'forced', value: forced } };
  if (answer.kind === 'unknown') return unknown(answer.reason);
  if (answer.kind === 'notRequired') {
    return { kind: 'notRequired', reason: { kind: 'probe', value: 'no reboot is required' } };
  }
  const value = `reboot required${packagesOf(answer.packages)}`;
  return { kind: 'required', reason: { kind: 'probe', value } };
}

const manyPackages = 10;

/** The probe's record has them all. */
function packagesOf(packages: readonly string[]): string {
  if (packages.length === 0) return '';
  const more = packages.length - manyPackages;
  const told = packages.slice(0, manyPackages).join(', ');
  return more > 0 ? `: ${told} and ${more} more` : `: ${told}`;
}

/** A need that is young may be one that is withdrawn, or of which others shall find out first. */
export function needAge({ node, probe, policy }: Sight, { now, force }: Scene): Reason | undefined {
  const { minNeedAgeHours } = policy;
  const isForced = forcedBy(force, node.name) !== undefined;
  if (minNeedAgeHours === 0 || isForced || probe?.probe.kind !== 'required') return undefined;
  const say = (value: string): Reason => ({ kind: 'needAge', value });
  const since = needSince(probe.probe.ageSeconds, probe);
  if (since === undefined) return say("it can't be told how old the need is");
  const hours = (now - since) / hourMs;
  return hours < minNeedAgeHours
    ? say(`the need is ${hours.toFixed(1)} hours old, ${minNeedAgeHours} are asked for`)
    : undefined;
}

/** What the node says of its file counts; else, when we first heard of the need. */
function needSince(ageSeconds: number | undefined, { at, due }: ProbeRecord): number | undefined {
  if (ageSeconds !== undefined) return epochMs(at) - ageSeconds * 1000;
  return due === undefined ? undefined : epochMs(due.since);
}

/**
 * A node that was just rebooted, or that needs it again for the very same reason, is not rebooted
 * again: a sentinel that something re-creates would otherwise take it out of service every day.
 */
export function loopGuard(sight: Sight, scene: Scene): Reason | undefined {
  const { policy } = sight;
  const { now } = scene;
  const last = readLastReboot(sight.node.annotations);
  if (last.kind === 'none') return undefined;
  const clear = `; remove the annotation aks-reboot-orchestrator/last-reboot to allow it`;
  if (last.kind === 'unreadable') {
    return { kind: 'loopGuard', value: `its last-reboot note can't be read${clear}` };
  }
  const days = (now - epochMs(last.value.at)) / dayMs;
  if (sameNeed(sight, scene)) {
    return {
      kind: 'loopGuard',
      value: `rebooted ${last.value.at} for the same packages on the same kernel${clear}`,
    };
  }
  return days < policy.minDaysBetweenReboots
    ? {
        kind: 'loopGuard',
        value: `rebooted ${last.value.at}, less than ${policy.minDaysBetweenReboots} days ago`,
      }
    : undefined;
}

export function sameNeed({ node, probe }: Sight, { force }: Scene): boolean {
  if (forcedBy(force, node.name) !== undefined) return false;
  const last = readLastReboot(node.annotations);
  if (last.kind !== 'read' || probe?.probe.kind !== 'required') return false;
  const { need, kernel } = last.value;
  return need === needOf(probe.probe, probe.at).hash && kernel === node.kernel;
}

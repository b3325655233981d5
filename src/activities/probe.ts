import { parseInstanceRef, sameArmId } from '../domain/arm.ts';
import type { InstanceRef } from '../domain/arm.ts';
import { isoInstant } from '../domain/instant.ts';
import { parseProbe, probeScript } from '../domain/probe.ts';
import type { Probe } from '../domain/probe.ts';
import { TroubleError } from '../domain/trouble.ts';
import type { Trouble } from '../domain/trouble.ts';
import type { ProbeRecord } from '../domain/need.ts';
import { policyOf } from '../policy/settings.ts';
import type { StepInput, StepOutputs } from '../steps.ts';
import { isOver } from './node.ts';
import { openSite, rememberedFacts } from './scene.ts';
import type { Desk, Site } from './scene.ts';

/** A handful of nodes per generation of a lane; more than a generation ever gets through. */
const handful = 12;

export async function readLane(
  desk: Desk,
  { run, cluster, lane, cursor }: StepInput<'readLane'>,
): Promise<StepOutputs['readLane']> {
  const nodes = await desk.reports.lane(run, cluster, lane);
  const end = cursor + handful;
  return { kind: 'lane', nodes: nodes.slice(cursor, end), more: end < nodes.length };
}

export async function saveProbes(
  desk: Desk,
  { run, cluster, name, answers }: StepInput<'saveProbes'>,
): Promise<StepOutputs['saveProbes']> {
  await desk.reports.writeAnswers(run, cluster, name, answers);
  return { kind: 'done' };
}

/** Another script on the instance: they end after a while, at the worst after 90 minutes. */
const busyPatienceMinutes = 10;
const busyWaitSeconds = 60;
/** Run-command takes about 20 seconds at the least (its documentation): no look before that. */
const firstLookSeconds = 20;
/** On top of the script's own timeout: what the agent and ARM may take. */
const agentMinutes = 5;
/** So soon no operation is forgotten: one that is not found earlier never was there. */
const operationLifeMinutes = 15;

/**
 * How long an answer is good to act by: longer than the patience of the steps that ask and that
 * act on it. A step may come hours late, and then the sentinel may be gone, or be back.
 */
export const answerServesMinutes = 30;

/** Asks an instance whether it needs a reboot. */
export async function startProbe(
  desk: Desk,
  input: StepInput<'startProbe'>,
): Promise<StepOutputs['startProbe']> {
  const site = await openSite(desk, input.cluster);
  const ref = await placeOf(desk, site, input.instance);
  const policy = policyOf(site.cluster, input.pool);
  const script = probeScript(policy, policy.probeTimeoutSeconds);
  const started = await desk.azure.startScript(ref, script);
  const { run, cluster, node } = input;
  desk.log({ level: 'debug', message: 'probe', run, cluster, node, detail: { was: started.kind } });
  switch (started.kind) {
    case 'started':
      return { kind: 'started', token: started.token, waitSeconds: firstLookSeconds };
    case 'unsure':
      // It may be running: as patient as with another script, which it would be in the way of.
      return waitOrGiveUp(desk, input, started.trouble);
    case 'refused':
      return isWorthWaiting(started.trouble)
        ? waitOrGiveUp(desk, input, started.trouble)
        : unanswered(desk, input.vmId, started.trouble.value);
  }
}

function isWorthWaiting({ kind }: Trouble): boolean {
  return kind === 'conflict' || kind === 'throttled';
}

function waitOrGiveUp(
  desk: Desk,
  input: StepInput<'startProbe'>,
  trouble: Trouble,
): StepOutputs['startProbe'] {
  if (isOver(desk, input.since, busyPatienceMinutes)) {
    const reason = `no script could be run for ${busyPatienceMinutes} minutes: ${trouble.value}`;
    return unanswered(desk, input.vmId, reason);
  }
  return { kind: 'busy', waitSeconds: Math.max(trouble.retryAfterSeconds ?? 0, busyWaitSeconds) };
}

/** One look at an asked probe. */
export async function pollProbe(
  desk: Desk,
  input: StepInput<'pollProbe'>,
): Promise<StepOutputs['pollProbe']> {
  const site = await openSite(desk, input.cluster);
  const ref = await placeOf(desk, site, input.instance);
  const poll = await lookAtScript(desk, ref, input.token);
  switch (poll.kind) {
    case 'forgotten':
      return isOver(desk, input.since, operationLifeMinutes)
        ? poll
        : unanswered(desk, input.vmId, poll.value);
    case 'ended':
      // Who reads it so late knows what was true then, not what is.
      return isOver(desk, input.since, answerServesMinutes)
        ? { kind: 'forgotten' }
        : answer(desk, input.vmId, parseProbe(poll.stdout));
    case 'failed':
      return unanswered(desk, input.vmId, `the script did not run: ${poll.value}`);
    case 'running': {
      const { probeTimeoutSeconds, pollSeconds } = policyOf(site.cluster, input.pool);
      const patience = busyPatienceMinutes + agentMinutes + probeTimeoutSeconds / 60;
      if (isOver(desk, input.since, patience)) {
        return unanswered(desk, input.vmId, 'the VM agent gave no answer in time');
      }
      // What takes long is looked at less and less often: each look costs history.
      const waited = (desk.clock.now() - Date.parse(input.since)) / 1000;
      const waitSeconds = Math.max(pollSeconds, Math.floor(waited / 4));
      return { kind: 'running', token: poll.token, waitSeconds };
    }
  }
}

/**
 * A script's operation is gone some time after its end, and with it the answer.
 * Throws `TroubleError` for any other trouble.
 */
async function lookAtScript(desk: Desk, ref: InstanceRef, token: string) {
  try {
    return await desk.azure.pollScript(ref, token);
  } catch (error) {
    if (!(error instanceof TroubleError) || error.trouble.kind !== 'notFound') throw error;
    return { kind: 'forgotten' as const, value: error.trouble.value };
  }
}

/** Inputs are untrusted: only what lies in this cluster's node resource group is spoken to. */
async function placeOf(desk: Desk, site: Site, instance: string): Promise<InstanceRef> {
  const ref = parseInstanceRef(instance);
  const facts = await rememberedFacts(desk, site);
  const ours =
    ref !== undefined &&
    sameArmId(ref.subscription, facts.id.subscription) &&
    sameArmId(ref.resourceGroup, facts.nodeResourceGroup);
  if (ours) return ref;
  const value = `"${instance}" is no VM of the node resource group ${facts.nodeResourceGroup}`;
  throw new TroubleError({ kind: 'invalid', value });
}

function unanswered(desk: Desk, vmId: string, reason: string) {
  return answer(desk, vmId, { kind: 'unknown', reason });
}

function answer(desk: Desk, vmId: string, probe: Probe): { kind: 'answer'; record: ProbeRecord } {
  return { kind: 'answer', record: { probe, vmId, at: isoInstant(desk.clock.now()) } };
}

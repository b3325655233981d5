import { plannedEvent } from '../decide/gates/signs.ts';
import { claimedPlace } from '../decide/identity.ts';
import type { StepInput, StepOutputs } from '../steps.ts';
import { TroubleError } from '../domain/trouble.ts';
import { tell } from './events.ts';
import {
  asFound,
  ended,
  hold,
  isOver,
  nowIso,
  outcome,
  release,
  restarted,
  rewriteMark,
} from './node.ts';
import type { Held } from './node.ts';
import { isBusy } from './restart.ts';
import { lookAtRestart } from './restartLook.ts';
import { matchNow, rememberedFacts } from './scene.ts';
import type { Desk } from './scene.ts';

/**
 * One look for the new boot. The boot id alone is the judge: the ARM operation may end long before
 * or after, or never.
 */
export async function checkBoot(
  desk: Desk,
  input: StepInput<'checkBoot'>,
): Promise<StepOutputs['checkBoot']> {
  const held = await hold(desk, input);
  if (held.kind === 'ended') return restarted(held);
  const { node, mark, policy } = held;
  const line = { run: input.run, cluster: input.cluster, node: node.name };
  if (node.bootId !== '' && node.bootId !== mark.bootId) {
    desk.log({ level: 'info', message: 'booted', ...line, detail: { bootId: node.bootId } });
    const boots = `boot ${mark.bootId} became ${node.bootId}`;
    await tell(desk, held, 'Booted', `Booted: ${boots}, kernel ${node.kernel}`);
    return { kind: 'booted', at: nowIso(desk) };
  }
  const asked = mark.attempt;
  if (asked === undefined) {
    // An earlier delivery of this activity took it back, and died before it could say so.
    const value = 'no restart is under way: the attempt was taken back';
    return { kind: 'refused', outcome: outcome('failed', 'restartRefused', value) };
  }
  const { bootTimeoutMinutes, pollSeconds } = policy;
  const look = await lookAtRestart(desk, held, asked, input.token);
  if (look.kind === 'refused') return takenBack(desk, held, look.value);
  const wait = (detail: string): StepOutputs['checkBoot'] => {
    const token = look.token === undefined ? {} : { token: look.token };
    return { kind: 'waiting', waitSeconds: pollSeconds, detail, ...token };
  };
  if (!isOver(desk, asked.at, bootTimeoutMinutes)) {
    const why = (await azureWaits(desk, held)) ?? look.detail;
    const detail = `${node.ready ? 'still Ready' : 'not Ready'} on the old boot, ${why}`;
    desk.log({ level: 'info', message: 'booting', ...line, detail: { detail } });
    return wait(detail);
  }
  const instance = await instanceNow(desk, held);
  if (instance === undefined) {
    return ended('gone', 'gone', 'the instance was deleted after the restart was asked for');
  }
  const running = look.kind === 'running' || isBusy(instance);
  // An operation that never ends must not hold up the verdict for ever; it forbids a second
  // restart.
  const hopeless = isOver(desk, asked.at, 2 * bootTimeoutMinutes);
  if (running && !hopeless) return wait(`the boot deadline has passed, ${look.detail}`);
  if (asked.number === 1 && !running) return { kind: 'restartAgain' };
  const count = asked.number === 1 ? 'the restart' : 'the second restart';
  const still = running ? ', and the operation still runs' : '';
  const boot = mark.bootId.slice(0, 8);
  const value = `boot ${boot} has not changed ${bootTimeoutMinutes} minutes after ${count}${still}`;
  return { kind: 'stuck', outcome: outcome('notRebooted', 'sameBoot', value) };
}

/** What Azure has said on the node about when it will restart it: shown, and waited for. */
async function azureWaits(desk: Desk, held: Held): Promise<string | undefined> {
  const event = plannedEvent(held.node);
  if (event?.status !== 'True') return undefined;
  const why = `Azure waits with it (${event.type}: ${event.message})`;
  await tell(desk, held, 'RestartDelayed', `Restart delayed: ${why}`);
  return why;
}

/**
 * The node said itself that nothing is under way, which is as good as a refusal by ARM: the attempt
 * is taken back. A second one leaves the first, so there it stays for a person.
 */
async function takenBack(desk: Desk, held: Held, value: string): Promise<StepOutputs['checkBoot']> {
  const { attempt, ...mark } = held.mark;
  await tell(desk, held, 'RestartRefused', `Restart refused: ${value}`);
  if (attempt?.number !== 1) {
    return { kind: 'stuck', outcome: outcome('notRebooted', 'restartRefused', value) };
  }
  const patched = await rewriteMark(held, mark);
  if (patched.kind === 'stale') {
    throw new TroubleError({ kind: 'conflict', value: 'the node changed meanwhile' });
  }
  desk.log({
    level: 'warn',
    message: 'restart refused',
    run: mark.run,
    node: held.node.name,
    detail: { value },
  });
  return { kind: 'refused', outcome: outcome('failed', 'restartRefused', value) };
}

async function instanceNow(desk: Desk, { site, node }: Held) {
  const facts = await rememberedFacts(desk, site);
  const place = claimedPlace(node, facts);
  return place.kind === 'place' ? desk.azure.instance(place.ref) : undefined;
}

/**
 * One look at a booted node: the same machine, Ready on every look for `readyForSeconds`, and the
 * DaemonSet pods that were Ready before are Ready again.
 */
export async function checkReady(
  desk: Desk,
  input: StepInput<'checkReady'>,
): Promise<StepOutputs['checkReady']> {
  const held = await hold(desk, input);
  if (held.kind === 'ended') return restarted(held);
  const { node, mark, policy, kubernetes } = held;
  const { readyForSeconds, readyTimeoutMinutes, pollSeconds } = policy;
  const late = isOver(desk, input.since, readyTimeoutMinutes);
  const wait = (detail: string) => {
    const { run, cluster } = input;
    desk.log({
      level: 'info',
      message: 'settling',
      run,
      cluster,
      node: node.name,
      detail: { detail },
    });
    return { kind: 'waiting' as const, waitSeconds: pollSeconds, detail };
  };
  const bad = (detail: string): StepOutputs['checkReady'] =>
    late ? { kind: 'stuck', outcome: outcome('notReady', 'notReady', detail) } : wait(detail);

  if (!node.ready) return bad(`booted, but not Ready since ${node.readySince || 'unknown'}`);
  const now = nowIso(desk);
  // Ready all the time: another transition means that it was away between two looks.
  const steady = input.transition === node.readySince ? input.readySince : undefined;
  const readySince = steady ?? now;
  const looks = { readySince, transition: node.readySince };
  const flaps = input.transition !== undefined && steady === undefined;
  if (late && flaps) return bad(`it does not stay Ready: not so before ${node.readySince}`);
  const seconds = (desk.clock.now() - Date.parse(readySince)) / 1000;
  if (seconds < readyForSeconds) return { ...wait(`Ready for ${Math.floor(seconds)} s`), ...looks };

  const pods = await kubernetes.daemonPods(node.name);
  const ready = new Set(pods.filter((pod) => pod.ready).map(({ daemonSet }) => daemonSet));
  const present = new Set(pods.map(({ daemonSet }) => daemonSet));
  // A DaemonSet that has no pod here any more was removed or moved; it can't come back.
  const missing = mark.daemonSetsReady.filter((name) => present.has(name) && !ready.has(name));
  if (missing.length > 0) {
    const value = `DaemonSet pods not Ready again: ${missing.join(', ')}`;
    if (!late) return { ...wait(value), ...looks };
    return { kind: 'stuck', outcome: outcome('notReady', 'daemonSets', value) };
  }
  return sameMachine(desk, held);
}

async function sameMachine(desk: Desk, held: Held): Promise<StepOutputs['checkReady']> {
  const { node, mark, site } = held;
  const match = await matchNow(desk, node, await rememberedFacts(desk, site));
  if (match.kind !== 'matched') {
    return { kind: 'stuck', outcome: outcome('unknown', 'identityMismatch', match.value) };
  }
  if (match.instance.vmId !== mark.vmId) {
    await release(held);
    const value = `the machine is another one: vmId ${match.instance.vmId}, was ${mark.vmId}`;
    await tell(desk, held, 'MachineReplaced', `${asFound(held)}: ${value}`);
    return ended('replaced', 'replaced', value);
  }
  const { id, vmId } = match.instance;
  return { kind: 'ready', at: nowIso(desk), instance: id, vmId };
}

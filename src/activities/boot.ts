import { plannedEvent } from '../decide/gates/signs.ts';
import { claimedPlace } from '../decide/identity.ts';
import type { StepInput, StepOutputs } from '../steps.ts';
import { TroubleError } from '../domain/trouble.ts';
import { tell } from './events.ts';
import { ended, hold, isOver, nowIso, outcome, restarted, rewriteMark } from './node.ts';
import type { Held } from './node.ts';
import { isBusy } from './restart.ts';
import { lookAtRestart } from './restartLook.ts';
import { rememberedFacts } from './scene.ts';
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

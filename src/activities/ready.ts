import type { StepInput, StepOutputs } from '../steps.ts';
import { tell } from './events.ts';
import { asFound, ended, hold, isOver, nowIso, outcome, release, restarted } from './node.ts';
import type { Held } from './node.ts';
import { matchNow, rememberedFacts } from './scene.ts';
import type { Desk } from './scene.ts';

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
  const { node, policy } = held;
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

  const missing = await missingDaemonPods(held, late);
  if (missing.length > 0) {
    const value = `DaemonSet pods not Ready again: ${missing.join(', ')}`;
    if (!late) return { ...wait(value), ...looks };
    return { kind: 'stuck', outcome: outcome('notReady', 'daemonSets', value) };
  }
  const machine = await sameMachine(desk, held);
  switch (machine.kind) {
    case 'same':
      return { ...machine, kind: 'ready', at: now, transition: node.readySince };
    case 'absent':
      // Its Node goes in a while, if that is so; and if it does not, ARM will know it again.
      if (!late) return { ...wait(machine.value), ...looks };
      return { kind: 'stuck', outcome: outcome('unknown', 'identityMismatch', machine.value) };
    case 'unclear':
      return { kind: 'stuck', outcome: outcome('unknown', 'identityMismatch', machine.value) };
    case 'replaced':
      await release(held);
      await tell(desk, held, 'MachineReplaced', `${asFound(held)}: ${machine.value}`);
      return ended('replaced', 'replaced', machine.value);
  }
}

/**
 * The DaemonSets whose pod was Ready before and is not now. One that exists and has no pod here is
 * about to get one, or is not meant for this node any more: when it is late it is the latter.
 */
export async function missingDaemonPods(
  { kubernetes, node, mark }: Held,
  late: boolean,
): Promise<string[]> {
  const pods = await kubernetes.daemonPods(node.name, mark.daemonSetsReady);
  return pods
    .filter(({ daemonSet }) => mark.daemonSetsReady.includes(daemonSet))
    .filter(({ pod }) => pod === 'unready' || (pod === 'absent' && !late))
    .map(({ daemonSet }) => daemonSet);
}

type Machine =
  | { kind: 'same'; instance: string; vmId: string }
  | { kind: 'absent' | 'unclear' | 'replaced'; value: string };

/** Whether Node and VM still are those that were marked. */
async function sameMachine(desk: Desk, { node, mark, site }: Held): Promise<Machine> {
  const match = await matchNow(desk, node, await rememberedFacts(desk, site));
  if (match.kind === 'absent') return match;
  if (match.kind !== 'matched') return { kind: 'unclear', value: match.value };
  const { id, vmId } = match.instance;
  if (vmId !== mark.vmId) {
    return {
      kind: 'replaced',
      value: `the machine is another one: vmId ${vmId}, was ${mark.vmId}`,
    };
  }
  if (node.uid !== mark.uid) {
    const value = `the Node object is another one: uid ${node.uid}, was ${mark.uid}`;
    return { kind: 'replaced', value };
  }
  return { kind: 'same', instance: id, vmId };
}

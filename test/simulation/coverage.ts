import type { Entry, LockEntry, StepEnded } from './chronicle.ts';

/**
 * What of the node's state machine a play has gone through, told from outside: by the activities
 * that were carried out for a node, and by what its orchestration told the lock.
 */

/** Which state an activity belongs to, as docs/architecture.md draws the machine. */
const stateOf: Readonly<Record<string, string>> = {
  adoptMark: 'adopt',
  cordon: 'cordon',
  drainSlice: 'drain',
  restart: 'restart',
  checkBoot: 'boot',
  checkReady: 'ready',
  finish: 'prove',
  undo: 'undo',
  leaveMarked: 'leave',
  recordNode: 'end',
};

/** Every transition, as `from > to`, as often as it was taken. */
export function edgesOf(entries: readonly Entry[]): Map<string, number> {
  const edges = new Map<string, number>();
  const count = (from: string, to: string) => {
    const edge = `${from} > ${to}`;
    edges.set(edge, (edges.get(edge) ?? 0) + 1);
  };
  const states = new Map<string, string>();
  for (const entry of entries) {
    const next = entry.kind === 'ended' ? nextOf(entry, states) : undefined;
    if (next !== undefined) {
      count(states.get(next.instance) ?? '[*]', next.state);
      states.set(next.instance, next.state);
    }
    if (entry.kind === 'lock' && isSoaking(entry)) count('probe', 'probe');
  }
  return edges;
}

/** Trouble is asked again in the same state: that is no step of the machine. */
function nextOf({ begun, answer }: StepEnded, states: ReadonlyMap<string, string>) {
  const { instance, step } = begun;
  if (!/:(?:reboot|recover):/u.test(instance)) return undefined;
  const before = states.get(instance);
  if (step === 'startProbe') {
    // Asked before the cordon, and once more for the proof.
    return before === undefined ? { instance, state: 'probe' } : undefined;
  }
  const state = stateOf[step];
  if (state === undefined) return undefined;
  const again = answer === 'trouble' || answer === 'threw';
  return before === state && again ? undefined : { instance, state };
}

/** Waiting for the node before is a transition of its own, in which nothing is carried out. */
const isSoaking = ({ op, step, detail }: LockEntry) =>
  op === 'progress' && step === 'probe' && /soaks until/u.test(detail);

/** How often a fault of a kind struck while that step was under way, as `kind|step`. */
export function gridOf(entries: readonly Entry[]): Map<string, number> {
  const grid = new Map<string, number>();
  for (const entry of entries) {
    if (entry.kind !== 'fault') continue;
    for (const step of entry.during) {
      const cell = `${entry.fault.kind}|${step}`;
      grid.set(cell, (grid.get(cell) ?? 0) + 1);
    }
  }
  return grid;
}

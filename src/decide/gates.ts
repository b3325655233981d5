import type { Outcome } from '../domain/outcome.ts';
import type { Decision } from '../domain/plan.ts';
import type { Reason } from '../domain/reason.ts';
import type { Gate, Scene, Sight, Stops } from './gate.ts';
import { capacity } from './gates/capacity.ts';
import { claim, clusterState, halted, poolSlots, poolState, slots } from './gates/cluster.ts';
import { access } from './gates/access.ts';
import { azureAlert, blockingPod, kured, prometheus } from './gates/blockers.ts';
import { loopGuard, needAge, needReason, sameNeed } from './gates/need.ts';
import { refusedBefore } from './gates/refusals.ts';
import { fleet, ring } from './gates/fleet.ts';
import { approval, awaitsApproval, canceled, hold } from './gates/people.ts';
import { aksAtWork, autoscaler, nodeNotReady, scheduledEvent } from './gates/signs.ts';
import { window, windowForRestart } from './gates/time.ts';
import { cordonedByPerson, excluded, unsupported } from './gates/which.ts';

/** These say: not this node. */
const skipGates: readonly Gate[] = [excluded, unsupported, cordonedByPerson];
/** These say: not now. In the order in which people want to read them. */
const waitGates: readonly Gate[] = [
  canceled,
  hold,
  approval,
  ring,
  claim,
  kured,
  halted,
  clusterState,
  poolState,
  window,
  slots,
  poolSlots,
  fleet,
  access,
  autoscaler,
  aksAtWork,
  scheduledEvent,
  nodeNotReady,
  capacity,
  blockingPod,
  prometheus,
  azureAlert,
  needAge,
  loopGuard,
  refusedBefore,
];

/** These say, once the node is cordoned: not now. */
const cordonedGates: readonly Gate[] = [
  excluded,
  unsupported,
  approval,
  claim,
  kured,
  halted,
  clusterState,
  poolState,
  autoscaler,
  aksAtWork,
  scheduledEvent,
  nodeNotReady,
  blockingPod,
  prometheus,
  azureAlert,
];

/** A node may have hundreds of pods, each with a reason of its own. */
const mostReasons = 50;

/** Whether asking the node for its need makes any sense. */
export function worthProbing(sight: Sight, scene: Scene): boolean {
  return firstReasons(skipGates, sight, scene).length === 0 && sight.match.kind === 'matched';
}

/** The one place where it is decided whether a node is rebooted now. Pure. */
export function decide(sight: Sight, scene: Scene): { decision: Decision; outcome: Outcome } {
  const skip = firstReasons(skipGates, sight, scene);
  if (skip.length > 0) return verdict('skip', 'skipped', skip);
  if (sight.match.kind !== 'matched') {
    const reason: Reason = { kind: 'identityMismatch', value: sight.match.value };
    return verdict('skip', 'unknown', [reason]);
  }
  const wait = firstReasons(waitGates, sight, scene);
  const need = needReason(sight, scene);
  if (need.kind === 'notRequired') return verdict('skip', 'notNeeded', [need.reason]);
  if (need.kind === 'unknown') return verdict('wait', 'unknown', [need.reason, ...wait]);
  const loop = wait.find(({ kind }) => kind === 'loopGuard');
  if (loop !== undefined && sameNeed(sight, scene)) return verdict('wait', 'stillRequired', wait);
  if (wait.length > 0) return verdict('wait', 'deferred', wait);
  const { hopeless = [], passing = [] } = sight.forecast ?? {};
  if (hopeless.length > 0) {
    return verdict('wait', 'undrainable', hopeless.slice(0, mostReasons));
  }
  return {
    decision: {
      kind: 'reboot',
      reasons: [need.reason, ...awaitsApproval(sight, scene), ...passing.slice(0, mostReasons)],
    },
    outcome: {
      kind: 'deferred',
      reasons: [{ kind: 'turn', value: 'its turn did not come in this run' }],
    },
  };
}

/**
 * The gates that still count between cordon and restart (DESIGN's stopping table, middle column):
 * `stop` undoes at once, `wait` waits until the drain's deadline. Not asked again: the node has its
 * slot, and the loop guard has been passed.
 */
export function decideCordoned(
  sight: Sight,
  scene: Scene,
): { kind: 'go' } | { kind: 'stop' | 'wait'; reasons: Reason[] } {
  const stop = decideStop(sight, scene);
  if (stop.length > 0) return { kind: 'stop', reasons: stop };
  const wait = firstReasons(cordonedGates, sight, scene);
  return wait.length > 0 ? { kind: 'wait', reasons: wait } : { kind: 'go' };
}

/** Why nothing would be begun now, whatever people approve. */
export function decideUnbegun(
  sight: { policy: Sight['policy']; node: Pick<Sight['node'], 'pool'> },
  stops: Stops,
): Reason[] {
  return [canceled, hold, window].flatMap((gate) => gate(sight, stops) ?? []);
}

/** Why the work on a cordoned node is undone at once: people, and the clock. */
export function decideStop(sight: Pick<Sight, 'policy' | 'node'>, stops: Stops): Reason[] {
  return [canceled, hold, windowForRestart].flatMap((gate) => gate(sight, stops) ?? []);
}

function verdict(kind: Decision['kind'], outcome: Outcome['kind'], reasons: Reason[]) {
  return { decision: { kind, reasons }, outcome: { kind: outcome, reasons } };
}

function firstReasons(gates: readonly Gate[], sight: Sight, scene: Scene): Reason[] {
  return gates.flatMap((gate) => gate(sight, scene) ?? []);
}

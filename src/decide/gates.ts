import { epochMs, isoInstant } from '../domain/instant.ts';
import type { ClusterFacts } from '../domain/cluster.ts';
import { readLastReboot, readMark } from '../domain/mark.ts';
import { needOf } from '../domain/need.ts';
import type { ProbeRecord } from '../domain/need.ts';
import type { NodeView } from '../domain/node.ts';
import type { Outcome } from '../domain/outcome.ts';
import type { Reason } from '../domain/reason.ts';
import type { Decision } from '../domain/run.ts';
import type { Hold } from '../lock/lock.ts';
import type { Policy } from '../policy/settings.ts';
import { viewWindows } from '../policy/window.ts';
import type { Match } from './identity.ts';

/** A node as far as it is known at one moment. */
export interface Sight {
  node: NodeView;
  match: Match;
  probe: ProbeRecord | undefined;
  /** What the settings say for nodes of its pool. */
  policy: Policy;
}

/** What surrounds the node at that moment. */
export interface Scene {
  now: number;
  run: string;
  controller: string;
  /** Nodes of the cluster that may be out of service at once. */
  concurrency: number;
  /** Pools that settings leave out. */
  excludePools: readonly string[];
  cluster: ClusterFacts;
  /** Pools and nodes that the run is limited to; empty means all. */
  limits: { pools: readonly string[]; nodes: readonly string[] };
  /** The holds that stand, with the scope they were put on. */
  holds: readonly { scope: string; hold: Hold }[];
  /** Why the run was canceled, if it was. */
  canceled: string | undefined;
  /** Who else has claimed the cluster, if anyone. */
  claimedBy: string | undefined;
  /** All nodes of the cluster that carry a mark, readable or not, ours or not. */
  marked: readonly NodeView[];
}

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

/** Says that `value` keeps the node from being touched for as long as things are as they are. */
type Gate = (sight: Sight, scene: Scene) => Reason | undefined;

/** These say: not this node. */
const skipGates: readonly Gate[] = [excluded, unsupported, cordonedByPerson];
/** These say: not now. In the order in which people want to read them. */
const waitGates: readonly Gate[] = [
  canceled,
  hold,
  claim,
  halted,
  clusterState,
  poolState,
  window,
  slots,
  autoscaler,
  nodeNotReady,
  loopGuard,
];

/** These say, once the node is cordoned: not now. */
const cordonedGates: readonly Gate[] = [
  excluded,
  unsupported,
  claim,
  halted,
  clusterState,
  poolState,
  autoscaler,
  nodeNotReady,
];

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
  const need = needReason(sight);
  if (need.kind === 'notRequired') return verdict('skip', 'notNeeded', [need.reason]);
  if (need.kind === 'unknown') return verdict('wait', 'unknown', [need.reason, ...wait]);
  const loop = wait.find(({ kind }) => kind === 'loopGuard');
  if (loop !== undefined && sameNeed(sight)) return verdict('wait', 'stillRequired', wait);
  if (wait.length > 0) return verdict('wait', 'deferred', wait);
  return {
    decision: { kind: 'reboot', reasons: [need.reason] },
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
  const stop = firstReasons([canceled, hold, windowForRestart], sight, scene);
  if (stop.length > 0) return { kind: 'stop', reasons: stop };
  const wait = firstReasons(cordonedGates, sight, scene);
  return wait.length > 0 ? { kind: 'wait', reasons: wait } : { kind: 'go' };
}

function verdict(kind: Decision['kind'], outcome: Outcome['kind'], reasons: Reason[]) {
  return { decision: { kind, reasons }, outcome: { kind: outcome, reasons } };
}

function firstReasons(gates: readonly Gate[], sight: Sight, scene: Scene): Reason[] {
  return gates.flatMap((gate) => gate(sight, scene) ?? []);
}

function needReason({ probe, node }: Sight): {
  kind: 'required' | 'notRequired' | 'unknown';
  reason: Reason;
} {
  const unknown = (value: string) => ({
    kind: 'unknown' as const,
    reason: { kind: 'probe' as const, value },
  });
  if (probe === undefined) return unknown('the node was not asked');
  const answer = probe.probe;
  if (answer.kind === 'unknown') return unknown(answer.reason);
  if (answer.bootId === '' || answer.bootId !== node.bootId) {
    return unknown(`the probe answered on boot ${answer.bootId}, the node says ${node.bootId}`);
  }
  if (answer.kind === 'notRequired') {
    return { kind: 'notRequired', reason: { kind: 'probe', value: 'no reboot is required' } };
  }
  const packages = answer.packages.length > 0 ? answer.packages.join(', ') : 'no package named';
  return { kind: 'required', reason: { kind: 'probe', value: `reboot required: ${packages}` } };
}

function excluded(
  { node, match, policy }: Sight,
  { excludePools, limits }: Scene,
): Reason | undefined {
  const pool = match.kind === 'matched' ? match.pool.name : node.pool;
  const say = (value: string): Reason => ({ kind: 'excluded', value });
  if (policy.excludeNodes.includes(node.name)) return say('excludeNodes names it');
  if (excludePools.includes(pool)) return say(`excludePools names its pool ${pool}`);
  if (limits.nodes.length > 0 && !limits.nodes.includes(node.name)) {
    return say('this run is limited to other nodes');
  }
  if (limits.pools.length > 0 && !limits.pools.includes(pool)) {
    return say('this run is limited to other pools');
  }
  return undefined;
}

function unsupported({ node, match }: Sight, { cluster }: Scene): Reason | undefined {
  const say = (value: string): Reason => ({ kind: 'unsupported', value });
  if (cluster.nodeResourceGroupLocked) {
    return say('the node resource group is locked down (ReadOnly): AKS lets nobody act on its VMs');
  }
  if (node.os === 'windows') return say('Windows nodes have no reboot-required file');
  if ('karpenter.sh/nodepool' in node.labels) {
    return say('node auto-provisioning owns it and replaces it instead of patching it');
  }
  if (match.kind === 'foreign') return say(match.value);
  return undefined;
}

function cordonedByPerson({ node, policy }: Sight, _scene: Scene): Reason | undefined {
  if (!node.unschedulable || readMark(node.annotations).kind !== 'none') return undefined;
  if (policy.cordonedByPerson === 'reboot') return undefined;
  return {
    kind: 'cordonedByPerson',
    value:
      'somebody cordoned it; set cordonedByPerson to "reboot" to have it rebooted all the same',
  };
}

function canceled(_sight: Sight, { canceled }: Scene): Reason | undefined {
  return canceled === undefined ? undefined : { kind: 'canceled', value: canceled };
}

function hold(_sight: Sight, { holds }: Scene): Reason | undefined {
  const [first] = holds;
  if (first === undefined) return undefined;
  const { who, why, until } = first.hold;
  const end = until === undefined ? 'until it is lifted' : `until ${until}`;
  return { kind: 'hold', value: `${who} holds ${first.scope} ${end}: ${why}` };
}

function claim(_sight: Sight, { claimedBy }: Scene): Reason | undefined {
  return claimedBy === undefined
    ? undefined
    : { kind: 'claim', value: `controller "${claimedBy}" has claimed the cluster` };
}

/** A node that was restarted and is not proved stops everything but its own recovery. */
function halted({ node }: Sight, { marked }: Scene): Reason | undefined {
  for (const other of marked) {
    if (other.name === node.name) continue;
    const mark = readMark(other.annotations);
    if (mark.kind === 'read' && mark.value.stuck !== undefined) {
      const { kind, at } = mark.value.stuck;
      return { kind: 'halted', value: `node ${other.name} is out of service: ${kind} since ${at}` };
    }
  }
  return undefined;
}

function clusterState(_sight: Sight, { cluster }: Scene): Reason | undefined {
  if (cluster.provisioningState !== 'Succeeded') {
    return {
      kind: 'clusterState',
      value: `the cluster is ${cluster.provisioningState || 'unknown'}`,
    };
  }
  if (cluster.powerState !== 'Running') {
    return { kind: 'clusterState', value: `the cluster is ${cluster.powerState || 'unknown'}` };
  }
  return undefined;
}

function poolState({ match }: Sight, _scene: Scene): Reason | undefined {
  if (match.kind !== 'matched') return undefined;
  const { name, provisioningState, powerState } = match.pool;
  if (provisioningState !== 'Succeeded') {
    return { kind: 'poolState', value: `pool ${name} is ${provisioningState || 'unknown'}` };
  }
  if (powerState !== 'Running') {
    return { kind: 'poolState', value: `pool ${name} is ${powerState || 'unknown'}` };
  }
  return undefined;
}

function window({ policy }: Sight, { now }: Scene): Reason | undefined {
  return fits(policy, now, policy.expectedDrainMinutes + policy.expectedRestartMinutes);
}

/** Once cordoned only what is left counts: restart and proof. */
function windowForRestart({ policy }: Sight, { now }: Scene): Reason | undefined {
  return fits(policy, now, policy.expectedRestartMinutes);
}

function fits(policy: Policy, now: number, minutes: number): Reason | undefined {
  const view = viewWindows(policy.windows, now);
  if (view.kind === 'closed') {
    const next = view.opensAt === undefined ? 'never' : isoInstant(view.opensAt);
    return { kind: 'window', value: `the window is closed; it opens ${next}` };
  }
  const leftMinutes = Math.floor((view.closesAt - now) / minuteMs);
  return leftMinutes >= minutes
    ? undefined
    : {
        kind: 'fit',
        value: `${minutes} minutes are needed, ${leftMinutes} are left of the window`,
      };
}

/** Slots are counted from the marks on the nodes, whoever's; a marked node is not begun again. */
function slots({ node }: Sight, { marked, concurrency }: Scene): Reason | undefined {
  if (readMark(node.annotations).kind !== 'none') {
    return { kind: 'slots', value: 'it carries a mark: it is out of service already' };
  }
  const others = marked.filter(({ name }) => name !== node.name);
  if (others.length < concurrency) return undefined;
  const names = others.map(({ name }) => name).join(', ');
  return {
    kind: 'slots',
    value: `out of service already: ${names} (${concurrency} may be)`,
  };
}

const autoscalerTaints = ['ToBeDeletedByClusterAutoscaler', 'DeletionCandidateOfClusterAutoscaler'];

function autoscaler({ node }: Sight, _scene: Scene): Reason | undefined {
  const taint = node.taints.find(({ key }) => autoscalerTaints.includes(key));
  return (
    taint && { kind: 'autoscaler', value: `the autoscaler is about to delete it (${taint.key})` }
  );
}

function nodeNotReady({ node }: Sight, _scene: Scene): Reason | undefined {
  return node.ready
    ? undefined
    : { kind: 'nodeNotReady', value: `it is not Ready since ${node.readySince || 'unknown'}` };
}

/**
 * A node that was just rebooted, or that needs it again for the very same reason, is not rebooted
 * again: a sentinel that something re-creates would otherwise take it out of service every day.
 */
function loopGuard(sight: Sight, { now }: Scene): Reason | undefined {
  const { policy } = sight;
  const last = readLastReboot(sight.node.annotations);
  if (last.kind === 'none') return undefined;
  const clear = `; remove the annotation aks-reboot-orchestrator/last-reboot to allow it`;
  if (last.kind === 'unreadable') {
    return { kind: 'loopGuard', value: `its last-reboot note can't be read${clear}` };
  }
  const days = (now - epochMs(last.value.at)) / dayMs;
  if (sameNeed(sight)) {
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

function sameNeed({ node, probe }: Sight): boolean {
  const last = readLastReboot(node.annotations);
  if (last.kind !== 'read' || probe?.probe.kind !== 'required') return false;
  const { need, kernel } = last.value;
  return need === needOf(probe.probe, probe.at).hash && kernel === node.kernel;
}

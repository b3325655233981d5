/**
 * The kubelets: they register nodes, report their health, start pods that were bound to their node,
 * end pods that were deleted, and start everything again after a boot. A machine that is down does
 * nothing.
 */
import { behaviourOf, removePod, stamped, type Cluster } from './cluster.ts';
import { recordNodeEvent } from './events.ts';
import {
  registeredNode,
  withHealth,
  withHeartbeat,
  type Health,
  type Machine,
} from './machines.ts';
import {
  controllerOf,
  isReady,
  isTerminal,
  isTerminating,
  keyOf,
  timestamp,
  withCondition,
  type Node,
  type Pod,
} from './objects.ts';
import type { Cancel } from '../../clock.ts';
import type { Change } from './store.ts';

export interface Kubelets {
  machineJoins(machine: Machine): void;
  machineGoesDown(name: string, how: 'abruptly' | 'gracefully'): void;
  machineIsUp(name: string, boot: { bootId: string; kernelVersion?: string | undefined }): void;
  machineIsGone(name: string): void;
  /**
   * When its kubelet last reported, epoch milliseconds; undefined when there is no such machine.
   */
  lastHeard(name: string): number | undefined;
  /** Makes every pod that waits for its start Running and Ready at once: for setting the stage. */
  startPendingPods(): boolean;
}

interface Kubelet {
  machine: Machine;
  state: 'up' | 'booting' | 'down';
  /** Epoch milliseconds; undefined while it is not down. */
  downSince: number | undefined;
  /** What it is about to do with a pod, by uid. */
  pods: Map<string, { kind: 'start' | 'stop' | 'complete'; cancel: Cancel }>;
  /** The next change of the node's health. */
  health: Cancel | undefined;
}

export const mirrorAnnotation = 'kubernetes.io/config.mirror';

export function startKubelets(cluster: Cluster): Kubelets {
  const kubelets = new Map<string, Kubelet>();
  cluster.kinds.pods.objects.subscribe((change) => {
    const kubelet = kubelets.get(change.object.spec.nodeName ?? '');
    if (kubelet !== undefined) podChanged(cluster, kubelet, change);
  });
  cluster.kinds.nodes.objects.subscribe((change) => nodeChanged(cluster, change));
  const known = (name: string): Kubelet => {
    const kubelet = kubelets.get(name);
    if (kubelet === undefined) throw new Error(`no machine ${name} has joined this cluster`);
    return kubelet;
  };
  return {
    machineJoins(machine) {
      kubelets.set(machine.name, {
        machine: { ...machine },
        state: 'up',
        downSince: undefined,
        pods: new Map(),
        health: undefined,
      });
      cluster.kinds.nodes.objects.put(registeredNode(cluster, machine));
    },
    machineGoesDown: (name, how) => goDown(cluster, known(name), how),
    machineIsUp: (name, boot) => comeUp(cluster, known(name), boot),
    machineIsGone(name) {
      // One that is deleted while it is repaired has not joined again.
      const kubelet = kubelets.get(name);
      if (kubelet === undefined) return;
      forgetPlans(kubelet);
      kubelets.delete(name);
      cluster.kinds.nodes.objects.remove(name);
    },
    lastHeard(name) {
      const kubelet = kubelets.get(name);
      return kubelet === undefined ? undefined : (kubelet.downSince ?? cluster.timers.now());
    },
    startPendingPods() {
      const starting = [...kubelets.values()].flatMap((kubelet) =>
        [...kubelet.pods].flatMap(([uid, plan]) =>
          plan.kind === 'start' ? [{ kubelet, uid }] : [],
        ),
      );
      for (const { kubelet, uid } of starting) {
        const pod = cluster.pods
          .onNode(kubelet.machine.name)
          .find((candidate) => candidate.metadata.uid === uid);
        if (pod !== undefined) run(cluster, kubelet, pod);
        else kubelet.pods.delete(uid);
      }
      return starting.length > 0;
    },
  };
}

function forgetPlans(kubelet: Kubelet): void {
  kubelet.health?.();
  kubelet.health = undefined;
  for (const { cancel } of kubelet.pods.values()) cancel();
  kubelet.pods.clear();
}

function report(cluster: Cluster, name: string, health: Health): void {
  const now = cluster.timers.now();
  cluster.kinds.nodes.objects.update(name, (node) => withHealth(node, health, now));
}

function goDown(cluster: Cluster, kubelet: Kubelet, how: 'abruptly' | 'gracefully'): void {
  const { name } = kubelet.machine;
  forgetPlans(kubelet);
  kubelet.state = 'down';
  kubelet.downSince = cluster.timers.now();
  if (how === 'gracefully') report(cluster, name, 'shuttingDown');
  const { downSince } = kubelet;
  const silent = () => {
    const now = cluster.timers.now();
    cluster.kinds.nodes.objects.update(name, (node) =>
      withHealth(withHeartbeat(node, downSince), 'silent', now),
    );
  };
  kubelet.health = cluster.timers.after(cluster.timings.notReadyAfterMs, silent);
}

/** A returning kubelet reports NotReady first, even where its absence went unnoticed. */
function comeUp(
  cluster: Cluster,
  kubelet: Kubelet,
  boot: { bootId: string; kernelVersion?: string | undefined },
): void {
  const { nodes } = cluster.kinds;
  const { machine } = kubelet;
  const rebooted = boot.bootId !== machine.bootId;
  machine.bootId = boot.bootId;
  if (boot.kernelVersion !== undefined) machine.kernelVersion = boot.kernelVersion;
  forgetPlans(kubelet);
  kubelet.state = 'booting';
  kubelet.downSince = undefined;
  const now = cluster.timers.now();
  const node = nodes.objects.get(machine.name) ?? registeredNode(cluster, machine);
  const { bootId: bootID, kernelVersion } = machine;
  const nodeInfo = { ...node.status.nodeInfo, bootID, kernelVersion };
  const informed = { ...node, status: { ...node.status, nodeInfo } };
  nodes.objects.put(withHealth(informed, 'starting', now));
  if (rebooted) recordNodeEvent(cluster, informed, 'Rebooted');
  kubelet.health = cluster.timers.after(cluster.timings.readyAfterMs, () => {
    kubelet.state = 'up';
    report(cluster, machine.name, 'ready');
    for (const pod of cluster.pods.onNode(machine.name)) restart(cluster, kubelet, pod);
  });
}

/**
 * After a boot nothing runs any more: what was to go is gone, the rest starts again in its place.
 */
function restart(cluster: Cluster, kubelet: Kubelet, pod: Pod): void {
  if (isTerminating(pod)) {
    gone(cluster, kubelet, pod);
  } else if (pod.spec.restartPolicy === 'Never' && pod.status.phase === 'Running') {
    finish(cluster, pod, 'Failed');
  } else if (!isTerminal(pod)) {
    cluster.kinds.pods.objects.put(stopped(pod, cluster.timers.now()));
    plan(cluster, kubelet, pod, 'start');
  }
}

function stopped(pod: Pod, now: number): Pod {
  const containerStatuses = pod.status.containerStatuses?.map((container) => ({
    ...container,
    ready: false,
    started: false,
    restartCount: container.restartCount + 1,
    lastState: { terminated: { exitCode: 255, reason: 'Unknown', finishedAt: timestamp(now) } },
  }));
  const status = { ...pod.status, conditions: readiness(pod, false, now) };
  return {
    ...pod,
    status: containerStatuses === undefined ? status : { ...status, containerStatuses },
  };
}

function readiness(pod: Pod, ready: boolean, now: number) {
  const status = ready ? 'True' : 'False';
  const unready = ready ? {} : { reason: 'ContainersNotReady' };
  const first = withCondition(pod.status.conditions, { type: 'Ready', status, ...unready }, now);
  return withCondition(first, { type: 'ContainersReady', status, ...unready }, now);
}

function podChanged(cluster: Cluster, kubelet: Kubelet, change: Change<Pod>): void {
  const { object: pod, previous, type } = change;
  if (type === 'DELETED') {
    kubelet.pods.get(pod.metadata.uid)?.cancel();
    kubelet.pods.delete(pod.metadata.uid);
    if (kubelet.state === 'up') recreateMirror(cluster, pod);
    return;
  }
  if (kubelet.state !== 'up') return;
  const arrived =
    previous?.spec.nodeName === undefined || previous.metadata.uid !== pod.metadata.uid;
  const grace = pod.metadata.deletionGracePeriodSeconds;
  if (grace !== undefined && grace !== previous?.metadata.deletionGracePeriodSeconds) {
    plan(cluster, kubelet, pod, 'stop');
  } else if (arrived && pod.status.phase === 'Pending') {
    plan(cluster, kubelet, pod, 'start');
  }
}

function plan(
  cluster: Cluster,
  kubelet: Kubelet,
  pod: Pod,
  kind: 'start' | 'stop' | 'complete',
): void {
  const { uid } = pod.metadata;
  kubelet.pods.get(uid)?.cancel();
  const delayMs = delayOf(cluster, pod, kind);
  if (delayMs === 'never') {
    kubelet.pods.delete(uid);
    return;
  }
  const cancel = cluster.timers.after(delayMs, () => {
    kubelet.pods.delete(uid);
    const current = cluster.kinds.pods.objects.get(keyOf(pod));
    if (current?.metadata.uid !== uid) return;
    if (kind === 'start') run(cluster, kubelet, current);
    else if (kind === 'stop') gone(cluster, kubelet, current);
    else finish(cluster, current, 'Succeeded');
  });
  kubelet.pods.set(uid, { kind, cancel });
}

function delayOf(cluster: Cluster, pod: Pod, kind: 'start' | 'stop' | 'complete') {
  const behaviour = behaviourOf(cluster, pod);
  switch (kind) {
    case 'start':
      return behaviour.startsInMs ?? cluster.timings.podStartMs;
    case 'complete':
      return behaviour.completesInMs ?? 'never';
    case 'stop': {
      const own = behaviour.terminatesInMs ?? cluster.timings.podTerminateMs;
      if (own === 'never') return 'never';
      // Then the kubelet kills it.
      const graceMs = (pod.metadata.deletionGracePeriodSeconds ?? 0) * 1000;
      return Math.min(own, graceMs);
    }
  }
}

/** The pod's containers run, and are ready unless they never are. */
function run(cluster: Cluster, kubelet: Kubelet, pod: Pod): void {
  const now = cluster.timers.now();
  const behaviour = behaviourOf(cluster, pod);
  const ready = behaviour.neverReady !== true;
  const containerStatuses = pod.spec.containers.map(({ name, image }) => {
    const before = pod.status.containerStatuses?.find((status) => status.name === name);
    return {
      ...before,
      name,
      image: image ?? '',
      imageID: '',
      ready,
      started: true,
      restartCount: before?.restartCount ?? 0,
      state: { running: { startedAt: timestamp(now) } },
    };
  });
  const initialized = withCondition(
    pod.status.conditions,
    { type: 'Initialized', status: 'True' },
    now,
  );
  const status = { ...pod.status, phase: 'Running' as const, conditions: initialized };
  kubelet.pods.get(pod.metadata.uid)?.cancel();
  kubelet.pods.delete(pod.metadata.uid);
  cluster.kinds.pods.objects.put({
    ...pod,
    status: {
      ...status,
      conditions: readiness({ ...pod, status }, ready, now),
      startTime: pod.status.startTime ?? timestamp(now),
      ...(kubelet.machine.ip === undefined ? {} : { hostIP: kubelet.machine.ip }),
      podIP: pod.status.podIP ?? addressOf(cluster),
      containerStatuses,
    },
  });
  if (behaviour.completesInMs !== undefined) plan(cluster, kubelet, pod, 'complete');
}

function addressOf(cluster: Cluster): string {
  const part = () => Math.floor(cluster.random() * 254) + 1;
  return `10.244.${part()}.${part()}`;
}

function finish(cluster: Cluster, pod: Pod, phase: 'Succeeded' | 'Failed'): void {
  const conditions = readiness(pod, false, cluster.timers.now());
  cluster.kinds.pods.objects.put({ ...pod, status: { ...pod.status, phase, conditions } });
}

function gone(cluster: Cluster, kubelet: Kubelet, pod: Pod): void {
  const departure = cluster.departures.get(pod.metadata.uid);
  kubelet.pods.delete(pod.metadata.uid);
  removePod(cluster, pod, {
    actor: 'kubelet',
    status: 0,
    departure: departure ?? { reason: 'deleted', askedBy: '' },
  });
}

/** Deleting a mirror pod deletes nothing but the mirror: the kubelet puts up another. */
function recreateMirror(cluster: Cluster, pod: Pod): void {
  if (pod.metadata.annotations?.[mirrorAnnotation] === undefined) return;
  const { name, namespace, labels, annotations, ownerReferences } = pod.metadata;
  const nodeUid = cluster.kinds.nodes.objects.get(pod.spec.nodeName ?? '')?.metadata.uid;
  if (nodeUid === undefined || controllerOf(pod)?.uid !== nodeUid) return;
  const behaviour = behaviourOf(cluster, pod);
  const metadata = stamped(cluster, { name, namespace, labels, annotations, ownerReferences });
  cluster.behaviours.set(metadata.uid, behaviour);
  cluster.timers.after(cluster.timings.controllerMs, () => {
    if (cluster.kinds.nodes.objects.get(pod.spec.nodeName ?? '') === undefined) return;
    cluster.kinds.pods.objects.put({
      ...pod,
      metadata,
      status: { ...pod.status, phase: 'Pending' },
    });
  });
}

function nodeChanged(cluster: Cluster, { type, object: node, previous }: Change<Node>): void {
  if (type !== 'MODIFIED' || previous === undefined) return;
  const ready = readyStatus(node);
  if (ready !== readyStatus(previous)) {
    const actor = ready === 'Unknown' ? 'controller' : 'kubelet';
    cluster.audit.write({
      actor,
      cluster: cluster.id,
      node: node.metadata.name,
      action: 'ready',
      status: 0,
      detail: { ready, bootID: node.status.nodeInfo.bootID },
    });
    recordNodeEvent(cluster, node, isReady(node) ? 'NodeReady' : 'NodeNotReady');
  }
  const cordoned = node.spec.unschedulable === true;
  if (cordoned !== (previous.spec.unschedulable === true)) {
    recordNodeEvent(cluster, node, cordoned ? 'NodeNotSchedulable' : 'NodeSchedulable');
  }
}

function readyStatus(node: Node): string {
  return node.status.conditions.find(({ type }) => type === 'Ready')?.status ?? 'Unknown';
}

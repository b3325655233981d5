/** One cluster's state, as its API server, controllers and kubelets share it. */
import type { Audit } from '../audit.ts';
import { controllerOf, keyOf, timestamp, type Pod } from './objects.ts';
import type { PodIndex } from './podIndex.ts';
import type { Timers } from './queue.ts';
import type { Kinds } from './resources.ts';
import { uuid } from '../random.ts';

/** How long things take, in milliseconds. */
export interface KubernetesTimings {
  /** A controller's reaction: replacements, scheduling, budget status, taints. */
  controllerMs: number;
  /**
   * A silent kubelet's node turns Unknown (kube-controller-manager --node-monitor-grace-period).
   */
  notReadyAfterMs: number;
  /** From the kubelet's return until its node is Ready. */
  readyAfterMs: number;
  /** From a pod's arrival on a node (or the node's being Ready) until it is Ready. */
  podStartMs: number;
  /** How long a pod takes to terminate when its workload says nothing. */
  podTerminateMs: number;
}

export const usualTimings: KubernetesTimings = {
  controllerMs: 200,
  notReadyAfterMs: 40_000,
  readyAfterMs: 15_000,
  podStartMs: 5_000,
  podTerminateMs: 2_000,
};

/**
 * How the containers of a pod behave; `never` outlives even its grace period, or never gets Ready.
 */
export interface Behaviour {
  startsInMs?: number | undefined;
  neverReady?: boolean | undefined;
  terminatesInMs?: number | 'never' | undefined;
  /** Runs for so long, then the pod has Succeeded. */
  completesInMs?: number | undefined;
}

/** Why a pod object goes away, for the audit. */
export interface Departure {
  reason: 'evicted' | 'deleted' | 'taint' | 'scaledDown' | 'nodeGone' | 'namespaceGone';
  askedBy: string;
}

export interface Cluster {
  /** The managed cluster's ARM id, for the audit. */
  id: string;
  kinds: Kinds;
  pods: PodIndex;
  timers: Timers;
  timings: KubernetesTimings;
  random: () => number;
  audit: Audit;
  /** By the uid of the pod, or of its controller. */
  behaviours: Map<string, Behaviour>;
  /** Pods that terminate, by uid: who wanted that. */
  departures: Map<string, Departure>;
  /** Aborts when the cluster closes: no watch goes on. */
  closing: AbortSignal;
}

export function behaviourOf(cluster: Cluster, pod: Pod): Behaviour {
  const own = cluster.behaviours.get(pod.metadata.uid);
  return own ?? cluster.behaviours.get(controllerOf(pod)?.uid ?? '') ?? {};
}

/** The server's part of a new object's metadata. */
export function stamped<T extends object>(cluster: Cluster, given: T) {
  return {
    ...given,
    uid: uuid(cluster.random),
    resourceVersion: '',
    creationTimestamp: timestamp(cluster.timers.now()),
  };
}

/** The pod object is gone from the store; who made it go and why is written to the audit. */
export function removePod(
  cluster: Cluster,
  pod: Pod,
  by: { actor: string; status: number; departure: Departure },
): void {
  if (cluster.kinds.pods.objects.remove(keyOf(pod)) === undefined) return;
  cluster.departures.delete(pod.metadata.uid);
  cluster.behaviours.delete(pod.metadata.uid);
  cluster.audit.write({
    actor: by.actor,
    cluster: cluster.id,
    node: pod.spec.nodeName ?? '',
    action: 'podDeleted',
    status: by.status,
    detail: { pod: keyOf(pod), uid: pod.metadata.uid, ...by.departure },
  });
}

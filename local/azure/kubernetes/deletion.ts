/**
 * Graceful deletion of pods
 * (k8s.io/apiserver/pkg/registry/rest/delete.go BeforeDelete, pkg/registry/core/pod/strategy.go).
 */
import { removePod, type Cluster, type Departure } from './cluster.ts';
import {
  isTerminal,
  isTerminating,
  keyOf,
  timestamp,
  type ApiObject,
  type Pod,
} from './objects.ts';
import { conflict } from './status.ts';

export interface DeleteOptions {
  gracePeriodSeconds?: number | undefined;
  preconditions?: { uid?: string | undefined; resourceVersion?: string | undefined } | undefined;
  dryRun?: string[] | undefined;
}

const defaultGraceSeconds = 30;

/** @throws Refusal 409 when the object is not the one that was meant */
export function checkPreconditions(object: ApiObject, { preconditions }: DeleteOptions): void {
  const { uid, resourceVersion, name } = object.metadata;
  // The API names the kind here where other conflicts name the resource.
  const of = { group: object.apiVersion.split('/').at(-2) ?? '', resource: object.kind };
  if (preconditions?.uid !== undefined && preconditions.uid !== uid) {
    throw conflict(
      of,
      name,
      `the UID in the precondition (${preconditions.uid}) does not match the UID in record ` +
        `(${uid}). The object might have been deleted and then recreated`,
    );
  }
  const wanted = preconditions?.resourceVersion;
  if (wanted !== undefined && wanted !== resourceVersion) {
    throw conflict(
      of,
      name,
      `the ResourceVersion in the precondition (${wanted}) does not match the ResourceVersion ` +
        `in record (${resourceVersion}). The object might have been modified`,
    );
  }
}

/** Seconds that the pod is given; 0 removes it at once. */
function graceSeconds(pod: Pod, asked: number | undefined): number {
  if (pod.spec.nodeName === undefined || isTerminal(pod)) return 0;
  const seconds = asked ?? pod.spec.terminationGracePeriodSeconds ?? defaultGraceSeconds;
  return seconds < 0 ? 1 : seconds;
}

/**
 * Starts the pod's termination, which its kubelet ends, or removes it at once when nothing is left
 * to wait for. A pod that already terminates can only be hurried.
 *
 * @param by.status answered to who asked; 0 when a controller did
 */
export function deletePod(
  cluster: Cluster,
  pod: Pod,
  options: DeleteOptions,
  by: { status: number; departure: Departure },
): void {
  const asked = options.gracePeriodSeconds;
  const before = pod.metadata.deletionGracePeriodSeconds;
  if (isTerminating(pod) && before !== undefined) {
    if (asked === undefined || asked >= before) return;
  }
  const seconds = graceSeconds(pod, asked);
  if (seconds === 0) {
    removePod(cluster, pod, { actor: by.departure.askedBy, ...by });
    return;
  }
  cluster.departures.set(pod.metadata.uid, by.departure);
  const started =
    pod.metadata.deletionTimestamp === undefined
      ? cluster.timers.now()
      : Date.parse(pod.metadata.deletionTimestamp) - (before ?? 0) * 1000;
  const metadata = {
    ...pod.metadata,
    deletionTimestamp: timestamp(started + seconds * 1000),
    deletionGracePeriodSeconds: seconds,
  };
  cluster.kinds.pods.objects.put({ ...pod, metadata });
}

export function podKey(namespace: string, name: string): string {
  return keyOf({ metadata: { namespace, name } });
}

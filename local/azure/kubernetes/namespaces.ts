/**
 * The namespace controller: empties a namespace that is being deleted (pkg/controller/namespace).
 */
import type { Cluster } from './cluster.ts';
import { deletePod } from './deletion.ts';
import { isTerminating, keyOf, type ApiObject } from './objects.ts';
import { createQueue, type Queue } from './queue.ts';
import type { Collection } from './store.ts';

/** Starts the controller. */
export function startNamespaceController(cluster: Cluster): Queue {
  const { namespaces, pods } = cluster.kinds;
  const queue = createQueue(cluster.timers, cluster.timings.controllerMs, (name) => {
    const namespace = namespaces.objects.get(name);
    if (namespace !== undefined && isTerminating(namespace)) empty(cluster, name);
  });
  namespaces.objects.subscribe(({ object }) => {
    if (isTerminating(object)) queue.add(object.metadata.name);
  });
  pods.objects.subscribe(({ type, object }) => {
    const name = object.metadata.namespace ?? '';
    const namespace = namespaces.objects.get(name);
    if (type === 'DELETED' && namespace !== undefined && isTerminating(namespace)) queue.add(name);
  });
  return queue;
}

/** Workloads go first, so that nothing puts pods back; the namespace goes with its last pod. */
function empty(cluster: Cluster, name: string): void {
  const { kinds } = cluster;
  removeAll(kinds.deployments.objects, name);
  removeAll(kinds.replicaSets.objects, name);
  removeAll(kinds.statefulSets.objects, name);
  removeAll(kinds.daemonSets.objects, name);
  removeAll(kinds.jobs.objects, name);
  removeAll(kinds.budgets.objects, name);
  removeAll(kinds.leases.objects, name);
  const pods = inNamespace(kinds.pods.objects, name);
  for (const pod of pods) {
    const departure = { reason: 'namespaceGone', askedBy: 'controller' } as const;
    if (!isTerminating(pod)) deletePod(cluster, pod, {}, { status: 0, departure });
  }
  if (inNamespace(kinds.pods.objects, name).length === 0) kinds.namespaces.objects.remove(name);
}

function inNamespace<T extends ApiObject>(objects: Collection<T>, name: string): T[] {
  return [...objects.values()].filter(({ metadata }) => metadata.namespace === name);
}

function removeAll<T extends ApiObject>(objects: Collection<T>, name: string): void {
  for (const object of inNamespace(objects, name)) objects.remove(keyOf(object));
}

/** Pods by node and by controller, so that nobody has to look through all of them. */
import {
  controllerOf,
  isReady,
  isTerminal,
  isTerminating,
  keyOf,
  type ApiObject,
  type Pod,
} from './objects.ts';
import type { Collection } from './store.ts';

export interface PodIndex {
  onNode(name: string): Pod[];
  countOnNode(name: string): number;
  /** How many pods of that controller (by uid) are on the node. */
  siblingsOnNode(name: string, controller: string): number;
  ofController(uid: string): Pod[];
  /** How many pods of a controller are meant to run, and how many of them are Ready. */
  tally(uid: string): { active: number; ready: number };
}

/** Neither finished nor on its way out. */
export function isActive(pod: Pod): boolean {
  return !isTerminating(pod) && !isTerminal(pod);
}

export function createPodIndex(pods: Collection<Pod>): PodIndex {
  const byNode = new Map<string, Set<string>>();
  const byController = new Map<string, Set<string>>();
  const siblings = new Map<string, number>();
  const active = new Map<string, number>();
  const ready = new Map<string, number>();
  const enter = (pod: Pod, by: 1 | -1) => {
    const { nodeName } = pod.spec;
    const controller = controllerUid(pod);
    file(byNode, nodeName, keyOf(pod), by);
    file(byController, controller, keyOf(pod), by);
    if (controller === undefined) return;
    if (nodeName !== undefined) count(siblings, `${nodeName} ${controller}`, by);
    if (isActive(pod)) count(active, controller, by);
    if (isActive(pod) && isReady(pod)) count(ready, controller, by);
  };
  pods.subscribe(({ type, object, previous }) => {
    if (previous !== undefined) enter(previous, -1);
    if (type !== 'DELETED') enter(object, 1);
  });
  const resolve = (keys: Set<string> | undefined) =>
    [...(keys ?? [])].flatMap((key) => pods.get(key) ?? []);
  return {
    onNode: (name) => resolve(byNode.get(name)),
    countOnNode: (name) => byNode.get(name)?.size ?? 0,
    siblingsOnNode: (name, controller) => siblings.get(`${name} ${controller}`) ?? 0,
    ofController: (uid) => resolve(byController.get(uid)),
    tally: (uid) => ({ active: active.get(uid) ?? 0, ready: ready.get(uid) ?? 0 }),
  };
}

function controllerUid(object: ApiObject): string | undefined {
  return controllerOf(object)?.uid;
}

function file(index: Map<string, Set<string>>, at: string | undefined, key: string, by: 1 | -1) {
  if (at === undefined) return;
  const keys = index.get(at) ?? new Set<string>();
  if (by === 1) index.set(at, keys.add(key));
  else keys.delete(key);
  if (keys.size === 0) index.delete(at);
}

function count(counts: Map<string, number>, key: string, by: 1 | -1): void {
  const next = (counts.get(key) ?? 0) + by;
  if (next === 0) counts.delete(key);
  else counts.set(key, next);
}

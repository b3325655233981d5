/** What clients asked, in the audit's words. */
import { isDeepStrictEqual } from 'node:util';
import type { AuditAction } from '../audit.ts';
import type { Cluster } from './cluster.ts';
import { isJsonObject, objectAt, type Json, type JsonObject } from './json.ts';
import type { Lease, Node } from './objects.ts';
import { pointer, type JsonPatchStep } from './patch.ts';

/** Who asked, and what was answered. */
export interface Asked {
  user: string;
  userAgent: string;
  status: number;
  /** The refusal's words. */
  message?: string | undefined;
}

/** The parts of a node that the audit follows; null says removed. */
export interface NodeChange {
  unschedulable?: boolean;
  annotations: Record<string, string | null>;
  labels: Record<string, string | null>;
  taints?: Json;
}

/** What a write made different. */
export function nodeDifference(before: Json, after: Json): NodeChange {
  const was = objectAt(before, 'spec')['unschedulable'] === true;
  const is = objectAt(after, 'spec')['unschedulable'] === true;
  const taints = objectAt(after, 'spec')['taints'] ?? [];
  const sameTaints = isDeepStrictEqual(taints, objectAt(before, 'spec')['taints'] ?? []);
  const meta = (name: string) =>
    mapDifference(
      objectAt(objectAt(before, 'metadata'), name),
      objectAt(objectAt(after, 'metadata'), name),
    );
  return {
    ...(was === is ? {} : { unschedulable: is }),
    annotations: meta('annotations'),
    labels: meta('labels'),
    ...(sameTaints ? {} : { taints }),
  };
}

function mapDifference(before: JsonObject, after: JsonObject): Record<string, string | null> {
  const difference: Record<string, string | null> = {};
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    if (before[key] !== after[key]) difference[key] = textOrNull(after[key]);
  }
  return difference;
}

function textOrNull(value: Json | undefined): string | null {
  return typeof value === 'string' ? value : null;
}

/** What a merge patch would have changed, had it been taken. */
export function intentOfMergePatch(patch: JsonObject): NodeChange {
  const spec = objectAt(patch, 'spec');
  const texts = (map: JsonObject) =>
    Object.fromEntries(Object.entries(map).map(([key, value]) => [key, textOrNull(value)]));
  return {
    ...('unschedulable' in spec ? { unschedulable: spec['unschedulable'] === true } : {}),
    annotations: texts(objectAt(objectAt(patch, 'metadata'), 'annotations')),
    labels: texts(objectAt(objectAt(patch, 'metadata'), 'labels')),
    ...(spec['taints'] === undefined ? {} : { taints: spec['taints'] }),
  };
}

/** What a JSON Patch would have changed, had it applied. */
export function intentOfJsonPatch(steps: readonly JsonPatchStep[]): NodeChange {
  const change: NodeChange = { annotations: {}, labels: {} };
  for (const { op, path, value } of steps) {
    if (op === 'test') continue;
    const [root, field, key] = pointer(path);
    if (root === 'spec' && field === 'unschedulable') change.unschedulable = value === true;
    if (root === 'spec' && field === 'taints') change.taints = value ?? [];
    if (root !== 'metadata' || (field !== 'annotations' && field !== 'labels')) continue;
    const map = key === undefined ? (isJsonObject(value) ? value : {}) : { [key]: value ?? null };
    for (const [name, text] of Object.entries(map)) change[field][name] = textOrNull(text);
  }
  return change;
}

/** Nothing when the write changed, or would have changed, none of what the audit follows. */
export function recordNodeWrite(
  cluster: Cluster,
  node: string,
  change: NodeChange,
  asked: Asked,
): void {
  const stored: Node | undefined = cluster.kinds.nodes.objects.get(node);
  const unlessEmpty = (name: 'annotations' | 'labels') =>
    Object.keys(change[name]).length === 0 ? {} : { [name]: change[name] };
  const marked = {
    ...unlessEmpty('annotations'),
    ...unlessEmpty('labels'),
    ...(change.taints === undefined ? {} : { taints: change.taints }),
  };
  const detail = {
    ...from(asked),
    ...marked,
    ...(stored === undefined ? {} : { bootID: stored.status.nodeInfo.bootID }),
  };
  const write = (action: AuditAction) =>
    cluster.audit.write({
      actor: asked.user,
      cluster: cluster.id,
      node,
      action,
      status: asked.status,
      detail,
    });
  if (change.unschedulable !== undefined) write(change.unschedulable ? 'cordon' : 'uncordon');
  if (Object.keys(marked).length > 0) write('annotate');
}

export function recordEviction(
  cluster: Cluster,
  pod: { key: string; uid: string; node: string; budgets: string[] },
  asked: Asked,
): void {
  cluster.audit.write({
    actor: asked.user,
    cluster: cluster.id,
    node: pod.node,
    action: 'evict',
    status: asked.status,
    detail: { pod: pod.key, uid: pod.uid, pdb: pod.budgets.join(','), ...from(asked) },
  });
}

/** A deletion that was refused; one that was not is told when the pod is gone. */
export function recordRefusedDeletion(
  cluster: Cluster,
  pod: { key: string; node: string },
  asked: Asked,
): void {
  cluster.audit.write({
    actor: asked.user,
    cluster: cluster.id,
    node: pod.node,
    action: 'podDeleted',
    status: asked.status,
    detail: { pod: pod.key, reason: 'refused', ...from(asked) },
  });
}

export function recordLeaseWrite(
  cluster: Cluster,
  lease: { key: string; verb: string; before: Lease | undefined; holder: string | undefined },
  asked: Asked,
): void {
  cluster.audit.write({
    actor: asked.user,
    cluster: cluster.id,
    node: '',
    action: 'lease',
    status: asked.status,
    detail: {
      lease: lease.key,
      verb: lease.verb,
      holder: lease.holder ?? '',
      previousHolder: lease.before?.spec.holderIdentity ?? '',
      ...from(asked),
    },
  });
}

function from({ userAgent, message }: Asked): Record<string, unknown> {
  return { userAgent, ...(message === undefined ? {} : { message }) };
}

import type { V1Lease, V1Node, V1Pod, V1PodDisruptionBudget } from '@kubernetes/client-node';
import type { BudgetNumbers } from '../domain/drain.ts';
import type { NodeView } from '../domain/node.ts';
import type { PodSeen } from '../domain/outside.ts';
import type { LeaseView } from '../ports.ts';

/**
 * What an API server answers, as we see it. The client's types promise more than a server has to
 * keep, so whatever is missing or odd becomes an empty text, which no decision takes for a yes.
 */
export function nodeView(node: V1Node): NodeView {
  const { metadata, spec, status } = node;
  const labels = texts(metadata?.labels);
  const ready = list(status?.conditions).find(({ type }) => type === 'Ready');
  const info = status?.nodeInfo;
  return {
    name: text(metadata?.name),
    uid: text(metadata?.uid),
    resourceVersion: text(metadata?.resourceVersion),
    providerId: text(spec?.providerID),
    createdAt: instant(metadata?.creationTimestamp),
    unschedulable: spec?.unschedulable === true,
    ready: ready?.status === 'True',
    readySince: instant(ready?.lastTransitionTime),
    bootId: text(info?.bootID),
    kernel: text(info?.kernelVersion),
    osImage: text(info?.osImage),
    // Only what is said to be Linux is taken for it: Windows nodes are left alone.
    os: (info?.operatingSystem ?? labels['kubernetes.io/os']) === 'linux' ? 'linux' : 'windows',
    kubeletVersion: text(info?.kubeletVersion),
    pool: labels['kubernetes.azure.com/agentpool'] ?? labels['agentpool'] ?? '',
    labels,
    taints: list(spec?.taints).map(({ key, value, effect }) => ({
      key: text(key),
      value: text(value),
      effect: text(effect),
    })),
    conditions: list(status?.conditions).map(({ type, status, message }) => ({
      type: text(type),
      status: text(status),
      message: text(message),
    })),
    annotations: texts(metadata?.annotations),
  };
}

/** A namespaced object by its name. */
export interface ObjectRef {
  namespace: string;
  name: string;
}

/** `namespace/name`. */
export function fullName({ namespace, name }: ObjectRef): string {
  return `${namespace}/${name}`;
}

/** A pod, as draining sees it. */
export interface PodView extends ObjectRef {
  uid: string;
  node: string;
  phase: string;
  ready: boolean;
  labels: Record<string, string>;
  /** Its priority class says that the cluster can't do without it. */
  critical: boolean;
  /** Seconds that it gets to end unless somebody says otherwise. */
  graceSeconds: number;
  /** Its deletion was asked for: when its grace period ends, ISO 8601, and how long that is. */
  deletion: { endsAt: string; graceSeconds: number } | undefined;
  /** The owner that re-creates it (`controller: true`). */
  controller: { apiVersion: string; kind: string; name: string } | undefined;
  /** Made by the kubelet from a file: the API server can't remove it. */
  mirror: boolean;
  /** Has emptyDir volumes: their data goes with it. */
  emptyDir: boolean;
}

/** What `system-cluster-critical` and `system-node-critical` stand for, and no other class may. */
const systemCriticalPriority = 2_000_000_000;

function isCritical(priorityClass: string, priority: number): boolean {
  return /^system-.*-critical$/u.test(priorityClass) || priority >= systemCriticalPriority;
}

/** Servers write it into every pod; the API's own default. */
const defaultGraceSeconds = 30;

export function podView(pod: V1Pod): PodView {
  const { metadata, spec, status } = pod;
  const controller = list(metadata?.ownerReferences).find((owner) => owner.controller === true);
  const endsAt = instant(metadata?.deletionTimestamp);
  return {
    namespace: text(metadata?.namespace),
    name: text(metadata?.name),
    uid: text(metadata?.uid),
    node: text(spec?.nodeName),
    phase: text(status?.phase),
    ready: list(status?.conditions).some(
      ({ type, status }) => type === 'Ready' && status === 'True',
    ),
    labels: texts(metadata?.labels),
    critical: isCritical(text(spec?.priorityClassName), count(spec?.priority)),
    graceSeconds: seconds(spec?.terminationGracePeriodSeconds, defaultGraceSeconds),
    deletion:
      endsAt === ''
        ? undefined
        : { endsAt, graceSeconds: seconds(metadata?.deletionGracePeriodSeconds, 0) },
    controller: controller && {
      apiVersion: text(controller.apiVersion),
      kind: text(controller.kind),
      name: text(controller.name),
    },
    mirror: 'kubernetes.io/config.mirror' in texts(metadata?.annotations),
    emptyDir: list(spec?.volumes).some((volume) => volume.emptyDir !== undefined),
  };
}

/** What gates see of a pod. */
export function podSeen(pod: V1Pod): PodSeen {
  const { namespace, controller, node, ...view } = podView(pod);
  const owner = controller?.kind === 'DaemonSet' ? controller.name : '';
  return {
    pod: fullName({ namespace, name: view.name }),
    node,
    daemonSet: owner && fullName({ namespace, name: owner }),
  };
}

/** Numbers that can't be read count as nothing allowed, and as nothing hopeless either. */
export function budgetView({ metadata, status }: V1PodDisruptionBudget): BudgetNumbers {
  return {
    budget: fullName({ namespace: text(metadata?.namespace), name: text(metadata?.name) }),
    healthy: count(status?.currentHealthy),
    desired: count(status?.desiredHealthy),
    expected: count(status?.expectedPods),
    allowed: count(status?.disruptionsAllowed),
  };
}

export function leaseView(lease: V1Lease): LeaseView {
  return {
    namespace: text(lease.metadata?.namespace),
    name: text(lease.metadata?.name),
    holder: text(lease.spec?.holderIdentity),
    acquiredAt: instant(lease.spec?.acquireTime),
    renewedAt: instant(lease.spec?.renewTime),
    annotations: texts(lease.metadata?.annotations),
    resourceVersion: text(lease.metadata?.resourceVersion),
  };
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function count(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}

/** A pod may ask for more than any calendar has; nobody waits longer than a year. */
function seconds(value: unknown, missing: number): number {
  return typeof value === 'number' ? Math.min(Math.max(value, 0), 366 * 86_400) : missing;
}

function list<Item>(items: readonly Item[] | undefined): readonly Item[] {
  return Array.isArray(items) ? items : [];
}

function texts(record: Record<string, unknown> | undefined): Record<string, string> {
  const entries = Object.entries(record ?? {});
  return Object.fromEntries(
    entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

/**
 * ISO 8601. The client makes dates of some of the API's instants and leaves others (MicroTime) as
 * texts.
 */
function instant(value: unknown): string {
  if (!(value instanceof Date) && typeof value !== 'string') return '';
  const date = new Date(value);
  return Number.isNaN(date.getTime()) ? '' : date.toISOString();
}

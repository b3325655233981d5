/** What the API does differently for single resources. */
import { isDeepStrictEqual } from 'node:util';
import type { Sent } from './body.ts';
import type { Cluster } from './cluster.ts';
import { deletePod } from './deletion.ts';
import type { Particulars, Write } from './endpoint.ts';
import { objectAt, toJson, type JsonObject } from './json.ts';
import type { Kubelets } from './kubelet.ts';
import { withHeartbeat } from './machines.ts';
import {
  timestamp,
  type ApiObject,
  type DisruptionBudget,
  type Event,
  type Lease,
  type Namespace,
  type Node,
  type Pod,
} from './objects.ts';
import { invalid } from './status.ts';
import {
  budgetColumns,
  eventColumns,
  leaseColumns,
  namespaceColumns,
  nodeColumns,
  podColumns,
} from './columns.ts';
import { defaultTolerations } from './taints.ts';
import {
  intentOfJsonPatch,
  intentOfMergePatch,
  nodeDifference,
  recordLeaseWrite,
  recordNodeWrite,
  recordRefusedDeletion,
  type NodeChange,
} from './trail.ts';

export function nodeParticulars(cluster: Cluster, kubelets: Kubelets): Particulars<Node> {
  return {
    columns: nodeColumns,
    present: (node) => withHeartbeat(node, kubelets.lastHeard(node.metadata.name)),
    prepare(draft) {
      const spec = objectAt(draft, 'spec');
      // Go omits what is empty: an uncordoned node has no `unschedulable` at all.
      if (spec['unschedulable'] === false) delete spec['unschedulable'];
      if (Array.isArray(spec['taints']) && spec['taints'].length === 0) delete spec['taints'];
      const metadata = objectAt(draft, 'metadata');
      for (const map of ['labels', 'annotations']) {
        if (Object.keys(objectAt(metadata, map)).length === 0) delete metadata[map];
      }
    },
    wrote(write) {
      if (write.verb === 'delete') return;
      recordNodeWrite(cluster, write.key, changeIn(write), write.asked);
    },
  };
}

/** What was written, or what was meant when the write was refused. */
function changeIn({ before, after, sent }: Write<Node>): NodeChange {
  const old = before === undefined ? {} : toJson(before);
  if (after !== undefined) return nodeDifference(old, toJson(after));
  switch (sent.kind) {
    case 'jsonPatch':
      return intentOfJsonPatch(sent.steps);
    case 'mergePatch':
    case 'strategicPatch':
      return intentOfMergePatch(sent.patch);
    case 'object':
      return nodeDifference(old, sent.object);
    case 'nothing':
      return { annotations: {}, labels: {} };
  }
}

export function podParticulars(cluster: Cluster): Particulars<Pod> {
  return {
    columns: podColumns,
    candidates(terms) {
      const onNode = terms.find(({ field, equal }) => field === 'spec.nodeName' && equal);
      if (onNode === undefined || onNode.value === '') return undefined;
      return cluster.pods.onNode(onNode.value);
    },
    prepare(draft) {
      draft['status'] ??= { phase: 'Pending', conditions: [], qosClass: 'BestEffort' };
      const spec = objectAt(draft, 'spec');
      const defaults: JsonObject = {
        restartPolicy: 'Always',
        terminationGracePeriodSeconds: 30,
        schedulerName: 'default-scheduler',
        tolerations: toJson(defaultTolerations),
      };
      draft['spec'] = { ...defaults, ...spec };
    },
    validate(after, before) {
      if (before === undefined) return;
      const fixed = ({ spec }: Pod) => ({ ...spec, containers: [], tolerations: [] });
      if (isDeepStrictEqual(toJson(fixed(after)), toJson(fixed(before)))) return;
      const why = 'Forbidden: pod updates may not change fields other than the containers images';
      const of = { group: '', resource: 'Pod' };
      throw invalid(of, after.metadata.name, 'spec', why, 'FieldValueForbidden');
    },
    remove(pod, options, user) {
      const departure = { reason: 'deleted', askedBy: user } as const;
      deletePod(cluster, pod, options, { status: 200, departure });
    },
    wrote({ verb, key, before, after, asked }) {
      if (verb !== 'delete' || after !== undefined) return;
      recordRefusedDeletion(cluster, { key, node: before?.spec.nodeName ?? '' }, asked);
    },
  };
}

export function leaseParticulars(cluster: Cluster): Particulars<Lease> {
  return {
    columns: leaseColumns,
    validate({ metadata, spec }) {
      const seconds = spec.leaseDurationSeconds;
      if (seconds === undefined || seconds > 0) return;
      const of = { group: 'coordination.k8s.io', resource: 'Lease' };
      const why = `Invalid value: ${seconds}: must be greater than 0`;
      throw invalid(of, metadata.name, 'spec.leaseDurationSeconds', why);
    },
    wrote({ verb, key, before, after, sent, asked }) {
      const holder = after?.spec.holderIdentity ?? meantHolder(sent);
      recordLeaseWrite(cluster, { key, verb, before, holder }, asked);
    },
  };
}

/** Whom a refused write would have made the holder. */
function meantHolder(sent: Sent): string | undefined {
  if (sent.kind === 'nothing' || sent.kind === 'jsonPatch') return undefined;
  const { holderIdentity } = objectAt(sent.kind === 'object' ? sent.object : sent.patch, 'spec');
  return typeof holderIdentity === 'string' ? holderIdentity : undefined;
}

export const budgetParticulars: Particulars<DisruptionBudget> = {
  columns: budgetColumns,
  prepare(draft) {
    draft['status'] ??= {};
  },
  validate({ metadata, spec }) {
    if (spec.minAvailable === undefined || spec.maxUnavailable === undefined) return;
    const of = { group: 'policy', resource: 'PodDisruptionBudget' };
    const why = 'Invalid value: minAvailable and maxUnavailable cannot be both set';
    throw invalid(of, metadata.name, 'spec', why);
  },
};

export function namespaceParticulars(cluster: Cluster): Particulars<Namespace> {
  return {
    columns: namespaceColumns,
    /** Stays Terminating until the namespace controller has emptied it. */
    remove(namespace) {
      if (namespace.status.phase === 'Terminating') return;
      cluster.kinds.namespaces.objects.put({
        ...namespace,
        metadata: {
          ...namespace.metadata,
          deletionTimestamp: timestamp(cluster.timers.now()),
        },
        status: { ...namespace.status, phase: 'Terminating' },
      });
    },
  };
}

/** As events without eventTime are checked (kubernetes pkg/apis/core/validation/events.go). */
export const eventParticulars: Particulars<Event> = {
  columns: eventColumns,
  prepare(draft) {
    for (const field of ['firstTimestamp', 'lastTimestamp']) {
      const time = draft[field];
      // metav1.Time is written in whole seconds.
      if (typeof time === 'string') draft[field] = timestamp(Date.parse(time));
    }
  },
  validate({ metadata, involvedObject }) {
    const { namespace = '' } = involvedObject;
    if (metadata.namespace === (namespace === '' ? 'default' : namespace)) return;
    const of = { group: '', resource: 'Event' };
    const why = `Invalid value: "${namespace}": does not match event.namespace`;
    throw invalid(of, metadata.name, 'involvedObject.namespace', why);
  },
};

/** events.k8s.io/v1 renames what core/v1 has (pkg/apis/events/v1/conversion.go). */
export const newEventParticulars: Particulars<Event> = {
  present({ involvedObject, message, source, count, firstTimestamp, lastTimestamp, ...event }) {
    const renamed: ApiObject = {
      ...event,
      apiVersion: 'events.k8s.io/v1',
      regarding: involvedObject,
      note: message,
      deprecatedSource: source,
      deprecatedCount: count,
      deprecatedFirstTimestamp: firstTimestamp,
      deprecatedLastTimestamp: lastTimestamp,
    };
    return renamed;
  },
};

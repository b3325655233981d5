/**
 * The resources that the API serves: their names, their verbs, and how their objects are decoded.
 */
import type { z } from 'zod';
import {
  schemas,
  type ApiObject,
  type DisruptionBudget,
  type Event,
  type Lease,
  type Namespace,
  type Node,
  type Pod,
  type WorkloadObject,
} from './objects.ts';
import { Collection, type Revisions } from './store.ts';

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete';

export interface ResourceNames {
  group: string;
  version: string;
  plural: string;
  singular: string;
  kind: string;
  shortNames: readonly string[];
  categories: readonly string[];
  namespaced: boolean;
  verbs: readonly Verb[];
  /** `status` where the object's status is written apart from the rest. */
  subresources: readonly string[];
  /** An update without resourceVersion is taken (registry strategies, AllowUnconditionalUpdate). */
  unconditionalUpdate: boolean;
  /** metadata.generation counts changes of the spec. */
  counted: boolean;
}

export interface Resource<T extends ApiObject> extends ResourceNames {
  /** Field selectors beside metadata.name and metadata.namespace. */
  fields: Readonly<Record<string, (object: T) => string>>;
  schema: z.ZodType<T>;
}

/** A resource and its objects. */
export interface Kind<T extends ApiObject> {
  resource: Resource<T>;
  objects: Collection<T>;
}

const readVerbs = ['get', 'list', 'watch'] as const;
const allVerbs = [...readVerbs, 'create', 'update', 'patch', 'delete'] as const;

const defaults = {
  shortNames: [],
  categories: [],
  namespaced: true,
  verbs: allVerbs,
  subresources: ['status'],
  unconditionalUpdate: true,
  counted: true,
  fields: {},
} as const;

const core = { group: '', version: 'v1', ...defaults, counted: false };

const nodes: Resource<Node> = {
  ...core,
  plural: 'nodes',
  singular: 'node',
  kind: 'Node',
  shortNames: ['no'],
  namespaced: false,
  fields: { 'spec.unschedulable': (node) => String(node.spec.unschedulable === true) },
  schema: schemas.node,
};

const pods: Resource<Pod> = {
  ...core,
  plural: 'pods',
  singular: 'pod',
  kind: 'Pod',
  shortNames: ['po'],
  categories: ['all'],
  fields: {
    'spec.nodeName': (pod) => pod.spec.nodeName ?? '',
    'spec.restartPolicy': (pod) => pod.spec.restartPolicy ?? 'Always',
    'status.phase': (pod) => pod.status.phase,
    'status.podIP': (pod) => pod.status.podIP ?? '',
  },
  schema: schemas.pod,
};

const namespaces: Resource<Namespace> = {
  ...core,
  plural: 'namespaces',
  singular: 'namespace',
  kind: 'Namespace',
  shortNames: ['ns'],
  namespaced: false,
  fields: { 'status.phase': (namespace) => namespace.status.phase },
  schema: schemas.namespace,
};

const events: Resource<Event> = {
  ...core,
  plural: 'events',
  singular: 'event',
  kind: 'Event',
  shortNames: ['ev'],
  subresources: [],
  fields: {
    'involvedObject.kind': (event) => event.involvedObject.kind ?? '',
    'involvedObject.namespace': (event) => event.involvedObject.namespace ?? '',
    'involvedObject.name': (event) => event.involvedObject.name ?? '',
    'involvedObject.uid': (event) => event.involvedObject.uid ?? '',
    reason: (event) => event.reason ?? '',
    type: (event) => event.type ?? '',
  },
  schema: schemas.event,
};

const leases: Resource<Lease> = {
  ...defaults,
  group: 'coordination.k8s.io',
  version: 'v1',
  plural: 'leases',
  singular: 'lease',
  kind: 'Lease',
  subresources: [],
  unconditionalUpdate: false,
  counted: false,
  schema: schemas.lease,
};

const budgets: Resource<DisruptionBudget> = {
  ...defaults,
  group: 'policy',
  version: 'v1',
  plural: 'poddisruptionbudgets',
  singular: 'poddisruptionbudget',
  kind: 'PodDisruptionBudget',
  shortNames: ['pdb'],
  unconditionalUpdate: false,
  schema: schemas.budget,
};

/** People may look at workloads and change them (scale), but come and go with the scenario only. */
const workload = {
  ...defaults,
  group: 'apps',
  version: 'v1',
  categories: ['all'],
  verbs: [...readVerbs, 'update', 'patch'],
  schema: schemas.workload,
} as const;

const deployments: Resource<WorkloadObject> = {
  ...workload,
  plural: 'deployments',
  singular: 'deployment',
  kind: 'Deployment',
  shortNames: ['deploy'],
};

const replicaSets: Resource<WorkloadObject> = {
  ...workload,
  plural: 'replicasets',
  singular: 'replicaset',
  kind: 'ReplicaSet',
  shortNames: ['rs'],
};

const statefulSets: Resource<WorkloadObject> = {
  ...workload,
  plural: 'statefulsets',
  singular: 'statefulset',
  kind: 'StatefulSet',
  shortNames: ['sts'],
};

const daemonSets: Resource<WorkloadObject> = {
  ...workload,
  plural: 'daemonsets',
  singular: 'daemonset',
  kind: 'DaemonSet',
  shortNames: ['ds'],
};

const jobs: Resource<WorkloadObject> = {
  ...workload,
  group: 'batch',
  plural: 'jobs',
  singular: 'job',
  kind: 'Job',
};

/** Events are one store under two groups; the newer group is read only here. */
const newEvents: Resource<Event> = { ...events, group: 'events.k8s.io', verbs: readVerbs };

/** Everything that one cluster stores. */
export interface Kinds {
  nodes: Kind<Node>;
  pods: Kind<Pod>;
  namespaces: Kind<Namespace>;
  events: Kind<Event>;
  newEvents: Kind<Event>;
  leases: Kind<Lease>;
  budgets: Kind<DisruptionBudget>;
  deployments: Kind<WorkloadObject>;
  replicaSets: Kind<WorkloadObject>;
  statefulSets: Kind<WorkloadObject>;
  daemonSets: Kind<WorkloadObject>;
  jobs: Kind<WorkloadObject>;
}

export function createKinds(revisions: Revisions): Kinds {
  const kind = <T extends ApiObject>(resource: Resource<T>): Kind<T> => ({
    resource,
    objects: new Collection<T>(revisions),
  });
  const coreEvents = kind(events);
  return {
    nodes: kind(nodes),
    pods: kind(pods),
    namespaces: kind(namespaces),
    events: coreEvents,
    newEvents: { resource: newEvents, objects: coreEvents.objects },
    leases: kind(leases),
    budgets: kind(budgets),
    deployments: kind(deployments),
    replicaSets: kind(replicaSets),
    statefulSets: kind(statefulSets),
    daemonSets: kind(daemonSets),
    jobs: kind(jobs),
  };
}

/** `v1` or `group/v1`. */
export function apiVersionOf(resource: { group: string; version: string }): string {
  return resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
}

/** How messages name the resource. */
export function groupResource(resource: { group: string; plural: string }) {
  return { group: resource.group, resource: resource.plural };
}

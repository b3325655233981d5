/**
 * The Kubernetes objects that the simulation knows, as far as it looks into them: what it does not
 * know is carried along untouched. The schemas decode what clients send; stored objects are never
 * mutated, a write replaces them (so 25,000 pods share the parts that come from one template).
 */
import * as z from 'zod';

/** Go decodes a null into a map of strings as the empty string. */
const stringMap = z.record(
  z.string(),
  z
    .string()
    .nullable()
    .transform((value) => value ?? ''),
);

const ownerReference = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  name: z.string(),
  uid: z.string(),
  controller: z.boolean().optional(),
});

const metadata = z.looseObject({
  name: z.string(),
  namespace: z.string().optional(),
  uid: z.string(),
  resourceVersion: z.string(),
  creationTimestamp: z.string(),
  generation: z.number().optional(),
  deletionTimestamp: z.string().optional(),
  deletionGracePeriodSeconds: z.number().optional(),
  labels: stringMap.optional(),
  annotations: stringMap.optional(),
  ownerReferences: z.array(ownerReference).optional(),
});

const object = <Shape extends z.ZodRawShape>(shape: Shape) =>
  z.looseObject({ apiVersion: z.string(), kind: z.string(), metadata, ...shape });

const labelSelector = z.looseObject({
  matchLabels: z.record(z.string(), z.string()).optional(),
  matchExpressions: z
    .array(
      z.looseObject({
        key: z.string(),
        operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']),
        values: z.array(z.string()).optional(),
      }),
    )
    .optional(),
});

const taint = z.looseObject({
  key: z.string(),
  value: z.string().optional(),
  effect: z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute']),
  timeAdded: z.string().optional(),
});

const toleration = z.looseObject({
  key: z.string().optional(),
  operator: z.enum(['Exists', 'Equal']).optional(),
  value: z.string().optional(),
  effect: z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute']).optional(),
  tolerationSeconds: z.number().optional(),
});

const condition = z.looseObject({
  type: z.string(),
  status: z.enum(['True', 'False', 'Unknown']),
  reason: z.string().optional(),
  message: z.string().optional(),
  lastTransitionTime: z.string().optional(),
  lastHeartbeatTime: z.string().optional(),
});

const node = object({
  spec: z.looseObject({
    providerID: z.string().optional(),
    unschedulable: z.boolean().optional(),
    taints: z.array(taint).optional(),
  }),
  status: z.looseObject({
    conditions: z.array(condition).default([]),
    nodeInfo: z.looseObject({
      bootID: z.string(),
      machineID: z.string(),
      systemUUID: z.string(),
      kernelVersion: z.string(),
      osImage: z.string(),
      kubeletVersion: z.string(),
      containerRuntimeVersion: z.string(),
    }),
    addresses: z.array(z.looseObject({ type: z.string(), address: z.string() })).default([]),
    allocatable: z.record(z.string(), z.string()).optional(),
  }),
});

const nodeAffinity = z.looseObject({
  requiredDuringSchedulingIgnoredDuringExecution: z
    .looseObject({ nodeSelectorTerms: z.array(labelSelector) })
    .optional(),
});

const podSpec = z.looseObject({
  nodeName: z.string().optional(),
  affinity: z.looseObject({ nodeAffinity: nodeAffinity.optional() }).optional(),
  nodeSelector: z.record(z.string(), z.string()).optional(),
  tolerations: z.array(toleration).optional(),
  terminationGracePeriodSeconds: z.number().optional(),
  restartPolicy: z.enum(['Always', 'OnFailure', 'Never']).optional(),
  containers: z.array(z.looseObject({ name: z.string(), image: z.string().optional() })),
});

const containerStatus = z.looseObject({
  name: z.string(),
  ready: z.boolean(),
  restartCount: z.number(),
});

const pod = object({
  spec: podSpec,
  status: z.looseObject({
    phase: z.enum(['Pending', 'Running', 'Succeeded', 'Failed', 'Unknown']),
    reason: z.string().optional(),
    podIP: z.string().optional(),
    startTime: z.string().optional(),
    conditions: z.array(condition).default([]),
    containerStatuses: z.array(containerStatus).optional(),
  }),
});

const budget = object({
  spec: z.looseObject({
    minAvailable: z.union([z.number(), z.string()]).optional(),
    maxUnavailable: z.union([z.number(), z.string()]).optional(),
    selector: labelSelector.optional(),
    unhealthyPodEvictionPolicy: z.enum(['IfHealthyBudget', 'AlwaysAllow']).optional(),
  }),
  status: z.looseObject({
    currentHealthy: z.number().default(0),
    desiredHealthy: z.number().default(0),
    disruptionsAllowed: z.number().default(0),
    expectedPods: z.number().default(0),
    observedGeneration: z.number().default(0),
    disruptedPods: z.record(z.string(), z.string()).optional(),
    conditions: z.array(condition).optional(),
  }),
});

const template = z.looseObject({
  metadata: z.looseObject({ labels: stringMap.optional(), annotations: stringMap.optional() }),
  spec: podSpec,
});

const workload = object({
  spec: z.looseObject({
    replicas: z.number().optional(),
    parallelism: z.number().optional(),
    completions: z.number().optional(),
    selector: labelSelector.optional(),
    template,
  }),
  status: z.looseObject({}).default({}),
});

/**
 * Lease and event times are MicroTime: Go's layout demands exactly six digits after the point, so
 * what JavaScript's `toISOString` prints is refused
 * (k8s.io/apimachinery/pkg/apis/meta/v1/micro_time.go, RFC3339Micro).
 */
const microTime = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)$/, {
  error: ({ input }) => `parsing time "${String(input)}" as "2006-01-02T15:04:05.000000Z07:00"`,
});

const lease = object({
  spec: z
    .looseObject({
      holderIdentity: z.string().optional(),
      leaseDurationSeconds: z.number().int().optional(),
      acquireTime: microTime.optional(),
      renewTime: microTime.optional(),
      leaseTransitions: z.number().int().optional(),
    })
    .default({}),
});

const namespace = object({
  spec: z.looseObject({}).default({}),
  status: z
    .looseObject({ phase: z.enum(['Active', 'Terminating']) })
    .default({ phase: 'Active' as const }),
});

const event = object({
  involvedObject: z.looseObject({
    kind: z.string().optional(),
    namespace: z.string().optional(),
    name: z.string().optional(),
    uid: z.string().optional(),
  }),
  reason: z.string().optional(),
  message: z.string().optional(),
  type: z.string().optional(),
  eventTime: microTime.optional(),
});

export const schemas = { node, pod, budget, workload, lease, namespace, event };

export type Metadata = z.infer<typeof metadata>;
export type OwnerReference = z.infer<typeof ownerReference>;
export type LabelSelector = z.infer<typeof labelSelector>;
export type Taint = z.infer<typeof taint>;
export type Toleration = z.infer<typeof toleration>;
export type Condition = z.infer<typeof condition>;
export type Node = z.infer<typeof node>;
export type PodSpec = z.infer<typeof podSpec>;
export type PodTemplate = z.infer<typeof template>;
export type Pod = z.infer<typeof pod>;
export type DisruptionBudget = z.infer<typeof budget>;
/** Deployment, ReplicaSet, StatefulSet, DaemonSet or Job. */
export type WorkloadObject = z.infer<typeof workload>;
export type Lease = z.infer<typeof lease>;
export type Namespace = z.infer<typeof namespace>;
export type Event = z.infer<typeof event>;

/** What all of them have. */
export interface ApiObject {
  apiVersion: string;
  kind: string;
  metadata: Metadata;
  [field: string]: unknown;
}

/** `namespace/name`, or `name` for what has no namespace. */
export function keyOf(object: { metadata: { namespace?: string | undefined; name: string } }) {
  const { namespace: space, name } = object.metadata;
  return space === undefined ? name : `${space}/${name}`;
}

/** Kubernetes writes metav1.Time in whole seconds. */
export function timestamp(instant: number): string {
  return `${new Date(instant).toISOString().slice(0, 19)}Z`;
}

export function controllerOf(object: ApiObject): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find((owner) => owner.controller === true);
}

export function conditionOf(
  object: { status: { conditions?: Condition[] | undefined } },
  type: string,
): Condition | undefined {
  return object.status.conditions?.find((condition) => condition.type === type);
}

export function isReady(object: { status: { conditions?: Condition[] | undefined } }): boolean {
  return conditionOf(object, 'Ready')?.status === 'True';
}

/** Succeeded or Failed: it runs no more. */
export function isTerminal(pod: Pod): boolean {
  return pod.status.phase === 'Succeeded' || pod.status.phase === 'Failed';
}

export function isTerminating(object: ApiObject): boolean {
  return object.metadata.deletionTimestamp !== undefined;
}

/**
 * Replaces the condition of that type, or adds it; lastTransitionTime moves only when the status
 * does (k8s.io/kubernetes/pkg/api/v1/pod UpdatePodCondition).
 */
export function withCondition(
  conditions: readonly Condition[] | undefined,
  next: Condition,
  now: number,
): Condition[] {
  const old = conditions?.find((condition) => condition.type === next.type);
  const same = old?.status === next.status;
  const changed: Condition = {
    ...next,
    lastTransitionTime: (same ? old.lastTransitionTime : undefined) ?? timestamp(now),
  };
  if (old === undefined) return [...(conditions ?? []), changed];
  return (conditions ?? []).map((condition) => (condition === old ? changed : condition));
}

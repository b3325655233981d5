import * as z from 'zod';
import { isSelector } from '../domain/selector.ts';

/** Settings that say how nodes are drained; all may differ from pool to pool. */

export const drainShape = {
  drainTimeoutMinutes: z
    .int()
    .min(1)
    .max(1440)
    .describe('From the cordon: a drain may take so long.'),
  atDrainDeadline: z
    .enum(['setAside', 'stop', 'restart'])
    .describe(
      'After that: undo it and go on with other nodes, or begin no other in this run, or restart ' +
        'the node with the pods that are left on it.',
    ),
  deleteAfterMinutes: z
    .int()
    .min(-1)
    .max(1440)
    .describe(
      'From the cordon: pods are deleted instead of evicted, whatever disruption budgets say; ' +
        '-1 never.',
    ),
  gracePeriodSeconds: z
    .int()
    .min(-1)
    .max(3600)
    .describe("Seconds a pod gets to end; -1 leaves the pod's own."),
  skipWaitForDeleteSeconds: z
    .int()
    .min(0)
    .max(86_400)
    .describe('Pods whose grace period ended longer ago are not waited for; 0 waits for all.'),
  podSelector: z
    .string()
    .max(1000)
    .refine((text) => text === '' || isSelector(text), {
      error: 'is not a label selector, e.g. "app!=cache,tier in (a,b)"',
    })
    .describe('Drain only the pods that this label selector selects; the others stay.'),
  parallelEvictions: z
    .int()
    .min(1)
    .max(250)
    .describe('Evictions that may be accepted in one slice of a drain, every 5 seconds or so.'),
  deleteEmptyDirData: z.boolean().describe('Evict pods with emptyDir volumes; their data is lost.'),
  evictUnmanaged: z.boolean().describe('Evict pods that no controller re-creates.'),
  minReadyInPool: z
    .int()
    .min(0)
    .max(1000)
    .describe('Other Ready nodes of the pool that have to take pods; 0 allows single-node pools.'),
  minReadyInZone: z
    .int()
    .min(0)
    .max(1000)
    .describe("Other Ready nodes of the pool in the node's zone that have to take pods."),
} as const;

export const drainDefaults = {
  drainTimeoutMinutes: 30,
  atDrainDeadline: 'setAside',
  deleteAfterMinutes: -1,
  gracePeriodSeconds: -1,
  skipWaitForDeleteSeconds: 0,
  podSelector: '',
  parallelEvictions: 10,
  deleteEmptyDirData: true,
  evictUnmanaged: false,
  minReadyInPool: 1,
  minReadyInZone: 0,
} as const satisfies z.infer<z.ZodObject<typeof drainShape>>;

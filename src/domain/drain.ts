import type { Reason } from './reason.ts';

/** How a drain treats pods. Meanings are kubectl's; docs/drain.md lists where they differ. */
export interface DrainPolicy {
  /** Seconds a pod gets; −1 leaves its own `terminationGracePeriodSeconds`. */
  gracePeriodSeconds: number;
  /** Pods whose grace period ended longer ago are not waited for; 0 waits for all. */
  skipWaitForDeleteSeconds: number;
  /** Label selector: other pods stay on the node. Empty selects all. */
  podSelector: string;
  /** Evict pods with emptyDir volumes (their data is lost); else they stop the drain. */
  deleteEmptyDirData: boolean;
  /** Evict pods that no controller will re-create; else they stop the drain. */
  evictUnmanaged: boolean;
  /** Evictions that may be accepted in one slice. */
  parallelEvictions: number;
  /** Ask for evictions, which disruption budgets may refuse, or delete, which they can't. */
  way: 'evict' | 'delete';
  /** Go on with the others although policy keeps a pod from leaving. */
  pastRefused: boolean;
}

interface Left {
  /** `namespace/name`. */
  pod: string;
  uid: string;
  /** What its leaving costs, by the policy that allows it; every one of them. */
  warnings: string[];
  reason: Reason;
}

/** A pod that still has to leave before the node is drained. */
export type PodLeft =
  /** To be evicted in a later slice. */
  | (Left & { state: 'evicting' })
  /** On its way: since when (ISO 8601), and what is left of its grace period. */
  | (Left & { state: 'terminating'; since: string; graceSecondsLeft: number })
  /** A disruption budget does not let it go now; with its numbers where they could be read. */
  | (Left & { state: 'blocked'; budget?: BudgetNumbers })
  /** Policy or the API server forbids it for good. */
  | (Left & { state: 'refused' });

/** A disruption budget as its status says it. */
export interface BudgetNumbers {
  /** `namespace/name`. */
  budget: string;
  /** Pods that it counts as healthy, and how many it wants to be. */
  healthy: number;
  desired: number;
  /** Pods that there should be. */
  expected: number;
  /** Disruptions that it allows now. */
  allowed: number;
}

/** A pod that stays on the node while that reboots. */
export interface PodStaying {
  pod: string;
  why: string;
  /** It would have to leave, had the policy not chosen otherwise. */
  chosen: boolean;
}

/** The pods on a node; none left means drained. */
export interface NodePods {
  left: PodLeft[];
  staying: PodStaying[];
}

/** What one slice of a drain did and found; those just evicted are still left. */
export interface DrainSlice extends NodePods {
  /** Pods whose eviction was accepted in this slice, `namespace/name`. */
  evicted: string[];
}

/** What a drain would come to, found out without disturbing anybody. */
export interface Forecast {
  /** Pods that would have to leave. */
  leaving: number;
  /** Why it can't succeed as things stand; empty when nothing is known against it. */
  hopeless: Reason[];
  /** What is in the way now and may pass by itself. */
  passing: Reason[];
}

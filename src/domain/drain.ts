import type { Reason } from './reason.ts';

/** How a drain treats pods. Meanings are kubectl's. */
export interface DrainPolicy {
  /** Seconds a pod gets; −1 leaves its own `terminationGracePeriodSeconds`. */
  gracePeriodSeconds: number;
  /** Evict pods with emptyDir volumes (their data is lost); else they stop the drain. */
  deleteEmptyDirData: boolean;
  /** Evict pods that no controller will re-create; else they stop the drain. */
  evictUnmanaged: boolean;
  /** Evictions asked for in one slice. */
  parallelEvictions: number;
}

/** A pod that still has to leave before the node is drained. */
export interface PodLeft {
  /** `namespace/name`. */
  pod: string;
  uid: string;
  /**
   * `evicting`: to be evicted in a next slice; `terminating`: on its way;
   * `blocked`: refused by a disruption budget; `refused`: policy or the API server forbids it.
   */
  state: 'evicting' | 'terminating' | 'blocked' | 'refused';
  reason: Reason;
}

/** What one slice of a drain did and found. */
export interface DrainSlice {
  /** Pods whose eviction was accepted in this slice, `namespace/name`. */
  evicted: string[];
  /** What is left to drain afterwards; empty means drained. */
  left: PodLeft[];
}

/**
 * The audit log: every change that anyone asked of simulated Azure, and every change that a machine
 * made by itself, in the order in which it happened. It is the witness for the promises; nothing in
 * `src/` reads it.
 */
export const auditActions = [
  'probe', // a run-command script was asked for on an instance
  'cordon', // spec.unschedulable went from false to true
  'uncordon', // spec.unschedulable went from true to false
  'annotate', // a node's annotations, labels or taints changed
  'evict', // an eviction was asked for
  'podDeleted', // a pod object is gone
  'restart', // a restart of an instance was asked for
  'down', // a machine went down
  'booted', // a machine is up with a new boot id
  'ready', // a node's Ready condition changed; detail.ready says to what
  'runCommand', // an AKS run command was asked for
  'lease', // a Lease was created, changed or deleted
] as const;
export type AuditAction = (typeof auditActions)[number];

export interface AuditLine {
  /** When, ISO 8601 in UTC, on the simulation's clock. */
  t: string;
  /** 1, 2, 3 … over the whole log. */
  seq: number;
  /**
   * Who asked: the caller's name, or `azure`, `kubelet`, `controller` for what happened by itself.
   */
  actor: string;
  /** The managed cluster's ARM id, as the scenario spells it. */
  cluster: string;
  /** The Kubernetes node's name; empty where no node is concerned. */
  node: string;
  action: AuditAction;
  /** HTTP status answered to the asker; 0 for what happened by itself. */
  status: number;
  detail: Record<string, unknown>;
}

export interface Audit {
  write(line: Omit<AuditLine, 't' | 'seq'>): void;
  /** All lines so far, oldest first. */
  readonly lines: readonly AuditLine[];
}

/**
 * Makes an audit log.
 *
 * @param now the simulation's clock, epoch milliseconds
 * @param sink called with each line as it is written (a file, a test)
 */
export function createAudit(now: () => number, sink: (line: AuditLine) => void = () => {}): Audit {
  const lines: AuditLine[] = [];
  return {
    lines,
    write(entry) {
      const line = { t: new Date(now()).toISOString(), seq: lines.length + 1, ...entry };
      lines.push(line);
      sink(line);
    },
  };
}

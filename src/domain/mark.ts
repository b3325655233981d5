import * as z from 'zod';
import { instantSchema } from './instant.ts';

/**
 * The mark: our annotation on a node that we took out of service. It holds everything that is
 * needed to finish or undo the work when nothing else is left (storage deleted, app gone), and it
 * counts as a slot.
 */
export const markAnnotation = 'aks-reboot-orchestrator/mark';
/** What we leave on a node after a proved reboot, for the loop guard. */
export const lastRebootAnnotation = 'aks-reboot-orchestrator/last-reboot';

/** Marks are small: what does not fit is in the log. */
export const longestEscalated = 500;

/** Who forces it, and why, in words. */
const longestForced = 800;

const markSchema = z.object({
  version: z.literal(1),
  controller: z.string().min(1).max(100),
  run: z.string().min(1).max(64),
  /** The lock's fencing number at our cordon, or at the recovery that took the mark over. */
  fence: z.number().int().nonnegative(),
  /** Boot id, UID and vmId before the restart: the machine that we mean. */
  bootId: z.string().min(1),
  uid: z.string().min(1),
  vmId: z.string().min(1),
  /** Root file system's birth, epoch seconds; 0 when unknown. */
  birth: z.number().int().nonnegative(),
  kernel: z.string(),
  /** A person had cordoned the node before us: it stays cordoned. */
  wasUnschedulable: z.boolean(),
  /** What the autoscaler's annotation said before us, null for nothing; missing: not set by us. */
  scaleDownBefore: z.string().nullable().optional(),
  /** DaemonSets (`namespace/name`) whose pod on the node was Ready. */
  daemonSetsReady: z.array(z.string()),
  /** The need's hash, for the loop guard; empty where another need can't be told from it. */
  need: z.string(),
  /** Why it is rebooted without a need of its own: then no sentinel is asked about in the proof. */
  forced: z.string().max(longestForced).optional(),
  since: instantSchema,
  /** The restart that was asked for, written before it is asked for. */
  attempt: z
    .object({
      number: z.number().int().min(1).max(2),
      at: instantSchema,
      /** Who was asked: ARM (also where nothing is said), or the node itself. */
      method: z.enum(['arm', 'guest']).optional(),
    })
    .optional(),
  /** What its drain did beyond evicting, as settings allow: the outcome says so. */
  escalated: z.string().max(longestEscalated).optional(),
  /** Why the node was left marked: a person is needed, and the cluster is halted. */
  stuck: z.object({ kind: z.string(), value: z.string().max(500), at: instantSchema }).optional(),
});
export type Mark = z.infer<typeof markSchema>;

const lastRebootSchema = z.object({
  at: instantSchema,
  bootIdBefore: z.string(),
  bootIdAfter: z.string(),
  /** The need that was served, and the kernel that runs since: the same again is refused. */
  need: z.string(),
  kernel: z.string(),
  run: z.string(),
  /** As on the mark. */
  forced: z.string().max(longestForced).optional(),
});
export type LastReboot = z.infer<typeof lastRebootSchema>;

/** What we leave on a node whose restart was refused: draining it again would be in vain. */
export const lastRefusalAnnotation = 'aks-reboot-orchestrator/last-refusal';

const lastRefusalSchema = z.object({
  at: instantSchema,
  /** Whom it concerns: a right that is missing is missing for all nodes. */
  scope: z.enum(['node', 'cluster']),
  value: z.string().max(300),
});
export type LastRefusal = z.infer<typeof lastRefusalSchema>;

/**
 * A mark or last-reboot note as found on a node; `unreadable` is somebody's, so it is never undone.
 */
export type Read<T> =
  | { kind: 'none' }
  | { kind: 'read'; value: T; text: string }
  | { kind: 'unreadable'; text: string };

export function readMark(annotations: Record<string, string>): Read<Mark> {
  return readAnnotation(annotations[markAnnotation], markSchema);
}

export function readLastReboot(annotations: Record<string, string>): Read<LastReboot> {
  return readAnnotation(annotations[lastRebootAnnotation], lastRebootSchema);
}

export function readLastRefusal(annotations: Record<string, string>): Read<LastRefusal> {
  return readAnnotation(annotations[lastRefusalAnnotation], lastRefusalSchema);
}

/** The annotation's text. Key order is fixed by construction so that a `test` compares equal. */
export function writeMark(mark: Mark): string {
  return JSON.stringify(mark);
}

export function writeLastReboot(note: LastReboot): string {
  return JSON.stringify(note);
}

export function writeLastRefusal({ value, ...note }: LastRefusal): string {
  return JSON.stringify({ ...note, value: value.slice(0, 300) });
}

function readAnnotation<T>(text: string | undefined, schema: z.ZodType<T>): Read<T> {
  if (text === undefined) return { kind: 'none' };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { kind: 'unreadable', text };
  }
  const parsed = schema.safeParse(value);
  return parsed.success ? { kind: 'read', value: parsed.data, text } : { kind: 'unreadable', text };
}

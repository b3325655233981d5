import { shortHash } from './arm.ts';
import { epochMs, isoInstant } from './instant.ts';
import * as z from 'zod';
import { factsOf, probeSchema } from './probe.ts';
import type { Probe } from './probe.ts';

/** A need: a `required` answer on one boot of one machine. */
export interface Need {
  bootId: string;
  birth: number;
  packages: string[];
  /**
   * Of the packages: with the kernel it is what the loop guard compares. `unnamedNeed` where the
   * node named none.
   */
  hash: string;
  /** When the probe answered, ISO 8601. */
  at: string;
}

/** A node that can be asked, and the machine that has to answer. */
export const probeAddressSchema = z.object({
  node: z.string(),
  /** Its settings say how it is asked. */
  pool: z.string(),
  /** ARM id. */
  instance: z.string(),
  vmId: z.string(),
});
export type ProbeAddress = z.infer<typeof probeAddressSchema>;

/** A probe's answer as it is kept for `probeMaxAgeHours`. */
export const probeRecordSchema = z.object({
  probe: probeSchema,
  /** The machine that answered. */
  vmId: z.string(),
  /** When it answered, ISO 8601. */
  at: z.string(),
  /** The boot that has been known to need a reboot, and since when. */
  due: z.object({ bootId: z.string(), since: z.string() }).optional(),
});
export type ProbeRecord = z.infer<typeof probeRecordSchema>;

/**
 * The record with since when its boot has been known to need a reboot. A machine that could not be
 * asked in between keeps the age of its need; another boot or another machine begins anew.
 *
 * @param earlier what was kept of the same node
 */
export function withAge(record: ProbeRecord, earlier: ProbeRecord | undefined): ProbeRecord {
  const { probe, vmId, at } = record;
  const known = earlier?.vmId === vmId ? earlier.due : undefined;
  const answer = { probe, vmId, at };
  switch (probe.kind) {
    case 'required': {
      const { bootId } = probe;
      // The file's age is a span of the node's own clock: no two clocks are compared.
      const { ageSeconds } = probe;
      const since = ageSeconds === undefined ? at : isoInstant(epochMs(at) - ageSeconds * 1000);
      return { ...answer, due: known?.bootId === bootId ? known : { bootId, since } };
    }
    case 'unknown':
      return known === undefined ? answer : { ...answer, due: known };
    case 'notRequired':
      return answer;
  }
}

/** A need of which nobody knows what for: it can't be told from the next one of its kind. */
export const unnamedNeed = 'unnamed';

/** What the mark keeps of the need that is served. */
export interface ServedNeed {
  birth: number;
  /** Its hash; empty where another need can't be told from it. */
  need: string;
  forced?: string;
}

/**
 * The need that is served, or `undefined` when there is none.
 *
 * @param forced why it is rebooted without a need of its own
 */
export function servedNeed(
  { probe, at }: ProbeRecord,
  forced: string | undefined,
): ServedNeed | undefined {
  if (forced !== undefined) {
    const facts = factsOf(probe);
    return facts && { birth: facts.birth, need: '', forced };
  }
  if (probe.kind !== 'required') return undefined;
  const { birth, hash } = needOf(probe, at);
  return { birth, need: hash === unnamedNeed ? '' : hash };
}

/** The need behind a `required` answer. */
export function needOf(probe: Extract<Probe, { kind: 'required' }>, at: string): Need {
  const packages = [...probe.packages].sort();
  return {
    bootId: probe.bootId,
    birth: probe.birth,
    packages,
    hash: packages.length === 0 ? unnamedNeed : shortHash(packages.join('\n')),
    at,
  };
}

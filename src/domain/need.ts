import { shortHash } from './arm.ts';
import * as z from 'zod';
import { probeSchema } from './probe.ts';
import type { Probe } from './probe.ts';

/** A need: a `required` answer on one boot of one machine. */
export interface Need {
  bootId: string;
  birth: number;
  packages: string[];
  /** Of the packages: with the kernel it is what the loop guard compares. */
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
});
export type ProbeRecord = z.infer<typeof probeRecordSchema>;

/** The need behind a `required` answer. */
export function needOf(probe: Extract<Probe, { kind: 'required' }>, at: string): Need {
  const packages = [...probe.packages].sort();
  return {
    bootId: probe.bootId,
    birth: probe.birth,
    packages,
    hash: shortHash(packages.join('\n')),
    at,
  };
}

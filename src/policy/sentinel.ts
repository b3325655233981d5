import * as z from 'zod';
import { sentinelPathPattern } from '../domain/probe.ts';

/** Settings of what says that a reboot is due. */

const exitCodes = z.array(z.int().min(0).max(255)).min(1).max(50);

export const sentinelShape = {
  sentinelPath: z
    .string()
    .regex(sentinelPathPattern, 'is not an absolute path of letters, digits and . _ / -')
    .describe('The file on the node that says a reboot is due.'),
  sentinelCommand: z
    .string()
    .max(4000)
    .describe('Instead of the file: a shell command whose exit code says so. Runs as root.'),
  sentinelRequiredCodes: exitCodes.describe('Exit codes that mean: a reboot is due.'),
  sentinelNotRequiredCodes: exitCodes.describe('Exit codes that mean: none is. Others: unknown.'),
  minNeedAgeHours: z
    .number()
    .min(0)
    .max(8760)
    .describe('No reboot before the need is that old, by what wrote the file last.'),
} as const;

export const sentinelDefaults = {
  sentinelPath: '/var/run/reboot-required',
  sentinelCommand: '',
  sentinelRequiredCodes: [0],
  sentinelNotRequiredCodes: [1],
  minNeedAgeHours: 0,
} as const satisfies z.infer<z.ZodObject<typeof sentinelShape>>;

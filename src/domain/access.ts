import * as z from 'zod';

/** How one gets to a cluster's API server. */
const ways = [
  'api', // over HTTPS, as kubectl does
  'runCommand', // through a pod that AKS starts for each command (AKS run command)
] as const;

export const wantedAccesses = ['auto', ...ways] as const;
export type WantedAccess = (typeof wantedAccesses)[number];

/** The way that was taken, and why: for the log and the report. */
export const accessSchema = z.object({ way: z.enum(ways), why: z.string() });
export type Access = z.infer<typeof accessSchema>;

import * as z from 'zod';

/**
 * What has to be true before the first run: each check is an anchor in docs/preflight.md. The
 * order is the one in which people mend things.
 */
export const checkNames = [
  'cluster', // it can be read, runs, and no operation is on it
  'lockdown', // its node resource group is not locked down
  'rights', // the identity may do in Azure what a run does
  'access', // its API server is reached
  'kubernetesRights', // the identity may do in the cluster what a run does
  'claim', // no other controller has claimed it
  'approval', // somebody can tell who approves, where a person has to
  'nodes', // nodes and machines prove to be the same
  'agents', // the machines' agents answer
  'channel', // something lets nodes need a reboot at all
  'kured', // nobody else reboots the nodes
  'entra', // who we are in the cluster
  'clock', // our clock and theirs agree
  'versions', // versions that this program knows
] as const;
export type CheckName = (typeof checkNames)[number];

export const findingSchema = z.object({
  check: z.enum(checkNames),
  /** `bad`: runs can't work; `warn`: they can, but somebody should know; `unknown`: unchecked. */
  verdict: z.enum(['ok', 'warn', 'bad', 'unknown']),
  /** What was found, a sentence for people. */
  found: z.string(),
  /** What to do about it; empty where nothing is to be done. */
  todo: z.string(),
});
export type Finding = z.infer<typeof findingSchema>;

export const clusterPreflightSchema = z.object({
  cluster: z.string(),
  id: z.string(),
  at: z.string(),
  findings: z.array(findingSchema),
  /** How its nodes are best restarted, and why. */
  restartMethod: z.object({ method: z.enum(['arm', 'guest']), why: z.string() }).optional(),
});
export type ClusterPreflight = z.infer<typeof clusterPreflightSchema>;

/** All clusters that were checked together. */
export const preflightSchema = z.object({
  run: z.string(),
  at: z.string(),
  controller: z.string(),
  clusters: z.array(clusterPreflightSchema),
});
export type Preflight = z.infer<typeof preflightSchema>;

/** Whether anything that was found keeps runs from working. */
export function isBad({ clusters }: Preflight): boolean {
  return clusters.some(({ findings }) => findings.some(({ verdict }) => verdict === 'bad'));
}

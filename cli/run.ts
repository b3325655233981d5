import { runErrand } from './errand.ts';
import type { ErrandOptions } from './errand.ts';

export interface RunOptions extends ErrandOptions {
  pool: string[];
  node: string[];
  dryRun?: boolean;
  reason?: string;
  takeOver?: string;
  force?: string;
  resume?: boolean;
}

/** `aks-reboot run`: one run, unless it is only to go on with unfinished ones. */
export async function runCommand(options: RunOptions): Promise<void> {
  const { cluster, pool, node, dryRun, reason, takeOver, force } = options;
  const body = {
    clusters: cluster,
    pools: pool,
    nodes: node,
    dryRun: dryRun === true,
    reason: reason ?? 'from the command line',
    ...(takeOver === undefined ? {} : { takeOver }),
    ...(force === undefined ? {} : { force: { reason: force } }),
  };
  await runErrand(options, options.resume === true ? undefined : { path: '/api/runs', body });
}

import { runErrand } from './errand.ts';
import type { ErrandOptions } from './errand.ts';

export interface RecoverOptions extends ErrandOptions {
  reason?: string;
  takeOver?: string;
}

/** `aks-reboot recover`: puts in order what dead runs have left, and begins nothing. */
export async function recoverCommand(options: RecoverOptions): Promise<void> {
  const { cluster, reason, takeOver } = options;
  const body = {
    clusters: cluster,
    reason: reason ?? 'from the command line',
    ...(takeOver === undefined ? {} : { takeOver }),
  };
  await runErrand(options, { path: '/api/recover', body });
}

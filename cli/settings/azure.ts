import type { ClusterFacts } from '../../src/domain/cluster.ts';
import { TroubleError } from '../../src/domain/trouble.ts';
import { portsFromEnvironment } from '../../src/environment.ts';
import type { Problem } from '../../src/policy/problem.ts';
import type { ClusterSettings } from '../../src/policy/settings.ts';
import { processClock } from '../processClock.ts';

/** What ARM says of clusters, by key, and which of them it says nothing of. */
export async function askAzure(
  clusters: readonly ClusterSettings[],
): Promise<{ facts: Map<string, ClusterFacts>; problems: Problem[] }> {
  const { azure } = portsFromEnvironment({
    // Nothing is written: any place for reports does.
    environment: { REBOOT_REPORTS_DIR: '.', ...process.env },
    clock: processClock(),
    log: () => {},
  });
  const facts = new Map<string, ClusterFacts>();
  const problems: Problem[] = [];
  for (const { key, id } of clusters) {
    try {
      facts.set(key, await azure.cluster(id, 'maintenance'));
    } catch (error) {
      if (!(error instanceof TroubleError)) throw error;
      const problem = `can't be read: ${error.trouble.value}`;
      problems.push({ path: id.id, problem });
    }
  }
  return { facts, problems };
}

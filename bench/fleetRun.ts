import { performance } from 'node:perf_hooks';
import { startApp } from '../local/app.ts';
import { startAzure } from '../local/azure/azure.ts';
import type { AuditLine } from '../local/azure/audit.ts';
import type { RequestSeen } from '../local/azure/faults.ts';
import { generateFleet } from '../local/azure/generateFleet.ts';
import { virtualClock } from '../local/clock.ts';
import { createMemoryDocuments } from '../local/memoryDocuments.ts';
import { portsFromEnvironment } from '../src/environment.ts';

/** What one run over a generated fleet showed. Printed as JSON by this file when it is run. */
export interface FleetRun {
  nodes: number;
  rebooted: number;
  /** From the first script asked for to the plan, simulated seconds. */
  probingSeconds: number;
  longestHistory: number;
  replayMs: number;
  /** Median of the gaps between one node's uncordon and the next cordon, simulated seconds. */
  idleGapSeconds: number;
  armRequestsPerNode: number;
  /** The most looks at operations of one machine within a minute. */
  pollsPerMinute: number;
  /** The most requests to the AKS resource provider within a second. */
  aksPerSecond: number;
  wallSeconds: number;
}

/** One run over `nodes` nodes of which about `due` need a reboot, on the virtual clock. */
async function runFleet(nodes: number, due: number, soakSeconds: number): Promise<FleetRun> {
  const begun = performance.now();
  const timings = { runCommandSeconds: 30, spread: 0.5 };
  const fleet = generateFleet({
    clusters: 1,
    nodesPerCluster: nodes,
    needShare: due / nodes,
    seed: 1,
    timings,
  });
  const clock = virtualClock(Date.parse(fleet.startsAt));
  const seen: { at: number; request: RequestSeen }[] = [];
  const azure = await startAzure({
    fleet,
    clock,
    onRequest: (request, when) => {
      if (when === 'before' && request.service === 'arm') seen.push({ at: clock.now(), request });
      return undefined;
    },
  });
  Object.assign(process.env, azure.environment('bench'));
  const clusters = fleet.clusters.map(({ id }) => ({ id }));
  const settings = { controller: 'bench', defaults: { soakSeconds }, clusters };
  let planned = 0;
  const ports = portsFromEnvironment({
    environment: {
      ...process.env,
      REBOOT_SETTINGS: JSON.stringify(settings),
      REBOOT_REPORTS_DIR: '-',
    },
    clock,
    ca: azure.ca,
    log: ({ message }) => {
      if (message === 'planned') planned = clock.now();
    },
  });
  const app = await startApp({
    ports: { ...ports, documents: createMemoryDocuments() },
    clock,
    store: ':memory:',
  });
  await app.call('POST', '/api/runs', { reason: 'bench', dryRun: due === 0 });
  await app.host.idle();
  const { lines } = azure.audit;
  const first = lines.find(({ action, status }) => action === 'probe' && status < 300);
  const stats = [...app.host.stats().values()];
  const rebooted = lines.filter(
    ({ action, status }) => action === 'uncordon' && status < 300,
  ).length;
  return {
    nodes,
    rebooted,
    probingSeconds: (planned - Date.parse(first?.t ?? '')) / 1000,
    longestHistory: Math.max(...stats.map(({ events }) => events)),
    replayMs: stats.reduce((sum, { replayMs }) => sum + replayMs, 0),
    idleGapSeconds: median(gaps(lines)) - soakSeconds,
    armRequestsPerNode: perNode(seen, lines, planned, rebooted),
    pollsPerMinute: most(seen.filter(isPoll), 60_000, ({ request }) => machineOf(request.path)),
    aksPerSecond: most(seen.filter(isAks), 1000, () => 'subscription'),
    wallSeconds: (performance.now() - begun) / 1000,
  };
}

type Seen = { at: number; request: RequestSeen };

const isPoll = ({ request }: Seen) => /\/operations\//u.test(request.path);
const isAks = ({ request }: Seen) => /Microsoft\.ContainerService/iu.test(request.path);

/** An operation's URL names no machine: one operation stands for one. */
function machineOf(path: string): string {
  return path.replace(/\?.*/u, '');
}

/** Requests after the plan, looks at operations aside, for each node that was rebooted. */
function perNode(seen: Seen[], _lines: readonly AuditLine[], planned: number, rebooted: number) {
  const asked = seen.filter((one) => one.at > planned && !isPoll(one)).length;
  return rebooted === 0 ? 0 : asked / rebooted;
}

function gaps(lines: readonly AuditLine[]): number[] {
  const found: number[] = [];
  let free: number | undefined;
  for (const { action, status, t } of lines) {
    if (status >= 300) continue;
    if (action === 'uncordon') free = Date.parse(t);
    if (action === 'cordon' && free !== undefined) found.push((Date.parse(t) - free) / 1000);
  }
  return found;
}

/** The most within any stretch of `ms` from one of them on, for the busiest key. */
function most(seen: Seen[], ms: number, keyOf: (one: Seen) => string): number {
  const byKey = Map.groupBy(seen, keyOf);
  let busiest = 0;
  for (const times of byKey.values()) {
    let start = 0;
    for (const [end, one] of times.entries()) {
      while (one.at - (times[start]?.at ?? 0) >= ms) start += 1;
      busiest = Math.max(busiest, end - start + 1);
    }
  }
  return busiest;
}

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

const [nodes = 100, due = 0, soakSeconds = 0] = process.argv.slice(2).map(Number);
console.log(JSON.stringify(await runFleet(nodes, due, soakSeconds)));
process.exit(0);

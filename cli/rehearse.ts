import { createWriteStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startApp } from '../local/app.ts';
import { startAzure } from '../local/azure/azure.ts';
import { compressedClock, virtualClock } from '../local/clock.ts';
import type { Clock } from '../local/clock.ts';
import { portsFromEnvironment } from '../src/environment.ts';
import type { Log } from '../src/ports.ts';
import { fleetNamed } from './fleet.ts';
import { follow } from './follow.ts';
import { createProgress } from './progress.ts';
import { checked } from './localSettings.ts';
import { readInput } from './badInput.ts';
import { stateDirectory, takeDirectory } from './stateDirectory.ts';
import { exitCodeOf, printReport } from './table.ts';
import { columns } from './terminal.ts';

export interface RehearseOptions {
  fleet: string;
  settings?: string;
  speed: number | 'max';
  seed?: number;
  dryRun?: boolean;
  report?: string;
  audit?: string;
  state?: string;
  approver?: string;
}

/**
 * `aks-reboot rehearse`: simulated Azure and the app in one process, one run, and what came of it.
 */
export async function rehearseCommand(options: RehearseOptions): Promise<void> {
  const fleet = fleetNamed(options.fleet);
  const ids = fleet.clusters.map(({ id }) => ({ id }));
  const { text } =
    options.settings === undefined
      ? checked(options.fleet, JSON.stringify({ controller: 'rehearsal', clusters: ids }))
      : checked(options.settings, readInput(options.settings));
  const temporary = options.state === undefined ? mkdtempSync(join(tmpdir(), 'aks-reboot-')) : '';
  const state = stateDirectory(options.state ?? temporary);
  const giveBack = takeDirectory(state);
  const clock = clockOf(options.speed, Date.parse(fleet.startsAt));
  const audit = options.audit === undefined ? undefined : createWriteStream(options.audit);
  const azure = await startAzure({
    fleet,
    clock,
    ...(options.seed === undefined ? {} : { seed: options.seed }),
    onAudit: (line) => audit?.write(`${JSON.stringify(line)}\n`),
  });
  const progress = createProgress(() => clock.now(), console.log);
  // Whatever is asked is approved, by the same API that a person would use.
  const approve: Log = ({ message, run, node }) => {
    if (message !== 'awaiting approval') return;
    const body = { why: 'rehearsal', nodes: node === undefined ? [] : [node] };
    void app.call('POST', `/api/runs/${run}/approve`, body);
  };
  // The identity SDK looks for its endpoint in the process's own environment.
  Object.assign(process.env, azure.environment('rehearsal'));
  const ports = portsFromEnvironment({
    environment: {
      ...process.env,
      REBOOT_SETTINGS: text,
      REBOOT_REPORTS_DIR: state.reports,
    },
    clock,
    ca: azure.ca,
    ...(options.approver === undefined ? {} : { approver: options.approver }),
    log: (entry) => {
      progress(entry);
      if (options.approver !== undefined) approve(entry);
    },
  });
  const pools = azure.world.clusters.flatMap((cluster) => cluster.pools);
  const nodes = pools.reduce((sum, { machines }) => sum + machines.length, 0);
  console.log(
    `Rehearsing fleet "${fleet.name}": ${fleet.clusters.length} clusters, ${nodes} nodes`,
  );
  const app = await startApp({ ports, clock, store: state.history });
  try {
    const begun = Date.now();
    const body = { reason: 'rehearsal', dryRun: options.dryRun === true };
    const report = await follow(app, { path: '/api/runs', body });
    console.log(`\n${printReport(report, columns())}`);
    const seconds = ((Date.now() - begun) / 1000).toFixed(1);
    console.log(
      `Rehearsed in ${seconds} s; simulated Azure saw ${azure.audit.lines.length} changes.`,
    );
    if (options.report !== undefined) {
      writeFileSync(options.report, `${JSON.stringify(report, null, 2)}\n`);
    }
    process.exitCode = exitCodeOf(report);
  } finally {
    await app.stop();
    await azure.stop();
    audit?.end();
    giveBack();
    if (temporary !== '') rmSync(temporary, { recursive: true, force: true });
  }
}

function clockOf(speed: number | 'max', startsAt: number): Clock {
  if (speed === 'max') return virtualClock(startsAt);
  return compressedClock(speed, { wall: Date.now(), shown: startsAt });
}

import { once } from 'node:events';
import { startApp } from '../local/app.ts';
import { portsFromEnvironment } from '../src/environment.ts';
import { needsApproval } from '../src/policy/approval.ts';
import { BadInput, readInput } from './badInput.ts';
import { processClock } from './processClock.ts';
import { createProgress } from './progress.ts';
import { checked, localSettings } from './localSettings.ts';
import { stateDirectory, takeDirectory } from './stateDirectory.ts';
import { printableLines } from './terminal.ts';

export interface ServeOptions {
  port: number;
  settings: string;
  schedule: string;
  state?: string;
  approver?: string;
}

/** `aks-reboot serve`: the app on the local host, until a signal ends it. */
export async function serveCommand(options: ServeOptions): Promise<void> {
  const state = stateDirectory(options.state);
  const file = options.settings;
  checked(file, readInput(file));
  const { controller } = state;
  const local = () => localSettings({ file, clusters: [], controller, claim: 'keep' });
  const { settings } = local();
  const { approver } = options;
  if (approver === undefined && settings.clusters.some(needsApproval)) {
    throw new BadInput(
      `${file} wants approval, and nobody here can tell who approves: --approver says whose ` +
        'word it is when it comes with the key',
    );
  }
  const giveBack = takeDirectory(state);
  const clock = processClock();
  const ports = portsFromEnvironment({
    environment: { ...process.env, REBOOT_REPORTS_DIR: state.reports },
    clock,
    ...(approver === undefined ? {} : { approver }),
    log: createProgress(() => clock.now(), console.log),
  });
  // A host that is broken has stopped working: a supervisor shall see that, and start it again.
  const broken = new AbortController();
  const app = await startApp({
    // The document is read anew each time: a change of settings needs no restart.
    ports: { ...ports, settingsText: async () => local().text },
    clock,
    store: state.history,
    port: options.port,
    schedule: options.schedule,
    onLog: ({ level, message }) => {
      if (level === 'error' || level === 'critical') console.error(printableLines(message));
      if (level === 'critical') broken.abort();
    },
  });
  const clusters = settings.clusters.map(({ key }) => key).join(', ');
  console.log(`Serving ${app.host.url}/api as controller ${settings.controller}`);
  console.log(`Clusters: ${clusters}`);
  console.log(`Schedule: ${options.schedule} (UTC). State: ${state.path}`);
  console.log(`Key: ${app.host.keys.master}`);
  console.log(`  curl -H "x-functions-key: $KEY" ${app.host.url}/api/runs`);
  const ends = [once(process, 'SIGINT'), once(process, 'SIGTERM'), once(broken.signal, 'abort')];
  await Promise.race(ends);
  if (broken.signal.aborted) process.exitCode = 1;
  console.log('Stopping; unfinished runs go on at the next start.');
  await app.stop();
  giveBack();
}

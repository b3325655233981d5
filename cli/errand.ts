import { writeFileSync } from 'node:fs';
import * as z from 'zod';
import { startApp } from '../local/app.ts';
import type { App } from '../local/app.ts';
import { portsFromEnvironment } from '../src/environment.ts';
import type { RunReport } from '../src/domain/run.ts';
import { failureOf, printable } from '../src/domain/trouble.ts';
import { BadInput } from './badInput.ts';
import { follow, reportOf } from './follow.ts';
import type { Errand } from './follow.ts';
import { processClock } from './processClock.ts';
import { createProgress } from './progress.ts';
import { localSettings, requireClusters } from './localSettings.ts';
import { stateDirectory, takeDirectory } from './stateDirectory.ts';
import type { StateDirectory } from './stateDirectory.ts';
import { exitCodeOf, printReport } from './table.ts';
import { columns } from './terminal.ts';

/** What every command needs that works from a terminal. */
export interface ErrandOptions {
  cluster: string[];
  settings?: string;
  state?: string;
  report?: string;
}

/**
 * Goes on with what an earlier process has left unfinished, then does one errand, if there is one.
 * The first Ctrl-C cancels (what is drained is undone, what was restarted is finished); the second
 * leaves at once.
 */
export async function runErrand(options: ErrandOptions, errand: Errand | undefined): Promise<void> {
  const state = stateDirectory(options.state);
  const ports = portsOf(options, state);
  const giveBack = takeDirectory(state);
  const clock = processClock();
  const app = await startApp({ ports: ports(clock), clock, store: state.history });
  const interrupted = onInterrupt(app, resumeCommand(options, state.path));
  let reports: RunReport[] = [];
  try {
    reports = await finishUnfinished(app, interrupted.watch);
    if (errand !== undefined && !interrupted.canceled()) {
      reports.push(await follow(app, errand, interrupted.watch));
    }
  } finally {
    interrupted.forget();
    await app.stop();
    giveBack();
  }
  for (const report of reports) console.log(`\n${printReport(report, columns())}`);
  const last = reports.at(-1);
  if (options.report !== undefined && last !== undefined) {
    writeFileSync(options.report, `${JSON.stringify(last, null, 2)}\n`);
  }
  process.exitCode = Math.max(0, ...reports.map(exitCodeOf));
}

function portsOf(options: ErrandOptions, state: StateDirectory) {
  const { settings: file, cluster: clusters } = options;
  if (file === undefined && clusters.length === 0) {
    throw new BadInput('name the clusters: --cluster ID (repeat it), or --settings FILE');
  }
  const { controller } = state;
  const settings = localSettings({ file, clusters, controller, claim: 'release' });
  requireClusters(settings, clusters);
  return (clock: ReturnType<typeof processClock>) =>
    portsFromEnvironment({
      environment: {
        ...process.env,
        REBOOT_SETTINGS: settings.text,
        REBOOT_REPORTS_DIR: state.reports,
      },
      clock,
      log: createProgress(() => clock.now(), console.log),
    });
}

const indexSchema = z.object({
  runs: z.array(z.object({ run: z.string(), startedAt: z.string(), status: z.string() })),
});

/** Runs that an earlier process left behind go on by themselves: names them and waits for them. */
async function finishUnfinished(app: App, onRun: (run: string) => void): Promise<RunReport[]> {
  const { runs } = indexSchema.parse(await app.call('GET', '/api/runs?limit=200'));
  const unfinished = runs.filter(({ status }) => status === 'running');
  for (const { run, startedAt } of unfinished) {
    console.log(`Going on with run ${run}, begun ${startedAt}`);
    onRun(run);
  }
  await app.host.idle();
  const reports: RunReport[] = [];
  for (const { run } of unfinished) {
    try {
      reports.push(await reportOf(app, run));
    } catch (error) {
      // Its history is gone; what it left on nodes is found by the marks, at the next run's start.
      console.log(printable(`Run ${run} can't go on: ${failureOf(error).message}`));
    }
  }
  return reports;
}

/**
 * What to type to go on with what this process leaves unfinished, quoted for a shell.
 *
 * @param state the state directory's path
 */
export function resumeCommand(
  { settings, cluster }: Pick<ErrandOptions, 'settings' | 'cluster'>,
  state: string,
): string {
  const named = settings === undefined ? [] : ['--settings', settings];
  const ids = cluster.flatMap((id) => ['--cluster', id]);
  const words = ['aks-reboot', 'run', '--resume', '--state', state, ...named, ...ids];
  return words.map(shellWord).join(' ');
}

function shellWord(word: string): string {
  return /^[A-Za-z0-9_./:@-]+$/u.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

function onInterrupt(app: App, goOn: string) {
  const watched: string[] = [];
  let canceled = false;
  const interrupt = () => {
    if (canceled) {
      console.log(`\nLeaving at once. To go on: ${goOn}`);
      process.exit(130);
    }
    canceled = true;
    console.log(
      '\nCanceling: drains are undone, restarts are finished. Ctrl-C again leaves at once.',
    );
    const body = { who: 'terminal', why: 'Ctrl-C' };
    for (const run of watched) {
      app.call('POST', `/api/runs/${run}/cancel`, body).catch((error: unknown) => {
        console.error(`run ${run} could not be canceled: ${String(error)}`);
      });
    }
  };
  process.on('SIGINT', interrupt);
  return {
    watch: (run: string) => watched.push(run),
    canceled: () => canceled,
    forget: () => process.off('SIGINT', interrupt),
  };
}

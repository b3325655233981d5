import { styleText } from 'node:util';
import { startApp } from '../local/app.ts';
import { createMemoryDocuments } from '../local/memoryDocuments.ts';
import { preflightSchema, isBad } from '../src/domain/preflight.ts';
import type { ClusterPreflight, Finding, Preflight } from '../src/domain/preflight.ts';
import { portsFromEnvironment } from '../src/environment.ts';
import { BadInput } from './badInput.ts';
import { processClock } from './processClock.ts';
import { createRecorder } from './recorder.ts';
import { localSettings, requireClusters } from './localSettings.ts';
import { stateDirectory } from './stateDirectory.ts';
import { printableTexts } from './terminal.ts';

export interface PreflightOptions {
  cluster: string[];
  settings?: string;
  record?: string;
}

/**
 * `aks-reboot preflight`: checks with this terminal's identity what has to be true before the first
 * run. Nothing is changed, and nothing is kept.
 */
export async function preflightCommand(options: PreflightOptions): Promise<void> {
  const { settings: file, cluster: clusters, record } = options;
  if (file === undefined && clusters.length === 0) {
    throw new BadInput('name the clusters: --cluster ID (repeat it), or --settings FILE');
  }
  const { controller } = stateDirectory(undefined);
  const settings = localSettings({ file, clusters, controller, claim: 'keep' });
  requireClusters(settings, clusters);
  const clock = processClock();
  const recorder = record === undefined ? undefined : createRecorder(record);
  const ports = portsFromEnvironment({
    environment: { ...process.env, REBOOT_SETTINGS: settings.text, REBOOT_REPORTS_DIR: '-' },
    clock,
    log: () => {},
    ...(recorder === undefined ? {} : { onExchange: recorder.record }),
  });
  const documents = createMemoryDocuments();
  const app = await startApp({ ports: { ...ports, documents }, clock, store: ':memory:' });
  try {
    await app.call('POST', '/api/preflight', { clusters });
    await app.host.idle();
    const preflight = preflightSchema.parse(await app.call('GET', '/api/preflight'));
    console.log(printPreflight(preflight));
    if (recorder !== undefined) console.log(`\nRecorded in ${recorder.finish()}`);
    process.exitCode = isBad(preflight) ? 1 : 0;
  } finally {
    await app.stop();
  }
}

/** The findings as people read them; what is to be done stands below what was found. */
export function printPreflight(preflight: Preflight): string {
  const { clusters } = preflightSchema.parse(printableTexts(preflight));
  return clusters.map((cluster) => printCluster(cluster).join('\n')).join('\n\n');
}

const styles = { ok: 'green', warn: 'yellow', bad: 'red', unknown: 'magenta' } as const;
const verdictColumn = 9;
const checkColumn = 18;

function printCluster({ cluster, findings, restartMethod }: ClusterPreflight): string[] {
  const method =
    restartMethod === undefined
      ? []
      : [line('', 'restartMethod', `"${restartMethod.method}" suits it: ${restartMethod.why}`)];
  return [styleText('bold', cluster), ...findings.flatMap(printFinding), ...method];
}

function printFinding({ check, verdict, found, todo }: Finding): string[] {
  const told = line(styleText(styles[verdict], verdict.padEnd(verdictColumn)), check, found);
  return todo === '' ? [told] : [told, line('', '', `-> ${todo}`)];
}

function line(verdict: string, check: string, text: string): string {
  return `${verdict.padEnd(verdictColumn)}${check.padEnd(checkColumn)}${text}`.trimEnd();
}

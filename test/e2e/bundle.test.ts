/** What is deployed: one file, which needs nothing but what the Functions host gives it. */
import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Hosted } from './hostedBundle.ts';
import type { Loaded } from './languageWorker.ts';
import { clusterId, root } from './stage.ts';

const execute = promisify(execFile);

/** The app as it is deployed, away from the repository and from every package. */
const deployed = mkdtempSync(join(tmpdir(), 'aks-reboot-e2e-'));
const environment = {
  PATH: process.env['PATH'],
  REBOOT_REPORTS_DIR: join(deployed, 'reports'),
  REBOOT_SCHEDULE: '0 30 * * * *',
  REBOOT_SETTINGS: JSON.stringify({ controller: 'test', clusters: [{ id: clusterId }] }),
};

async function run(words: string[], cwd = deployed): Promise<unknown> {
  const { stdout } = await execute(process.execPath, words, { cwd, env: environment });
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '');
}

/** The history of an orchestration that has just been started. */
const firstEpisode = (input: unknown) => {
  const at = '2026-01-05T22:00:00Z';
  const event = { EventId: -1, IsPlayed: false, Timestamp: at };
  return JSON.stringify({
    history: [
      { ...event, EventType: 12 },
      { ...event, EventType: 0, Name: 'run', Input: JSON.stringify(input) },
    ],
    input,
    instanceId: '20260105T220000Z-abcdef:run',
    isReplaying: false,
    upperSchemaVersion: 1,
    upperSchemaVersionNew: 2,
    longRunningTimerIntervalDuration: '3.00:00:00',
    maximumShortTimerDuration: '6.00:00:00',
  });
};

const request = {
  source: 'timer',
  clusters: [],
  pools: [],
  nodes: [],
  dryRun: false,
  reason: 'scheduled',
};

describe('the built bundle', () => {
  let loaded: Loaded;
  beforeAll(async () => {
    await execute(process.execPath, ['build.ts'], { cwd: root });
    mkdirSync(join(deployed, 'dist'));
    for (const file of ['dist/main.js', 'host.json', 'package.json']) {
      copyFileSync(join(root, file), join(deployed, file));
    }
    copyFileSync(join(root, 'test/e2e/languageWorker.ts'), join(deployed, 'languageWorker.ts'));
    const work = { run: '20260105T220000Z-abcdef', request };
    const entry = join(deployed, 'dist', 'main.js');
    loaded = (await run(['languageWorker.ts', entry, 'run', firstEpisode(work)])) as Loaded;
  });
  afterAll(() => rmSync(deployed, { recursive: true, force: true }));

  it('is at most 5 MB', () => {
    expect(statSync(join(deployed, 'dist', 'main.js')).size).toBeLessThanOrEqual(5_000_000);
  });

  it('registers every function with its trigger, and needs no package beside it', () => {
    expect(loaded.reachable).toEqual([]);
    const triggers = loaded.functions.map(({ name, bindings }) => {
      const bound = Object.values(bindings).find(({ type }) => /trigger$/i.test(type));
      const options: Record<string, unknown> = { ...bound };
      return { name, options };
    });
    const ofType = (type: string) => triggers.filter(({ options }) => options['type'] === type);
    const named = (type: string) =>
      ofType(type)
        .map(({ name }) => name)
        .sort();

    const http = ofType('httpTrigger').map(({ name, options }) => {
      const { methods, route, authLevel } = options;
      return `${name}: ${String(methods)} ${String(route)}, ${String(authLevel)}`;
    });
    expect(http.sort()).toEqual([
      'cancelRun: POST runs/{run}/cancel, function',
      'liftHold: DELETE locks/{scope}/hold, function',
      'listLocks: GET locks, function',
      'listRuns: GET runs, function',
      'putHold: PUT locks/{scope}/hold, function',
      'readRun: GET runs/{run}, function',
      'startRun: POST runs, function',
    ]);
    expect(ofType('timerTrigger')).toEqual([
      {
        name: 'schedule',
        options: expect.objectContaining({ schedule: '%REBOOT_SCHEDULE%' }) as object,
      },
    ]);
    expect(named('orchestrationTrigger')).toEqual([
      'cluster',
      'lane',
      'node',
      'probeBatch',
      'run',
      'turns',
    ]);
    expect(named('entityTrigger')).toEqual(['lock']);
    expect(named('activityTrigger')).toEqual(
      expect.arrayContaining(['cordon', 'drainSlice', 'restart', 'checkBoot', 'finish', 'undo']),
    );
    const types = new Set(triggers.map(({ options }) => options['type']));
    expect(types.size).toBe(5);
  });

  it('plays an orchestration: a run that was started asks to be opened', () => {
    const { json = '{}' } = loaded.returned as { json?: string };
    expect(JSON.parse(json)).toMatchObject({
      isDone: false,
      actions: [[{ functionName: 'openRun', input: { request } }]],
    });
  });

  it('is taken by the local host as well, and answers there', async () => {
    const hosted = (await run([join(root, 'test/e2e/hostedBundle.ts'), deployed])) as Hosted;
    expect(hosted.status).toBe(200);
    expect(hosted.body).toMatchObject({ locks: [{ scope: 'fleet' }, { id: clusterId }] });
    expect(hosted.functions).toBe(loaded.functions.length);
  });
});

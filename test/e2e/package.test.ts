/** What is deployed: one archive, which needs nothing but what the Functions host gives it. */
import { execFile } from 'node:child_process';
import {
  copyFileSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { hostJsonFor } from '../../packaging/bundle.ts';
import { unzip } from '../support/unzip.ts';
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

async function packed(folder: string): Promise<Buffer> {
  const out = join(deployed, folder);
  await execute(process.execPath, ['build.ts', 'package', '--out', out], { cwd: root });
  return readFileSync(join(out, 'aks-reboot-orchestrator.zip'));
}

interface Bill {
  components: {
    name: string;
    version: string;
    group?: string;
    licenses?: object[];
    purl: string;
  }[];
  dependencies: { ref: string; dependsOn: string[] }[];
}

describe('the package', () => {
  let loaded: Loaded;
  let twin: Buffer;
  let archive: Buffer;
  let files: Map<string, Buffer>;
  const text = (name: string) => files.get(name)?.toString('utf8') ?? '';
  beforeAll(async () => {
    [archive, twin] = await Promise.all([packed('once'), packed('and/again')]);
    files = unzip(archive);
    for (const [name, data] of files) writeFileSync(join(deployed, name), data);
    copyFileSync(join(root, 'test/e2e/languageWorker.ts'), join(deployed, 'languageWorker.ts'));
    const work = { run: '20260105T220000Z-abcdef', request };
    const entry = join(deployed, 'main.js');
    loaded = (await run(['languageWorker.ts', entry, 'run', firstEpisode(work)])) as Loaded;
  });
  afterAll(() => rmSync(deployed, { recursive: true, force: true }));

  it('has the same bytes each time', () => {
    expect(archive.equals(twin)).toBe(true);
  });

  it('holds one bundle, what the host reads, and what it is made of', () => {
    expect([...files.keys()]).toEqual([
      'LICENSE',
      'THIRD-PARTY-LICENSES.txt',
      'host.json',
      'main.js',
      'main.js.map',
      'package.json',
      'sbom.cdx.json',
    ]);
    expect(files.get('main.js')?.length).toBeLessThanOrEqual(5_000_000);
    const manifest = JSON.parse(text('package.json')) as object;
    expect(manifest).toMatchObject({ type: 'module', main: 'main.js' });
    expect(manifest).not.toHaveProperty('dependencies');
  });

  it('lists what is bundled, and nothing that only develops it, with its licence', () => {
    const bill = JSON.parse(text('sbom.cdx.json')) as Bill;
    const map = JSON.parse(text('main.js.map')) as { sources: string[] };
    const inside = map.sources.flatMap(
      (source) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//u.exec(source)?.[1] ?? [],
    );
    const named = bill.components.map(({ group, name }) => (group ? `${group}/${name}` : name));
    expect(inside.filter((name) => !named.includes(name))).toEqual([]);
    expect(named).toEqual(expect.arrayContaining(['durable-functions', '@azure/identity', 'zod']));
    expect(named.filter((name) => /^(?:jest|typescript|esbuild|commander)$/u.test(name))).toEqual(
      [],
    );
    for (const { name, version, licenses } of bill.components) {
      expect({ name, licenses }).toEqual({ name, licenses: [{ expression: expect.any(String) }] });
      expect(text('THIRD-PARTY-LICENSES.txt')).toContain(`${name} ${version} (`);
    }
    const refs = new Set(bill.components.map(({ purl }) => purl));
    const needed = bill.dependencies.flatMap(({ dependsOn }) => dependsOn);
    expect(needed.filter((ref) => !refs.has(ref))).toEqual([]);
  });

  it('keeps history in a Durable Task Scheduler when it is built for one', () => {
    const hostJson = JSON.parse(text('host.json')) as unknown;
    expect(hostJsonFor(hostJson, 'azureStorage')).toEqual(hostJson);
    expect(hostJsonFor(hostJson, 'durableTaskScheduler')).toMatchObject({
      telemetryMode: 'OpenTelemetry',
      extensions: {
        durableTask: {
          hubName: '%TASKHUB_NAME%',
          storageProvider: {
            type: 'azureManaged',
            connectionStringName: 'DURABLE_TASK_SCHEDULER_CONNECTION_STRING',
          },
        },
      },
    });
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
      return `${name}: ${String(methods)} /api/${String(route)}, ${String(authLevel)}`;
    });
    const page = readFileSync(join(root, 'docs/http-api.md'), 'utf8');
    const rows = [...page.matchAll(/^\| `([A-Z]+ [^`]+)` +\| `(\w+)`/gmu)];
    const explained = rows.map(([, endpoint, name]) => `${name}: ${endpoint}, function`);
    expect(http.sort()).toEqual(explained.sort());
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
      'preflight',
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

describe('the command line as one folder', () => {
  const away = mkdtempSync(join(tmpdir(), 'aks-reboot-e2e-'));
  afterAll(() => rmSync(away, { recursive: true, force: true }));

  beforeAll(() => execute(process.execPath, ['build.ts', 'cli', '--out', away], { cwd: root }));

  it('is made of nothing that the image is built without', () => {
    const left = readFileSync(join(root, '.dockerignore'), 'utf8').trim().split('\n');
    const folders = left.filter((name) => /^\w/u.test(name) && name !== 'node_modules');
    const bin = join(away, 'cli/bin');
    const text = readdirSync(bin).map((name) => readFileSync(join(bin, name), 'utf8'));
    // The bundler names each file that it takes in a comment.
    const taken = [...text.join('\n').matchAll(/^ *\/\/ (\w[\w.-]*)\/\S+$/gmu)].map(
      ([, top]) => top,
    );
    expect(taken).toEqual(expect.arrayContaining(['cli', 'src', 'local', 'node_modules']));
    expect(folders.filter((folder) => taken.includes(folder))).toEqual([]);
  });

  it('needs nothing but Node.js, as in the container image', async () => {
    const main = join(away, 'cli/bin/aks-reboot.js');
    const words = [main, 'rehearse', '--dry-run', '--report', 'report.json'];
    const ended = await execute(process.execPath, words, { cwd: away, env: {} }).catch(
      (error: unknown) => error as { code: number },
    );
    // The default fleet has a node that needs a person.
    expect(ended).toMatchObject({ code: 1 });
    const report = JSON.parse(readFileSync(join(away, 'report.json'), 'utf8')) as object;
    expect(report).toMatchObject({ counts: { deferred: 8, notNeeded: 3, skipped: 1, unknown: 1 } });
  });
});

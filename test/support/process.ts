import { DatabaseSync } from 'node:sqlite';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startApp } from '../../local/app.ts';
import type { App } from '../../local/app.ts';
import type { SimulatedAzure } from '../../local/azure/azure.ts';
import type { Clock } from '../../local/clock.ts';
import { createMemoryDocuments } from '../../local/memoryDocuments.ts';
import { portsFromEnvironment } from '../../src/environment.ts';
import type { SettingsDocument } from '../../src/policy/settings.ts';
import type { Documents, Exchange, Log, Ports } from '../../src/ports.ts';
import type { Report } from './evidence.ts';

/** What outlives a process: its history and its documents. */
export interface Storage {
  /** An SQLite file, or `:memory:`, which outlives nothing. */
  store: string;
  documents: Documents;
}

export const emptyStorage = (): Storage => ({
  store: ':memory:',
  documents: createMemoryDocuments(),
});

/** Storage that a later process can be started on. */
export function keptStorage(): Storage & Disposable {
  const directory = mkdtempSync(join(tmpdir(), 'aks-reboot-test-'));
  return {
    store: join(directory, 'history.db'),
    documents: createMemoryDocuments(),
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  };
}

export interface Hold {
  who?: string;
  why?: string;
  until?: string;
}

/** The app in one process, on one storage. */
export interface Process {
  readonly app: App;
  /** Lines of its log, debug left out. */
  readonly log: readonly Parameters<Log>[0][];
  /** The settings document; what is changed here counts from the next step on. */
  readonly settings: SettingsDocument;
  /** Starts a run through the HTTP API; its id. */
  begin(request?: Record<string, unknown>): Promise<string>;
  /** Starts a run and lets time pass until nothing is running any more; its report. */
  run(request?: Record<string, unknown>): Promise<Report>;
  /** The same for a run that only recovers. */
  recover(request?: Record<string, unknown>): Promise<Report>;
  /** Lets time pass until nothing is running any more. */
  rest(): Promise<void>;
  report(run: string): Promise<Report>;
  hold(scope: string, hold?: Hold): Promise<void>;
  lift(scope: string): Promise<void>;
  cancel(run: string): Promise<void>;
  /**
   * Dies at this instant: nothing that it would still do reaches anybody.
   * @returns a copy of its storage as it was, history to the last commit
   */
  crash(): Storage;
  /** Ends as a process that is asked to. */
  stop(): Promise<void>;
}

export interface ProcessOptions {
  azure: SimulatedAzure;
  clock: Clock;
  /** Unique among processes: how the audit log calls this one. */
  actor: string;
  settings: SettingsDocument;
  storage: Storage;
  schedule?: string;
  version?: string;
  onExchange?: (exchange: Exchange) => void;
  /** Laid over what simulated Azure gives. */
  environment?: Record<string, string>;
  /** Who approves, where the command line says so. */
  approver?: string;
  /** Lets time pass while something is awaited. */
  flow: <T>(what: () => Promise<T>) => Promise<T>;
  onReport: (report: Report) => void;
}

let runs = 0;

export async function startProcess(options: ProcessOptions): Promise<Process> {
  const { azure, clock, actor, settings, storage, schedule, version, flow, onReport } = options;
  const life = { over: false };
  const log: Parameters<Log>[0][] = [];
  // The identity SDK looks for its endpoint in the process's own environment.
  const environment = azure.environment(actor);
  Object.assign(process.env, environment);
  const real = portsFromEnvironment({
    environment: { ...environment, REBOOT_REPORTS_DIR: tmpdir(), ...options.environment },
    clock,
    ca: azure.ca,
    ...(options.onExchange === undefined ? {} : { onExchange: options.onExchange }),
    ...(options.approver === undefined ? {} : { approver: options.approver }),
    log: (entry) => void (entry.level !== 'debug' && log.push(entry)),
  });
  const ports: Ports = {
    ...real,
    azure: mortal(real.azure, life),
    documents: mortal(storage.documents, life),
    settingsText: () => Promise.resolve(JSON.stringify(settings)),
    randomHex: (digits) => (runs++).toString(16).padStart(digits, '0'),
  };
  const app = await startApp({
    ports,
    clock,
    store: storage.store,
    ...(schedule === undefined ? {} : { schedule }),
    ...(version === undefined ? {} : { version }),
    onLog: ({ level, message }) => {
      if (level === 'critical') log.push({ level: 'error', message });
    },
  });
  const report = async (run: string) => (await app.call('GET', `/api/runs/${run}`)) as Report;
  const start = async (path: string, request: Record<string, unknown> = {}) => {
    const started = await app.call('POST', path, { reason: 'test', ...request });
    return (started as { run: string }).run;
  };
  const begin = (request?: Record<string, unknown>) => start('/api/runs', request);
  const finish = async (run: string) => {
    const ended = await report(run);
    onReport(ended);
    return ended;
  };
  let stopped: Promise<void> | undefined;
  return {
    app,
    log,
    settings,
    begin,
    run: async (request) => {
      const run = await begin(request);
      await flow(() => app.host.idle());
      return finish(run);
    },
    recover: async (request) => {
      const run = await start('/api/recover', request);
      await flow(() => app.host.idle());
      return finish(run);
    },
    rest: () => flow(() => app.host.idle()),
    report: finish,
    hold: async (scope, { who = 'ann', why = 'a demo is on', until } = {}) => {
      const body = { who, why, ...(until === undefined ? {} : { until }) };
      await app.call('PUT', `/api/locks/${scope}/hold`, body);
    },
    lift: async (scope) => void (await app.call('DELETE', `/api/locks/${scope}/hold`)),
    cancel: async (run) => {
      await app.call('POST', `/api/runs/${run}/cancel`, { who: 'ann', why: 'not today' });
    },
    crash() {
      life.over = true;
      cutOff(azure, actor);
      const store = copyOf(storage.store);
      stopped ??= app.stop();
      return { store, documents: storage.documents };
    },
    // What it has begun may sleep.
    stop: () => flow(() => (stopped ??= app.stop())),
  };
}

/** Methods that throw once the life is over, and so do those of what they return. */
function mortal<T extends object>(object: T, life: { over: boolean }): T {
  return new Proxy(object, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      return async (...given: unknown[]) => {
        if (life.over) throw new Error('the process is dead');
        const answer: unknown = await Reflect.apply(member, target, given);
        if (life.over) throw new Error('the process is dead');
        return name === 'kubernetes' ? mortal(answer as object, life) : answer;
      };
    },
  });
}

/** What it still has to send never arrives. */
function cutOff(azure: SimulatedAzure, actor: string): void {
  // A command that runs in a private cluster goes on without who asked for it.
  const alone = azure.world.clusters.every(({ settings }) => settings.private);
  for (const service of alone ? (['arm'] as const) : (['arm', 'kubernetes'] as const)) {
    const times = Number.MAX_SAFE_INTEGER;
    const rule = { service, actor, path: '.', skip: 0, times, when: 'before' } as const;
    azure.faults.add({ ...rule, fault: { kind: 'drop' } });
  }
}

let copies = 0;

function copyOf(store: string): string {
  if (store === ':memory:') return store;
  const copy = `${store}.${++copies}`;
  const database = new DatabaseSync(store, { readOnly: true });
  database.exec(`VACUUM INTO '${copy}'`);
  database.close();
  return copy;
}

/**
 * The local host: runs an Azure Functions app, durable functions included, without Azure. It loads
 * the app unchanged, gives it what the language worker gives it, and plays the Durable Task
 * extension toward the real `durable-functions` package.
 */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { DurableClient, type DurableClientPort } from './client.ts';
import { loadApp } from './core.ts';
import { Engine } from './engine.ts';
import { Functions, type FunctionInfo } from './functions.ts';
import { readHostJson } from './host-json.ts';
import { keptKeys, type HostKeys } from './keys.ts';
import { Servers, type ClientCarrier } from './servers.ts';
import type { InstanceStats } from './orchestration.ts';
import type { LogEntry, Runtime } from './runtime.ts';
import type { Settings } from './settings.ts';
import { Store } from './store.ts';
import { Timers } from './timers.ts';

export interface HostOptions {
  /**
   * Registers the app's functions: `() => import(entry)`, as the worker does, or a call into its
   * source.
   */
  readonly load: () => Promise<unknown>;
  /** The contents of host.json. */
  readonly hostJson: unknown;
  /** App settings, for `%NAME%` in routes, schedules and host.json. */
  readonly settings: Settings;
  /** An SQLite file, or `:memory:`. */
  readonly store: string;
  readonly clock: Clock;
  /**
   * Where the app is reached over HTTP: 0 takes a free port; without it there is no such listener.
   */
  readonly port?: number;
  /** Without them, keys are made once and kept in the store. */
  readonly keys?: HostKeys;
  /** Whether timer triggers run by themselves (default true). */
  readonly timers?: boolean;
  readonly onLog?: (entry: LogEntry) => void;
  /** Told of each episode of an orchestration: JSON of its events, comma-separated. */
  readonly onEpisode?: Runtime['onEpisode'];
  /** A source of unique ids of 32 characters, for runs that repeat exactly. */
  readonly randomId?: () => string;
  /** Carries the durable client's requests within the process; without it they use loopback. */
  readonly inProcessClient?: ClientCarrier;
}

export interface Host {
  /** Where the app is reached, without a slash at the end; undefined when it has no port. */
  readonly url: string | undefined;
  readonly keys: HostKeys;
  readonly client: DurableClientPort;
  /** What the app registered, in the order of the names. */
  functions(): readonly FunctionInfo[];
  /** Begins to work: orchestrations, timers, listeners. Rejects, and stops, if a port is taken. */
  start(): Promise<void>;
  /** Takes nothing new, waits for what is running, and closes everything. */
  stop(): Promise<void>;
  /** Answers a request as the listener would. */
  fetch(request: Request): Promise<Response>;
  /** Runs a timer trigger at once; false when there is none of that name. */
  runTimer(name: string): boolean;
  /** Resolves when no orchestration is pending or running. Rejects when the host stops before. */
  idle(): Promise<void>;
  /** What each instance cost since the start of the process, by instance id. */
  stats(): ReadonlyMap<string, Readonly<InstanceStats>>;
}

/**
 * The last instant that a store has seen, epoch milliseconds: a virtual clock should start no
 * earlier.
 */
export function lastInstant(path: string): number {
  const store = new Store(path);
  try {
    return store.lastInstant();
  } finally {
    store.close();
  }
}

/**
 * Loads an app into a new host, which does nothing before `start`. Throws when host.json, a route
 * or a schedule is wrong, or the app uses what the local host does not play.
 */
export async function createHost(options: HostOptions): Promise<Host> {
  const { clock, onLog = () => {}, onEpisode = () => {} } = options;
  const { randomId = () => randomUUID().replaceAll('-', '') } = options;
  const settings = readHostJson(options.hostJson, options.settings);
  const store = new Store(options.store);
  try {
    const floor = store.lastInstant();
    const now = () => Math.max(clock.now(), floor);
    const log: Runtime['log'] = (entry) => onLog({ at: now(), ...entry });
    const app = await loadApp(options.load, (level, category, message) =>
      log({ level, category, message }),
    );
    const functions = new Functions(app, options.settings);
    const keys = options.keys ?? keptKeys(store, functions.infos);
    const runtime: Runtime = {
      app,
      functions,
      settings,
      store,
      clock,
      now,
      newId: randomId,
      log,
      wake: () => engine.wake(),
      onEpisode,
      clientBinding: () => servers.clientBinding,
    };
    const engine = new Engine(runtime);
    const client = new DurableClient(runtime);
    const timers = new Timers(runtime);
    const runTimer = (name: string) => timers.run(name);
    const servers = new Servers(runtime, client, keys, runTimer, options.inProcessClient);
    const hookContext = { hookData: {}, appHookData: {}, functionAppDirectory: process.cwd() };
    const stop = async () => {
      await Promise.all([timers.stop(), servers.closeToCallers()]);
      await engine.stop();
      // Last, because whatever was still running may have asked the durable client.
      await servers.closeToClients();
      for (const hook of app.hooks.appTerminate) await hook(hookContext);
      store.close();
    };
    let stopped: Promise<void> | undefined;
    return {
      get url() {
        return servers.url;
      },
      keys,
      client,
      functions: () => functions.infos,
      async start() {
        try {
          for (const hook of app.hooks.appStart) await hook(hookContext);
          await servers.start(options.port);
        } catch (error) {
          await (stopped ??= stop());
          throw error;
        }
        engine.start();
        if (options.timers !== false) timers.start();
      },
      stop: () => (stopped ??= stop()),
      fetch: (request) => servers.fetch(request),
      runTimer: (name) => timers.run(name),
      idle: () => engine.idle(),
      stats: () => engine.orchestrations.stats,
    };
  } catch (error) {
    store.close();
    throw error;
  }
}

export type { ClientCarrier, DurableClientPort, FunctionInfo, HostKeys, InstanceStats, LogEntry };

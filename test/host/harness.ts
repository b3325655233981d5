/** A host on a virtual clock, for functions that a test registers itself. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { createHost, type Host, type HostOptions, type LogEntry } from '../../local/host/host.ts';
import { virtualClock } from '../../local/clock.ts';

export const midnight = Date.UTC(2026, 0, 1);
export const minuteMs = 60_000;
export const hourMs = 60 * minuteMs;
export const dayMs = 24 * hourMs;

export interface Rig {
  readonly host: Host;
  readonly clock: ReturnType<typeof virtualClock>;
  readonly log: LogEntry[];
  /** What was stored of the present generation of an instance. */
  history(id: string): Record<string, unknown>[];
  readonly stop: () => Promise<void>;
}

export const directory = () => mkdtempSync(join(tmpdir(), 'local-host-'));

/** Starts a host. `register` is called once, as an app's entry would be evaluated. */
export async function rig(register: () => void, options: Partial<HostOptions> = {}): Promise<Rig> {
  const log: LogEntry[] = [];
  const own = directory();
  const clock = virtualClock(midnight);
  const store = join(own, 'store.db');
  let ids = 0;
  const host = await createHost({
    load: () => Promise.resolve(register()),
    hostJson: {},
    settings: {},
    store,
    clock,
    timers: false,
    onLog: (entry) => log.push(entry),
    randomId: () => (ids++).toString(16).padStart(32, '0'),
    ...options,
  });
  await host.start();
  return {
    host,
    clock,
    log,
    history: (id) => readHistory(options.store ?? store, id),
    async stop() {
      await host.stop();
      clock.stop();
      rmSync(own, { recursive: true });
    },
  };
}

/** The stored events of an instance, as any tool would read them from the file. */
function readHistory(store: string, id: string): Record<string, unknown>[] {
  const database = new DatabaseSync(store, { readOnly: true });
  const sql = 'SELECT events FROM history WHERE instance = ? ORDER BY sequence';
  const rows = database.prepare(sql).all(id);
  database.close();
  const events = rows.map((row) => String(row['events'])).join(',');
  return JSON.parse(`[${events}]`) as Record<string, unknown>[];
}

/** Starts an orchestration under its own name as id; throws when that is refused. */
export function start(host: Host, name: string, input?: unknown, instanceId = name): void {
  const started = host.client.start(name, { instanceId, input });
  if (started.kind !== 'started') throw new Error(started.message);
}

/** Runs one orchestration to its end and returns its status. */
export async function run(host: Host, name: string, input?: unknown, instanceId = name) {
  start(host, name, input, instanceId);
  await host.idle();
  const status = host.client.status(instanceId);
  if (status === undefined) throw new Error(`There is no instance ${instanceId}.`);
  return status;
}

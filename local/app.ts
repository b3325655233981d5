import { readFileSync } from 'node:fs';
import { registerFunctions } from '../functions/register.ts';
import type { Ports } from '../src/ports.ts';
import type { Clock } from './clock.ts';
import { createHost } from './host/host.ts';
import type { Host, HostOptions } from './host/host.ts';

export interface AppOptions {
  ports: Ports;
  clock: Clock;
  /** An SQLite file for the history, or `:memory:`. */
  store: string;
  /** Where the HTTP API listens; without it only `call` reaches it. */
  port?: number;
  /** The orchestrations' version that is deployed, instead of host.json's. */
  version?: string;
  /** When runs start by themselves, NCRONTAB in UTC; without it they don't. */
  schedule?: string;
  onLog?: HostOptions['onLog'];
  /** Whatever is different of the host itself. */
  host?: Partial<HostOptions>;
}

/** The function app on the local host. */
export interface App {
  readonly host: Host;
  /** Asks the HTTP API, with the master key, in this process. Throws unless the answer is 2xx. */
  call(method: string, path: string, body?: unknown): Promise<unknown>;
  stop(): Promise<void>;
}

/** Starts the very functions that go to Azure on the local host. */
export async function startApp(options: AppOptions): Promise<App> {
  const { ports, clock, store, port, version, schedule, onLog, host: different } = options;
  const host = await createHost({
    load: async () => registerFunctions(ports, schedule),
    hostJson: hostJsonOf(version),
    settings: { TASKHUB_NAME: 'local' },
    store,
    clock,
    timers: schedule !== undefined,
    ...(port === undefined ? {} : { port }),
    ...(onLog === undefined ? {} : { onLog }),
    ...different,
  });
  await host.start();
  return {
    host,
    stop: () => host.stop(),
    async call(method, path, body) {
      const request = new Request(new URL(path, 'http://localhost'), {
        method,
        headers: { 'x-functions-key': host.keys.master },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const response = await host.fetch(request);
      const text = await response.text();
      const answer: unknown = text === '' ? undefined : JSON.parse(text);
      if (!response.ok) throw new CallError(`${method} ${path}`, response.status, answer);
      return answer;
    },
  };
}

function hostJsonOf(version: string | undefined): unknown {
  const text = readFileSync(new URL('../host.json', import.meta.url), 'utf8');
  return version === undefined
    ? JSON.parse(text)
    : JSON.parse(text, (key, value: unknown) => (key === 'defaultVersion' ? version : value));
}

/** The HTTP API refused. */
export class CallError extends Error {
  override readonly name = 'CallError';
  readonly status: number;
  readonly answer: unknown;

  constructor(asked: string, status: number, answer: unknown) {
    super(`${asked}: ${status} ${JSON.stringify(answer)}`);
    this.status = status;
    this.answer = answer;
  }
}

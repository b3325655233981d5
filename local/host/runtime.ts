/** What the parts of one running host share. */
import type { Clock } from '../clock.ts';
import type { App, TypedData } from './core.ts';
import type { Callable, Functions } from './functions.ts';
import type { HostSettings } from './host-json.ts';
import { invoke, type Invoked } from './invoke.ts';
import type { Instance, Store } from './store.ts';

/**
 * One line of log: the app's own (`user`), the SDK's (`system`) or the host's. Never inputs or
 * keys.
 */
export interface LogEntry {
  readonly at: number;
  readonly level: string;
  readonly category: string;
  readonly function?: string;
  readonly invocation?: string;
  readonly instance?: string;
  readonly message: string;
}

export interface Runtime {
  readonly app: App;
  readonly functions: Functions;
  readonly settings: HostSettings;
  readonly store: Store;
  readonly clock: Clock;
  /** The present instant, epoch milliseconds; never before what the store has seen. */
  readonly now: () => number;
  /** 32 characters that nobody else gets. */
  readonly newId: () => string;
  readonly log: (entry: Omit<LogEntry, 'at'>) => void;
  /** Something may have come due: look. */
  readonly wake: () => void;
  /** Told of each episode that was committed: JSON of its events, comma-separated. */
  readonly onEpisode: (instance: Instance, events: string) => void;
  /** What a durable client binding holds, as JSON. */
  readonly clientBinding: () => string;
}

/** Invokes a function with its trigger's data and, where it wants one, a durable client. */
export function call(
  runtime: Pick<Runtime, 'app' | 'newId' | 'log' | 'clientBinding'>,
  { info, fn, trigger, clients }: Callable,
  data: TypedData,
  about: { instance?: string; triggerMetadata?: Record<string, TypedData> } = {},
): Promise<Invoked> {
  const invocation = runtime.newId();
  const inputs = { [trigger]: data };
  for (const name of clients) inputs[name] = { string: runtime.clientBinding() };
  const { instance, triggerMetadata } = about;
  return invoke(runtime.app, {
    id: invocation,
    fn,
    inputs,
    ...(triggerMetadata && { triggerMetadata }),
    log: (level, category, message) =>
      runtime.log({
        level,
        category,
        function: info.name,
        invocation,
        ...(instance !== undefined && { instance }),
        message,
      }),
  });
}

/** The message of whatever was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

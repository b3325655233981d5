/** The functions of an app, sorted by what triggers them. */
import * as z from 'zod';
import type { App, Binding, RegisteredFunction } from './core.ts';
import { messageOf } from './runtime.ts';
import { readSchedule, type Schedule } from './schedule.ts';
import { resolveSettings, type Settings } from './settings.ts';

/** What was registered under one name, as the host will play it. */
export type FunctionInfo = { readonly name: string } & (
  | {
      readonly kind: 'http';
      readonly route: string;
      readonly methods: readonly string[];
      readonly authLevel: 'anonymous' | 'function' | 'admin';
    }
  | {
      readonly kind: 'timer';
      readonly schedule: string;
      readonly useMonitor: boolean;
      readonly runOnStartup: boolean;
    }
  | { readonly kind: 'orchestration' | 'activity' | 'entity' }
);

export type Kind = FunctionInfo['kind'];
export type InfoOf<K extends Kind> = Extract<FunctionInfo, { kind: K }>;

/** A function that can be invoked: what it is, its code, and the names of its bindings. */
export interface Callable<K extends Kind = Kind> {
  readonly info: FunctionInfo & { kind: K };
  readonly fn: RegisteredFunction;
  readonly trigger: string;
  /** Inputs that want a durable client. */
  readonly clients: readonly string[];
}

export type TimerCallable = Callable<'timer'> & { readonly times: Schedule };

/** Durable functions are found without regard to the case of their name, as the extension does. */
export class Functions {
  readonly http: readonly (Callable & { readonly info: InfoOf<'http'> })[];
  readonly timers: readonly (Callable & {
    readonly info: InfoOf<'timer'>;
    readonly times: Schedule;
  })[];
  readonly infos: readonly FunctionInfo[];
  readonly #byKind: Record<'orchestration' | 'activity' | 'entity', Map<string, Callable>>;

  constructor(app: App, settings: Settings) {
    const all = app.functions
      .filter(({ metadata }) => !isDisabled(metadata.name, settings))
      .map((fn) => readFunction(fn, settings))
      // Routes and listings are in the order of the names, not of registration
      // (source: azure-functions-host, WebJobs.Script/Host/FunctionMetadataManager.cs).
      .sort((a, b) => compareNames(a.info.name, b.info.name));
    this.infos = all.map(({ info }) => info);
    this.http = all.flatMap((one) =>
      one.info.kind === 'http' ? [{ ...one, info: one.info }] : [],
    );
    this.timers = all.flatMap((one) =>
      one.info.kind === 'timer'
        ? [{ ...one, info: one.info, times: readSchedule(one.info.name, one.info.schedule) }]
        : [],
    );
    const named = (kind: Kind) =>
      new Map(
        all
          .filter(({ info }) => info.kind === kind)
          .map((one) => [one.info.name.toLowerCase(), one] as const),
      );
    this.#byKind = {
      orchestration: named('orchestration'),
      activity: named('activity'),
      entity: named('entity'),
    };
  }

  find(kind: 'orchestration' | 'activity' | 'entity', name: string): Callable | undefined {
    return this.#byKind[kind].get(name.toLowerCase());
  }

  /** The sentence with which the extension refuses a name that it does not know. */
  unknown(kind: 'orchestration' | 'activity' | 'entity', name: string): string {
    const article = {
      orchestration: 'an orchestrator',
      activity: 'an activity',
      entity: 'an entity',
    };
    const plural = { orchestration: 'orchestrator', activity: 'activity', entity: 'entity' };
    const known = [...this.#byKind[kind].values()].map(({ info }) => `'${info.name}'`).join(', ');
    return (
      `The function '${name}' doesn't exist, is disabled, or is not ${article[kind]} function. ` +
      `Additional info: The following are the known ${plural[kind]} functions: ${known}.`
    );
  }
}

function compareNames(a: string, b: string): number {
  const [x, y] = [a.toLowerCase(), b.toLowerCase()];
  return x < y ? -1 : x > y ? 1 : 0;
}

function isDisabled(name: string, settings: Settings): boolean {
  return ['true', '1'].includes((settings[`AzureWebJobs.${name}.Disabled`] ?? '').toLowerCase());
}

const httpOptions = z.object({
  route: z.string().optional(),
  methods: z.array(z.string().toUpperCase()),
  authLevel: z
    .string()
    .toLowerCase()
    .pipe(z.enum(['anonymous', 'function', 'admin'])),
});

const timerOptions = z.object({
  schedule: z.string(),
  useMonitor: z.boolean().default(true),
  runOnStartup: z.boolean().default(false),
});

function readFunction(fn: RegisteredFunction, settings: Settings): Callable {
  const { name, bindings, retryOptions } = fn.metadata;
  const refuse = (what: string) => new Error(`Function '${name}': ${what}`);
  if (retryOptions !== undefined) {
    throw refuse('retry policies of a trigger are not played by the local host.');
  }
  const entries = Object.entries(bindings);
  const trigger = entries.find(([, binding]) => /trigger$/i.test(binding.type));
  if (trigger === undefined) throw refuse('has no trigger.');
  const clients = entries.filter(([, { type }]) =>
    ['durableclient', 'orchestrationclient'].includes(type.toLowerCase()),
  );
  const others = entries.filter(
    (entry) => entry !== trigger && !clients.includes(entry) && entry[1].type !== 'http',
  );
  if (others[0] !== undefined) {
    throw refuse(`binding type '${others[0][1].type}' is not played by the local host.`);
  }
  const resolve = (text: string) => {
    try {
      return resolveSettings(text, settings);
    } catch (error) {
      throw refuse(`${messageOf(error)}.`);
    }
  };
  return {
    info: readInfo(name, trigger[1], resolve),
    fn,
    trigger: trigger[0],
    clients: clients.map(([client]) => client),
  };
}

function readInfo(name: string, trigger: Binding, resolve: (text: string) => string): FunctionInfo {
  switch (trigger.type.toLowerCase()) {
    case 'httptrigger': {
      const { route, methods, authLevel } = httpOptions.parse(trigger);
      return { name, kind: 'http', route: resolve(route ?? name), methods, authLevel };
    }
    case 'timertrigger': {
      const { schedule, ...rest } = timerOptions.parse(trigger);
      return { name, kind: 'timer', schedule: resolve(schedule), ...rest };
    }
    case 'orchestrationtrigger':
      return { name, kind: 'orchestration' };
    case 'activitytrigger':
      return { name, kind: 'activity' };
    case 'entitytrigger':
      return { name, kind: 'entity' };
    default:
      throw new Error(`Function '${name}': the local host does not play '${trigger.type}'.`);
  }
}

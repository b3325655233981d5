/**
 * The stand-in for `@azure/functions-core`, the module by which the Node.js language worker takes
 * an app's registrations (source: azure-functions-nodejs-worker, src/setupCoreModule.ts and
 * src/coreApi).
 *
 * `@azure/functions` asks for it once in the life of the process, so it is process-wide; which host
 * a registration belongs to is decided by who is loading at that moment.
 */
import { createRequire, registerHooks } from 'node:module';

export interface Binding {
  readonly type: string;
  readonly direction: string;
  readonly [option: string]: unknown;
}

export interface FunctionMetadata {
  readonly name: string;
  readonly functionId?: string;
  readonly bindings: Readonly<Record<string, Binding>>;
  readonly retryOptions?: unknown;
}

export type FunctionCallback = (...inputs: unknown[]) => unknown;

/**
 * How a value crosses between host and worker (RpcTypedData); the first member that is set counts.
 */
export interface TypedData {
  string?: string;
  json?: string;
  bytes?: Uint8Array;
  int?: number;
  double?: number;
  http?: object;
}

export interface CoreInvocationContext {
  readonly invocationId: string;
  readonly request: {
    readonly invocationId: string;
    readonly functionId: string;
    readonly inputData: readonly { name: string; data: TypedData }[];
    readonly triggerMetadata?: Readonly<Record<string, TypedData>>;
  };
  readonly metadata: FunctionMetadata;
  state: 'preInvocationHooks' | 'invocation' | 'postInvocationHooks' | undefined;
  log(level: string, category: string, message: string): void;
}

export interface InvocationModel {
  getArguments(): Promise<{ context: unknown; inputs: unknown[] }>;
  invokeFunction(context: unknown, inputs: unknown[], callback: FunctionCallback): Promise<unknown>;
  getResponse(context: unknown, result: unknown): Promise<{ returnValue?: TypedData | null }>;
}

export interface ProgrammingModel {
  readonly name: string;
  getInvocationModel(context: CoreInvocationContext): InvocationModel;
}

export interface RegisteredFunction {
  readonly metadata: FunctionMetadata;
  readonly callback: FunctionCallback;
}

const hookNames = ['appStart', 'appTerminate', 'preInvocation', 'postInvocation', 'log'] as const;
export type HookName = (typeof hookNames)[number];
export type Hook = (context: object) => unknown;

/** What one app registered while it was being loaded. */
export interface App {
  readonly functions: readonly RegisteredFunction[];
  readonly hooks: Readonly<Record<HookName, readonly Hook[]>>;
  readonly model: ProgrammingModel;
}

type CoreLog = (level: string, category: string, message: string) => void;

class Disposable {
  static from(...parts: { dispose(): void }[]): Disposable {
    return new Disposable(() => parts.forEach((part) => part.dispose()));
  }
  dispose: () => void;
  constructor(dispose: () => void) {
    this.dispose = dispose;
  }
}

class Registrar {
  readonly functions = new Map<string, RegisteredFunction>();
  readonly hooks: Record<HookName, Hook[]> = {
    appStart: [],
    appTerminate: [],
    preInvocation: [],
    postInvocation: [],
    log: [],
  };
}

let loading: Registrar | undefined;
let model: ProgrammingModel | undefined;
let systemLog: CoreLog = () => {};

function whoLoads(what: string): Registrar {
  if (loading === undefined) {
    throw new Error(`A ${what} can only be registered while the app is being loaded.`);
  }
  return loading;
}

const core = {
  version: '3.10.0',
  hostVersion: '4.1000.0',
  Disposable,
  registerFunction(metadata: FunctionMetadata, callback: FunctionCallback): Disposable {
    const { functions } = whoLoads('function');
    const id = metadata.functionId ?? metadata.name;
    if (functions.has(id)) {
      throw new Error(`A function with the name '${metadata.name}' is registered twice.`);
    }
    functions.set(id, { metadata, callback });
    return new Disposable(() => functions.delete(id));
  },
  registerHook(name: string, callback: Hook): Disposable {
    const { hooks } = whoLoads('hook');
    const known = hookNames.find((hookName) => hookName === name);
    if (known === undefined) throw new RangeError(`Unrecognized hook '${name}'.`);
    hooks[known].push(callback);
    return new Disposable(() => hooks[known].splice(hooks[known].indexOf(callback), 1));
  },
  setProgrammingModel: (next: ProgrammingModel) => void (model = next),
  getProgrammingModel: () => model,
  log: (level: string, category: string, message: string) => systemLog(level, category, message),
};

Object.assign(globalThis, { [Symbol.for('aks-reboot-orchestrator.functions-core')]: core });

/** Jest loads modules itself and maps this one by `moduleNameMapper`; plain Node has to be told. */
function isMapped(): boolean {
  try {
    createRequire(import.meta.url).resolve('@azure/functions-core');
    return true;
  } catch {
    return false;
  }
}

if (!isMapped()) {
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === '@azure/functions-core'
        ? { url: new URL('functions-core.cjs', import.meta.url).href, shortCircuit: true }
        : next(specifier, context),
  });
}

let turn: Promise<unknown> = Promise.resolve();

/**
 * Runs `load` and returns what it registered. Loads of several hosts wait for each other.
 * Throws what `load` throws, and when nothing was registered.
 */
export function loadApp(load: () => Promise<unknown>, log: CoreLog): Promise<App> {
  const before = turn;
  const mine = (async () => {
    await before;
    return loadNow(load, log);
  })();
  turn = mine.catch(() => {});
  return mine;
}

async function loadNow(load: () => Promise<unknown>, log: CoreLog): Promise<App> {
  const registrar = new Registrar();
  loading = registrar;
  systemLog = log;
  try {
    await load();
  } finally {
    loading = undefined;
  }
  if (model === undefined || registrar.functions.size === 0) {
    throw new Error(
      'The app registered no function. (An ES module is evaluated once per process: ' +
        'to load it a second time, import it under another query, or call its registration.)',
    );
  }
  return { functions: [...registrar.functions.values()], hooks: registrar.hooks, model };
}

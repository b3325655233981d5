/**
 * A process that does with an app what the Functions language worker does: gives it
 * `@azure/functions-core` and nothing else, loads it, and invokes one of its functions (sources:
 * azure-functions-nodejs-worker, src/setupCoreModule.ts, src/loadScriptFile.ts and
 * src/eventHandlers/InvocationHandler.ts). It is run where no package can be found.
 *
 * Arguments: the app's entry, the name of a function, what its trigger holds (text). Prints one
 * line of JSON: `Loaded`.
 */
import Module, { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

interface Metadata {
  name: string;
  bindings: Record<string, { type: string; [option: string]: unknown }>;
}
type Callback = (...inputs: unknown[]) => unknown;

export interface Loaded {
  functions: Metadata[];
  /** Packages that could be found beside the app. */
  reachable: string[];
  /** What the function returned, as the host gets it. */
  returned: unknown;
}

interface Model {
  getInvocationModel(context: object): {
    getArguments(): Promise<{ context: unknown; inputs: unknown[] }>;
    invokeFunction(context: unknown, inputs: unknown[], callback: Callback): Promise<unknown>;
    getResponse(context: unknown, result: unknown): Promise<{ returnValue?: object | null }>;
  };
}

const registered: { metadata: Metadata; callback: Callback }[] = [];
let model: Model | undefined;

class Disposable {
  static from(): Disposable {
    return new Disposable();
  }
  dispose(): void {}
}

const core = {
  version: '3.10.0',
  hostVersion: '4.1000.0',
  Disposable,
  registerFunction(metadata: Metadata, callback: Callback) {
    registered.push({ metadata, callback });
    return new Disposable();
  },
  registerHook: () => new Disposable(),
  setProgrammingModel: (next: Model) => void (model = next),
  getProgrammingModel: () => model,
  log: () => {},
};

// oxlint-disable-next-line unbound-method -- called with its module below
const original = Module.prototype.require;
Module.prototype.require = function patched(this: Module, id: string): unknown {
  return id === '@azure/functions-core' ? core : original.call(this, id);
} as NodeJS.Require;

const [entry = '', name = '', trigger = ''] = process.argv.slice(2);
await import(pathToFileURL(entry).href);

const { resolve } = createRequire(entry);
const reachable = ['@azure/functions', 'durable-functions', 'zod'].filter((packageName) => {
  try {
    return resolve(packageName) !== '';
  } catch {
    return false;
  }
});

async function invoke(): Promise<unknown> {
  const wanted = registered.find(({ metadata }) => metadata.name === name);
  if (wanted === undefined || model === undefined) throw new Error(`there is no function ${name}`);
  const { metadata, callback } = wanted;
  const binding = Object.entries(metadata.bindings).find(([, { type }]) => /trigger$/i.test(type));
  const invocation = model.getInvocationModel({
    invocationId: 'invocation',
    request: {
      invocationId: 'invocation',
      functionId: name,
      inputData: [{ name: binding?.[0], data: { string: trigger } }],
    },
    metadata,
    state: 'invocation',
    log: () => {},
  });
  const { context, inputs } = await invocation.getArguments();
  const result = await invocation.invokeFunction(context, inputs, callback);
  return (await invocation.getResponse(context, result)).returnValue;
}

const loaded: Loaded = {
  functions: registered.map(({ metadata }) => metadata),
  reachable,
  returned: await invoke(),
};
process.stdout.write(`${JSON.stringify(loaded)}\n`);

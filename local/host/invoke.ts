/**
 * One invocation of a function, as the language worker makes it: arguments, hooks, handler, hooks,
 * response (source: azure-functions-nodejs-worker, src/eventHandlers/InvocationHandler.ts).
 */
import type { App, CoreInvocationContext, RegisteredFunction, TypedData } from './core.ts';

export interface Invocation {
  readonly id: string;
  readonly fn: RegisteredFunction;
  /** What each input binding holds, by the binding's name. */
  readonly inputs: Readonly<Record<string, TypedData>>;
  readonly triggerMetadata?: Readonly<Record<string, TypedData>>;
  readonly log: (level: string, category: string, message: string) => void;
}

export interface Invoked {
  /** What the handler returned: the live value, not a copy. */
  readonly result: unknown;
  /** Converts the result as the worker would; throws what cannot be converted. */
  readonly returnValue: () => Promise<TypedData | undefined>;
}

/** Invokes a function. Throws what its handler throws. */
export async function invoke(app: App, invocation: Invocation): Promise<Invoked> {
  const { id, fn, log } = invocation;
  const context: CoreInvocationContext = {
    invocationId: id,
    request: {
      invocationId: id,
      functionId: fn.metadata.functionId ?? fn.metadata.name,
      inputData: Object.entries(invocation.inputs).map(([name, data]) => ({ name, data })),
      ...(invocation.triggerMetadata && { triggerMetadata: invocation.triggerMetadata }),
    },
    metadata: fn.metadata,
    state: undefined,
    log,
  };
  const model = app.model.getInvocationModel(context);
  const prepared = await model.getArguments();
  const hookData = {};

  context.state = 'preInvocationHooks';
  const before = {
    hookData,
    appHookData: {},
    invocationContext: prepared.context,
    functionCallback: fn.callback,
    inputs: prepared.inputs,
  };
  for (const hook of app.hooks.preInvocation) await hook(before);

  context.state = 'invocation';
  const after = { ...before, result: undefined as unknown, error: undefined as unknown };
  after.inputs = before.inputs;
  try {
    const { inputs, functionCallback } = before;
    after.result = await model.invokeFunction(prepared.context, inputs, functionCallback);
  } catch (error) {
    after.error = error ?? new Error('The function threw nothing.');
  }

  context.state = 'postInvocationHooks';
  for (const hook of app.hooks.postInvocation) await hook(after);
  if (after.error !== undefined && after.error !== null) throw after.error;
  return {
    result: after.result,
    returnValue: async () =>
      (await model.getResponse(prepared.context, after.result)).returnValue ?? undefined,
  };
}

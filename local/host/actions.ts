/**
 * What an orchestrator asked for, read from the action list that `durable-functions` returns: the
 * whole list since the generation began, every time (source: durable-functions, lib/src/actions).
 */

export interface RetryPolicy {
  readonly attemptsMax: number;
  readonly firstDelayMs: number;
  readonly coefficient: number;
  readonly delayMaxMs: number;
}

/** Inputs are JSON text, null where the orchestrator gave none. */
export type Action =
  | {
      readonly kind: 'activity';
      readonly name: string;
      readonly input: string | null;
      /** The input as the activity's trigger gets it. */
      readonly data: string | null;
      readonly retry?: RetryPolicy;
    }
  | {
      readonly kind: 'child';
      readonly name: string;
      readonly input: string | null;
      readonly instanceId?: string;
      readonly version?: string;
      readonly retry?: RetryPolicy;
    }
  | { readonly kind: 'timer'; readonly fireAt: number; readonly cancelled: boolean }
  | { readonly kind: 'event'; readonly name: string }
  | {
      readonly kind: 'entityCall' | 'entitySignal';
      readonly target: string;
      readonly operation: string;
      readonly input: string | null;
    }
  | { readonly kind: 'continueAsNew'; readonly input: string }
  | { readonly kind: 'unsupported'; readonly what: string };

/** An action and the object that it was read from: its identity within one replay. */
export interface Atom {
  readonly source: object;
  readonly action: Action;
}

/** How actions hang together: `at` counts the atoms of the whole list, in order. */
export type Tree =
  | { readonly kind: 'atom'; readonly at: number }
  | { readonly kind: 'all' | 'any'; readonly parts: readonly Tree[] };

export interface ActionList {
  readonly atoms: readonly Atom[];
  /** One per action that was yielded or recorded on its own. */
  readonly tops: readonly Tree[];
}

const type = {
  activity: 0,
  activityWithRetry: 1,
  child: 2,
  childWithRetry: 3,
  continueAsNew: 4,
  timer: 5,
  event: 6,
  entityCall: 7,
  http: 8,
  entitySignal: 9,
  any: 11,
  all: 12,
  lock: 13,
  release: 14,
} as const;

type Raw = Readonly<Record<string, unknown>>;

/** Reads an action list. Throws when it is not one. */
export function readActions(list: readonly unknown[]): ActionList {
  const atoms: Atom[] = [];
  const read = (value: unknown): Tree => {
    const raw = asRecord(value);
    const kind = raw['actionType'];
    if (kind === type.all || kind === type.any) {
      const parts = raw['compoundActions'];
      if (!Array.isArray(parts)) throw new Error('A compound action has no parts.');
      return { kind: kind === type.all ? 'all' : 'any', parts: parts.map(read) };
    }
    atoms.push({ source: raw, action: readAction(raw) });
    return { kind: 'atom', at: atoms.length - 1 };
  };
  return { tops: list.map(read), atoms };
}

function asRecord(value: unknown): Raw {
  if (typeof value === 'object' && value !== null) return value as Raw;
  throw new Error(`Expected an object in the action list, got ${JSON.stringify(value)}.`);
}

function readAction(raw: Raw): Action {
  const string = (key: string): string => {
    const value = raw[key];
    if (typeof value === 'string') return value;
    throw new Error(`Action ${JSON.stringify(raw)} has no ${key}.`);
  };
  const input = JSON.stringify(raw['input']) ?? null;
  switch (raw['actionType']) {
    case type.activity:
    case type.activityWithRetry: {
      const name = string('functionName');
      return { kind: 'activity', name, input, data: triggerText(raw['input']), ...retryOf(raw) };
    }
    case type.child:
    case type.childWithRetry:
      return {
        kind: 'child',
        name: string('functionName'),
        input,
        ...(typeof raw['instanceId'] === 'string' && { instanceId: raw['instanceId'] }),
        ...(typeof raw['version'] === 'string' && { version: raw['version'] }),
        ...retryOf(raw),
      };
    case type.timer: {
      const fireAt = new Date(raw['fireAt'] as Date | string).getTime();
      return { kind: 'timer', fireAt, cancelled: raw['isCanceled'] === true };
    }
    case type.event:
      return { kind: 'event', name: string('externalEventName') };
    case type.entityCall:
    case type.entitySignal:
      return {
        kind: raw['actionType'] === type.entityCall ? 'entityCall' : 'entitySignal',
        target: string('instanceId'),
        operation: string('operation'),
        input,
      };
    case type.continueAsNew:
      return { kind: 'continueAsNew', input: input ?? 'null' };
    case type.http:
      return { kind: 'unsupported', what: 'callHttp' };
    case type.lock:
    case type.release:
      return { kind: 'unsupported', what: 'lock' };
    default:
      return { kind: 'unsupported', what: `action type ${JSON.stringify(raw['actionType'])}` };
  }
}

/**
 * What .NET makes of an activity's input before the worker sees it: nothing for null,
 * `Convert.ToString` for a boolean, the text of a string (which the SDK has JSON-encoded) and JSON
 * for the rest (source: azure-functions-durable-extension,
 * ContextImplementations/DurableActivityContext.cs).
 */
function triggerText(input: unknown): string | null {
  if (input === undefined || input === null) return null;
  if (typeof input === 'boolean') return input ? 'True' : 'False';
  return typeof input === 'string' ? input : JSON.stringify(input);
}

const delayMaxDefaultMs = 6 * 24 * 60 * 60 * 1000;

function retryOf(raw: Raw): { retry?: RetryPolicy } {
  if (raw['retryOptions'] === undefined) return {};
  const options = asRecord(raw['retryOptions']);
  const number = (key: string, fallback: number): number => {
    const value = options[key];
    return typeof value === 'number' ? value : fallback;
  };
  return {
    retry: {
      attemptsMax: number('maxNumberOfAttempts', 1),
      firstDelayMs: number('firstRetryIntervalInMilliseconds', 0),
      coefficient: number('backoffCoefficient', 1),
      delayMaxMs: number('maxRetryIntervalInMilliseconds', delayMaxDefaultMs),
    },
  };
}

/** Says in short what an action is, to compare one replay with the next. */
export function describe(action: Action): string {
  switch (action.kind) {
    case 'activity':
    case 'child':
    case 'event':
      return `${action.kind} ${action.name}`;
    case 'entityCall':
    case 'entitySignal':
      return `${action.kind} ${action.operation} of ${action.target}`;
    case 'unsupported':
      return action.what;
    case 'timer':
    case 'continueAsNew':
      return action.kind;
  }
}

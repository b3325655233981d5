/**
 * Entities: all due operations of one entity go to its function in one batch, in the order of their
 * arrival; state, answers and signals are committed together (sources:
 * azure-functions-durable-extension, Bindings/EntityTriggerAttributeBindingProvider.cs and
 * Listener/TaskEntityShim.cs; durable-functions, lib/src/entities/Entity.js).
 */
import * as z from 'zod';
import { eventType, happened, type HistoryEvent } from './history.ts';
import { call, messageOf, type Runtime } from './runtime.ts';
import type { Instance, Message } from './store.ts';

/** A request as it travels in the entity's inbox. */
const request = z.object({
  op: z.string(),
  input: z.string().nullable(),
  id: z.string(),
  signal: z.boolean(),
  parent: z.string().optional(),
  parentExecution: z.string().optional(),
});
type Request = z.infer<typeof request>;

const state = z.object({ exists: z.boolean(), state: z.string().nullable() });
export type EntityState = z.infer<typeof state>;

const reply = z.object({
  results: z.array(z.object({ isError: z.boolean(), result: z.string().optional() })),
  signals: z.array(
    z.object({
      target: z.object({ name: z.string(), key: z.string() }),
      name: z.string(),
      input: z.string(),
    }),
  ),
  entityExists: z.boolean(),
  entityState: z.string().nullish(),
});

const batchMax = 50;

/** The id under which an entity is stored and addressed. */
export function entityId(name: string, key: string): string {
  return `@${name.toLowerCase()}@${key}`;
}

/** The state that an entity's instance holds. */
export function stateOf(instance: Instance | undefined): EntityState {
  if (instance === undefined) return { exists: false, state: null };
  return state.parse(JSON.parse(instance.input ?? ''));
}

/** A signal as a message: nobody waits for an answer. */
export function signalOf(op: string, input: string | null, id: string, now: number): HistoryEvent {
  const body: Request = { op, input, id, signal: true };
  const Input = JSON.stringify(body);
  return happened(now, { EventType: eventType.eventRaised, Name: 'op', Input });
}

/** Runs every operation that is due for the entity of `first`. */
export async function deliverToEntity(runtime: Runtime, first: Message): Promise<void> {
  const { store, functions } = runtime;
  const now = runtime.now();
  const id = first.instance;
  const [, name = '', ...rest] = id.split('@');
  const key = rest.join('@');
  const instance = store.instance(id);
  const before = stateOf(instance);
  const messages = store.dueFor(id, now, batchMax);
  const requests = messages.map(readRequest);

  const keepBack = (why: string) => {
    runtime.log({ level: 'error', category: 'host', function: name, instance: id, message: why });
    store.transaction(now, () => messages.forEach((message) => store.hold(message)));
  };
  const entity = functions.find('entity', name);
  if (entity === undefined) return keepBack(functions.unknown('entity', name));

  const batch = requests.map(({ op, input, signal }) => ({ name: op, input, isSignal: signal }));
  const payload = JSON.stringify({ self: { name, key }, ...before, batch });
  let answer;
  try {
    const { result } = await call(runtime, entity, { string: payload }, { instance: id });
    answer = reply.parse(result);
  } catch (error) {
    // The real host tries for ever; here the batch waits until the host is started again.
    return keepBack(`The batch is kept back until the next start: ${messageOf(error)}`);
  }

  store.transaction(now, () => {
    messages.forEach((message) => store.remove(message));
    const exists = answer.entityExists;
    const after: EntityState = { exists, state: exists ? (answer.entityState ?? null) : null };
    store.putInstance({
      ...(instance ?? newEntity(id, name, now)),
      input: JSON.stringify(after),
      updated: now,
    });
    requests.forEach((one, index) => {
      const { parent, parentExecution } = one;
      if (one.signal || parent === undefined || parentExecution === undefined) return;
      const Input = JSON.stringify(responseOf(answer.results[index]));
      const event = { EventType: eventType.eventRaised, Name: one.id, Input };
      store.post(parent, parentExecution, now, happened(now, event));
    });
    for (const { target, name: op, input } of answer.signals) {
      const to = entityId(target.name, target.key);
      store.post(to, null, now, signalOf(op, input, runtime.newId(), now));
    }
  });
}

function readRequest(message: Message): Request {
  if (message.event.EventType !== eventType.eventRaised) throw new Error('Entities take events.');
  return request.parse(JSON.parse(message.event.Input ?? ''));
}

function responseOf(result: z.infer<typeof reply>['results'][number] | undefined): object {
  if (result?.isError === true) return { result: result.result ?? null, exceptionType: 'Error' };
  return { result: result?.result ?? null };
}

function newEntity(id: string, name: string, now: number): Instance {
  return {
    id,
    name: `@${name}`,
    version: '',
    execution: '',
    status: 'Running',
    input: null,
    output: null,
    customStatus: null,
    parent: null,
    created: now,
    updated: now,
  };
}

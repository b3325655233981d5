/**
 * Entities, as durable-functions 3.5.0 (lib/src/entities/Entity.js) and the extension (Bindings/
 * EntityTriggerAttributeBindingProvider.cs, Listener/TaskEntityShim.cs) play them together.
 */
/* oxlint-disable require-yield -- an orchestrator is a generator even if it waits for nothing */
import * as df from 'durable-functions';
import type { OrchestrationContext, Task } from 'durable-functions';
import { rig, run, start, type Rig } from './harness.ts';

let open: Rig | undefined;
afterEach(() => open?.stop());

type Code = (context: OrchestrationContext) => Generator<Task, unknown, unknown>;

const batches: number[] = [];

async function host(codes: Record<string, Code> = {}): Promise<Rig> {
  batches.length = 0;
  open = await rig(() => {
    df.app.entity('Counter', (context) => {
      const count = context.df.getState(() => 0) as number;
      switch (context.df.operationName ?? '') {
        case 'add':
          context.df.setState(count + (context.df.getInput<number>() ?? 0));
          return context.df.return(context.df.getState());
        case 'throw':
          context.df.setState(999);
          throw new Error('kept');
        case 'throwText':
          throw 'text'; // oxlint-disable-line no-throw-literal -- the trap is just this
        case 'forget':
          return context.df.destructOnExit();
        case 'pass':
          return context.df.signalEntity(new df.EntityId('Counter', 'other'), 'add', 5);
        default:
          return undefined;
      }
    });
    df.app.orchestration('none', function* () {});
    for (const [name, code] of Object.entries(codes)) df.app.orchestration(name, code);
  });
  return open;
}

const counter = new df.EntityId('Counter', 'k@1');

it('answers calls in order, keeps its state, and passes signals on', async () => {
  const { host: local } = await host({
    *orch({ df }) {
      const one: unknown = yield df.callEntity(counter, 'add', 2);
      df.signalEntity(counter, 'add', 3);
      df.signalEntity(counter, 'pass');
      const two: unknown = yield df.callEntity(counter, 'add', 4);
      const nothing: unknown = yield df.callEntity(counter, 'look');
      return [one, two, nothing ?? 'nothing'];
    },
  });
  expect((await run(local, 'orch')).output).toEqual([2, 9, 'nothing']);
  expect(local.client.entityState('COUNTER', 'k@1')).toEqual({ exists: true, state: 9 });
  expect(local.client.entityState('counter', 'other')).toEqual({ exists: true, state: 5 });
  expect(local.client.entityState('counter', 'nobody')).toEqual({ exists: false, state: null });
  // Entities are listed among the instances, by their scheduler's id.
  expect(local.client.list({ prefix: '@counter@' }).map((one) => one.instanceId)).toEqual([
    '@counter@k@1',
    '@counter@other',
  ]);
});

it('keeps what it set before it threw; the caller sees what the SDK makes of it', async () => {
  const { host: local } = await host({
    *orch({ df }) {
      const messages = [];
      for (const operation of ['throw', 'throwText']) {
        try {
          yield df.callEntity(counter, operation);
        } catch (error) {
          messages.push((error as Error).message);
        }
      }
      return messages;
    },
  });
  expect((await run(local, 'orch')).output).toEqual(['[object Object]', 'text']);
  expect(local.client.entityState('Counter', 'k@1').state).toBe(999);
});

it('can be deleted, and begins anew', async () => {
  const { host: local } = await host();
  local.client.signal('Counter', 'k', 'add', 2);
  local.client.signal('Counter', 'k', 'forget');
  await local.idle();
  expect(local.client.entityState('Counter', 'k').exists).toBe(false);
  local.client.signal('Counter', 'k', 'add', 3);
  await local.idle();
  expect(local.client.entityState('Counter', 'k')).toEqual({ exists: true, state: 3 });
  expect(local.client.signal('Nobody', 'k', 'add')).toMatchObject({ kind: 'invalid' });
});

it('loses no operation when many instances call at once', async () => {
  const { host: local } = await host({
    *orch({ df }) {
      yield df.Task.all([1, 2, 3].map(() => df.callEntity(counter, 'add', 1)));
    },
  });
  for (let at = 0; at < 10; at += 1) start(local, 'orch', undefined, `orch${at}`);
  await local.idle();
  expect(local.client.entityState('Counter', 'k@1').state).toBe(30);
});

it('does not answer a generation that is gone', async () => {
  const rig = await host({
    *orch({ df }) {
      if (df.getInput<number>() === 1) {
        // Does not wait for the entity: entity calls do not hold an instance.
        yield df.Task.any([df.callEntity(counter, 'add', 1), df.waitForExternalEvent('go')]);
        df.continueAsNew(2);
        return undefined;
      }
      return yield df.waitForExternalEvent('end');
    },
  });
  start(rig.host, 'orch', 1);
  rig.host.client.raise('orch', 'go');
  rig.host.client.raise('orch', 'end', 'done');
  await rig.host.idle();
  expect(rig.host.client.status('orch')?.output).toBe('done');
});

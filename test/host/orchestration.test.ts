/**
 * Orchestrations as the Durable Task extension runs them. Where a behaviour was taken from is said
 * at each group: df = npm durable-functions 3.5.0 lib/src, ext =
 * Azure/azure-functions-durable-extension src/WebJobs.Extensions.DurableTask, core =
 * Azure/durabletask src/DurableTask.Core.
 */
/* oxlint-disable require-yield -- an orchestrator is a generator even if it waits for nothing */
import * as df from 'durable-functions';
import { RetryOptions } from 'durable-functions';
import type { OrchestrationContext, Task, TimerTask } from 'durable-functions';
import fc from 'fast-check';
import type { HostOptions } from '../../local/host/host.ts';
import { dayMs, hourMs, midnight, rig, run, start, type Rig } from './harness.ts';

type Code = (context: OrchestrationContext) => Generator<Task, unknown, unknown>;

let open: Rig | undefined;
afterEach(() => open?.stop());

/** A host with these orchestrators, and activities that every test can use. */
async function host(
  codes: Record<string, Code>,
  durableTask: object = {},
  options: Partial<HostOptions> = {},
): Promise<Rig> {
  const attempts = new Map<string, number>();
  open = await rig(
    () => {
      df.app.activity('echo', { handler: (input: unknown) => input });
      df.app.activity('typed', { handler: (input: unknown) => ({ type: typeof input, input }) });
      df.app.activity('fail', {
        handler: (message: string) => {
          throw new Error(message);
        },
      });
      df.app.activity('failTimes', {
        handler: ({ key, times }: { key: string; times: number }) => {
          const attempt = (attempts.get(key) ?? 0) + 1;
          attempts.set(key, attempt);
          if (attempt <= times) throw new Error(`attempt ${attempt}`);
          return attempt;
        },
      });
      df.app.entity('counter', (context) => {
        const count = context.df.getState(() => 0) as number;
        context.df.setState(count + 1);
        context.df.return(count + 1);
      });
      for (const [name, code] of Object.entries(codes)) df.app.orchestration(name, code);
    },
    { hostJson: { extensions: { durableTask } }, ...options },
  );
  return open;
}

const after = (context: OrchestrationContext, ms: number) =>
  context.df.createTimer(new Date(context.df.currentUtcDateTime.getTime() + ms));

/** `<task>:<what was scheduled>` for everything that has a number. */
const numbered = (rig: Rig, id: string) =>
  rig
    .history(id)
    .filter(({ EventId }) => EventId !== -1)
    .map(({ EventId, Name, FireAt }) => `${String(EventId)}:${String(Name ?? FireAt)}`);

describe('inputs and outputs', () => {
  // ext ContextImplementations/DurableActivityContext.cs; df util/Utils.js processInput
  it.each<[given: unknown, type: string, got: unknown]>([
    [undefined, 'undefined', undefined],
    [null, 'undefined', undefined],
    [1.5, 'number', 1.5],
    ['s', 'string', 's'],
    ['123', 'string', '123'],
    ['{"a":1}', 'string', '{"a":1}'],
    [{ a: [1] }, 'object', { a: [1] }],
    // .NET turns it into text on the way: a trap of the real product.
    [true, 'string', 'True'],
  ])('an activity that is called with %j gets a %s', async (given, type, input) => {
    const { host: local } = await host({
      *orch({ df }) {
        return yield df.callActivity('typed', given);
      },
    });
    expect((await run(local, 'orch')).output).toEqual(
      input === undefined ? { type } : { type, input },
    );
  });

  it('a child gets its input as it is, and continueAsNew wraps a string once more', async () => {
    const { host: local } = await host({
      *child({ df }) {
        return df.getInput();
      },
      *again({ df }) {
        const input = df.getInput<string>();
        if (input === 'first') df.continueAsNew('b');
        return input;
      },
      *orch({ df }) {
        const child: unknown = yield df.callSubOrchestrator('child', 'text');
        return { child, own: df.getInput() };
      },
    });
    expect((await run(local, 'orch', { x: 1 })).output).toEqual({ child: 'text', own: { x: 1 } });
    expect((await run(local, 'again', 'first')).output).toBe('"b"');
  });
});

describe('time and replay', () => {
  // ext Options/AzureStorageOptions.cs (6 days at most, legs of 3); df task/LongTimerTask.js
  it('a timer longer than six days goes in legs of three', async () => {
    const rig = await host({
      *orch(context) {
        yield after(context, 10 * dayMs);
        yield context.df.callActivity('echo', 1);
        return context.df.currentUtcDateTime;
      },
    });
    expect((await run(rig.host, 'orch')).output).toBe('2026-01-11T00:00:00.000Z');
    expect(numbered(rig, 'orch')).toEqual([
      '0:2026-01-04T00:00:00.000Z',
      '1:2026-01-07T00:00:00.000Z',
      '2:2026-01-11T00:00:00.000Z',
      '3:echo',
    ]);
  });

  it('ids, time and replay flag are the same in every replay', async () => {
    const seen: unknown[] = [];
    const codes: Record<string, Code> = {
      *orch(context) {
        const first = context.df.newGuid(context.df.instanceId);
        if (!context.df.isReplaying) seen.push('once');
        yield after(context, 1_500);
        return [first, context.df.newGuid(context.df.instanceId), context.df.currentUtcDateTime];
      },
    };
    const one = await host(codes);
    const first = await run(one.host, 'orch');
    await one.stop();
    const two = await host(codes);
    expect(await run(two.host, 'orch')).toEqual(first);
    expect(seen).toEqual(['once', 'once']);
    expect(first.output).toEqual([
      expect.any(String),
      expect.any(String),
      '2026-01-01T00:00:01.500Z',
    ]);
  });

  // core TaskOrchestrationExecutor.cs: `if (!HasOpenTasks)`
  it('a timer keeps the instance running unless it is cancelled', async () => {
    const code = (cancel: boolean): Code =>
      function* (context) {
        const timeout = after(context, hourMs);
        yield context.df.Task.any([timeout, context.df.callActivity('echo', 1)]);
        if (cancel) timeout.cancel();
        return 'done';
      };
    const { host: local } = await host({ abandon: code(false), cancel: code(true) });
    const ended = async (name: string) => (await run(local, name)).lastUpdatedTime;
    expect(await ended('cancel')).toBe('2026-01-01T00:00:00Z');
    expect(await ended('abandon')).toBe('2026-01-01T01:00:00Z');
  });

  // ext Listener/OutOfProcOrchestrationShim.cs awaits Task.WhenAll before it goes on
  it('what follows a failed Task.all is scheduled when all its parts have ended', async () => {
    const rig = await host({
      *orch(context) {
        try {
          yield context.df.Task.all([context.df.callActivity('fail', 'x'), after(context, hourMs)]);
        } catch {
          yield context.df.callActivity('echo', 1);
        }
        return context.df.currentUtcDateTime;
      },
    });
    expect((await run(rig.host, 'orch')).output).toBe('2026-01-01T01:00:00.000Z');
    const scheduled = rig.history('orch').find(({ EventId }) => EventId === 2);
    expect(scheduled).toMatchObject({ Name: 'echo', Timestamp: '2026-01-01T01:00:00.000Z' });
  });

  it('a timer that changed code would make longer fires when it was to, and is over', async () => {
    let replays = 0;
    const rig = await host({
      *orch({ df }) {
        replays += 1;
        const until = new Date(df.currentUtcDateTime.getTime() + (replays > 1 ? 2 : 1) * hourMs);
        yield df.createTimer(until);
        yield df.callActivity('echo', 1);
        return df.currentUtcDateTime;
      },
    });
    expect((await run(rig.host, 'orch')).output).toBe('2026-01-01T01:00:00.000Z');
    expect(rig.history('orch').filter(({ FireAt }) => FireAt !== undefined)).toHaveLength(2);
  });

  it('an orchestrator that asks for something else than before fails', async () => {
    let replays = 0;
    const { host: local } = await host({
      *orch({ df }) {
        replays += 1;
        yield df.callActivity('echo', 1);
        yield df.callActivity(replays > 2 ? 'typed' : 'echo', 2);
        return yield df.callActivity('echo', 3);
      },
    });
    const { output, runtimeStatus } = await run(local, 'orch');
    expect(runtimeStatus).toBe('Failed');
    expect(output).toMatch(
      /Non-Deterministic workflow detected.*'activity echo'.*'activity typed'/,
    );
  });
});

describe('numbers of tasks', () => {
  // df task/RetryableTask.js; core RetryInterceptor.cs (a last timer after the last failure)
  it('a retried activity takes a number for each timer and attempt', async () => {
    const rig = await host({
      *orch({ df }) {
        const options = new RetryOptions(1_000, 3);
        options.backoffCoefficient = 2;
        try {
          yield df.callActivityWithRetry('fail', options, 'no');
        } catch {
          yield df.callActivity('echo', 1);
        }
        return df.currentUtcDateTime;
      },
    });
    expect((await run(rig.host, 'orch')).output).toBe('2026-01-01T00:00:03.000Z');
    expect(numbered(rig, 'orch')).toEqual([
      '0:fail',
      '1:2026-01-01T00:00:01.000Z',
      '2:fail',
      '3:2026-01-01T00:00:03.000Z',
      '4:fail',
      '5:2026-01-01T00:00:03.000Z',
      '6:echo',
    ]);
  });

  it('a task that is yielded again inside another keeps its number, with a warning', async () => {
    const rig = await host({
      *orch(context) {
        const timeout = after(context, hourMs);
        yield context.df.Task.any([timeout, context.df.callActivity('echo', 1)]);
        yield context.df.Task.any([timeout, context.df.callActivity('echo', 2)]);
        timeout.cancel();
        return yield context.df.callActivity('echo', 3);
      },
    });
    expect((await run(rig.host, 'orch')).output).toBe(3);
    expect(numbered(rig, 'orch').map((one) => one[0])).toEqual(['0', '1', '2', '3']);
    const warnings = rig.log.filter(({ level }) => level === 'warning');
    expect(warnings.map(({ message }) => message)).toEqual([
      expect.stringContaining("'timer' was yielded again"),
    ]);
  });

  const task = fc.oneof(
    fc.constant({ kind: 'echo' as const }),
    fc.constant({ kind: 'fail' as const }),
    fc.record({
      kind: fc.constant('retry' as const),
      times: fc.nat(3),
      max: fc.integer({ min: 1, max: 3 }),
    }),
    fc.record({
      kind: fc.constant('timer' as const),
      days: fc.integer({ min: 1, max: 20 }),
    }),
    fc.constant({ kind: 'child' as const }),
    fc.constant({ kind: 'entity' as const }),
    fc.constant({ kind: 'signal' as const }),
  );
  const step = fc.record({
    how: fc.constantFrom('all' as const, 'any' as const),
    tasks: fc.array(task, { minLength: 1, maxLength: 4 }),
    cancel: fc.boolean(),
  });
  type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

  // Were one number wrong, a completion would reach another task, and the last activity hang.
  it('are those of the SDK, whatever an orchestrator does', async () => {
    const entity = new df.EntityId('counter', 'k');
    const tasksOf = (context: OrchestrationContext, { tasks }: Step, key: string) =>
      tasks.flatMap((one, index): Task[] => {
        switch (one.kind) {
          case 'echo':
          case 'fail':
            return [context.df.callActivity(one.kind, 'x')];
          case 'retry': {
            const options = new df.RetryOptions(1_000, one.max);
            const input = { key: `${context.df.instanceId} ${key} ${index}`, times: one.times };
            return [context.df.callActivityWithRetry('failTimes', options, input)];
          }
          case 'timer':
            return [after(context, one.days * dayMs)];
          case 'child':
            return [context.df.callSubOrchestrator('child')];
          case 'entity':
            return [context.df.callEntity(entity, 'add')];
          case 'signal':
            context.df.signalEntity(entity, 'add');
            return [];
        }
      });
    const codes: Record<string, Code> = {
      *child(context) {
        yield after(context, 1_000);
      },
      *program(context) {
        for (const [at, one] of context.df.getInput<Step[]>().entries()) {
          const tasks = tasksOf(context, one, String(at));
          if (tasks.length === 0) continue;
          try {
            yield context.df.Task[one.how](tasks);
          } catch {
            // The next step is what matters.
          }
          for (const timer of tasks) if (isOpenTimer(timer) && one.cancel) timer.cancel();
        }
        return yield context.df.callActivity('echo', 'last');
      },
    };
    const rig = await host(codes, {}, { store: ':memory:' });
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 5 }), async (program) => {
        const { output, runtimeStatus } = await run(rig.host, 'program', program, `p${runs++}`);
        expect([runtimeStatus, output]).toEqual(['Completed', 'last']);
      }),
      { numRuns: 100 },
    );
  });
});

describe('failures', () => {
  // ext OutOfProcExceptionHelpers.cs and Listener/OutOfProcOrchestrationShim.cs
  it('an activity fails with its text, and so does who does not catch it', async () => {
    const { host: local } = await host({
      *caught({ df }) {
        try {
          yield df.callActivity('fail', 'bad x');
        } catch (error) {
          return (error as Error).message;
        }
        return undefined;
      },
      *uncaught({ df }) {
        yield df.callActivity('fail', 'bad x');
      },
    });
    const text = /^Activity function 'fail' failed: {2}bad x \n .*"Message":" bad x"/;
    expect((await run(local, 'caught')).output).toMatch(text);
    const { runtimeStatus, output } = await run(local, 'uncaught');
    expect([runtimeStatus, output]).toEqual([
      'Failed',
      expect.stringMatching(
        /^Orchestrator function 'uncaught' failed: Activity function 'fail' failed/,
      ),
    ]);
  });

  // df error/ExceptionPropertiesProvider.js and TaskFailedError.js
  it('a failure that the app describes arrives with its details', async () => {
    open = await rig(() => {
      df.app.setExceptionPropertiesProvider({
        getExceptionProperties: () => ({ code: 7 }),
      });
      df.app.activity('fail', { handler: () => Promise.reject(new RangeError('far')) });
      df.app.orchestration('orch', function* (context) {
        try {
          yield context.df.callActivity('fail');
        } catch (error) {
          const { errorType, errorMessage, properties } = (error as df.TaskFailedError)
            .failureDetails;
          return { errorType, errorMessage, properties };
        }
        return undefined;
      });
    });
    const { output } = await run(open.host, 'orch');
    df.app.setExceptionPropertiesProvider({ getExceptionProperties: () => undefined });
    expect(output).toEqual({
      errorType: 'RangeError',
      errorMessage: 'far',
      properties: { code: 7 },
    });
  });

  it('names that nobody registered fail the orchestrator and list those that are', async () => {
    const { host: local } = await host({
      *activity({ df }) {
        yield df.callActivity('none');
      },
      *child({ df }) {
        yield df.callSubOrchestrator('none');
      },
      *entity(context) {
        yield context.df.callEntity(new df.EntityId('none', 'k'), 'op');
      },
    });
    for (const name of ['activity', 'child', 'entity']) {
      expect((await run(local, name)).output).toMatch(
        /failed: The function 'none' doesn't exist, .* is not an .* function\. Add.* info: .*'/,
      );
    }
  });

  it('an orchestrator that throws no message fails, and says it hangs in Azure', async () => {
    const { host: local } = await host({
      // oxlint-disable-next-line no-throw-literal -- the trap is just this
      *orch() {
        throw 'text';
      },
    });
    const { runtimeStatus, output } = await run(local, 'orch');
    expect([runtimeStatus, output]).toEqual(['Failed', expect.stringContaining('would hang')]);
  });

  it('what was asked for before the throw is done', async () => {
    const { host: local } = await host({
      *orch(context) {
        context.df.signalEntity(new df.EntityId('counter', 'k'), 'add');
        throw new Error('after the signal');
      },
    });
    await run(local, 'orch');
    expect(local.client.entityState('counter', 'k')).toEqual({ exists: true, state: 1 });
  });

  it('refuses what it does not play', async () => {
    const { host: local } = await host({
      *orch(context) {
        yield context.df.callHttp({ method: 'GET', url: 'https://example.com' });
      },
    });
    expect((await run(local, 'orch')).output).toMatch(/does not play 'callHttp'/);
  });
});

describe('children', () => {
  // core TaskOrchestrationContext.cs (ids), TaskOrchestrationDispatcher.cs (ends)
  it('have their own id, know their parent, and report once, continued as new or not', async () => {
    const { host: local } = await host({
      *child({ df }) {
        const round = df.getInput<number>();
        if (round < 3) df.continueAsNew(round + 1);
        return [round, df.parentInstanceId, df.instanceId];
      },
      *orch({ df }) {
        const named: unknown = yield df.callSubOrchestrator('child', 1, 'named');
        const unnamed: unknown = yield df.callSubOrchestrator('child', 3);
        return [named, unnamed];
      },
    });
    expect((await run(local, 'orch')).output).toEqual([
      [3, 'orch', 'named'],
      [3, 'orch', expect.stringMatching(/^[0-9a-f]{32}:1$/)],
    ]);
  });

  it('that fail can be caught; that are terminated make the SDK fail the parent', async () => {
    const { host: local } = await host({
      *bad() {
        throw new Error('boom');
      },
      *wait({ df }) {
        yield df.waitForExternalEvent('never');
      },
      *caught({ df }) {
        try {
          yield df.callSubOrchestrator('bad');
        } catch (error) {
          return (error as Error).message;
        }
        return undefined;
      },
      *parent({ df }) {
        try {
          yield df.callSubOrchestrator('wait', undefined, 'child');
        } catch {
          return 'caught';
        }
        return undefined;
      },
    });
    expect((await run(local, 'caught')).output).toMatch(
      /^Orchestrator function 'bad' failed: boom \n Message: boom, StackTrace: /,
    );
    start(local, 'parent');
    await until(() => local.client.status('child') !== undefined);
    local.client.terminate('child', 'enough');
    await local.idle();
    expect(local.client.status('child')).toMatchObject({
      runtimeStatus: 'Terminated',
      output: 'enough',
    });
    // The event carries no details then, and the SDK cannot read it: nothing can be caught.
    expect(local.client.status('parent')?.output).toMatch(/could not parse its exception data/);
  });

  it('may not have the id of their parent', async () => {
    const { host: local } = await host({
      *orch({ df }) {
        yield df.callSubOrchestrator('orch', undefined, 'orch');
      },
    });
    expect((await run(local, 'orch')).output).toMatch(/id 'orch' is that of its parent/);
  });
});

describe('events', () => {
  // df TaskOrchestrationExecutor.js: a stack of those who wait, a queue of what came too early
  it('wait in a queue for who comes late, and go to who waited last', async () => {
    const { host: local } = await host({
      *early(context) {
        yield after(context, 1_000);
        const first: unknown = yield context.df.waitForExternalEvent('go');
        const second: unknown = yield context.df.waitForExternalEvent('go');
        return [first, second];
      },
      *both({ df }) {
        return yield df.Task.all([df.waitForExternalEvent('go'), df.waitForExternalEvent('go')]);
      },
    });
    for (const name of ['early', 'both']) {
      start(local, name);
      local.client.raise(name, 'go', 1);
      local.client.raise(name, 'GO', 'names differ by case');
      local.client.raise(name, 'go', 2);
    }
    await local.idle();
    expect(local.client.status('early')?.output).toEqual([1, 2]);
    expect(local.client.status('both')?.output).toEqual([2, 1]);
  });

  it('named like a number are refused, because the SDK takes them for a task', async () => {
    const { host: local } = await host({
      *orch({ df }) {
        yield df.waitForExternalEvent('0');
      },
    });
    start(local, 'orch');
    expect(local.client.raise('orch', '0')).toMatchObject({ kind: 'notNow' });
  });
});

describe('continueAsNew', () => {
  // ext IDurableOrchestrationContext.cs: preserveUnprocessedEvents = false; core: carry-over
  it('loses events that nothing waited for, and keeps those that come after the call', async () => {
    const rig = await host({
      *orch(context) {
        if (context.df.getInput<number>() === 1) {
          const hold = context.df.callSubOrchestrator('slow');
          yield context.df.waitForExternalEvent('go');
          yield context.df.Task.any([hold, context.df.waitForExternalEvent('now')]);
          context.df.continueAsNew(2);
          return undefined;
        }
        return yield context.df.waitForExternalEvent('later');
      },
      *slow(context) {
        yield after(context, hourMs);
      },
    });
    start(rig.host, 'orch', 1);
    rig.host.client.raise('orch', 'later', 'lost');
    rig.host.client.raise('orch', 'go');
    rig.host.client.raise('orch', 'now');
    // The call is made by now, but the child holds the instance for an hour.
    rig.host.client.raise('orch', 'later', 'kept');
    await rig.host.idle();
    expect(rig.host.client.status('orch')).toMatchObject({ output: 'kept' });
    expect(rig.log.map(({ message }) => message)).toContainEqual(
      'continueAsNew lost events that nothing waited for: later.',
    );
  });

  it('starts a new history, and keeps custom status, creation and parent', async () => {
    const rig = await host({
      *orch(context) {
        const round = context.df.getInput<number>();
        yield after(context, hourMs);
        if (round === 1) context.df.setCustomStatus('first round');
        if (round < 3) context.df.continueAsNew(round + 1);
        return round;
      },
    });
    expect(await run(rig.host, 'orch', 1)).toMatchObject({
      output: 3,
      customStatus: 'first round',
      createdTime: '2026-01-01T00:00:00Z',
      lastUpdatedTime: '2026-01-01T03:00:00Z',
    });
    expect(numbered(rig, 'orch')).toEqual(['0:2026-01-01T03:00:00.000Z']);
  });
});

describe('control', () => {
  const codes: Record<string, Code> = {
    *orch({ df }) {
      df.setCustomStatus('waiting');
      return yield df.waitForExternalEvent('go');
    },
  };

  // core TaskOrchestrationDispatcher.cs; ext HttpApiHandler.cs
  it('terminates, suspends (messages wait) and resumes', async () => {
    const { host: local } = await host(codes);
    start(local, 'orch');
    local.client.suspend('orch', 'why');
    await local.idle();
    expect(local.client.status('orch')).toMatchObject({ runtimeStatus: 'Suspended' });
    expect(local.client.suspend('orch', 'again').kind).toBe('notNow');
    local.client.raise('orch', 'go', 1);
    await local.idle();
    expect(local.client.status('orch')).toMatchObject({ runtimeStatus: 'Suspended' });
    local.client.resume('orch', 'go on');
    await local.idle();
    expect(local.client.status('orch')).toMatchObject({ runtimeStatus: 'Completed', output: 1 });
    expect(local.client.raise('orch', 'go', 2).kind).toBe('finished');
    expect(local.client.terminate('nobody', 'x').kind).toBe('unknown');

    start(local, 'orch');
    local.client.terminate('orch', 'enough');
    await local.idle();
    expect(local.client.status('orch')).toMatchObject({
      runtimeStatus: 'Terminated',
      output: 'enough',
    });
  });

  it('an id is taken while it runs, and free again after', async () => {
    const { host: local } = await host(codes);
    start(local, 'orch');
    expect(local.client.start('orch', { instanceId: 'orch' })).toMatchObject({ kind: 'exists' });
    local.client.raise('orch', 'go', 'one');
    await local.idle();
    start(local, 'orch');
    local.client.raise('orch', 'go', 'two');
    await local.idle();
    expect(local.client.status('orch')).toMatchObject({ output: 'two' });
    expect(local.client.start('none')).toMatchObject({ kind: 'invalid' });
    for (const instanceId of ['@a', 'a/b', 'a#b', 'x'.repeat(257)]) {
      expect(local.client.start('orch', { instanceId })).toMatchObject({ kind: 'invalid' });
    }
  });

  it('purges finished instances by time, and one by its id whatever its status', async () => {
    const { host: local } = await host({ ...codes, *quick() {} });
    await run(local, 'quick');
    start(local, 'orch');
    expect(local.client.purgeAll({ createdFrom: midnight })).toBe(1);
    expect(local.client.list().map(({ instanceId }) => instanceId)).toEqual(['orch']);
    expect([local.client.purge('orch'), local.client.purge('orch')]).toEqual([true, false]);
  });

  it('nothing is left of an instance that is purged while its code runs', async () => {
    const rig: Rig = await host({
      *orch({ df }) {
        rig.host.client.purge('orch');
        yield df.callActivity('echo', 1);
      },
    });
    start(rig.host, 'orch');
    await until(() => rig.host.stats().size > 0);
    await rig.host.idle();
    expect([rig.host.client.list(), rig.history('orch')]).toEqual([[], []]);
  });
});

describe('versions', () => {
  // core TaskOrchestrationDispatcher.cs and Settings/VersioningSettings.cs
  const codes: Record<string, Code> = {
    *orch({ df }) {
      const child: unknown = yield df.callSubOrchestrator('child');
      return [df.version, child];
    },
    *child({ df }) {
      return df.version;
    },
  };
  const outcome = async (durableTask: object, version: string) => {
    const rig = await host(codes, durableTask);
    rig.host.client.start('orch', { instanceId: 'orch', version });
    await until(() => rig.host.stats().size > 0 || rig.log.length > 0);
    if (rig.log.length === 0) await rig.host.idle();
    const { runtimeStatus, output } = rig.host.client.status('orch') ?? {};
    await rig.stop();
    open = undefined;
    return [runtimeStatus, output];
  };
  const mismatch = expect.stringMatching(/did not comply with Worker Versioning/) as unknown;

  it('decide which instances are served', async () => {
    const fail = { defaultVersion: '1.2', versionFailureStrategy: 'Fail' };
    expect(await outcome(fail, '1.1')).toEqual(['Completed', ['1.1', '1.2']]);
    expect(await outcome(fail, '1.10')).toEqual(['Failed', mismatch]);
    const strict = { ...fail, versionMatchStrategy: 'strict' };
    expect(await outcome(strict, '1.1')).toEqual(['Failed', mismatch]);
    const none = { ...fail, versionMatchStrategy: 'None' };
    expect(await outcome(none, '9')).toEqual(['Completed', ['9', '1.2']]);
    const reject = { defaultVersion: '1.2' };
    expect(await outcome(reject, '1.10')).toEqual(['Pending', null]);
  });
});

function isOpenTimer(task: Task): task is TimerTask {
  return 'cancel' in task && !task.isCompleted;
}

/** Lets the host go on until something shows; fails with the test's own time limit. */
async function until(shows: () => boolean): Promise<void> {
  while (!shows()) await new Promise((resolve) => setImmediate(resolve));
}

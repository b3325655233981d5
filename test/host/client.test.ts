/**
 * The durable client of durable-functions 3.5.0 (lib/src/durableClient/DurableClient.js), handed to
 * every kind of function that may have one, against the API of the extension (HttpApiHandler.cs).
 */
/* oxlint-disable require-yield -- an orchestrator is a generator even if it waits for nothing */
import { app, type HttpRequest, type InvocationContext } from '@azure/functions';
import * as df from 'durable-functions';
import { midnight, rig, type Rig } from './harness.ts';

let open: Rig;
afterEach(() => open.stop());

/** A function per call of the client, so that the SDK itself speaks to the host. */
async function host(call: (client: df.DurableClient) => Promise<unknown>): Promise<Rig> {
  open = await rig(() => {
    app.http('ask', {
      extraInputs: [df.input.durableClient()],
      handler: async (_request: HttpRequest, context: InvocationContext) => ({
        jsonBody: (await call(df.getClient(context))) ?? null,
      }),
    });
    df.app.orchestration('orch', function* (context) {
      context.df.setCustomStatus({ step: 1 });
      return [context.df.getInput(), (yield context.df.waitForExternalEvent('go')) as unknown];
    });
    df.app.orchestration('fail', function* () {
      throw new Error('no');
    });
    df.app.activity('look', {
      extraInputs: [df.input.durableClient()],
      handler: async (id: string, context: InvocationContext) => {
        const client = df.getClient(context);
        const { runtimeStatus } = await client.getStatus(id);
        const entity = await client.readEntityState(new df.EntityId('lock', 'k'));
        return { runtimeStatus, entity, own: context.triggerMetadata?.['instanceId'] };
      },
    });
    df.app.orchestration('looks', function* (context) {
      return (yield context.df.callActivity('look', context.df.instanceId)) as unknown;
    });
    df.app.entity('lock', (context) => context.df.setState(context.df.getInput() ?? 'held'));
  });
  return open;
}

const ask = async (rig: Rig): Promise<unknown> =>
  (await rig.host.fetch(new Request('http://app.example/api/ask'))).json();

it('starts, follows, raises events and reads the result', async () => {
  const rig = await host(async (client) => {
    const id = await client.startNew('orch', { instanceId: 'my id', input: { a: 1 } });
    await client.raiseEvent(id, 'go', { b: 2 });
    const response = await client.waitForCompletionOrCreateCheckStatusResponse(
      new Request('http://app.example/x') as unknown as HttpRequest,
      id,
      { retryIntervalInMilliseconds: 5 },
    );
    const { createdTime, ...status } = await client.getStatus(id, { showInput: true });
    return { answered: [response.status, await response.json()], ...status, createdTime };
  });
  expect(await ask(rig)).toEqual({
    answered: [200, [{ a: 1 }, { b: 2 }]],
    name: 'orch',
    instanceId: 'my id',
    runtimeStatus: 'Completed',
    input: { a: 1 },
    customStatus: { step: 1 },
    output: [{ a: 1 }, { b: 2 }],
    createdTime: '2026-01-01T00:00:00.000Z',
    lastUpdatedTime: '2026-01-01T00:00:00.000Z',
  });
});

it('has the input "" when none was given, and null when null was', async () => {
  const rig = await host(async (client) => {
    for (const [instanceId, input] of [
      ['none', undefined],
      ['null', null],
    ] as const) {
      await client.startNew('orch', { instanceId, input });
      await client.raiseEvent(instanceId, 'go', undefined);
    }
    await rig.host.idle();
    return [(await client.getStatus('none')).output, (await client.getStatus('null')).output];
  });
  expect(await ask(rig)).toEqual([
    ['', null],
    [null, null],
  ]);
});

it('tells failures, refusals and absences as the SDK understands them', async () => {
  const caught = (promise: Promise<unknown>) =>
    promise.catch((error: unknown) => (error as Error).message);
  const rig = await host(async (client) => {
    await client.startNew('orch', { instanceId: 'one' });
    await client.startNew('fail', { instanceId: 'bad' });
    return [
      await caught(client.startNew('orch', { instanceId: 'one' })),
      await caught(client.startNew('nobody')),
      await caught(client.getStatus('nobody')),
      await caught(client.raiseEvent('nobody', 'go', 1)),
      await caught(client.terminate('nobody', 'why')),
      await caught(client.rewind('bad', 'why')),
      await client.purgeInstanceHistory('nobody'),
      (await client.getStatus('bad')).output,
    ];
  });
  expect(await ask(rig)).toEqual([
    expect.stringContaining('status code: 409'),
    expect.stringContaining("'nobody' doesn't exist"),
    expect.stringContaining('HTTP 404'),
    "No instance with ID 'nobody' found.",
    "No instance with ID 'nobody' found.",
    expect.anything(),
    { instancesDeleted: 0 },
    "Orchestrator function 'fail' failed: no",
  ]);
});

it('suspends, resumes, terminates, lists by page and purges', async () => {
  const rig = await host(async (client) => {
    for (let at = 0; at < 250; at += 1) await client.startNew('orch', { instanceId: `i${at}` });
    await client.suspend('i0', 'why not');
    await client.terminate('i1', 'enough');
    await settled(rig, 'i1', 'Terminated');
    const suspended = (await client.getStatus('i0')).runtimeStatus;
    await client.resume('i0', 'go on');
    await settled(rig, 'i0', 'Running');
    const all = await client.getStatusAll();
    const terminated = await client.getStatusBy({
      createdTimeFrom: new Date(midnight),
      runtimeStatus: [df.OrchestrationRuntimeStatus.Terminated],
    });
    const purged = await client.purgeInstanceHistoryBy({ createdTimeFrom: new Date(midnight) });
    return [suspended, all.length, terminated.map((one) => [one.instanceId, one.output]), purged];
  });
  expect(await ask(rig)).toEqual(['Suspended', 250, [['i1', 'enough']], { instancesDeleted: 1 }]);
});

it('signals and reads entities', async () => {
  const id = new df.EntityId('lock', 'k 1');
  const rig = await host(async (client) => {
    const before = await client.readEntityState(id);
    await client.signalEntity(id, 'hold', { who: 'me' });
    await rig.host.idle();
    return [before, await client.readEntityState(id)];
  });
  expect(await ask(rig)).toEqual([
    { entityExists: false },
    { entityExists: true, entityState: { who: 'me' } },
  ]);
});

it('comes with activities, which also learn the id of their instance', async () => {
  const rig = await host(() => Promise.resolve());
  rig.host.client.signal('lock', 'k', 'hold');
  rig.host.client.start('looks', { instanceId: 'looks' });
  await rig.host.idle();
  expect(rig.host.client.status('looks')?.output).toEqual({
    runtimeStatus: 'Running',
    entity: { entityExists: true, entityState: 'held' },
    own: 'looks',
  });
});

it('hands out management URLs below the address that the caller used', async () => {
  const rig = await host((client) =>
    Promise.resolve(client.createHttpManagementPayload('one').statusQueryGetUri),
  );
  expect(await ask(rig)).toMatch(
    /^http:\/\/127\.0\.0\.1:\d+\/runtime\/webhooks\/durabletask\/instances\/one\?code=/,
  );
});

/** Lets the host go on until an instance has a status; fails with the test's own time limit. */
async function settled(rig: Rig, id: string, status: string): Promise<void> {
  while (rig.host.client.status(id)?.runtimeStatus !== status) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

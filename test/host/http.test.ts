/**
 * HTTP as the Functions host answers it. Sources: Azure/azure-functions-host
 * (FunctionMetadataManager.cs, WebScriptHostHttpRoutesManager.cs, AuthenticationLevelHandler.cs,
 * ExceptionMiddleware.cs), ASP.NET Core routing for templates, @azure/functions 4.16.5 for what a
 * handler gets and gives.
 */
/* oxlint-disable require-yield -- an orchestrator is a generator even if it waits for nothing */
import { app, HttpResponse, type HttpFunctionOptions } from '@azure/functions';
import * as df from 'durable-functions';
import type { HostOptions } from '../../local/host/host.ts';
import { rig, type Rig } from './harness.ts';

let open: Rig;
afterEach(() => open.stop());

type Routes = Record<string, Omit<HttpFunctionOptions, 'handler'> & Partial<HttpFunctionOptions>>;

const keys = {
  master: 'M',
  functions: { default: 'H' },
  perFunction: { guarded: { default: 'F' }, other: { default: 'O' } },
  durableTask: 'D',
};

/** Functions that answer with their own name and what they were given. */
async function host(routes: Routes, options: Partial<HostOptions> = {}): Promise<Rig> {
  open = await rig(
    () => {
      for (const [name, one] of Object.entries(routes)) {
        app.http(name, {
          handler: (request) => ({ jsonBody: { name, params: request.params } }),
          ...one,
        });
      }
      df.app.orchestration('orch', function* () {
        return 1;
      });
    },
    { keys, ...options },
  );
  return open;
}

async function ask(path: string, init?: RequestInit) {
  const response = await open.host.fetch(new Request(`http://app.example${path}`, init));
  const text = await response.text();
  return { status: response.status, headers: response.headers, text };
}

const answered = async (path: string, init?: RequestInit): Promise<unknown> => {
  const { status, text } = await ask(path, init);
  return status === 200 ? JSON.parse(text) : status;
};

describe('routes', () => {
  it('match by template, constraint and method; a wrong method is not found', async () => {
    await host({
      item: { route: 'things/{id:int}/{part?}', methods: ['GET', 'DELETE'] },
      named: { route: 'Things/{name:alpha:length(2,4)}' },
      rest: { route: 'files/{*path}' },
      plain: { methods: ['POST'] },
    });
    expect(await answered('/api/things/12')).toEqual({ name: 'item', params: { id: '12' } });
    expect(await answered('/api/things/12/a%20b')).toEqual({
      name: 'item',
      params: { id: '12', part: 'a b' },
    });
    expect(await answered('/API/thingS/abc')).toEqual({ name: 'named', params: { name: 'abc' } });
    expect(await answered('/api/things/abcde')).toBe(404);
    expect(await answered('/api/files/a/b.txt')).toEqual({
      name: 'rest',
      params: { path: 'a/b.txt' },
    });
    expect(await answered('/api/plain', { method: 'POST' })).toEqual({ name: 'plain', params: {} });
    expect(await answered('/api/plain')).toBe(404);
    expect(await answered('/plain')).toBe(404);
  });

  it('are tried by the name of their function, not as registered or by precision', async () => {
    await host({ b: { route: 'x/exact' }, A: { route: 'x/{any}' } });
    expect(await answered('/api/x/exact')).toMatchObject({ name: 'A' });
  });

  it('have the prefix of host.json and settings; disabled functions have none', async () => {
    const hostJson = { extensions: { http: { routePrefix: '' } } };
    const settings = { WHERE: 'here', 'AzureWebJobs.off.Disabled': 'true' };
    const rig = await host({ on: { route: '%WHERE%/on' }, off: {} }, { hostJson, settings });
    expect(await answered('/here/on')).toMatchObject({ name: 'on' });
    expect(await answered('/off')).toBe(404);
    expect(rig.host.functions()).toEqual([
      {
        name: 'on',
        kind: 'http',
        route: 'here/on',
        methods: ['GET', 'POST'],
        authLevel: 'anonymous',
      },
      { name: 'orch', kind: 'orchestration' },
    ]);
  });
});

describe('access', () => {
  it('needs the key that the level asks for, in the header or the query', async () => {
    await host({
      free: {},
      guarded: { authLevel: 'function' },
      ruled: { authLevel: 'admin' },
    });
    const statuses = async (key: string) => {
      const paths = ['/api/free', '/api/guarded', '/api/ruled'];
      const headers = { 'x-functions-key': key };
      return Promise.all(paths.map(async (path) => (await ask(path, { headers })).status));
    };
    expect(await statuses('wrong')).toEqual([200, 401, 401]);
    expect(await statuses('F')).toEqual([200, 200, 401]);
    expect(await statuses('H')).toEqual([200, 200, 401]);
    expect(await statuses('O')).toEqual([200, 401, 401]);
    expect(await statuses('D')).toEqual([200, 401, 401]);
    expect(await statuses('M')).toEqual([200, 200, 200]);
    expect((await ask('/api/guarded?code=F')).status).toBe(200);
    const refused = await ask('/api/guarded?code=F', { headers: { 'x-functions-key': 'wrong' } });
    expect([refused.status, refused.text]).toEqual([401, '']);
  });

  it('to the durable webhooks needs their own key, and leads to the same API', async () => {
    await host({});
    const webhooks = '/runtime/webhooks/durabletask';
    expect((await ask(`${webhooks}/instances?code=H`)).status).toBe(401);
    const started = await ask(`${webhooks}/orchestrators/orch/one?code=D`, { method: 'POST' });
    expect([started.status, started.headers.get('retry-after')]).toEqual([202, '10']);
    await open.host.idle();
    const { statusQueryGetUri } = JSON.parse(started.text) as { statusQueryGetUri: string };
    expect(new URL(statusQueryGetUri).origin).toBe('http://app.example');
    const { pathname, search } = new URL(statusQueryGetUri);
    const history = await answered(`${pathname}${search}&showHistory=true`);
    expect(history).toMatchObject({
      output: 1,
      historyEvents: [
        { EventType: 'ExecutionStarted', FunctionName: 'orch' },
        { EventType: 'ExecutionCompleted', OrchestrationStatus: 'Completed' },
      ],
    });
  });

  it('keeps keys that it made itself', async () => {
    const rig = await host({ guarded: { authLevel: 'function' } }, { keys: undefined as never });
    const { master, perFunction } = rig.host.keys;
    expect((await ask(`/api/guarded?code=${perFunction['guarded']?.['default']}`)).status).toBe(
      200,
    );
    expect((await ask(`/api/guarded?code=${master}`)).status).toBe(200);
  });
});

describe('handlers', () => {
  it('get the request and give the response, over a real connection', async () => {
    const rig = await host(
      {
        echo: {
          methods: ['PUT'],
          handler: async (request) =>
            new HttpResponse({
              status: 201,
              headers: { 'x-seen': request.headers.get('x-sent') ?? '' },
              cookies: [{ name: 'c', value: '1', httpOnly: true, sameSite: 'Lax' }],
              jsonBody: {
                url: request.url,
                query: Object.fromEntries(request.query),
                body: await request.json(),
              },
            }),
        },
      },
      { port: 0 },
    );
    const url = `${rig.host.url}/api/echo?a=1&a=2&b=`;
    const headers = { 'x-sent': 'yes', 'content-type': 'application/json' };
    const response = await fetch(url, { method: 'PUT', headers, body: '{"n":1}' });
    expect(response.status).toBe(201);
    expect(response.headers.get('x-seen')).toBe('yes');
    expect(response.headers.getSetCookie()).toEqual(['c=1; HttpOnly; SameSite=Lax']);
    expect(await response.json()).toEqual({ url, query: { a: '1,2', b: '' }, body: { n: 1 } });
  });

  it('that return nothing answer 204; that throw, 500, and the text is logged', async () => {
    const rig = await host({
      nothing: { handler: () => undefined as never },
      throws: { handler: () => Promise.reject(new Error('secret of the house')) },
      number: { handler: () => 5 as never },
    });
    expect(await ask('/api/nothing')).toMatchObject({ status: 204, text: '' });
    expect(await ask('/api/throws')).toMatchObject({ status: 500, text: '' });
    expect(await ask('/api/number')).toMatchObject({ status: 500, text: '' });
    expect(rig.log.map(({ message }) => message)).toContain(
      'The function failed: secret of the house',
    );
  });

  it('are spared what is no request', async () => {
    await host({ item: { route: 'things/{id}' } });
    expect(await ask('/api/things/%ff')).toMatchObject({ status: 500, text: '' });
    expect(await answered('/api/things/a%2Fb')).toMatchObject({ params: { id: 'a/b' } });
  });

  it('log in the name of their function', async () => {
    const rig = await host({
      logs: {
        handler: (_, context) => {
          context.warn('%d nodes', 3);
          return {};
        },
      },
    });
    await ask('/api/logs');
    expect(rig.log).toContainEqual({
      at: expect.any(Number) as number,
      level: 'warning',
      category: 'user',
      function: 'logs',
      invocation: expect.any(String) as string,
      message: '3 nodes',
    });
  });
});

it('a host whose port is taken stops, and says so', async () => {
  const { url } = (await host({}, { port: 0 })).host;
  const port = Number(new URL(url ?? '').port);
  await expect(rig(() => app.http('h', { handler: () => ({}) }), { port })).rejects.toThrow(
    /EADDRINUSE/,
  );
});

describe('an app is refused at the start', () => {
  it.each<[string, () => void, RegExp]>([
    [
      'a trigger',
      () => app.storageQueue('q', { queueName: 'q', connection: 'c', handler: () => {} }),
      /queueTrigger/,
    ],
    ['a route', () => app.http('h', { route: 'a{b}c', handler: () => ({}) }), /'a\{b\}c'/],
    ['a setting', () => app.http('h', { route: '%NO%', handler: () => ({}) }), /'h'.*NO/],
    ['a constraint', () => app.http('h', { route: '{a:odd}', handler: () => ({}) }), /'odd'/],
    ['nothing', () => {}, /registered no function/],
  ])('for %s that it cannot play', async (_, register, message) => {
    await expect(rig(register)).rejects.toThrow(message);
    await host({});
  });
});

import fc from 'fast-check';
import type { Arbitrary } from 'fast-check';
import * as z from 'zod';
import { startApp } from '../../local/app.ts';
import type { App } from '../../local/app.ts';
import { virtualClock } from '../../local/clock.ts';
import { createMemoryDocuments } from '../../local/memoryDocuments.ts';
import { TroubleError } from '../../src/domain/trouble.ts';
import { parseLock } from '../../src/lock/lock.ts';
import type { Azure, Log, Ports } from '../../src/ports.ts';
import { isDocumentPath } from '../../src/reports/documentPath.ts';
import { clusterId } from '../support/fleets.ts';
import {
  asDrawn,
  deepJson,
  holdsAsync,
  hostileText,
  hugeText,
  instantText,
  mutilated,
} from './hostile.ts';

/** Requests to the real HTTP functions, on the local host, as nobody should send them. */

const startedAt = Date.parse('2026-01-05T22:00:00Z');

let app: App;
let clock: ReturnType<typeof virtualClock>;
let written: string[];
let logged: Parameters<Log>[0][];
/** What the host itself has to say: nothing, unless a function failed. */
let failures: string[];
let run: string;

const nobody = () =>
  Promise.reject(new TroubleError({ kind: 'unreachable', value: 'there is no Azure here' }));
const noAzure: Azure = {
  cluster: nobody,
  instances: nobody,
  instance: nobody,
  skewSeconds: nobody,
  permissions: nobody,
  startScript: nobody,
  pollScript: nobody,
  startRestart: nobody,
  pollRestart: nobody,
  alerts: nobody,
  access: nobody,
  kubernetes: nobody,
};

beforeAll(async () => {
  clock = virtualClock(startedAt);
  const documents = createMemoryDocuments();
  const settings = {
    controller: 'fuzz',
    clusters: [{ id: clusterId('shop') }, { id: clusterId('bank') }],
  };
  let digits = 0;
  const ports: Ports = {
    clock,
    log: (entry) => void logged.push(entry),
    runtime: 'fuzz',
    documents: {
      ...documents,
      write(path, value) {
        written.push(path);
        return documents.write(path, value);
      },
    },
    settingsText: () => Promise.resolve(JSON.stringify(settings)),
    prometheus: { query: nobody },
    vouching: { kind: 'easyAuth' },
    azure: noAzure,
    randomHex: (count) => (digits++).toString(16).padStart(count, '0').slice(-count),
  };
  [written, logged, failures] = [[], [], []];
  app = await startApp({
    ports,
    clock,
    store: ':memory:',
    onLog: ({ level, message }) => {
      if (level === 'error' || level === 'critical') failures.push(message);
    },
  });
  const started = await app.call('POST', '/api/runs', { dryRun: true });
  run = z.object({ run: z.string() }).parse(started).run;
  await app.host.idle();
});

afterAll(async () => {
  await app.stop();
  clock.stop();
});

/** What each function takes, right; a function that is not here fails the test below. */
const bodies: Record<string, object | undefined> = {
  startRun: {
    clusters: ['shop'],
    pools: ['web'],
    nodes: ['a'],
    dryRun: true,
    reason: 'r',
    takeOver: 't',
    force: { reason: 'r', nodes: ['a'] },
  },
  recover: { clusters: ['shop'], reason: 'r', takeOver: 't' },
  startPreflight: { clusters: ['shop'] },
  cancelRun: { who: 'w', why: 'w' },
  approveRun: { why: 'w', nodes: ['a'] },
  rejectRun: { why: 'w', nodes: ['a'] },
  putHold: { who: 'w', why: 'w', until: '2026-12-24T18:00:00Z' },
  liftHold: undefined,
  listRuns: undefined,
  readRun: undefined,
  readPreflight: undefined,
  readPlan: undefined,
  listLocks: undefined,
};

interface Route {
  name: string;
  method: string;
  path: string;
}

const infoSchema = z.object({ name: z.string(), methods: z.array(z.string()), route: z.string() });

/** As they are registered: a new one is here too. */
function routes(): Route[] {
  return app.host.functions().flatMap((info) => {
    const found = infoSchema.safeParse(info);
    if (!found.success) return [];
    const { name, methods, route } = found.data;
    return methods.map((method) => ({ name, method, path: `/api/${route}` }));
  });
}

interface Asked {
  name: string;
  method: string;
  url: string;
  body: string | undefined;
  principal: string | undefined;
}

const known = fc.constantFrom('fleet', 'shop', 'bank');

const part: Arbitrary<string> = fc.oneof(
  { weight: 2, arbitrary: hostileText },
  { weight: 1, arbitrary: known },
  { weight: 2, arbitrary: fc.constant('').map(() => run) },
);

const query: Arbitrary<[string, string][]> = fc.array(
  fc.tuple(fc.oneof(fc.constantFrom('limit', 'after', 'cluster', 'code'), hostileText), part),
  { maxLength: 3 },
);

const claims = {
  auth_typ: 'aad',
  claims: [
    { typ: 'oid', val: '1' },
    { typ: 'name', val: 'ann' },
  ],
};

const principal: Arbitrary<string | undefined> = fc.oneof(
  fc.constant(undefined),
  fc.constant(claims).map((value) => btoa(JSON.stringify(value))),
  mutilated(claims).map(({ payload }) => Buffer.from(JSON.stringify(payload)).toString('base64')),
  fc.constantFrom('', '!', btoa('['.repeat(5_000)), 'a'.repeat(8_000)),
);

function bodyOf(name: string): Arbitrary<string | undefined> {
  const right = bodies[name];
  if (right === undefined) return fc.oneof(fc.constant(undefined), hostileText);
  return fc.oneof(
    { weight: 8, arbitrary: mutilated(right).map(({ payload }) => JSON.stringify(payload)) },
    { weight: 2, arbitrary: fc.constant(JSON.stringify(right)) },
    { weight: 2, arbitrary: hostileText },
    { weight: 1, arbitrary: deepJson },
  );
}

/** Encoded as a client does, or as nobody does. */
const inPath = (text: string) => encodeURIComponent(text.toWellFormed()).replaceAll('.', '%2e');

const asked: Arbitrary<Asked> = fc.constant(0).chain(() =>
  fc.constantFrom(...routes()).chain(({ name, method, path }) =>
    fc.record({
      name: fc.constant(name),
      method: fc.oneof(
        { weight: 9, arbitrary: fc.constant(method) },
        { weight: 1, arbitrary: fc.constantFrom('PATCH', 'HEAD', 'OPTIONS', 'DELETE', 'GET') },
      ),
      url: fc.tuple(part, query).map(([value, asked]) => {
        const filled = path.replaceAll(/\{\w+\}/gu, () => inPath(value));
        const search = asked.map((pair) => pair.map((text) => inPath(text)).join('=')).join('&');
        return `${filled}${search && '?'}${search}`;
      }),
      body: bodyOf(name),
      principal,
    }),
  ),
);

const errorSchema = z.strictObject({
  error: z.strictObject({
    kind: z.enum(['badRequest', 'forbidden', 'notFound', 'conflict', 'misconfigured']),
    message: z.string().min(1),
    problems: z.array(z.strictObject({ path: z.string().min(1), problem: z.string().min(1) })),
  }),
});

const kindOf: Record<number, string> = {
  400: 'badRequest',
  403: 'forbidden',
  404: 'notFound',
  409: 'conflict',
};

function send({ method, url, body, principal }: Asked): Promise<Response> {
  const hasBody = body !== undefined && method !== 'GET' && method !== 'HEAD';
  return app.host.fetch(
    new Request(new URL(url, 'http://localhost'), {
      method,
      headers: {
        'x-functions-key': app.host.keys.master,
        ...(principal === undefined ? {} : { 'x-ms-client-principal': principal }),
      },
      ...(hasBody ? { body } : {}),
    }),
  );
}

/** All that a request may change, as one text. */
function everything(): string {
  const instances = app.host.client.list().map(({ instanceId }) => instanceId);
  const locks = instances.filter((id) => id.startsWith('@lock@')).map((id) => id.slice(6));
  const holds = locks.map((key) => app.host.client.entityState('lock', key).state);
  return JSON.stringify([instances, holds, written.length]);
}

/** What is said to hold does: the lock has understood it. */
function expectHeld(answer: unknown): void {
  const { scope, hold } = z.object({ scope: z.string(), hold: z.unknown() }).parse(answer);
  const { state } = app.host.client.entityState('lock', scope);
  const { who, why } = parseLock(state).hold ?? {};
  expect(hold).toMatchObject({ who, why });
}

/** What the API promises of any answer, whatever was asked. */
async function expectDocumented(request: Asked): Promise<void> {
  const before = everything();
  failures.length = 0;
  logged.length = 0;
  const response = await send(request);
  const text = await response.text();
  expect(failures).toEqual([]);
  if (text === '' && response.status === 404) return;
  expect(response.headers.get('content-type')).toMatch(/^application\/json/u);
  const answer: unknown = JSON.parse(text);
  expect(text).not.toMatch(/\bat .*\.[jt]s:\d+|node_modules|RangeError|TypeError/u);
  for (const entry of logged) expect(JSON.stringify(entry)).not.toContain('\n');
  for (const path of written) expect(isDocumentPath(path)).toBe(true);
  if (response.ok) {
    expect([200, 202]).toContain(response.status);
    await app.host.idle();
    if (request.method === 'PUT') expectHeld(answer);
    return;
  }
  expect(Object.keys(kindOf)).toContain(String(response.status));
  expect(errorSchema.parse(answer).error.kind).toBe(kindOf[response.status]);
  expect(everything()).toBe(before);
}

describe(`the HTTP API (${asDrawn})`, () => {
  it('has no function that this test knows nothing of', () => {
    const names = routes().map(({ name }) => name);
    expect(names.sort()).toEqual(Object.keys(bodies).sort());
  });

  it('answers whatever it is asked with what is documented, and a refusal changes nothing', async () => {
    await holdsAsync(fc.asyncProperty(asked, expectDocumented), 6);
  });

  it('takes no hold that the lock does not take', async () => {
    const hold = fc.asyncProperty(known, instantText, async (scope, until) => {
      const body = JSON.stringify({ who: 'w', why: 'w', until });
      const url = `/api/locks/${scope}/hold`;
      const request = { name: 'putHold', method: 'PUT', url, body, principal: undefined };
      await expectDocumented(request);
      await expectDocumented({ ...request, method: 'DELETE', name: 'liftHold' });
    });
    await holdsAsync(hold, 0.5);
  });

  it('refuses bodies without end', async () => {
    const huge = fc.asyncProperty(fc.constantFrom(...routes()), hugeText, async (route, body) => {
      const url = route.path.replaceAll(/\{\w+\}/gu, run);
      await expectDocumented({ ...route, url, body, principal: undefined });
    });
    await holdsAsync(huge, 0.2);
  });
});

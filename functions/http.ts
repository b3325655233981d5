import { app } from '@azure/functions';
import type { HttpMethod, HttpRequest, HttpResponseInit } from '@azure/functions';
import * as df from 'durable-functions';
import { createDurable } from '../src/durable.ts';
import { postApproval } from '../src/http/approvals.ts';
import { deleteHold, getLocks, putHold } from '../src/http/locks.ts';
import { getPlan } from '../src/http/plans.ts';
import type { Reply } from '../src/http/reply.ts';
import { getPreflight, postPreflight } from '../src/http/preflight.ts';
import { getRun, getRuns, postCancel, postRecover, postRun } from '../src/http/runs.ts';
import type { Counter } from '../src/http/runs.ts';
import type { Ports } from '../src/ports.ts';

type Handler = (counter: Counter, request: HttpRequest) => Promise<Reply>;

/**
 * Registers the HTTP API. Reading and changing are functions of their own, so they have their own
 * keys.
 */
export function registerHttp(ports: Ports): void {
  const route = (name: string, method: HttpMethod, path: string, handler: Handler) => {
    app.http(name, {
      methods: [method],
      route: path,
      authLevel: 'function',
      extraInputs: [df.input.durableClient()],
      handler: async (request, context): Promise<HttpResponseInit> => {
        const durable = createDurable(df.getClient(context));
        const { status, headers, body } = await handler({ ...ports, durable }, request);
        return { status, jsonBody: body, ...(headers === undefined ? {} : { headers }) };
      },
    });
  };
  const param = (request: HttpRequest, name: string) => request.params[name] ?? '';
  const principal = ({ headers }: HttpRequest) => headers.get('x-ms-client-principal') ?? undefined;
  // The key may come as a query parameter, and is not ours to judge.
  const query = ({ query }: HttpRequest) =>
    Object.fromEntries([...query.entries()].filter(([name]) => name !== 'code'));

  route('listRuns', 'GET', 'runs', (counter, request) => getRuns(counter, query(request)));
  route('readRun', 'GET', 'runs/{run}', (counter, request) =>
    getRun(counter, param(request, 'run')),
  );
  route('readPlan', 'GET', 'plan', (counter, request) => getPlan(counter, query(request)));
  route('listLocks', 'GET', 'locks', (counter) => getLocks(counter));
  route('readPreflight', 'GET', 'preflight', (counter) => getPreflight(counter));
  route('startPreflight', 'POST', 'preflight', async (counter, request) =>
    postPreflight(counter, await request.text()),
  );
  route('startRun', 'POST', 'runs', async (counter, request) =>
    postRun(counter, principal(request), await request.text()),
  );
  route('recover', 'POST', 'recover', async (counter, request) =>
    postRecover(counter, await request.text()),
  );
  route('cancelRun', 'POST', 'runs/{run}/cancel', async (counter, request) =>
    postCancel(counter, param(request, 'run'), await request.text()),
  );
  route('approveRun', 'POST', 'runs/{run}/approve', async (counter, request) =>
    postApproval(
      counter,
      param(request, 'run'),
      'approved',
      principal(request),
      await request.text(),
    ),
  );
  route('rejectRun', 'POST', 'runs/{run}/reject', async (counter, request) =>
    postApproval(
      counter,
      param(request, 'run'),
      'rejected',
      principal(request),
      await request.text(),
    ),
  );
  route('putHold', 'PUT', 'locks/{scope}/hold', async (counter, request) =>
    putHold(counter, param(request, 'scope'), await request.text()),
  );
  route('liftHold', 'DELETE', 'locks/{scope}/hold', (counter, request) =>
    deleteHold(counter, param(request, 'scope')),
  );
}

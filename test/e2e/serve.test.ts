/** `aks-reboot serve` over real HTTP, and beside a `run` that does not share its state. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Report } from '../support/evidence.ts';
import { brokenPromises, nothingLeft } from '../support/promises.ts';
import { restarted, smallFleet, stage, stillDue } from './stage.ts';
import type { Command, Stage } from './stage.ts';

const speed = 360;
const never = '0 0 0 1 1 *';

interface Served extends Stage, AsyncDisposable {
  command: Command;
  state: string;
  names: string[];
  /** Asks the HTTP API with the master key, or the one given; an empty one is none. */
  ask(method: string, path: string, body?: unknown, key?: string): Promise<Answer>;
  /** The report of a run, once it has ended. */
  report(location: string): Promise<Report>;
}

interface Answer {
  status: number;
  headers: Headers;
  body: Record<string, unknown>;
}

async function serve(nodes: number, workloads: object[] = []): Promise<Served> {
  const on = await stage({ fleet: smallFleet(nodes, { workloads }), speed });
  const state = join(on.directory, 'served');
  const words = ['serve', '--port', '0', '--state', state, '--settings', on.settings];
  const command = on.start([...words, '--schedule', never], 'server');
  const [, url = ''] = await command.printed(/Serving (http:\S+)\/api /u);
  const [, master = ''] = await command.printed(/Key: (\S+)/u);
  const ask = async (method: string, path: string, body?: unknown, key = master) => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: key === '' ? {} : { 'x-functions-key': key },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const answer = (text === '' ? {} : JSON.parse(text)) as Answer['body'];
    return { status: response.status, headers: response.headers, body: answer };
  };
  const machines = on.azure.world.clusters.flatMap(({ pools }) => pools).flatMap((p) => p.machines);
  return {
    ...on,
    command,
    state,
    names: machines.map(({ nodeName }) => nodeName),
    ask,
    report: (location) =>
      polled(async () => {
        const { body } = await ask('GET', location);
        return body['endedAt'] === undefined ? undefined : (body as unknown as Report);
      }),
    [Symbol.asyncDispose]: () => on.stop(),
  };
}

/** Asks again and again, as `curl` in a loop would. */
async function polled<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
  }
}

const lineOf = (on: Stage, action: string, node?: string) =>
  polled(async () =>
    on.azure.audit.lines.find(
      (line) => line.action === action && (node === undefined || line.node === node),
    ),
  );

/** The lock of the only cluster, as the API tells it. */
async function lockOf(on: Served) {
  const { body } = await on.ask('GET', '/api/locks');
  const locks = body['locks'] as { scope: string; slots: { node: string }[]; hold?: object }[];
  const lock = locks.find(({ scope }) => scope !== 'fleet');
  if (lock === undefined) throw new Error('no lock of a cluster');
  return lock;
}

describe('aks-reboot serve', () => {
  it('starts, tells, holds and cancels runs over HTTP', async () => {
    const slow = {
      kind: 'Deployment',
      name: 'slow',
      on: { pool: 'web', index: 0 },
      terminationSeconds: 1500,
      gracePeriodSeconds: 1500,
    };
    await using on = await serve(2, [slow]);
    const [slowNode = '', other = ''] = on.names;

    const started = await on.ask('POST', '/api/runs', { nodes: [slowNode], reason: 'by hand' });
    expect(started).toMatchObject({ status: 202, body: { run: expect.any(String) as string } });
    const location = started.headers.get('location') ?? '';
    expect(location).toBe(started.body['location']);
    await lineOf(on, 'cordon', slowNode);
    const progress = await polled(async () => {
      const { body } = await on.ask('GET', location);
      return JSON.stringify(body['progress']).includes(slowNode) ? body : undefined;
    });
    expect(progress).toMatchObject({ status: 'running', request: { reason: 'by hand' } });
    const { scope, slots } = await lockOf(on);
    expect(slots.map(({ node }) => node)).toEqual([slowNode]);

    // A hold ends the drain that waits, and lets nothing begin.
    const hold = { who: 'ann', why: 'a demo is on' };
    expect((await on.ask('PUT', `/api/locks/${scope}/hold`, hold)).status).toBe(202);
    expect((await on.report(location)).clusters[0]?.nodes).toContainEqual(
      expect.objectContaining({
        node: slowNode,
        outcome: { kind: 'deferred', reasons: [expect.objectContaining({ kind: 'hold' })] },
      }),
    );
    expect((await lockOf(on)).hold).toMatchObject(hold);
    const held = await on.ask('POST', '/api/runs', { nodes: [other] });
    const refused = await on.report(String(held.body['location']));
    expect(JSON.stringify(refused)).toContain('a demo is on');
    expect(restarted(on.evidence())).toEqual([]);
    expect((await on.ask('DELETE', `/api/locks/${scope}/hold`)).status).toBe(202);

    // Lifted, the other node is rebooted; the slow one is canceled before it is drained.
    const both = await on.ask('POST', '/api/runs', { nodes: [other] });
    expect((await on.report(String(both.body['location']))).status).toBe('completed');
    const third = await on.ask('POST', '/api/runs', {});
    const path = String(third.body['location']);
    await polled(async () => ((await lockOf(on)).slots.length > 0 ? true : undefined));
    const why = { who: 'ann', why: 'not today' };
    expect((await on.ask('POST', `${path}/cancel`, why)).status).toBe(202);
    expect((await on.report(path)).status).toBe('canceled');
    expect((await on.ask('POST', `${path}/cancel`, why)).status).toBe(409);

    const { body: index } = await on.ask('GET', '/api/runs?limit=2');
    expect(index['runs']).toHaveLength(2);
    const { body: rest } = await on.ask('GET', String(index['next']));
    expect(rest['runs']).toHaveLength(2);
    expect(restarted(on.evidence())).toEqual([other]);
    expect(nothingLeft(on.evidence())).toEqual([]);

    on.command.kill('SIGTERM');
    expect((await on.command.ended).code).toBe(0);
  });

  it('refuses what is wrong, unknown or without the right key', async () => {
    await using on = await serve(1);
    const { scope } = await lockOf(on);
    const problems = async (method: string, path: string, body?: unknown) => {
      const { status, body: answer } = await on.ask(method, path, body);
      expect(status).toBe(400);
      const { error } = answer as { error: { kind: string; problems: { path: string }[] } };
      expect(error.kind).toBe('badRequest');
      return error.problems.map(({ path: where }) => where).sort();
    };
    const wrong = { clusters: 'all', dryRun: 'yes', nodes: [''], colour: 'red' };
    expect(await problems('POST', '/api/runs', wrong)).toEqual([
      'clusters',
      'colour',
      'dryRun',
      'nodes[0]',
    ]);
    expect(await problems('POST', '/api/runs', { clusters: ['other'] })).toEqual(['clusters']);
    const hold = { who: '', until: 'tomorrow' };
    expect(await problems('PUT', `/api/locks/${scope}/hold`, hold)).toEqual([
      'until',
      'who',
      'why',
    ]);
    expect(await problems('GET', '/api/runs?limit=1000&after=x')).toEqual(['after', 'limit']);

    const unknown = '/api/runs/20260105T220000Z-abcdef';
    const why = { who: 'ann', why: 'a test' };
    const asked: [string, string, unknown?][] = [
      ['GET', unknown],
      ['GET', '/api/runs/nonsense'],
      ['POST', `${unknown}/cancel`, why],
      ['PUT', '/api/locks/other/hold', why],
      ['DELETE', '/api/locks/other/hold'],
      ['GET', '/api/nothing'],
    ];
    for (const [method, path, body] of asked) {
      const { status } = await on.ask(method, path, body);
      expect([method, path, status]).toEqual([method, path, 404]);
    }

    const { listRuns, startRun } = functionKeys(on.state);
    const statuses = (key: string) =>
      Promise.all([
        on.ask('GET', '/api/runs', undefined, key),
        on.ask('POST', '/api/runs', { clusters: ['other'] }, key),
      ]).then((answers) => answers.map(({ status }) => status));
    expect(await statuses('')).toEqual([401, 401]);
    expect(await statuses('wrong')).toEqual([401, 401]);
    expect(await statuses(listRuns?.['default'] ?? '')).toEqual([200, 401]);
    expect(await statuses(startRun?.['default'] ?? '')).toEqual([401, 400]);
    expect(on.azure.audit.lines).toEqual([]);
  });

  it('lets one run at a time onto a cluster, its own or those of another installation', async () => {
    await using on = await serve(2);
    const { body } = await on.ask('POST', '/api/runs', {});
    await lineOf(on, 'cordon');
    const another = await on.ask('POST', '/api/runs', {});
    const waited = await on.report(String(another.body['location']));
    expect(waited.clusters[0]?.reasons).toEqual([
      { kind: 'lock', value: expect.stringContaining(String(body['run'])) as string },
    ]);
    const words = ['run', '--state', join(on.directory, 'other'), '--settings', on.settings];
    const second = await on.run(words);
    const [, controller = ''] = /as controller (\S+)/u.exec(on.command.output()) ?? [];
    expect(controller).not.toBe('');
    expect(second.output).toContain(`controller "${controller}" has claimed this cluster`);

    const report = await on.report(String(body['location']));
    expect(report.status).toBe('completed');
    expect(stillDue(on.azure)).toEqual([]);
    const evidence = on.evidence([report]);
    expect(brokenPromises(evidence, { readyForSeconds: 15 })).toEqual([]);
    const changed = evidence.lines.filter(({ actor }) => actor === 'terminal');
    expect(changed).toEqual([]);
  });
});

/** Keys that open one function only, as the local host keeps them. */
function functionKeys(state: string): Record<string, Record<string, string>> {
  const database = new DatabaseSync(join(state, 'history.sqlite'), { readOnly: true });
  const row = database.prepare("SELECT value FROM note WHERE name = 'keys'").get();
  database.close();
  const keys = JSON.parse(String(row?.['value'])) as { perFunction: Record<string, never> };
  return keys.perFunction;
}

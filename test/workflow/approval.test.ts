import { shop, slowOn, usualWorkloads } from '../support/fleets.ts';
import type { Report } from '../support/evidence.ts';
import { brokenOrLeft } from '../support/promises.ts';
import { keptStorage } from '../support/process.ts';
import type { Process } from '../support/process.ts';
import {
  answered,
  cordonOf,
  evictionOn,
  nodeReports,
  outcomeOf,
  restartOf,
  wordsOf,
} from '../support/reading.ts';
import { rehearse } from '../support/rehearsal.ts';
import type { Rehearsal } from '../support/rehearsal.ts';

/** Runs that wait for a person. */

type Wanted = 'perRun' | 'perNode';

const wants = (approval: Wanted) => ({
  settings: { defaults: { approval, approvalTimeoutMinutes: 10, drainTimeoutMinutes: 1 } },
  approver: 'ann',
});

interface Answer {
  status: number;
  body: unknown;
}

async function say(
  { app }: Process,
  decision: 'approve' | 'reject',
  run: string,
  body: unknown = { why: 'looks good' },
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await app.host.fetch(
    new Request(`http://localhost/api/runs/${run}/${decision}`, {
      method: 'POST',
      headers: { 'x-functions-key': app.host.keys.master, ...headers },
      body: JSON.stringify(body),
    }),
  );
  return { status: response.status, body: await response.json() };
}

interface Status {
  awaiting?: { node: string; until: string }[];
  approvals?: { who: string; decision: string }[];
}

const statusOf = async ({ app }: Process, run: string) =>
  (await app.call('GET', `/api/runs/${run}`)) as Status;

/** Lets time pass until a person is asked. */
async function asked(rehearsal: Rehearsal, app: Process, run: string): Promise<string[]> {
  for (let looks = 0; looks < 60; looks++) {
    await rehearsal.pass({ minutes: 1 });
    const { awaiting = [] } = await statusOf(app, run);
    if (awaiting.length > 0) return awaiting.map(({ node }) => node);
  }
  throw new Error('nobody was asked');
}

function nothingBroken(rehearsal: Rehearsal): void {
  expect(brokenOrLeft(rehearsal.evidence())).toEqual([]);
}

const allOutcomes = (report: Report) =>
  nodeReports(report)
    .map(({ node }) => outcomeOf(report, node))
    .sort();

const cordons = ({ lines }: Rehearsal) => lines.filter(cordonOf());

describe('a run that has to be approved', () => {
  it('waits with nothing cordoned, says how to approve it, and reboots once it is', async () => {
    await using rehearsal = await rehearse(shop({ count: 2 }));
    const app = await rehearsal.start(wants('perRun'));
    const run = await app.begin();
    expect(await asked(rehearsal, app, run)).toEqual(['']);
    await rehearsal.pass({ minutes: 5 });
    expect(cordons(rehearsal)).toEqual([]);
    const [waiting] = app.log.filter(({ message }) => message === 'awaiting approval');
    expect(waiting?.detail?.['detail']).toMatch(
      new RegExp(`^this run waits for approval until .*: POST /api/runs/${run}/approve$`, 'u'),
    );
    expect(await say(app, 'approve', run)).toMatchObject({
      status: 202,
      body: { run, decision: 'approved', nodes: [], who: 'ann', why: 'looks good' },
    });
    await app.rest();
    const report = await app.report(run);
    expect(allOutcomes(report)).toEqual(['rebooted: probe', 'rebooted: probe']);
    expect(nodeReports(report)[0]?.decision.reasons).toContainEqual({
      kind: 'approval',
      value: 'it needs approval (perRun)',
    });
    expect(report.approvals).toEqual([
      expect.objectContaining({ decision: 'approved', node: '', who: 'ann', why: 'looks good' }),
    ]);
    nothingBroken(rehearsal);
  });

  it('leaves every node alone once it is rejected', async () => {
    await using rehearsal = await rehearse(shop({ count: 2 }));
    const app = await rehearsal.start(wants('perRun'));
    const run = await app.begin();
    await asked(rehearsal, app, run);
    await say(app, 'reject', run, { why: 'not on a Friday' });
    await app.rest();
    const report = await app.report(run);
    expect(allOutcomes(report)).toEqual(['deferred: approval', 'deferred: turn']);
    expect(JSON.stringify(report)).toMatch(/ann rejected it at [^"]*: not on a Friday/u);
    expect(cordons(rehearsal)).toEqual([]);
    nothingBroken(rehearsal);
  });

  it('is not even planned to reboot when it is rejected before the plan is made', async () => {
    await using rehearsal = await rehearse(shop({ count: 1 }));
    const app = await rehearsal.start(wants('perRun'));
    const run = await app.begin();
    await say(app, 'reject', run, { why: 'no' });
    await app.rest();
    const report = await app.report(run);
    expect(nodeReports(report)[0]?.decision.kind).toBe('wait');
    expect(outcomeOf(report, rehearsal.nodes()[0])).toBe('deferred: approval');
    nothingBroken(rehearsal);
  });

  it('restarts nothing once it is rejected, and undoes the drain at its deadline', async () => {
    const workloads = [...usualWorkloads, slowOn(0, 10)];
    await using rehearsal = await rehearse(shop({ count: 1, workloads }));
    const app = await rehearsal.start(wants('perRun'));
    const [node] = rehearsal.nodes();
    const run = await app.begin();
    await asked(rehearsal, app, run);
    await say(app, 'approve', run);
    await rehearsal.until(answered(evictionOn(), 201));
    await say(app, 'reject', run, { why: 'stop it' });
    await app.rest();
    const report = await app.report(run);
    expect(outcomeOf(report, node)).toBe('deferred: approval');
    expect(wordsOf(report, node)).toMatch(/ann rejected it at .*: stop it/u);
    expect(rehearsal.lines.filter(restartOf())).toEqual([]);
    nothingBroken(rehearsal);
  });

  it('ends when nobody says anything in time', async () => {
    await using rehearsal = await rehearse(shop({ count: 2 }));
    const app = await rehearsal.start(wants('perRun'));
    const run = await app.begin();
    await asked(rehearsal, app, run);
    await rehearsal.pass({ minutes: 8 });
    expect((await statusOf(app, run)).awaiting).toHaveLength(1);
    await app.rest();
    const report = await app.report(run);
    expect(allOutcomes(report)).toEqual(['deferred: approval', 'deferred: turn']);
    expect(JSON.stringify(report)).toContain('nobody has approved the run');
    expect(cordons(rehearsal)).toEqual([]);
    nothingBroken(rehearsal);
    expect(await say(app, 'approve', run)).toMatchObject({ status: 409 });
  });

  it('ends its wait when a hold comes, and when it is canceled', async () => {
    await using rehearsal = await rehearse(shop({ count: 1 }));
    const app = await rehearsal.start(wants('perRun'));
    const [node] = rehearsal.nodes();
    const held = await app.begin();
    await asked(rehearsal, app, held);
    await app.hold('shop');
    await app.rest();
    expect(outcomeOf(await app.report(held), node)).toContain('hold');
    await app.lift('shop');
    const canceled = await app.begin();
    await asked(rehearsal, app, canceled);
    await app.cancel(canceled);
    await app.rest();
    expect(outcomeOf(await app.report(canceled), node)).toContain('canceled');
    expect(cordons(rehearsal)).toEqual([]);
    nothingBroken(rehearsal);
  });

  it('judges every other gate again once it is approved', async () => {
    await using rehearsal = await rehearse(shop({ count: 1 }));
    const app = await rehearsal.start(wants('perRun'));
    const [node = ''] = rehearsal.nodes();
    const run = await app.begin();
    await asked(rehearsal, app, run);
    await rehearsal.person.label(node, {
      'kubernetes.azure.com/upgrade-status': 'Quarantined',
    });
    await say(app, 'approve', run);
    await app.rest();
    expect(outcomeOf(await app.report(run), node)).toBe('deferred: aksAtWork');
    expect(cordons(rehearsal)).toEqual([]);
    nothingBroken(rehearsal);
  });

  it('goes on waiting in a process that comes after it, until the same hour', async () => {
    using storage = keptStorage();
    await using rehearsal = await rehearse(shop({ count: 1 }));
    const first = await rehearsal.start({ ...wants('perRun'), storage });
    const run = await first.begin();
    await asked(rehearsal, first, run);
    const before = (await statusOf(first, run)).awaiting;
    const left = first.crash();
    await rehearsal.pass({ minutes: 4 });
    const second = await rehearsal.start({ ...wants('perRun'), storage: left });
    await rehearsal.pass({ minutes: 2 });
    expect((await statusOf(second, run)).awaiting).toEqual(before);
    await say(second, 'approve', run);
    await second.rest();
    expect(outcomeOf(await second.report(run), rehearsal.nodes()[0])).toContain('rebooted');
    nothingBroken(rehearsal);
  });
});

describe('nodes that have to be approved', () => {
  it('are asked about one by one; one that is rejected holds up no other', async () => {
    await using rehearsal = await rehearse(shop({ count: 3 }));
    const app = await rehearsal.start(wants('perNode'));
    const run = await app.begin();
    const [one = ''] = await asked(rehearsal, app, run);
    await say(app, 'approve', run);
    await rehearsal.pass({ minutes: 5 });
    expect(cordons(rehearsal)).toEqual([]);
    await say(app, 'reject', run, { why: 'it has the database', nodes: [one] });
    const [two = ''] = await asked(rehearsal, app, run);
    const rest = rehearsal.nodes().filter((node) => node !== one);
    await say(app, 'approve', run, { why: 'all of these', nodes: rest });
    await app.rest();
    const report = await app.report(run);
    expect(outcomeOf(report, one)).toBe('deferred: nodeApproval');
    expect(rest).toContain(two);
    for (const node of rest) expect(outcomeOf(report, node)).toContain('rebooted');
    nothingBroken(rehearsal);
  });

  it('that nobody approves in time are left, and the next one is asked about', async () => {
    await using rehearsal = await rehearse(shop({ count: 2 }));
    const app = await rehearsal.start(wants('perNode'));
    const run = await app.begin();
    const [one = ''] = await asked(rehearsal, app, run);
    await rehearsal.pass({ minutes: 11 });
    const asks = await asked(rehearsal, app, run);
    const two = asks.find((node) => node !== one) ?? '';
    expect(await say(app, 'approve', run, { why: 'at last', nodes: [one, two] })).toMatchObject({
      status: 409,
      body: { error: { problems: [{ path: `nodes.${one}` }] } },
    });
    await say(app, 'approve', run, { why: 'yes', nodes: [two] });
    await app.rest();
    const report = await app.report(run);
    expect(outcomeOf(report, one)).toBe('deferred: nodeApproval');
    expect(wordsOf(report, one)).toContain('nobody has approved the node');
    expect(outcomeOf(report, two)).toContain('rebooted');
    nothingBroken(rehearsal);
  });
});

describe('who approves', () => {
  const claims = [
    { typ: 'http://schemas.microsoft.com/identity/claims/objectidentifier', val: '0b1d' },
    { typ: 'preferred_username', val: 'ann@example.com' },
  ];
  const header = (principal: unknown) => ({
    'x-ms-client-principal': Buffer.from(JSON.stringify(principal)).toString('base64'),
  });
  const ann = header({ auth_typ: 'aad', claims });

  it('is whom the Entra token names, and nobody that the body does', async () => {
    await using rehearsal = await rehearse(shop({ count: 1 }));
    const { settings } = wants('perRun');
    const environment = { WEBSITE_AUTH_ENABLED: 'True' };
    const app = await rehearsal.start({ settings, environment });
    const run = await app.begin();
    await asked(rehearsal, app, run);
    const body = { why: 'go' };
    expect(await say(app, 'approve', run, body)).toMatchObject({
      status: 403,
      body: { error: { kind: 'forbidden', message: expect.stringContaining('no Entra token') } },
    });
    const others = [
      header({ auth_typ: 'github', claims }),
      header({ auth_typ: 'aad', claims: claims.slice(1) }),
      { 'x-ms-client-principal': 'no base64 of JSON' },
    ];
    for (const other of others) {
      expect(await say(app, 'approve', run, body, other)).toMatchObject({ status: 403 });
    }
    expect(await say(app, 'approve', run, { ...body, who: 'bob' }, ann)).toMatchObject({
      status: 400,
    });
    expect((await statusOf(app, run)).approvals).toBeUndefined();
    expect(await say(app, 'approve', run, body, ann)).toMatchObject({
      status: 202,
      body: { who: 'ann@example.com (0b1d)' },
    });
    await app.rest();
    expect(outcomeOf(await app.report(run), rehearsal.nodes()[0])).toContain('rebooted');
  });

  it('is nobody where authentication is off: nothing is asked, begun or taken', async () => {
    await using rehearsal = await rehearse(shop({ count: 1 }));
    const { settings } = wants('perRun');
    const app = await rehearsal.start({ settings, environment: { WEBSITE_AUTH_ENABLED: 'False' } });
    const run = await app.begin();
    expect(await say(app, 'approve', run, { why: 'go' }, ann)).toMatchObject({
      status: 403,
      body: { error: { message: expect.stringContaining('authentication is off') } },
    });
    await app.rest();
    const report = await app.report(run);
    const [node] = rehearsal.nodes();
    expect(outcomeOf(report, node)).toBe('deferred: approval');
    expect(wordsOf(report, node)).toContain('nobody can tell who approves');
  });

  it('is told of a run that is forced, too', async () => {
    await using rehearsal = await rehearse(
      shop({ count: 1, nodes: { 0: { sentinelGone: true } } }),
    );
    const app = await rehearsal.start({ approver: 'ann' });
    const report = await app.run({ force: { reason: 'CVE-2026-1' } });
    expect(wordsOf(report, rehearsal.nodes()[0])).toContain('forced by ann: CVE-2026-1');
  });
});

import { instanceIds } from '../../src/domain/run.ts';
import { clusterKey, parseClusterId } from '../../src/domain/arm.ts';
import { clusterId, shop, slowOn, usualWorkloads } from '../support/fleets.ts';
import { brokenOrLeft, nothingLeft, oneAtATime } from '../support/promises.ts';
import { emptyStorage } from '../support/process.ts';
import type { Process } from '../support/process.ts';
import {
  answered,
  cordonOf,
  evictionOn,
  nodeReports,
  outcomeOf,
  probeOf,
  restartOf,
  wordsOf,
} from '../support/reading.ts';
import { rehearse } from '../support/rehearsal.ts';
import type { Rehearsal } from '../support/rehearsal.ts';

/** What goes wrong where nobody looks: stalled holders, broken settings, defects, long waits. */

const kept = (rehearsal: Rehearsal) => brokenOrLeft(rehearsal.evidence());

const slow = [...usualWorkloads, slowOn(0), slowOn(1)];
const parsed = parseClusterId(clusterId('shop'));
const shopKey = parsed === undefined ? '' : clusterKey(parsed);

const longestHistory = ({ app }: Process) =>
  Math.max(...[...app.host.stats().values()].map(({ events }) => events));

describe('an orchestration that stands still for hours', () => {
  it('loses its node to the next run, which brings it to its end', async () => {
    await using rehearsal = await rehearse(shop({ workloads: slow }));
    const app = await rehearsal.start();
    const run = await app.begin();
    const { node } = await rehearsal.until(answered(evictionOn(), 201));
    app.app.host.client.suspend(instanceIds.node(run, shopKey, node, 'reboot'), 'a test');
    await rehearsal.pass({ hours: 4 });

    const next = await app.begin();
    await rehearsal.pass({ hours: 2 });
    const report = await app.report(next);
    for (const name of rehearsal.nodes()) expect(outcomeOf(report, name)).toContain('rebooted');
    const evidence = rehearsal.evidence();
    expect([...oneAtATime(evidence), ...nothingLeft(evidence)]).toEqual([]);
    expect(rehearsal.lines.filter(restartOf(node))).toHaveLength(1);
  });
});

describe('settings that nobody can read for a while', () => {
  it('leave no node cordoned', async () => {
    await using rehearsal = await rehearse(shop({ workloads: slow }));
    const app = await rehearsal.start();
    const { controller } = app.settings;
    const run = await app.begin();
    await rehearsal.until(answered(evictionOn(), 201));
    app.settings.controller = 'no name!';
    await rehearsal.pass({ minutes: 5 });
    app.settings.controller = controller;
    await app.rest();
    expect(kept(rehearsal)).toEqual([]);
    expect((await app.report(run)).status).toBe('completed');
  });
});

describe('a defect in a step', () => {
  it('undoes the node that is drained, and is told as what it is', async () => {
    const storage = emptyStorage();
    const { documents } = storage;
    let broken = 0;
    await using rehearsal = await rehearse(shop({ workloads: slow }));
    const app = await rehearsal.start({
      storage: {
        ...storage,
        documents: {
          ...documents,
          read: async (path) => {
            if (path.endsWith('cancel.json') && broken-- > 0) throw new RangeError('a defect');
            return documents.read(path);
          },
        },
      },
    });
    let node = '';
    rehearsal.when(answered(evictionOn(), 201), (line) => {
      node = line.node;
      broken = 1;
    });
    const report = await app.run();
    expect(outcomeOf(report, node)).toContain('failed: bug');
    expect(wordsOf(report, node)).toContain('a defect');
    expect(nothingLeft(rehearsal.evidence())).toEqual([]);
  });
});

describe('a run whose report somebody has deleted', () => {
  it('is told as one that failed, and why', async () => {
    const storage = emptyStorage();
    await using rehearsal = await rehearse(shop());
    const app = await rehearsal.start({ storage });
    const { run } = await app.run({ dryRun: true });
    await storage.documents.removeAll(`runs/${run}/report.json`);
    const told = await app.app.call('GET', `/api/runs/${run}`);
    expect(told).toMatchObject({ run, status: 'failed', why: 'its report is gone' });
  });
});

describe('an API server whose policy forbids to change nodes', () => {
  it('ends the run, and is quoted', async () => {
    const fault = {
      kind: 'answer',
      status: 422,
      body: {
        kind: 'Status',
        status: 'Failure',
        reason: 'Invalid',
        code: 422,
        message: "ValidatingAdmissionPolicy 'hands-off' denied request",
      },
    };
    const requests = [
      { service: 'kubernetes', method: 'PATCH', path: '^/api/v1/nodes/', times: 1000, fault },
    ];
    await using rehearsal = await rehearse(shop({ fleet: { faults: { requests } } }));
    const app = await rehearsal.start();
    const run = await app.begin();
    await rehearsal.pass({ hours: 1 });
    const report = await app.report(run);
    expect(report.status).toBe('completed');
    expect(nodeReports(report).map(({ outcome }) => outcome.kind)).toContain('failed');
    expect(JSON.stringify(report)).toContain('hands-off');
    expect(kept(rehearsal)).toEqual([]);
  });
});

describe('two nodes at once', () => {
  const settings = { defaults: { concurrency: 2 } };

  it('wait for a node that is not proved, the one that is drained already included', async () => {
    await using rehearsal = await rehearse(
      shop({
        workloads: [...usualWorkloads, slowOn(1, 1500)],
      }),
    );
    const app = await rehearsal.start({
      settings: { defaults: { ...settings.defaults, readyTimeoutMinutes: 1 } },
    });
    const [lost = '', other = ''] = rehearsal.nodes();
    rehearsal.when(answered(restartOf(lost), 202), () =>
      rehearsal.person.behave(lost, { probe: 'agentDead' }),
    );
    const report = await app.run();
    expect(outcomeOf(report, lost)).toBe('unknown: probe');
    expect(outcomeOf(report, other)).toBe('deferred: halted');
    expect(rehearsal.lines.filter(restartOf(other))).toEqual([]);
  });

  it('are one at once while a third is out of service already', async () => {
    await using rehearsal = await rehearse(shop({ count: 3 }));
    const [marked = ''] = rehearsal.nodes();
    await rehearsal.azure.world.node(marked).cluster.kubernetes.handle({
      method: 'PATCH',
      url: `/api/v1/nodes/${marked}`,
      headers: { 'content-type': 'application/merge-patch+json' },
      body: JSON.stringify({
        metadata: { annotations: { 'aks-reboot-orchestrator/mark': 'not one of ours' } },
      }),
      user: 'person',
    });
    const app = await rehearsal.start({ settings });
    const report = await app.run();
    const others = rehearsal.nodes().filter((name) => name !== marked);
    for (const name of others) expect(outcomeOf(report, name)).toBe('rebooted: probe');
    const evidence = rehearsal.evidence();
    expect(oneAtATime(evidence)).toEqual([]);
  });
});

describe('a long history', () => {
  it('is none, though instances take all the time there is', async () => {
    await using rehearsal = await rehearse(
      shop({ count: 4, nodes: { 0: { probe: 'hangs' }, 1: { probe: 'hangs' } } }),
    );
    const app = await rehearsal.start({
      settings: { defaults: { probeConcurrency: 1, pollSeconds: 5, probeTimeoutSeconds: 600 } },
    });
    await app.run();
    expect(longestHistory(app)).toBeLessThanOrEqual(500);
  });
});

describe('a holder of the lock that takes hours', () => {
  it('keeps it while it asks many nodes that do not answer', async () => {
    const silent = Object.fromEntries(
      Array.from({ length: 24 }, (_, index) => [index, { probe: 'agentDead' }]),
    );
    await using rehearsal = await rehearse(shop({ count: 25, nodes: silent }));
    const app = await rehearsal.start({ settings: { defaults: { probeConcurrency: 1 } } });
    const first = await app.begin();
    await rehearsal.pass({ minutes: 200 });
    const second = await app.begin();
    await app.rest();
    const last = rehearsal.nodes().at(-1);
    expect(outcomeOf(await app.report(second), last)).toBe('deferred: lock');
    expect(outcomeOf(await app.report(first), last)).toBe('rebooted: probe');
  });

  it('keeps it while a node soaks', async () => {
    await using rehearsal = await rehearse(shop({ count: 2 }));
    const soakSeconds = 5 * 3600;
    const app = await rehearsal.start({ settings: { defaults: { soakSeconds } } });
    const first = await app.begin();
    await rehearsal.pass({ minutes: 240 });
    const second = await app.begin();
    await app.rest();
    const [one, two] = rehearsal.lines.filter(answered(cordonOf(), 200));
    const gap = Date.parse(two?.t ?? '') - Date.parse(one?.t ?? '');
    expect(gap).toBeGreaterThanOrEqual(soakSeconds * 1000);
    const reports = [await app.report(first), await app.report(second)];
    expect(reports.map((report) => outcomeOf(report, two?.node))).toContain('rebooted: probe');
    // What is known of a need when its node is cordoned is fresh.
    const asked = rehearsal.lines.filter(probeOf(two?.node)).filter(({ t }) => t < (two?.t ?? ''));
    const age = Date.parse(two?.t ?? '') - Date.parse(asked.at(-1)?.t ?? '');
    expect(age).toBeLessThan(15 * 60_000);
  });
});

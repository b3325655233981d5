import { blockedOn, clusterId, shop, sickOn, usualWorkloads } from '../support/fleets.ts';
import { brokenOrLeft, brokenPromises } from '../support/promises.ts';
import {
  cordonOf,
  evictionOn,
  outcomeOf,
  restartOf,
  uncordonOf,
  wordsOf,
} from '../support/reading.ts';
import { rehearse } from '../support/rehearsal.ts';
import type { Rehearsal } from '../support/rehearsal.ts';

/** Drains that don't end by themselves: what is said meanwhile, and how each pool's settings end them. */

const settings = { drainTimeoutMinutes: 4 };
/** Turns go to the nodes with the fewest pods: the sick one comes first. */
const many = (index: number) => ({
  kind: 'Deployment',
  name: `many-${index}`,
  replicas: 6,
  on: { pool: 'web', index },
});
const withSick = (count = 2) => {
  const others = Array.from({ length: count - 1 }, (_, index) => many(index + 1));
  return shop({ count, workloads: [...usualWorkloads, sickOn(0), ...others] });
};
const sickPod = /default\/sick-\S+/u;

const kept = (rehearsal: Rehearsal, undrained: 'never' | 'said' = 'never') => {
  const evidence = rehearsal.evidence();
  return brokenOrLeft(evidence, { undrained });
};

/** Minutes from the node's cordon to another line about it. */
function minutesAfterCordon({ lines }: Rehearsal, node: string, what: typeof restartOf): number {
  const cordon = lines.find(cordonOf(node));
  const line = lines.find(what(node));
  if (cordon === undefined || line === undefined) return Number.NaN;
  return Math.round((Date.parse(line.t) - Date.parse(cordon.t)) / 60_000);
}

it('a blocked drain says so by name within one slice, and leaves nothing cordoned', async () => {
  await using rehearsal = await rehearse(withSick());
  const app = await rehearsal.start({ settings: { defaults: settings } });
  const [sick = '', other] = rehearsal.nodes();
  const run = await app.begin();
  await rehearsal.until(evictionOn(sick));
  await rehearsal.pass({ seconds: 6 });
  const progress = JSON.stringify(await app.app.call('GET', `/api/runs/${run}`));
  expect(progress).toMatch(/"step":"drain"/u);
  expect(progress).toMatch(
    /default\/sick-\S+ blocked by PDB sick: 0 of 2 healthy, 1 have to be, 0 may go/u,
  );
  const slices = app.log.filter(({ message }) => message === 'draining');
  expect(JSON.stringify(slices)).toContain('"budget":{"budget":"default/sick","healthy":0');
  await app.rest();
  const report = await app.report(run);
  expect(outcomeOf(report, sick)).toMatch(/^undrainable: drainDeadline, blocked, blocked$/u);
  expect(minutesAfterCordon(rehearsal, sick, uncordonOf)).toBe(4);
  expect(outcomeOf(report, other)).toBe('rebooted: probe');
  expect(kept(rehearsal)).toEqual([]);
});

it('a drain that does not end stops the run, where settings say so', async () => {
  await using rehearsal = await rehearse(withSick());
  const app = await rehearsal.start({
    settings: { defaults: { ...settings, atDrainDeadline: 'stop' } },
  });
  const [sick, other] = rehearsal.nodes();
  const report = await app.run();
  expect(outcomeOf(report, sick)).toMatch(/^undrainable: drainDeadline, stopped, blocked/u);
  expect(outcomeOf(report, other)).toBe('deferred: turn');
  expect(rehearsal.lines.filter(restartOf())).toEqual([]);
  expect(kept(rehearsal)).toEqual([]);
});

it('pods that no eviction moves are deleted, where settings say so, and the outcome says it', async () => {
  await using rehearsal = await rehearse(withSick(1));
  const app = await rehearsal.start({
    settings: { defaults: { ...settings, deleteAfterMinutes: 2 } },
  });
  const [node = ''] = rehearsal.nodes();
  const report = await app.run();
  expect(outcomeOf(report, node)).toBe('rebooted: probe, escalated');
  expect(wordsOf(report, node)).toMatch(
    /2 pods deleted after 2 minutes, whatever budgets say: default\/sick-\S+, default\/sick-/u,
  );
  const deleted = rehearsal.lines.filter(
    ({ action, detail }) => action === 'podDeleted' && detail['reason'] === 'deleted',
  );
  expect(deleted.map(({ detail }) => detail['pod'])).toEqual([
    expect.stringMatching(sickPod),
    expect.stringMatching(sickPod),
  ]);
  expect(minutesAfterCordon(rehearsal, node, restartOf)).toBe(2);
  expect(kept(rehearsal)).toEqual([]);
});

it('a node is restarted with its pods at the deadline, where settings say so, and the outcome says it', async () => {
  const lonely = { kind: 'Pod', name: 'lonely', on: { pool: 'web', index: 0 } };
  const workloads = [...usualWorkloads, sickOn(0), lonely];
  await using rehearsal = await rehearse(shop({ count: 2, workloads }));
  const defaults = { ...settings, atDrainDeadline: 'restart' as const };
  const app = await rehearsal.start({ settings: { defaults } });
  const [node = '', other] = rehearsal.nodes();
  const report = await app.run();
  expect(outcomeOf(report, node)).toBe('rebooted: probe, escalated');
  expect(wordsOf(report, node)).toMatch(/restarted undrained after 4 minutes, 3 pods left: /u);
  expect(outcomeOf(report, other)).toBe('rebooted: probe');
  expect(minutesAfterCordon(rehearsal, node, restartOf)).toBe(4);
  const evicted = rehearsal.lines.filter((line) => evictionOn(node)(line) && line.status === 201);
  expect(evicted.length).toBeGreaterThan(0);
  expect(kept(rehearsal, 'said')).toEqual([]);
});

it('pods that podSelector does not select stay, and the outcome says it', async () => {
  await using rehearsal = await rehearse(withSick(1));
  const pools = { web: { podSelector: 'app!=sick' } };
  const app = await rehearsal.start({
    settings: { clusters: [{ id: clusterId('shop'), pools }] },
  });
  const [node] = rehearsal.nodes();
  const report = await app.run();
  expect(outcomeOf(report, node)).toBe('rebooted: probe, escalated');
  expect(wordsOf(report, node)).toMatch(/sick-\S+ \(podSelector does not select it\)/u);
  expect(kept(rehearsal, 'said')).toEqual([]);
});

describe('before the cordon', () => {
  const lonelyOn = (index: number) => ({ kind: 'Pod', name: 'lonely', on: { pool: 'web', index } });

  it('a drain that can not succeed is refused with every reason, and nobody is disturbed', async () => {
    const workloads = [...usualWorkloads, blockedOn(0), lonelyOn(0)];
    await using rehearsal = await rehearse(shop({ count: 2, workloads }));
    await budget(rehearsal, 'all', {});
    const app = await rehearsal.start();
    const [node, other] = rehearsal.nodes();
    const plan = await app.run({ dryRun: true });
    const report = await app.run();
    for (const told of [plan, report]) {
      expect(outcomeOf(told, node)).toMatch(/^undrainable: undrainable(, undrainable)*$/u);
      expect(wordsOf(told, node)).toMatch(/default\/lonely: no controller re-creates it/u);
      expect(wordsOf(told, node)).toMatch(/ledger-0 has more than one PodDisruptionBudget/u);
    }
    expect(outcomeOf(plan, other)).toBe('deferred: turn, probe');
    expect(rehearsal.lines.filter(cordonOf(node))).toEqual([]);
    expect(rehearsal.lines.filter(evictionOn(node))).toEqual([]);
    expect(kept(rehearsal)).toEqual([]);
  });

  it('a budget that never lets a pod go is named with its numbers', async () => {
    const workloads = [...usualWorkloads, blockedOn(0)];
    await using rehearsal = await rehearse(shop({ count: 2, workloads }));
    const app = await rehearsal.start();
    const [node, other] = rehearsal.nodes();
    const report = await app.run();
    expect(outcomeOf(report, node)).toBe('undrainable: blocked');
    expect(wordsOf(report, node)).toBe(
      'default/ledger-0 blocked by PDB ledger: 1 of 1 healthy, 1 have to be, 0 may go',
    );
    expect(outcomeOf(report, other)).toBe('rebooted: probe');
    expect(rehearsal.lines.filter(cordonOf(node))).toEqual([]);
    expect(kept(rehearsal)).toEqual([]);
  });

  it('what was planned and has become hopeless since is refused by the cordon itself', async () => {
    await using rehearsal = await rehearse(shop({ count: 2 }));
    const app = await rehearsal.start();
    const [first = '', second = ''] = rehearsal.nodes();
    rehearsal.when(cordonOf(), () => budget(rehearsal, 'late', { maxUnavailable: 0 }));
    const report = await app.run();
    const late = rehearsal.lines.some(cordonOf(first)) ? second : first;
    expect(outcomeOf(report, late)).toMatch(/^undrainable: blocked/u);
    expect(rehearsal.lines.filter(cordonOf(late))).toEqual([]);
    expect(brokenPromises(rehearsal.evidence())).toEqual([]);
  });

  it('nothing is asked where settings restart the node in any case', async () => {
    const workloads = [...usualWorkloads, blockedOn(0)];
    await using rehearsal = await rehearse(shop({ count: 1, workloads }));
    const defaults = { ...settings, atDrainDeadline: 'restart' as const };
    const app = await rehearsal.start({ settings: { defaults } });
    const [node] = rehearsal.nodes();
    expect(outcomeOf(await app.run(), node)).toBe('rebooted: probe, escalated');
    expect(kept(rehearsal, 'said')).toEqual([]);
  });

  it('a pool that would have no other node left is left alone, unless settings allow it', async () => {
    await using rehearsal = await rehearse(shop({ count: 1 }));
    const app = await rehearsal.start({ settings: { defaults: { minReadyInPool: 1 } } });
    const [node] = rehearsal.nodes();
    expect(outcomeOf(await app.run(), node)).toBe('deferred: capacity');
    app.settings.defaults = { ...app.settings.defaults, minReadyInPool: 0 };
    expect(outcomeOf(await app.run(), node)).toBe('rebooted: probe');
    expect(kept(rehearsal)).toEqual([]);
  });

  it('two lanes leave a pool of three the two nodes that it has to keep', async () => {
    await using rehearsal = await rehearse(shop({ count: 3 }));
    const defaults = { minReadyInPool: 2, concurrency: 2, stopAfterFailures: 9 };
    const app = await rehearsal.start({ settings: { defaults } });
    const report = await app.run();
    for (const node of rehearsal.nodes()) expect(outcomeOf(report, node)).toBe('rebooted: probe');
    // What two lanes may do at once, this pool may not.
    expect(kept(rehearsal)).toEqual([]);
  });

  it('two lanes stop when one is to stop the run', async () => {
    await using rehearsal = await rehearse(withSick(5));
    const defaults = { ...settings, atDrainDeadline: 'stop' as const, concurrency: 2 };
    const app = await rehearsal.start({ settings: { defaults } });
    const report = await app.run();
    const ended = rehearsal.nodes().map((node) => outcomeOf(report, node));
    expect(ended.filter((words) => words.startsWith('undrainable'))).toHaveLength(1);
    expect(ended.filter((words) => words === 'rebooted: probe').length).toBeLessThan(4);
    expect(ended.some((words) => words.startsWith('deferred: turn'))).toBe(true);
    const evidence = rehearsal.evidence();
    expect(brokenPromises(evidence, { concurrency: 2 })).toEqual([]);
  });
});

/** A disruption budget for every pod of namespace `default`. */
async function budget({ azure }: Rehearsal, name: string, limit: object): Promise<void> {
  const namespace = 'default';
  const { kubernetes } = azure.world.cluster(clusterId('shop')) ?? {};
  await kubernetes?.handle({
    method: 'POST',
    url: `/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets`,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name, namespace },
      spec: { ...limit, selector: {} },
    }),
    user: 'person',
  });
}

import { clusterId, shop, sickOn, usualWorkloads } from '../support/fleets.ts';
import { brokenPromises, nothingLeft } from '../support/promises.ts';
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
const withSick = (count = 2) => shop({ count, workloads: [...usualWorkloads, sickOn(0)] });
const sickPod = /default\/sick-\S+/u;

const kept = (rehearsal: Rehearsal, undrained: 'never' | 'said' = 'never') => {
  const evidence = rehearsal.evidence();
  return [...brokenPromises(evidence, { undrained }), ...nothingLeft(evidence)];
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
  const slice = app.log.find(({ message }) => message === 'draining');
  expect(JSON.stringify(slice)).toContain('"budget":{"budget":"default/sick","healthy":0');
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

import { clusterId, needsReboot } from '../support/fleets.ts';
import { brokenPromises } from '../support/promises.ts';
import { outcomesOf } from '../support/reading.ts';
import { rehearse } from '../support/rehearsal.ts';

/**
 * Many small clusters in one subscription: what they share, counted on what Azure saw. As many as it takes
 * for every bound to be reached; CI does it with 200 as well, which takes a core half a minute.
 */

const clusters = Number(process.env['MANY_CLUSTERS'] ?? 25);
const inDev = Math.floor(clusters / 5);
const nodesEach = 3;
const scriptSeconds = 20;
/** One in so many clusters has a node that needs a reboot. */
const dueEvery = Math.floor(clusters / 5);

const nameOf = (index: number) => `c${String(index).padStart(3, '0')}`;
const fleet = {
  name: 'many',
  timings: {
    runCommandSeconds: scriptSeconds,
    spread: 0,
    restartDelaySeconds: 15,
    bootSeconds: 30,
  },
  clusters: Array.from({ length: clusters }, (_, index) => ({
    id: clusterId(nameOf(index)),
    pools: [
      {
        name: 'web',
        mode: 'System',
        count: nodesEach,
        nodes: index % dueEvery === 0 ? { 0: needsReboot } : {},
      },
    ],
  })),
};

/** The most intervals that hold at one moment. */
function mostAtOnce(intervals: readonly { from: number; to: number }[]): number {
  return Math.max(
    0,
    ...intervals.map(
      ({ from }) => intervals.filter((other) => other.from <= from && from < other.to).length,
    ),
  );
}

it('share twenty probes, ten places and the allowance of the AKS resource provider', async () => {
  await using rehearsal = await rehearse(fleet);
  const app = await rehearsal.start({
    settings: {
      rings: ['dev', 'prod'],
      defaults: { ring: 'prod' },
      clusters: Array.from({ length: clusters }, (_, index) => ({
        id: clusterId(nameOf(index)),
        ...(index < inDev ? { ring: 'dev' } : {}),
      })),
    },
  });
  const report = await app.run();
  const ended = Object.values(outcomesOf(report));
  expect(ended).toHaveLength(clusters * nodesEach);
  const due = Math.ceil(clusters / dueEvery);
  expect(ended.filter((kind) => kind === 'rebooted')).toHaveLength(due);
  expect(ended.filter((kind) => kind === 'notNeeded')).toHaveLength(ended.length - due);

  const scripts = rehearsal.armRequests
    .filter(({ method, path }) => method === 'POST' && /\/runCommand\?/iu.test(path))
    .map(({ at }) => ({ from: at, to: at + scriptSeconds * 1000 }));
  expect(scripts.length).toBeGreaterThanOrEqual(clusters * nodesEach);
  const inFlight = mostAtOnce(scripts);
  expect(inFlight).toBeLessThanOrEqual(20);
  // The bound is used, not only kept.
  expect(inFlight).toBeGreaterThan(10);

  const spans = Array.from({ length: clusters }, (_, index) => {
    const name = nameOf(index);
    const times = rehearsal.armRequests
      .filter(({ path }) => new RegExp(`[/_]${name}[/_?]`, 'iu').test(path))
      .map(({ at }) => at);
    return { name, from: Math.min(...times), to: Math.max(...times) };
  });
  expect(mostAtOnce(spans)).toBeLessThanOrEqual(10);
  // All of dev before any of prod.
  const last = Math.max(...spans.slice(0, inDev).map(({ to }) => to));
  const first = Math.min(...spans.slice(inDev).map(({ from }) => from));
  expect(first).toBeGreaterThanOrEqual(last);

  const aks = rehearsal.armRequests
    .filter(({ path }) => /Microsoft\.ContainerService/iu.test(path))
    .map(({ at }) => at);
  // A bucket of twenty, refilled by one a second: a third of what AKS grants a subscription.
  for (const seconds of [1, 60, 600]) {
    const most = mostAtOnce(aks.map((at) => ({ from: at, to: at + seconds * 1000 })));
    expect({ seconds, within: most <= 20 + seconds, most }).toMatchObject({ within: true });
  }
  expect(brokenPromises(rehearsal.evidence())).toEqual([]);
}, 300_000);

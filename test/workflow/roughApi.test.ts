import { seededRandom } from '../../local/azure/random.ts';
import type { Fault } from '../../local/azure/fleet.ts';
import { shop, slowOn, usualWorkloads } from '../support/fleets.ts';
import { brokenOrLeft } from '../support/promises.ts';
import { momentsOfANode, nodeReports, outcomeOf, restartOf } from '../support/reading.ts';
import { rehearse } from '../support/rehearsal.ts';
import type { Rehearsal } from '../support/rehearsal.ts';

/** An API server that is slow, throttles, drops connections or does not know us any more. */

const kept = (rehearsal: Rehearsal) => brokenOrLeft(rehearsal.evidence());

const fleet = (count: number) => shop({ count, workloads: [...usualWorkloads, slowOn(0, 20)] });

const answer = (status: number, headers: Record<string, string> = {}): Fault => ({
  kind: 'answer',
  status,
  headers,
  body: { kind: 'Status', status: 'Failure', message: 'simulated', code: status },
});

const weathers: readonly [string, 'before' | 'after', Fault][] = [
  ['drops connections before it does anything', 'before', { kind: 'drop' }],
  ['drops connections after it did what was asked', 'after', { kind: 'drop' }],
  ['fails', 'before', answer(500)],
  ['fails after it did what was asked', 'after', answer(503)],
  ['throttles', 'before', answer(429, { 'retry-after': '20' })],
  ['is slow', 'before', { kind: 'delay', wallMilliseconds: 60 }],
  ['does not know our token', 'before', answer(401)],
];

describe('an API server that now and then', () => {
  it.each(weathers)('%s costs time, and no promise', async (_weather, when, fault) => {
    await using rehearsal = await rehearse(fleet(2));
    const app = await rehearsal.start();
    // Not at regular intervals, which an activity of as many requests would never get past.
    const random = seededRandom(1, 'weather');
    for (let skip = 5; skip < 250; skip += 5 + Math.floor(random() * 20)) {
      const rule = { service: 'kubernetes', path: '.', skip, times: 1, when } as const;
      rehearsal.azure.faults.add({ ...rule, fault });
    }
    const report = await app.run();
    for (const name of rehearsal.nodes()) expect(outcomeOf(report, name)).toBe('rebooted: probe');
    expect(rehearsal.lines.filter(restartOf())).toHaveLength(2);
    expect(kept(rehearsal)).toEqual([]);
  });
});

const moments = new Map(momentsOfANode);
const some = ['the attempt written, the restart not sent', 'the boot'];
const outages: readonly [string, Fault, readonly string[]][] = [
  ['is away', { kind: 'drop' }, [...moments.keys()]],
  ['throttles everything', answer(429, { 'retry-after': '30' }), some],
  ['does not know us', answer(401), some],
];

describe.each(outages)('an API server that for ten minutes %s', (_outage, fault, from) => {
  it.each(from.map((name) => [name, moments.get(name) ?? (() => false)] as const))(
    'from %s on costs time, and no promise',
    async (_moment, passes) => {
      await using rehearsal = await rehearse(fleet(1));
      const [node = ''] = rehearsal.nodes();
      const app = await rehearsal.start();
      rehearsal.when(passes, () => {
        const rule = { service: 'kubernetes', path: '.', skip: 0, times: 1e6 } as const;
        const end = rehearsal.azure.faults.add({ ...rule, when: 'before', fault });
        void rehearsal.pass({ minutes: 10 }).then(end);
      });
      const report = await app.run();
      expect(nodeReports(report)).toHaveLength(1);
      // What could not be finished then is, by the next run.
      await rehearsal.pass({ minutes: 10 });
      const next = await app.run();
      expect(outcomeOf(next, node)).toMatch(/^(rebooted|notNeeded)/u);
      expect(rehearsal.lines.filter(restartOf(node))).toHaveLength(1);
      expect(kept(rehearsal)).toEqual([]);
    },
  );
});

import { brokenPromises } from '../support/promises.ts';
import { rehearse } from '../support/rehearsal.ts';
import { outcomesOf } from '../support/reading.ts';
import type { Report } from '../support/evidence.ts';
import type { Process } from '../support/process.ts';
import type { Rehearsal } from '../support/rehearsal.ts';

/** Longer than it takes to ask for the sentinel, so that it is seen to be waited for. */
const readyForSeconds = 120;
/** A few seconds, on a machine that has nothing else to do. */
const slowMachineMs = 180_000;

describe('the default fleet, rebooted to the end', () => {
  let rehearsal: Rehearsal;
  let app: Process;
  let report: Report;

  beforeAll(async () => {
    rehearsal = await rehearse('default');
    app = await rehearsal.start({ settings: { defaults: { readyForSeconds } } });
    report = await app.run();
  }, slowMachineMs);
  afterAll(() => rehearsal[Symbol.asyncDispose]());

  it('keeps every promise', () => {
    expect(brokenPromises(rehearsal.evidence(), { readyForSeconds })).toEqual([]);
  });

  it('tells what became of each node', () => {
    const [system, web, batch] = ['system', 'web', 'batch'].map((pool) => rehearsal.nodes(pool));
    const expected = {
      ...every(system, ['rebooted', 'rebooted', 'notNeeded']),
      ...every(web, ['rebooted', 'skipped', 'rebooted', 'notNeeded', 'unknown', 'rebooted']),
      ...every(batch, ['rebooted', 'rebooted', 'rebooted', 'notNeeded']),
    };
    expect(outcomesOf(report)).toEqual(expected);
  });

  it('keeps every history short', () => {
    const longest = Math.max(...[...app.app.host.stats().values()].map(({ events }) => events));
    expect(longest).toBeLessThanOrEqual(500);
  });

  it('asks ARM at most twelve times for each rebooted node, polls aside', () => {
    const polls = /\/locations\/[^/]+\/operations\//iu;
    const nodes = Object.entries(outcomesOf(report));
    const rebooted = nodes.filter(([, kind]) => kind === 'rebooted');
    const others = nodes.filter(([, kind]) => kind !== 'rebooted');
    // What is asked about nodes that stay as they are would be asked without any reboot.
    const theirs = others.map(([name]) => rehearsal.azure.world.node(name).id.toLowerCase());
    const asked = rehearsal.armRequests
      .map(({ path }) => path.toLowerCase())
      .filter((path) => !polls.test(path) && !theirs.some((id) => path.startsWith(`${id}/`)));
    expect(asked.length / rebooted.length).toBeLessThanOrEqual(12);
  });
});

const every = (names: readonly string[] = [], kinds: readonly string[]) =>
  Object.fromEntries(names.map((name, index) => [name, kinds[index]]));

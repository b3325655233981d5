import { shop, slowOn, usualWorkloads } from '../support/fleets.ts';
import { keptStorage } from '../support/process.ts';
import type { Storage } from '../support/process.ts';
import { brokenOrLeft } from '../support/promises.ts';
import { answered, cordonOf, momentsOfANode, outcomeOf, restartOf } from '../support/reading.ts';
import { rehearse } from '../support/rehearsal.ts';

const fleet = shop({ count: 2, workloads: [...usualWorkloads, slowOn(0, 20)] });

describe.each(momentsOfANode)('a new version that is deployed at %s', (_name, moment) => {
  it('goes on with the run, and nothing of it fails', async () => {
    using storage = keptStorage();
    await using rehearsal = await rehearse(fleet);
    const before = await rehearsal.start({ storage, version: '1.0' });
    const replaced = Promise.withResolvers<{ storage: Storage; node: string }>();
    rehearsal.when(moment, ({ node }) => replaced.resolve({ storage: before.crash(), node }));
    const run = await before.begin();
    const { node, storage: left } = await rehearsal.flow(() => replaced.promise);
    await before.stop();

    const after = await rehearsal.start({ storage: left, version: '2.0' });
    await after.rest();
    const report = await after.report(run);
    expect(report.status).toBe('completed');
    expect(outcomeOf(report, node)).toMatch(/^(rebooted|deferred|unknown): /u);
    await after.run();
    for (const name of rehearsal.nodes()) {
      expect(rehearsal.azure.world.node(name).packages).toBeUndefined();
      expect(rehearsal.lines.filter(restartOf(name)).length).toBeLessThanOrEqual(2);
    }
    expect(brokenOrLeft(rehearsal.evidence())).toEqual([]);
  });
});

describe('an older version that is deployed again', () => {
  it('leaves a newer run waiting and its node alone, until the newer one is back', async () => {
    using storage = keptStorage();
    await using rehearsal = await rehearse(fleet);
    const newer = await rehearsal.start({ storage, version: '2.0' });
    const run = await newer.begin();
    const { node } = await rehearsal.until(answered(cordonOf(), 200));
    const left = newer.crash();
    await newer.stop();
    const seen = rehearsal.lines.length;

    const older = await rehearsal.start({ storage: left, version: '1.0' });
    await rehearsal.pass({ hours: 1 });
    const ours = rehearsal.lines.slice(seen).filter(({ actor }) => actor === 'app-2');
    expect(ours).toEqual([]);
    const again = older.crash();
    await older.stop();

    const back = await rehearsal.start({ storage: again, version: '2.0' });
    await back.rest();
    expect((await back.report(run)).status).toBe('completed');
    expect(outcomeOf(await back.run(), node)).toMatch(/^(rebooted|notNeeded): /u);
    expect(brokenOrLeft(rehearsal.evidence())).toEqual([]);
  });
});

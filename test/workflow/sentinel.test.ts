import { shop } from '../support/fleets.ts';
import { brokenOrLeft } from '../support/promises.ts';
import { outcomeOf, restartOf, wordsOf } from '../support/reading.ts';
import { rehearse } from '../support/rehearsal.ts';
import type { Rehearsal } from '../support/rehearsal.ts';

/** What says that a reboot is due, and since when. */

const kept = (rehearsal: Rehearsal) => brokenOrLeft(rehearsal.evidence());

describe('a sentinel command', () => {
  const settings = { defaults: { sentinelCommand: 'needs-restarting -r' } };

  it('has a node rebooted, and proves it', async () => {
    await using rehearsal = await rehearse(shop({ count: 1 }));
    const app = await rehearsal.start({ settings });
    const [node] = rehearsal.nodes();
    const report = await app.run();
    expect(outcomeOf(report, node)).toBe('rebooted: probe');
    expect(kept(rehearsal)).toEqual([]);
  });

  it('that ends in no code that settings know leaves the node alone', async () => {
    await using rehearsal = await rehearse(shop({ count: 1, nodes: { 0: { commandExit: 127 } } }));
    const app = await rehearsal.start({ settings });
    const [node] = rehearsal.nodes();
    const report = await app.run();
    expect(outcomeOf(report, node)).toBe('unknown: probe');
    expect(wordsOf(report, node)).toContain('sentinelCommand ended with 127');
    expect(kept(rehearsal)).toEqual([]);
  });

  it('that goes on saying yes is found out by the proof, and not believed again', async () => {
    await using rehearsal = await rehearse(shop({ count: 1, nodes: { 0: { commandExit: 0 } } }));
    const app = await rehearsal.start({ settings });
    const [node] = rehearsal.nodes();
    expect(outcomeOf(await app.run(), node)).toBe('stillRequired: stillRequired');
    await rehearsal.pass({ hours: 48 });
    expect(outcomeOf(await app.run(), node)).toBe('stillRequired: loopGuard');
    expect(rehearsal.lines.filter(restartOf(node))).toHaveLength(1);
    expect(kept(rehearsal)).toEqual([]);
  });
});

describe('a sentinel that names no packages', () => {
  it('has the node rebooted again the next time, since nobody knows what for', async () => {
    await using rehearsal = await rehearse(shop({ count: 1, nodes: { 0: { packages: [] } } }));
    const app = await rehearsal.start();
    const [node = ''] = rehearsal.nodes();
    expect(outcomeOf(await app.run(), node)).toBe('rebooted: probe');
    rehearsal.person.setSentinel(node, []);
    expect(outcomeOf(await app.run(), node)).toBe('deferred: loopGuard');
    await rehearsal.pass({ hours: 25 });
    expect(outcomeOf(await app.run(), node)).toBe('rebooted: probe');
    expect(kept(rehearsal)).toEqual([]);
  });
});

describe('a need that is younger than settings want', () => {
  it('waits until it is old enough', async () => {
    const young = { 0: { sentinelHours: 2 } };
    await using rehearsal = await rehearse(shop({ count: 1, nodes: young }));
    const app = await rehearsal.start({ settings: { defaults: { minNeedAgeHours: 12 } } });
    const [node] = rehearsal.nodes();
    const held = await app.run();
    expect(outcomeOf(held, node)).toBe('deferred: needAge');
    expect(wordsOf(held, node)).toBe('the need is 2.0 hours old, 12 are asked for');
    await rehearsal.pass({ hours: 10 });
    expect(outcomeOf(await app.run(), node)).toBe('rebooted: probe');
    expect(kept(rehearsal)).toEqual([]);
  });

  it('of a command counts from when it was first heard of, also just before the cordon', async () => {
    await using rehearsal = await rehearse(shop({ count: 1 }));
    const defaults = { minNeedAgeHours: 5, sentinelCommand: 'true', probeMaxAgeHours: 0 };
    const app = await rehearsal.start({ settings: { defaults } });
    const [node] = rehearsal.nodes();
    expect(outcomeOf(await app.run(), node)).toBe('deferred: needAge');
    await rehearsal.pass({ hours: 5 });
    expect(outcomeOf(await app.run(), node)).toBe('rebooted: probe');
    expect(kept(rehearsal)).toEqual([]);
  });
});

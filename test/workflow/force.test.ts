import { readMark } from '../../src/domain/mark.ts';
import { shop } from '../support/fleets.ts';
import { brokenOrLeft, brokenPromises, nothingLeft } from '../support/promises.ts';
import { keptStorage } from '../support/process.ts';
import { cordonOf, downOf, outcomeOf, restartOf, wordsOf } from '../support/reading.ts';
import { rehearse } from '../support/rehearsal.ts';

/** Reboots that a person wants, whether nodes ask for them or not. */

const calm = { sentinelGone: true };
const force = { reason: 'CVE-2026-1' };

describe('a forced run', () => {
  it('reboots nodes that need none, proves them without a sentinel, and says who wanted it', async () => {
    await using rehearsal = await rehearse(shop({ count: 2, nodes: { 0: calm, 1: calm } }));
    const app = await rehearsal.start();
    const [first, second] = rehearsal.nodes();
    expect(outcomeOf(await app.run(), first)).toBe('notNeeded: probe');
    const report = await app.run({ force });
    for (const node of [first, second]) {
      expect(outcomeOf(report, node)).toBe('rebooted: probe, forced');
      expect(wordsOf(report, node)).toContain('forced: CVE-2026-1');
    }
    expect(outcomeOf(await app.run({ force }), first)).toBe('deferred: loopGuard');
    const evidence = rehearsal.evidence();
    expect(nothingLeft(evidence)).toEqual([]);
    expect(brokenPromises(evidence)).toEqual([]);
  });

  it('forces the nodes that it names, and goes by the sentinel of the others', async () => {
    const nodes = { 0: calm, 1: calm, 2: {} };
    await using rehearsal = await rehearse(shop({ count: 3, nodes }));
    const app = await rehearsal.start();
    const [one = '', two, three] = rehearsal.nodes();
    const report = await app.run({ force: { ...force, nodes: [one] } });
    expect(outcomeOf(report, one)).toBe('rebooted: probe, forced');
    expect(outcomeOf(report, two)).toBe('notNeeded: probe');
    expect(outcomeOf(report, three)).toBe('rebooted: probe');
    expect(brokenPromises(rehearsal.evidence())).toEqual([]);
  });

  it('goes through every other gate', async () => {
    await using rehearsal = await rehearse(shop({ count: 1 }));
    const app = await rehearsal.start();
    const [node] = rehearsal.nodes();
    await app.hold('shop');
    expect(outcomeOf(await app.run({ force }), node)).toBe('deferred: hold');
    expect(rehearsal.lines.filter(cordonOf(node))).toEqual([]);
  });

  it('does not mind a sentinel that stays, nor one that cannot be read', async () => {
    const nodes = { 0: { sentinelReturnsHours: 0 }, 1: { commandExit: 9 } };
    await using rehearsal = await rehearse(shop({ count: 2, nodes }));
    const app = await rehearsal.start();
    const [stays, unread] = rehearsal.nodes();
    expect(wordsOf(await app.run({ force, nodes: [stays] }), stays)).toContain(
      'it asks for a reboot',
    );
    app.settings.defaults = { ...app.settings.defaults, sentinelCommand: 'x' };
    expect(outcomeOf(await app.run({ nodes: [unread] }), unread)).toBe('unknown: probe');
    expect(outcomeOf(await app.run({ force, nodes: [unread] }), unread)).toBe(
      'rebooted: probe, forced',
    );
  });

  it('that dies is finished by the next one, which nobody has to force', async () => {
    using storage = keptStorage();
    await using rehearsal = await rehearse(shop({ count: 1, nodes: { 0: calm } }));
    const first = await rehearsal.start({ storage });
    await first.begin({ force });
    const { node } = await rehearsal.until(downOf());
    first.crash();
    const annotations = rehearsal.azure.world
      .node(node)
      .cluster.kubernetes.object(`/api/v1/nodes/${node}`) as unknown as {
      metadata: { annotations: Record<string, string> };
    };
    expect(readMark(annotations.metadata.annotations)).toMatchObject({
      value: { forced: 'forced: CVE-2026-1', need: '' },
    });
    const second = await rehearsal.start();
    expect(outcomeOf(await second.run(), node)).toBe('rebooted: probe, forced');
    expect(rehearsal.lines.filter(restartOf(node))).toHaveLength(1);
    expect(brokenOrLeft(rehearsal.evidence())).toEqual([]);
  });
});

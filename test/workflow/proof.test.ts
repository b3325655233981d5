import { shop } from '../support/fleets.ts';
import { brokenPromises, nothingLeft } from '../support/promises.ts';
import { answered, eventsOf, outcomeOf, restartOf } from '../support/reading.ts';
import { rehearse } from '../support/rehearsal.ts';
import type { Rehearsal } from '../support/rehearsal.ts';

/** From the restart asked for to the proof: each missing piece has an outcome of its own. */

function allKept(rehearsal: Rehearsal): void {
  const evidence = rehearsal.evidence();
  expect([...brokenPromises(evidence), ...nothingLeft(evidence)]).toEqual([]);
}

describe('a restart that waits for a scheduled event', () => {
  it('is shown as waiting, until when, and taken for no failure', async () => {
    const timings = { restartDelaySeconds: 900 };
    await using rehearsal = await rehearse(shop({ count: 1, fleet: { timings } }));
    const [node = ''] = rehearsal.nodes();
    const app = await rehearsal.start();
    const run = await app.begin();
    const { t } = await rehearsal.until(answered(restartOf(node), 202));
    await rehearsal.pass({ minutes: 5 });
    const notBefore = new Date(Date.parse(t) + 900_000).toUTCString();
    const progress = JSON.stringify(await app.app.call('GET', `/api/runs/${run}`));
    expect(progress).toContain('still Ready on the old boot, Azure waits with it');
    expect(progress).toContain(`VMEventScheduled: Reboot Scheduled: ${notBefore}`);
    await app.rest();
    expect(outcomeOf(await app.report(run), node)).toBe('rebooted: probe');
    const told = eventsOf(rehearsal.azure, node).filter(
      ({ reason }) => reason === 'RestartDelayed',
    );
    expect(told.map(({ type }) => type)).toEqual(['Normal']);
    expect(rehearsal.lines.filter(restartOf(node))).toHaveLength(1);
    allKept(rehearsal);
  });
});

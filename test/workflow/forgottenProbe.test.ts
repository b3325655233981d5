import { shop } from '../support/fleets.ts';
import { brokenOrLeft } from '../support/promises.ts';
import { keptStorage } from '../support/process.ts';
import { outcomeOf } from '../support/reading.ts';
import { rehearse } from '../support/rehearsal.ts';

describe('a process that was away for longer than Azure remembers a script', () => {
  it('asks the node again, and nobody has to come', async () => {
    using storage = keptStorage();
    await using rehearsal = await rehearse(shop({ count: 1 }));
    const first = await rehearsal.start({ storage });
    const run = await first.begin();
    await rehearsal.until(({ action }) => action === 'probe');
    await rehearsal.pass({ seconds: 5 });
    const died = first.crash();
    await first.stop();
    await rehearsal.pass({ hours: 2 });

    const second = await rehearsal.start({ storage: died });
    await second.rest();
    const report = await second.report(run);
    const [node] = rehearsal.nodes();
    expect(outcomeOf(report, node)).toBe('rebooted: probe');
    expect(brokenOrLeft(rehearsal.evidence())).toEqual([]);
  });
});

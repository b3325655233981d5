import { shop, sickOn, slowOn, usualWorkloads } from '../support/fleets.ts';
import { brokenOrLeft } from '../support/promises.ts';
import { answered, downOf, eventsOf, evictionOn, outcomeOf } from '../support/reading.ts';
import { rehearse } from '../support/rehearsal.ts';
import type { Rehearsal } from '../support/rehearsal.ts';

/** What `kubectl describe node` shows of our work. */

const told = (rehearsal: Rehearsal, name = '') => {
  const events = eventsOf(rehearsal.azure, name);
  expect(new Set(events.map(({ source }) => source.component))).toEqual(
    new Set(['aks-reboot-orchestrator']),
  );
  return events.map(({ reason, message }) => `${reason}: ${message}`);
};
const reasons = (rehearsal: Rehearsal, name = '') =>
  told(rehearsal, name).map((text) => text.split(':')[0]);

const reboot = ['Cordoned', 'Drained', 'RestartAsked', 'Booted', 'RebootProved'];

describe('Events on a node', () => {
  it('tell every step of a reboot, in order', async () => {
    await using rehearsal = await rehearse(shop({ count: 1 }));
    const [name] = rehearsal.nodes();
    const app = await rehearsal.start();
    const { run } = await app.run();
    expect(reasons(rehearsal, name)).toEqual(reboot);
    const words = told(rehearsal, name).join('\n');
    expect(words).toContain(`Cordoned by run ${run}: it needs a reboot for linux-base`);
    expect(words).toMatch(/Booted: boot \S+ became \S+, kernel 5\.15\.0-1096-azure/u);
    expect(words).toMatch(/Back in service: boot \w+ became \w+/u);
    expect(eventsOf(rehearsal.azure, name ?? '').map(({ type }) => type)).not.toContain('Warning');
  });

  it('name the budget that holds a drain up, once, and say that it was undone', async () => {
    const workloads = [...usualWorkloads, sickOn(0)];
    await using rehearsal = await rehearse(shop({ count: 1, workloads }));
    const [name] = rehearsal.nodes();
    const app = await rehearsal.start({ settings: { defaults: { drainTimeoutMinutes: 5 } } });
    const run = await app.begin();
    await rehearsal.until(answered(evictionOn(name), 429));
    await rehearsal.pass({ seconds: 5 });
    // Within one slice, not at the deadline.
    expect(reasons(rehearsal, name)).toEqual(['Cordoned', 'DrainBlocked']);
    await app.rest();
    expect(outcomeOf(await app.report(run), name)).toContain('undrainable');
    expect(reasons(rehearsal, name)).toEqual(['Cordoned', 'DrainBlocked', 'RebootUndone']);
    expect(told(rehearsal, name)[1]).toMatch(/default\/sick-\S+ blocked by PDB sick/u);
    expect(told(rehearsal, name)[2]).toContain('Back in service, without a reboot: not drained');
  });

  it('say what a person is needed for', async () => {
    await using rehearsal = await rehearse(shop({ count: 1, nodes: { 0: { returns: false } } }));
    const [name] = rehearsal.nodes();
    const app = await rehearsal.start({ settings: { defaults: { pollSeconds: 120 } } });
    await app.run();
    expect(told(rehearsal, name).at(-1)).toMatch(/^RebootStuck: Out of service, notRebooted: /u);
    expect(reasons(rehearsal, name).filter((reason) => reason === 'RestartAsked')).toHaveLength(2);
  });

  it('tell that a later run goes on, and nothing twice', async () => {
    await using rehearsal = await rehearse(shop({ count: 1 }));
    const [name] = rehearsal.nodes();
    const first = await rehearsal.start();
    await first.begin();
    await rehearsal.until(downOf());
    first.crash();
    await (await rehearsal.start()).run();
    expect(reasons(rehearsal, name)).toEqual([
      'Cordoned',
      'Drained',
      'RestartAsked',
      'TakenOver',
      'Booted',
      'RebootProved',
    ]);
  });

  it('of a node that stays cordoned say so', async () => {
    const workloads = [...usualWorkloads, slowOn(0)];
    await using rehearsal = await rehearse(
      shop({ count: 1, workloads, nodes: { 0: { cordoned: true } } }),
    );
    const [name] = rehearsal.nodes();
    const app = await rehearsal.start({ settings: { defaults: { cordonedByPerson: 'reboot' } } });
    await app.run();
    expect(told(rehearsal, name).at(-1)).toContain('Left cordoned, as it was');
  });

  it('are good to have, and stop nothing when nobody takes them', async () => {
    await using rehearsal = await rehearse(shop({ count: 1 }));
    rehearsal.azure.faults.add({
      service: 'kubernetes',
      method: 'POST',
      path: '/events$',
      skip: 0,
      times: 1000,
      when: 'before',
      fault: { kind: 'answer', status: 500 },
    });
    const [name] = rehearsal.nodes();
    const app = await rehearsal.start();
    expect(outcomeOf(await app.run(), name)).toBe('rebooted: probe');
    expect(eventsOf(rehearsal.azure, name ?? '')).toEqual([]);
    expect(app.log.filter(({ message }) => message === 'event not told')).toHaveLength(5);
    expect(brokenOrLeft(rehearsal.evidence())).toEqual([]);
  });
});

import { shop, slowOn, usualWorkloads } from '../support/fleets.ts';
import { brokenOrLeft, brokenPromises } from '../support/promises.ts';
import {
  answered,
  bootOf,
  cordonOf,
  downOf,
  evictionOn,
  outcomeOf,
  restartOf,
  uncordonOf,
} from '../support/reading.ts';
import { rehearse } from '../support/rehearsal.ts';

/** What people and other programs do to a node while we are at it. */

const fleet = (given: Parameters<typeof shop>[0] = {}) =>
  shop({ count: 2, workloads: [...usualWorkloads, slowOn(0), slowOn(1)], ...given });

describe('a node at work', () => {
  it('is let go when somebody uncordons it during the drain', async () => {
    await using rehearsal = await rehearse(fleet());
    const app = await rehearsal.start();
    let node = '';
    rehearsal.when(answered(evictionOn(), 201), async (line) => {
      node = line.node;
      await rehearsal.person.uncordon(node);
    });
    const report = await app.run();
    expect(outcomeOf(report, node)).toBe('deferred: uncordoned');
    expect(rehearsal.lines.filter(restartOf(node))).toEqual([]);
    expect(brokenOrLeft(rehearsal.evidence())).toEqual([]);
  });

  it('is gone when the autoscaler deletes it during the drain, and the next one begins', async () => {
    await using rehearsal = await rehearse(fleet());
    const app = await rehearsal.start();
    const [first, second] = rehearsal.nodes();
    let node = '';
    rehearsal.when(answered(evictionOn(), 201), (line) => {
      node = line.node;
      rehearsal.person.deleteInstance(node);
    });
    const report = await app.run();
    expect(outcomeOf(report, node)).toBe('gone: gone');
    expect(outcomeOf(report, node === first ? second : first)).toBe('rebooted: probe');
    expect(brokenPromises(rehearsal.evidence())).toEqual([]);
  });

  it('is gone when it is deleted after the restart was asked for', async () => {
    await using rehearsal = await rehearse(fleet());
    const app = await rehearsal.start();
    const run = await app.begin();
    const { node } = await rehearsal.until(downOf());
    rehearsal.person.deleteInstance(node);
    await app.rest();
    expect(outcomeOf(await app.report(run), node)).toBe('gone: gone');
    expect(brokenPromises(rehearsal.evidence())).toEqual([]);
  });

  it('is replaced when it comes back with another root file system', async () => {
    await using rehearsal = await rehearse(fleet());
    const app = await rehearsal.start();
    let node = '';
    rehearsal.when(bootOf(), (line) => {
      node = line.node;
      rehearsal.azure.world.node(node).bornAt = rehearsal.now();
    });
    const report = await app.run();
    expect(outcomeOf(report, node)).toBe('replaced: replaced');
    expect(brokenOrLeft(rehearsal.evidence())).toEqual([]);
  });

  it('is replaced when another machine bears its name after the restart', async () => {
    await using rehearsal = await rehearse(fleet());
    const app = await rehearsal.start();
    let node = '';
    rehearsal.when(bootOf(), (line) => {
      node = line.node;
      Object.assign(rehearsal.azure.world.node(node), {
        vmId: 'd1a5ad57-0000-4000-8000-000000000000',
      });
    });
    const report = await app.run();
    expect(outcomeOf(report, node)).toBe('replaced: replaced');
    expect(brokenOrLeft(rehearsal.evidence())).toEqual([]);
  });

  it('is not restarted again when somebody has restarted it during the drain', async () => {
    await using rehearsal = await rehearse(
      fleet({ fleet: { timings: { restartDelaySeconds: 5 } } }),
    );
    const app = await rehearsal.start();
    let node = '';
    rehearsal.when(answered(evictionOn(), 201), (line) => {
      node = line.node;
      rehearsal.person.restart(node);
    });
    await app.run();
    const ours = rehearsal.lines.filter((line) => restartOf(node)(line) && line.actor !== 'person');
    expect(ours).toEqual([]);
    expect(brokenOrLeft(rehearsal.evidence())).toEqual([]);
  });
});

describe('a node that goes away again after its boot', () => {
  it('has to stay Ready from the beginning, and is restarted by nobody but that person', async () => {
    await using rehearsal = await rehearse(shop({ count: 1 }));
    const readyForSeconds = 120;
    const app = await rehearsal.start({ settings: { defaults: { readyForSeconds } } });
    const run = await app.begin();
    const { node } = await rehearsal.until(bootOf());
    await rehearsal.pass({ seconds: 60 });
    rehearsal.person.restart(node);
    await app.rest();
    const report = await app.report(run);
    expect(outcomeOf(report, node)).toBe('rebooted: probe');
    const restarts = rehearsal.lines.filter(restartOf(node)).map(({ actor }) => actor);
    expect(restarts).toEqual(['app-1', 'person']);
    const evidence = rehearsal.evidence();
    expect(brokenOrLeft(evidence, { readyForSeconds })).toEqual([]);
  });
});

describe('a node that a person had cordoned', () => {
  const cordoned = shop({ count: 2, nodes: { 0: { cordoned: true } } });

  it('is left alone', async () => {
    await using rehearsal = await rehearse(cordoned);
    const app = await rehearsal.start();
    const [node] = rehearsal.nodes();
    expect(outcomeOf(await app.run(), node)).toBe('skipped: cordonedByPerson');
    expect(brokenPromises(rehearsal.evidence())).toEqual([]);
  });

  it('is rebooted where settings say so, and stays cordoned', async () => {
    await using rehearsal = await rehearse(cordoned);
    const app = await rehearsal.start({ settings: { defaults: { cordonedByPerson: 'reboot' } } });
    const [node] = rehearsal.nodes();
    expect(outcomeOf(await app.run(), node)).toBe('rebooted: probe');
    expect(rehearsal.lines.filter(uncordonOf(node))).toEqual([]);
    const evidence = rehearsal.evidence();
    expect(brokenOrLeft(evidence)).toEqual([]);
    expect(evidence.after.find((after) => after.node === node)?.unschedulable).toBe(true);
  });

  it('stays cordoned when the work on it is undone', async () => {
    await using rehearsal = await rehearse(
      fleet({ count: 1, nodes: { 0: { cordoned: true } }, workloads: [slowOn(0)] }),
    );
    // Its pod was there before somebody cordoned it.
    const [node = ''] = rehearsal.nodes();
    await rehearsal.person.uncordon(node);
    await rehearsal.pass({ minutes: 2 });
    await rehearsal.person.cordon(node);
    const app = await rehearsal.start({ settings: { defaults: { cordonedByPerson: 'reboot' } } });
    rehearsal.when(answered(evictionOn(node), 201), () => app.hold('shop'));
    expect(outcomeOf(await app.run(), node)).toBe('deferred: hold');
    const evidence = rehearsal.evidence();
    expect(brokenOrLeft(evidence)).toEqual([]);
    expect(evidence.after[0]?.unschedulable).toBe(true);
    expect(rehearsal.lines.filter(cordonOf(node)).map(({ actor }) => actor)).toEqual(['person']);
  });
});

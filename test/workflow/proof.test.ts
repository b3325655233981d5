import { shop, slowOn, usualWorkloads } from '../support/fleets.ts';
import { brokenOrLeft, brokenPromises } from '../support/promises.ts';
import {
  answered,
  bootOf,
  downOf,
  eventsOf,
  evictionOn,
  outcomeOf,
  probeOf,
  restartOf,
  wordsOf,
} from '../support/reading.ts';
import { rehearse } from '../support/rehearsal.ts';
import type { Rehearsal } from '../support/rehearsal.ts';

/** From the restart asked for to the proof: each missing piece has an outcome of its own. */

function allKept(rehearsal: Rehearsal): void {
  expect(brokenOrLeft(rehearsal.evidence())).toEqual([]);
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

  it('is not announced any more when it has changed nothing', async () => {
    const timings = { restartDelaySeconds: 900 };
    const nodes = { 0: { restart: 'changesNothing' } };
    await using rehearsal = await rehearse(shop({ count: 1, nodes, fleet: { timings } }));
    const [node = ''] = rehearsal.nodes();
    const app = await rehearsal.start();
    await app.begin();
    await rehearsal.until(answered(restartOf(node), 202));
    const event = () => {
      const { kubernetes } = rehearsal.azure.world.node(node).cluster;
      const text = JSON.stringify(kubernetes.object(`/api/v1/nodes/${node}`));
      return /"(NoVMEventScheduled|VMEventScheduled)","message/u.exec(text)?.[1];
    };
    await rehearsal.pass({ minutes: 5 });
    expect(event()).toBe('VMEventScheduled');
    await rehearsal.pass({ minutes: 11 });
    expect(event()).toBe('NoVMEventScheduled');
  });
});

/** The kubelet falls silent and is back, on the same boot. */
function blink(rehearsal: Rehearsal, name: string): void {
  const { cluster, bootId } = rehearsal.azure.world.node(name);
  cluster.kubernetes.machineGoesDown(name, 'gracefully');
  cluster.kubernetes.machineIsUp(name, { bootId });
}

const nodeNow = (rehearsal: Rehearsal, name: string) =>
  rehearsal.evidence().after.find(({ node }) => node === name);

describe('a booted node', () => {
  it('that flaps is not Ready; it is halted with, and finished once it is steady', async () => {
    await using rehearsal = await rehearse(shop({ count: 2 }));
    const app = await rehearsal.start({ settings: { defaults: { readyForSeconds: 120 } } });
    const run = await app.begin();
    const { node } = await rehearsal.until(bootOf());
    for (let minute = 0; minute < 30; minute += 1) {
      await rehearsal.pass({ minutes: 1 });
      blink(rehearsal, node);
    }
    await app.rest();
    const report = await app.report(run);
    expect(outcomeOf(report, node)).toBe('notReady: notReady');
    expect(wordsOf(report, node)).toMatch(/does not stay Ready|not Ready since/u);
    expect(nodeNow(rehearsal, node)).toMatchObject({ marked: true, unschedulable: true });
    const other = rehearsal.nodes().find((name) => name !== node);
    expect(outcomeOf(report, other)).toContain('deferred');
    const next = await app.run();
    expect(outcomeOf(next, node)).toBe('rebooted: probe');
    expect(outcomeOf(next, other)).toBe('rebooted: probe');
    expect(brokenOrLeft(rehearsal.evidence(), { readyForSeconds: 120 })).toEqual([]);
  });

  it('that blinks while its sentinel is asked for has to be steady once more', async () => {
    await using rehearsal = await rehearse(shop({ count: 1 }));
    const app = await rehearsal.start();
    let booted = false;
    const [node = ''] = rehearsal.nodes();
    rehearsal.when(bootOf(node), () => (booted = true));
    rehearsal.when(
      (line) => booted && probeOf(node)(line),
      () => blink(rehearsal, node),
    );
    expect(outcomeOf(await app.run(), node)).toBe('rebooted: probe');
    // The checker of the promise knows since when it was Ready.
    allKept(rehearsal);
  });

  it('whose DaemonSet pods are not back is not Ready, and is finished when they are', async () => {
    const agent = { kind: 'DaemonSet', name: 'agent', startSeconds: 3600 };
    await using rehearsal = await rehearse(
      shop({ count: 1, workloads: [...usualWorkloads, agent] }),
    );
    const app = await rehearsal.start();
    const [node = ''] = rehearsal.nodes();
    const report = await app.run();
    expect(outcomeOf(report, node)).toBe('notReady: daemonSets');
    expect(wordsOf(report, node)).toContain('default/agent');
    expect(nodeNow(rehearsal, node)).toMatchObject({ marked: true, unschedulable: true });
    await rehearsal.pass({ hours: 1 });
    expect(outcomeOf(await app.run(), node)).toBe('rebooted: probe');
    allKept(rehearsal);
  });
});

describe('a node whose machine', () => {
  it('is deleted during the drain is gone, although its Node stays for minutes', async () => {
    const workloads = [...usualWorkloads, slowOn(0), slowOn(1)];
    await using rehearsal = await rehearse(shop({ workloads }));
    const app = await rehearsal.start();
    let node = '';
    rehearsal.when(answered(evictionOn(), 201), (line) => {
      node = line.node;
      rehearsal.person.deleteInstance(node, 300);
    });
    const report = await app.run();
    expect(outcomeOf(report, node)).toBe('gone: gone');
    const other = rehearsal.nodes().find((name) => name !== node);
    expect(outcomeOf(report, other)).toBe('rebooted: probe');
    expect(brokenPromises(rehearsal.evidence())).toEqual([]);
  });

  it('is deleted once it is drained is gone, and its Node is let go', async () => {
    const workloads = [{ kind: 'Deployment', name: 'storefront', replicas: 1 }];
    await using rehearsal = await rehearse(shop({ count: 1, workloads }));
    const app = await rehearsal.start();
    const [node = ''] = rehearsal.nodes();
    rehearsal.when(
      ({ action }) => action === 'podDeleted',
      () => rehearsal.person.deleteInstance(node, 3600),
    );
    expect(outcomeOf(await app.run(), node)).toBe('gone: gone');
    expect(nodeNow(rehearsal, node)).toMatchObject({ marked: false, unschedulable: false });
    expect(rehearsal.lines.filter(restartOf(node))).toEqual([]);
  });

  it('is reimaged by AKS, because it boots too slowly, is replaced', async () => {
    await using rehearsal = await rehearse(shop({ count: 1, nodes: { 0: { returns: false } } }));
    const app = await rehearsal.start();
    const run = await app.begin();
    const { node } = await rehearsal.until(downOf());
    await rehearsal.pass({ minutes: 12 });
    const machine = rehearsal.azure.world.node(node);
    machine.bornAt = rehearsal.now();
    machine.vmId = 'd1a5ad57-0000-4000-8000-000000000000';
    rehearsal.person.lift(node);
    await app.rest();
    const report = await app.report(run);
    expect(outcomeOf(report, node)).toBe('replaced: replaced');
    expect(wordsOf(report, node)).toContain('the machine is another one');
    expect(nodeNow(rehearsal, node)).toMatchObject({ marked: false, unschedulable: false });
    expect(eventsOf(rehearsal.azure, node).at(-1)).toMatchObject({ reason: 'MachineReplaced' });
    allKept(rehearsal);
  });
});

describe('a Node object', () => {
  it('that is deleted, and registered anew by its machine, takes our mark with it', async () => {
    await using rehearsal = await rehearse(shop({ count: 1 }));
    const app = await rehearsal.start({ settings: { defaults: { pollSeconds: 300 } } });
    const run = await app.begin();
    const { node } = await rehearsal.until(downOf());
    await rehearsal.pass({ seconds: 15 });
    await rehearsal.person.deleteNode(node);
    await app.rest();
    const report = await app.report(run);
    expect(outcomeOf(report, node)).toBe('unknown: lost');
    expect(wordsOf(report, node)).toContain('registered anew');
    expect(nodeNow(rehearsal, node)).toMatchObject({ marked: false, unschedulable: false });
    expect(outcomeOf(await app.run(), node)).toBe('notNeeded: probe');
    allKept(rehearsal);
  });

  it('of another machine under the same name is replaced', async () => {
    await using rehearsal = await rehearse(shop({ count: 1 }));
    const app = await rehearsal.start({ settings: { defaults: { pollSeconds: 300 } } });
    const run = await app.begin();
    const { node } = await rehearsal.until(downOf());
    await rehearsal.pass({ seconds: 15 });
    await rehearsal.person.deleteNode(node);
    rehearsal.azure.world.node(node).vmId = 'd1a5ad57-0000-4000-8000-000000000000';
    await app.rest();
    const report = await app.report(run);
    expect(outcomeOf(report, node)).toBe('replaced: replaced');
    expect(wordsOf(report, node)).toContain('another machine has taken the place');
  });

  it('that was made again with our mark on it is let go, as another one', async () => {
    await using rehearsal = await rehearse(shop({ count: 1 }));
    const first = await rehearsal.start();
    await first.begin();
    const { node } = await rehearsal.until(downOf());
    first.crash();
    const { kubernetes } = rehearsal.azure.world.node(node).cluster;
    const saved = kubernetes.object(`/api/v1/nodes/${node}`) as { metadata: object };
    const metadata = { ...saved.metadata, uid: undefined, resourceVersion: undefined };
    await rehearsal.person.deleteNode(node);
    const body = JSON.stringify({ ...saved, metadata });
    const headers = { 'content-type': 'application/json' };
    await kubernetes.handle({
      method: 'POST',
      url: '/api/v1/nodes',
      headers,
      body,
      user: 'person',
    });
    expect(nodeNow(rehearsal, node)).toMatchObject({ marked: true, unschedulable: true });
    const second = await rehearsal.start();
    const report = await second.recover();
    expect(outcomeOf(report, node)).toBe('replaced: replaced');
    expect(wordsOf(report, node)).toContain('the Node object is another one');
    expect(nodeNow(rehearsal, node)).toMatchObject({ marked: false, unschedulable: false });
  });
});

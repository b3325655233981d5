import { clusterId, shop, slowOn, usualWorkloads } from '../support/fleets.ts';
import { brokenOrLeft, brokenPromises, nothingLeft, oneAtATime } from '../support/promises.ts';
import {
  answered,
  cordonOf,
  evictionOn,
  nodeReports,
  outcomeOf,
  restartOf,
  wordsOf,
} from '../support/reading.ts';
import { rehearse } from '../support/rehearsal.ts';

/** Several that want to reboot the same cluster, and several nodes at once. */

const fleet = shop({ count: 3 });

describe('two runs that are started at once', () => {
  it('take one node at a time between them: the second leaves the cluster to the first', async () => {
    await using rehearsal = await rehearse(fleet);
    const app = await rehearsal.start();
    const runs = [await app.begin(), await app.begin()];
    await app.rest();
    const reports = [await app.report(runs[0] ?? ''), await app.report(runs[1] ?? '')];
    const ended = reports.map((report) =>
      nodeReports(report).map(({ node }) => outcomeOf(report, node)),
    );
    expect(ended).toContainEqual(Array.from({ length: 3 }, () => 'rebooted: probe'));
    expect(ended).toContainEqual(Array.from({ length: 3 }, () => 'deferred: lock'));
    expect(brokenOrLeft(rehearsal.evidence())).toEqual([]);
  });
});

describe('two controllers on one cluster', () => {
  it('take one node at a time between them: the claim names the first to the second', async () => {
    await using rehearsal = await rehearse(fleet);
    const first = await rehearsal.start({ controller: 'first' });
    const second = await rehearsal.start({ controller: 'second' });
    const [one, two] = await rehearsal.flow(() => Promise.all([first.run(), second.run()]));
    const winner = outcomeOf(one, rehearsal.nodes()[0]).startsWith('rebooted') ? one : two;
    const [loser, name] = winner === one ? [two, 'first'] : [one, 'second'];
    for (const node of rehearsal.nodes()) {
      expect(outcomeOf(winner, node)).toBe('rebooted: probe');
      expect(outcomeOf(loser, node)).toBe('deferred: claim');
      expect(wordsOf(loser, node)).toContain(`"${name}"`);
    }
    expect(brokenOrLeft(rehearsal.evidence())).toEqual([]);
  });

  it('do not take over from one another, unless a person says why', async () => {
    await using rehearsal = await rehearse(
      shop({ count: 2, workloads: [...usualWorkloads, slowOn(0), slowOn(1)] }),
    );
    const first = await rehearsal.start({ controller: 'first' });
    const second = await rehearsal.start({ controller: 'second' });
    await first.begin();
    // The first dies for good, with a node cordoned and half drained.
    const { node } = await rehearsal.until(answered(evictionOn(), 201));
    first.crash();
    const refused = await second.run();
    for (const name of rehearsal.nodes()) expect(outcomeOf(refused, name)).toBe('deferred: claim');

    const takeOver = 'the first one was deleted last week';
    const report = await second.run({ takeOver });
    for (const name of rehearsal.nodes()) expect(outcomeOf(report, name)).toMatch(/^rebooted: /u);
    expect(rehearsal.lines.filter(restartOf(node))).toHaveLength(1);
    const evidence = rehearsal.evidence();
    expect(brokenOrLeft(evidence)).toEqual([]);
    const lease = rehearsal.azure.world
      .cluster(clusterId('shop'))
      ?.kubernetes.object(
        '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/aks-reboot-orchestrator',
      );
    expect(lease).toMatchObject({ spec: { holderIdentity: 'second' } });
    expect(JSON.stringify(lease)).toContain(takeOver);
  });

  it.each([
    ['drains', answered(evictionOn(), 201)],
    ['waits for a boot', answered(restartOf(), 202)],
  ])('can be taken over while the first still lives and %s', async (_name, moment) => {
    await using rehearsal = await rehearse(
      shop({ count: 2, workloads: [...usualWorkloads, slowOn(0), slowOn(1)] }),
    );
    const first = await rehearsal.start({ controller: 'first' });
    const second = await rehearsal.start({ controller: 'second' });
    const interrupted = await first.begin();
    const { node } = await rehearsal.until(moment);
    const report = await second.run({ takeOver: 'the first one is to be switched off' });
    await first.rest();
    for (const name of rehearsal.nodes()) expect(outcomeOf(report, name)).toMatch(/^rebooted: /u);
    expect(rehearsal.lines.filter(restartOf(node))).toHaveLength(1);
    expect(outcomeOf(await first.report(interrupted), node)).toContain('lost');
    const evidence = rehearsal.evidence();
    expect([...oneAtATime(evidence), ...nothingLeft(evidence)]).toEqual([]);
  });

  it('share a cluster in turn where the claim is released', async () => {
    await using rehearsal = await rehearse(shop({ count: 2 }));
    const settings = { claim: 'release' } as const;
    const first = await rehearsal.start({ controller: 'first', settings });
    const second = await rehearsal.start({ controller: 'second', settings });
    const [one = '', two = ''] = rehearsal.nodes();
    expect(outcomeOf(await first.run({ nodes: [one] }), one)).toBe('rebooted: probe');
    expect(outcomeOf(await second.run({ nodes: [two] }), two)).toBe('rebooted: probe');
    expect(brokenPromises(rehearsal.evidence())).toEqual([]);
  });
});

describe('a cluster of which three nodes may be out of service', () => {
  it('has three out at once, and never four', async () => {
    await using rehearsal = await rehearse(shop({ count: 7 }));
    const app = await rehearsal.start({ settings: { defaults: { concurrency: 3 } } });
    const report = await app.run();
    for (const node of rehearsal.nodes()) expect(outcomeOf(report, node)).toBe('rebooted: probe');
    const evidence = rehearsal.evidence();
    expect(brokenOrLeft(evidence, { concurrency: 3 })).toEqual([]);
    expect(oneAtATime(evidence, 2)).not.toEqual([]);
    expect(rehearsal.lines.filter(answered(cordonOf(), 200))).toHaveLength(7);
  });

  it('halts for one that does not return, after those that were out already', async () => {
    // Restarts that wait for Scheduled Events: the other lane can't be through before it is given up.
    const timings = { restartDelaySeconds: 900 };
    await using rehearsal = await rehearse(shop({ count: 6, fleet: { timings } }));
    const app = await rehearsal.start({
      settings: { defaults: { concurrency: 2, pollSeconds: 120 } },
    });
    let lost = '';
    rehearsal.when(answered(cordonOf(), 200), ({ node }) => {
      lost = node;
      rehearsal.person.behave(node, { returns: false });
    });
    const report = await app.run();
    expect(outcomeOf(report, lost)).toBe('notRebooted: sameBoot');
    const left = rehearsal
      .nodes()
      .filter((node) => outcomeOf(report, node).startsWith('deferred: '));
    expect(left).not.toEqual([]);
    const again = await app.run();
    for (const node of left) expect(outcomeOf(again, node)).toContain('deferred: halted');
    expect(brokenPromises(rehearsal.evidence(), { concurrency: 2 })).toEqual([]);
  });
});

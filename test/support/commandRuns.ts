import { blockedOn, shop, sickOn, slowOn, usualWorkloads } from './fleets.ts';
import { brokenOrLeft, brokenPromises } from './promises.ts';
import { emptyStorage } from './process.ts';
import {
  attemptOn,
  cordonOf,
  evictionOn,
  momentsOfANode,
  outcomeOf,
  restartOf,
  uncordonOf,
  wordsOf,
} from './reading.ts';
import { rehearse } from './rehearsal.ts';
import type { Rehearsal } from './rehearsal.ts';

/** Whole runs on private clusters, which are reached by AKS run command. */
export interface CommandRunsOptions {
  /** What runs the commands. */
  commands: 'model' | 'shell';
  /** The moments at which a process dies, by name; each costs a run. */
  deaths: readonly string[];
}

type Shop = NonNullable<Parameters<typeof shop>[0]>;

/** One node of pool `web` needs a reboot, unless told otherwise; the others take commands. */
const privateShop = (options: Shop = {}) =>
  shop({ ...options, cluster: { private: true, ...options.cluster } });

const kept = (rehearsal: Rehearsal) => brokenOrLeft(rehearsal.evidence());

const commandsIn = ({ lines }: Rehearsal) => lines.filter(({ action }) => action === 'runCommand');

export function describeCommandRuns({ commands, deaths }: CommandRunsOptions): void {
  it('reboots a node end to end, and says how it got there', async () => {
    await using rehearsal = await rehearse(privateShop({ count: 3 }), { commands });
    const [node = ''] = rehearsal.nodes();
    const app = await rehearsal.start();
    const report = await app.run({ nodes: [node] });
    expect(outcomeOf(report, node)).toBe('rebooted: probe');
    expect(report.clusters[0]).toMatchObject({
      access: { way: 'runCommand', why: expect.stringContaining('does not answer') as unknown },
    });
    // Some six for the run, the others for the node.
    expect(commandsIn(rehearsal).length).toBeLessThan(36);
    expect(kept(rehearsal)).toEqual([]);
  });

  it('names the budget that blocks a drain, and leaves nothing cordoned after its deadline', async () => {
    const fleet = privateShop({ count: 3, workloads: [...usualWorkloads, sickOn(0)] });
    await using rehearsal = await rehearse(fleet, { commands });
    const [node = ''] = rehearsal.nodes();
    const settings = { defaults: { drainTimeoutMinutes: 5 } };
    const app = await rehearsal.start({ settings });
    const report = await app.run({ nodes: [node] });
    expect(outcomeOf(report, node)).toMatch(/^undrainable: drainDeadline, blocked/u);
    expect(wordsOf(report, node)).toMatch(/sick-\S+ blocked by PDB sick: 0 of 2 healthy/u);
    expect(rehearsal.lines.filter(uncordonOf(node))).toHaveLength(1);
    expect(rehearsal.lines.filter(restartOf())).toEqual([]);
    expect(kept(rehearsal)).toEqual([]);
  });

  it('sees before it cordons that a budget would never let a drain end', async () => {
    const fleet = privateShop({ count: 3, workloads: [...usualWorkloads, blockedOn(0)] });
    await using rehearsal = await rehearse(fleet, { commands });
    const [node = ''] = rehearsal.nodes();
    const app = await rehearsal.start();
    const report = await app.run({ nodes: [node] });
    expect(outcomeOf(report, node)).toBe('undrainable: blocked');
    expect(wordsOf(report, node)).toMatch(/ledger-\S+ blocked by PDB ledger/u);
    expect(rehearsal.lines.filter(cordonOf())).toEqual([]);
  });

  it.each(momentsOfANode.filter(([name]) => deaths.includes(name)))(
    'is finished by the next process when one dies at %s, its storage lost',
    async (_moment, passes) => {
      const workloads = [...usualWorkloads, slowOn(0, 20)];
      const fleet = privateShop({ count: 3, workloads });
      await using rehearsal = await rehearse(fleet, { commands });
      const [node = ''] = rehearsal.nodes();
      const first = await rehearsal.start();
      const died = Promise.withResolvers<void>();
      rehearsal.when(passes, () => {
        first.crash();
        died.resolve();
      });
      await first.begin({ nodes: [node] });
      await rehearsal.flow(() => died.promise);
      await first.stop();
      const second = await rehearsal.start({ storage: emptyStorage() });
      const report = await second.run({ nodes: [node] });
      expect(outcomeOf(report, node)).toMatch(/^(rebooted|notNeeded|deferred)/u);
      const again = await second.run({ nodes: [node] });
      expect(outcomeOf(again, node)).toMatch(/^(rebooted|notNeeded)/u);
      expect(rehearsal.lines.filter(restartOf(node))).toHaveLength(1);
      expect(kept(rehearsal)).toEqual([]);
    },
  );
}

/** What needs no kubectl to be seen. */
export function describeCommandLimits(): void {
  it('reboots several nodes at once, while one is left for the commands', async () => {
    await using rehearsal = await rehearse(privateShop({ count: 4 }));
    const app = await rehearsal.start({ settings: { defaults: { concurrency: 2 } } });
    const report = await app.run();
    for (const name of rehearsal.nodes()) expect(outcomeOf(report, name)).toBe('rebooted: probe');
    expect(brokenPromises(rehearsal.evidence(), { concurrency: 2 })).toEqual([]);
  });

  it.each([
    ['is the only one', { count: 1 }, 1],
    ['has cordoned neighbours only', { count: 2, nodes: { 1: { cordoned: true } } }, 1],
    ['has one neighbour, which may follow it', { count: 2 }, 2],
  ] as const)('refuses a node that %s', async (_which, options, concurrency) => {
    await using rehearsal = await rehearse(privateShop(options));
    const app = await rehearsal.start({ settings: { defaults: { concurrency } } });
    const report = await app.run();
    const [node = ''] = rehearsal.nodes();
    expect(outcomeOf(report, node)).toBe('deferred: access');
    expect(wordsOf(report, node)).toContain('whose pods need a Ready, schedulable node');
    expect(rehearsal.lines.filter(cordonOf())).toEqual([]);
    expect(kept(rehearsal)).toEqual([]);
  });

  it('says why when neither way leads in', async () => {
    const cluster = { disableRunCommand: true };
    await using rehearsal = await rehearse(privateShop({ count: 2, cluster }));
    const app = await rehearsal.start();
    const report = await app.run();
    expect(report.clusters[0]?.reasons).toMatchObject([{ kind: 'unreachable' }]);
    expect(rehearsal.lines).toEqual([]);
  });

  it('waits for the command that a person runs on the node, and evicts neither it nor one that has ended', async () => {
    await using rehearsal = await rehearse(privateShop({ count: 3 }));
    const [node = ''] = rehearsal.nodes();
    const { kubernetes } = rehearsal.azure.world.node(node).cluster;
    const pod = (name: string) => ({
      kind: 'Pod' as const,
      namespace: 'aks-command',
      name,
      node,
    });
    kubernetes.createWorkload({ ...pod('command-ended'), completesInMs: 1 });
    kubernetes.createWorkload({ ...pod('command-theirs'), completesInMs: 20 * 60_000 });
    const app = await rehearsal.start();
    const report = await app.run({ nodes: [node] });
    expect(outcomeOf(report, node)).toBe('rebooted: probe');
    const evicted = rehearsal.lines.filter(evictionOn(node)).map(({ detail }) => detail['pod']);
    expect(evicted.join()).not.toContain('aks-command');
    const [cordoned] = rehearsal.lines.filter(cordonOf(node));
    const [restarted] = rehearsal.lines.filter(restartOf(node));
    const waited = Date.parse(restarted?.t ?? '') - Date.parse(cordoned?.t ?? '');
    expect(waited).toBeGreaterThan(15 * 60_000);
    expect(kept(rehearsal)).toEqual([]);
  });

  it('gets through a time in which no command ends, and asks for nothing twice', async () => {
    await using rehearsal = await rehearse(privateShop({ count: 3 }));
    const [node = ''] = rehearsal.nodes();
    const { cluster } = rehearsal.azure.world.node(node);
    const app = await rehearsal.start();
    rehearsal.when(attemptOn(node), () => void (cluster.commands = 'hangs'));
    rehearsal.when(restartOf(node), () => {});
    const run = await app.begin({ nodes: [node] });
    await rehearsal.until(restartOf(node));
    await rehearsal.pass({ minutes: 12 });
    cluster.commands = 'healthy';
    await app.rest();
    expect(outcomeOf(await app.report(run), node)).toBe('rebooted: probe');
    expect(rehearsal.lines.filter(restartOf(node))).toHaveLength(1);
    expect(kept(rehearsal)).toEqual([]);
  });
}

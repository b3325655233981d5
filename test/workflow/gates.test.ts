import type { AuditLine } from '../../local/azure/audit.ts';
import type { SettingsDocument } from '../../src/policy/settings.ts';
import { shop, slowOn, usualWorkloads } from '../support/fleets.ts';
import { brokenPromises, nothingLeft } from '../support/promises.ts';
import type { Process } from '../support/process.ts';
import {
  answered,
  cordonOf,
  evictionOn,
  nodeReports,
  outcomeOf,
  probeOf,
  restartOf,
  wordsOf,
} from '../support/reading.ts';
import { rehearse } from '../support/rehearsal.ts';
import type { Rehearsal } from '../support/rehearsal.ts';

/** Every gate, shut at each of the three moments: the plan, the cordon, the restart. */

interface Stage {
  rehearsal: Rehearsal;
  app: Process;
  node: string;
}

interface Gate {
  says: string;
  kind: string;
  value: RegExp;
  /** What it makes of a node that was not cordoned. */
  outcome?: 'skipped';
  settings?: SettingsDocument['defaults'];
  shut: (stage: Stage) => unknown;
}

const taint = (key: string) => ({ key, effect: 'NoSchedule' as const });

const gates: Gate[] = [
  {
    says: 'a label that settings exclude',
    kind: 'excluded',
    value: /excludeLabels selects it: app=legacy/u,
    outcome: 'skipped',
    settings: { excludeLabels: ['app=legacy'] },
    shut: ({ rehearsal, node }) => rehearsal.person.label(node, { app: 'legacy' }),
  },
  {
    says: 'a taint of the autoscaler',
    kind: 'autoscaler',
    value: /about to delete it/u,
    shut: ({ rehearsal, node }) =>
      rehearsal.person.taint(node, [taint('ToBeDeletedByClusterAutoscaler')]),
  },
  {
    says: "a label of AKS's upgrade",
    kind: 'aksAtWork',
    value: /has quarantined it/u,
    shut: ({ rehearsal, node }) =>
      rehearsal.person.label(node, { 'kubernetes.azure.com/upgrade-status': 'Quarantined' }),
  },
  {
    says: 'an event that Azure has scheduled',
    kind: 'scheduledEvent',
    value: /Azure is about to act on its VM \(VMEventScheduled: Redeploy\)/u,
    shut: ({ rehearsal, node }) =>
      rehearsal.person.condition(node, 'VMEventScheduled', 'True', 'Redeploy'),
  },
];

async function stage({ settings }: Gate, test: (stage: Stage) => Promise<void>) {
  const fleet = shop({ count: 1, workloads: [...usualWorkloads, slowOn(0, 20)] });
  await using rehearsal = await rehearse(fleet);
  const app = await rehearsal.start({
    settings: { defaults: { drainTimeoutMinutes: 2, ...settings } },
  });
  const [node = ''] = rehearsal.nodes();
  await test({ rehearsal, app, node });
  const evidence = rehearsal.evidence();
  expect([...brokenPromises(evidence), ...nothingLeft(evidence)]).toEqual([]);
  expect(rehearsal.lines.filter(restartOf(node))).toEqual([]);
}

/** Asked for the plan first, and once more just before its cordon. */
function secondProbe(): (line: AuditLine) => boolean {
  let probes = 0;
  return (line) => probeOf()(line) && ++probes === 2;
}

const ours = (line: AuditLine) => line.actor.startsWith('app');

describe.each(gates)('$says', (gate) => {
  const { kind, value, outcome = 'deferred', shut } = gate;

  it('keeps a node out of the turns of the plan', () =>
    stage(gate, async (stage) => {
      await shut(stage);
      const report = await stage.app.run();
      const [planned] = nodeReports(report);
      expect(planned?.decision).toEqual({
        kind: outcome === 'skipped' ? 'skip' : 'wait',
        reasons: [{ kind, value: expect.stringMatching(value) as string }],
      });
      expect(outcomeOf(report, stage.node)).toBe(`${outcome}: ${kind}`);
    }));

  it('lets nothing be cordoned', () =>
    stage(gate, async (stage) => {
      const { rehearsal, app, node } = stage;
      rehearsal.when(secondProbe(), () => shut(stage));
      const report = await app.run();
      expect(outcomeOf(report, node)).toBe(`${outcome}: ${kind}`);
      expect(wordsOf(report, node)).toMatch(value);
      expect(nodeReports(report)[0]?.decision.kind).toBe('reboot');
      expect(rehearsal.lines.filter((line) => ours(line) && cordonOf(node)(line))).toEqual([]);
    }));

  it('lets no restart be asked for: it waits, says why, and is undone at the deadline', () =>
    stage(gate, async (stage) => {
      const { rehearsal, app, node } = stage;
      rehearsal.when(answered(evictionOn(), 201), () => shut(stage));
      const run = await app.begin();
      await rehearsal.until(answered(evictionOn(), 201));
      await rehearsal.pass({ seconds: 60 });
      const status = (await app.app.call('GET', `/api/runs/${run}`)) as {
        progress: { nodes: { step: string; detail: string }[] }[];
      };
      expect(status.progress[0]?.nodes).toEqual([
        expect.objectContaining({
          step: 'restart',
          detail: expect.stringMatching(value) as string,
        }),
      ]);
      await app.rest();
      const report = await app.report(run);
      expect(outcomeOf(report, node)).toBe(`deferred: ${kind}`);
      expect(wordsOf(report, node)).toMatch(value);
    }));
});

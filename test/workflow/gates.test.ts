import type { AuditLine } from '../../local/azure/audit.ts';
import type { SettingsDocument } from '../../src/policy/settings.ts';
import { clusterId, shop, slowOn, usualWorkloads } from '../support/fleets.ts';
import { prometheusStandIn, vector } from '../support/prometheus.ts';
import type { PrometheusStandIn } from '../support/prometheus.ts';
import { brokenOrLeft } from '../support/promises.ts';
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
  prometheus: PrometheusStandIn;
}

interface Gate {
  says: string;
  kind: string;
  value: RegExp;
  /** What it makes of a node that was not cordoned. */
  outcome?: 'skipped';
  settings?: (prometheus: PrometheusStandIn) => SettingsDocument['defaults'];
  shut: (stage: Stage) => unknown;
}

const taint = (key: string) => ({ key, effect: 'NoSchedule' as const });

const gates: Gate[] = [
  {
    says: 'a label that settings exclude',
    kind: 'excluded',
    value: /excludeLabels selects it: app=legacy/u,
    outcome: 'skipped',
    settings: () => ({ excludeLabels: ['app=legacy'] }),
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
  {
    says: 'an approval that nobody can vouch for',
    kind: 'approval',
    value: /nobody can tell who approves/u,
    shut: ({ app }) => {
      app.settings.defaults = { ...app.settings.defaults, approval: 'perRun' };
    },
  },
  {
    says: 'kured in the cluster',
    kind: 'kured',
    value: /kured runs in the cluster \(DaemonSet kube-system\/kured\)/u,
    shut: (stage) => daemonSet(stage, 'kured', { name: 'kured' }),
  },
  {
    says: 'a pod that settings wait for',
    kind: 'blockingPod',
    value: /pod default\/backup-\w+ on the node matches job=backup/u,
    settings: () => ({ blockingPods: [{ selector: 'job=backup' }] }),
    shut: (stage) => daemonSet(stage, 'backup', { job: 'backup' }),
  },
  {
    says: 'pods that may not be listed',
    kind: 'blockingPod',
    value: /it can't be told which pods match job=backup: forbidden/u,
    settings: () => ({ blockingPods: [{ selector: 'job=backup' }] }),
    shut: ({ rehearsal }) => fail(rehearsal, 'kubernetes', 'labelSelector=job'),
  },
  {
    says: 'a query of Prometheus',
    kind: 'prometheus',
    value: /the query "many errors" says errors = 12/u,
    settings: asksPrometheus,
    shut: ({ prometheus }) => {
      prometheus.answer = () => vector([{ __name__: 'errors' }, '12']);
    },
  },
  {
    says: 'a Prometheus that does not answer',
    kind: 'prometheus',
    value: /it can't be told what the query "many errors" says: unreachable/u,
    settings: asksPrometheus,
    shut: ({ prometheus }) => prometheus[Symbol.asyncDispose](),
  },
  {
    says: 'an alert of Azure Monitor',
    kind: 'azureAlert',
    value: /the alert "API server is slow" \(Sev1\) has fired/u,
    settings: () => ({ azureAlerts: 'fired', azureAlertSeverities: ['Sev0', 'Sev1'] }),
    shut: ({ rehearsal }) => {
      const alert = { name: 'API server is slow', severity: 'Sev1' } as const;
      rehearsal.person.fire(clusterId('shop'), alert);
    },
  },
  {
    says: 'alerts of Azure Monitor that cannot be listed',
    kind: 'azureAlert',
    value:
      /it can't be told which alerts stand on .*: forbidden: .*AlertsManagement\/alerts\/read/u,
    settings: () => ({ azureAlerts: 'fired' }),
    shut: ({ rehearsal }) =>
      rehearsal.azure.faults.deny({ action: 'Microsoft.AlertsManagement/alerts/read' }),
  },
];

function asksPrometheus({ url }: PrometheusStandIn): SettingsDocument['defaults'] {
  const query = { name: 'many errors', query: 'errors > 10' };
  return { prometheusUrl: url, prometheusAllowHttp: true, prometheusQueries: [query] };
}

/** Its pod is on the node at once, cordoned or not, and no drain makes it leave. */
function daemonSet({ rehearsal }: Stage, name: string, labels: Record<string, string>): void {
  const namespace = name === 'kured' ? 'kube-system' : 'default';
  const [cluster] = rehearsal.azure.world.clusters;
  cluster?.kubernetes.createWorkload({ kind: 'DaemonSet', namespace, name, labels });
}

function fail({ azure }: Rehearsal, service: 'kubernetes', path: string): void {
  const fault = { kind: 'answer', status: 403 } as const;
  const times = Number.MAX_SAFE_INTEGER;
  azure.faults.add({ service, path, skip: 0, times, when: 'before', fault });
}

async function stage({ settings }: Gate, test: (stage: Stage) => Promise<void>) {
  const fleet = shop({ count: 1, workloads: [...usualWorkloads, slowOn(0, 10)] });
  await using prometheus = await prometheusStandIn();
  await using rehearsal = await rehearse(fleet);
  const app = await rehearsal.start({
    settings: { defaults: { drainTimeoutMinutes: 1, ...settings?.(prometheus) } },
  });
  const [node = ''] = rehearsal.nodes();
  await test({ rehearsal, app, node, prometheus });
  const evidence = rehearsal.evidence();
  expect(brokenOrLeft(evidence)).toEqual([]);
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
      await rehearsal.pass({ seconds: 30 });
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

import { rightText } from '../../src/domain/kubernetesRight.ts';
import type { Preflight } from '../../src/domain/preflight.ts';
import { azureRights, kubernetesRights } from '../../src/policy/rights.ts';
import { parseSettings } from '../../src/policy/settings.ts';
import type { SettingsDocument } from '../../src/policy/settings.ts';
import { blockedOn, clusterId, needsReboot, shop, usualWorkloads } from '../support/fleets.ts';
import type { Process } from '../support/process.ts';
import { brokenOrLeft } from '../support/promises.ts';
import { nodeReports } from '../support/reading.ts';
import { rehearse } from '../support/rehearsal.ts';
import { watchedRights, without } from '../support/rights.ts';

type Policy = NonNullable<SettingsDocument['defaults']>;

/** The rights of infra/roles, for these settings. */
function neededRights(policy: Policy = {}): string[] {
  const document = { controller: 'app', clusters: [{ id: clusterId('shop'), ...policy }] };
  const settings = parseSettings(JSON.stringify(document));
  const [cluster] = settings.kind === 'ok' ? settings.value.clusters : [];
  if (cluster === undefined) throw new Error(JSON.stringify(settings));
  // What is granted at both scopes counts once.
  const rights = new Set([
    ...azureRights(cluster, 'api').flatMap(({ actions }) => actions),
    ...kubernetesRights(cluster).map(rightText),
  ]);
  return [...rights].sort();
}

/** A scale set and a standalone VM that need a reboot, pods that leave, and one that may not. */
const fleet = (own: Record<string, unknown>) => {
  const workloads = [...usualWorkloads, blockedOn(1)];
  const made = shop({ count: 2, workloads, cluster: own });
  const [cluster] = made['clusters'] as { pools: object[] }[];
  cluster?.pools.push({
    name: 'alone',
    type: 'VirtualMachines',
    count: 1,
    each: needsReboot,
  });
  return made;
};

async function preflight(app: Process): Promise<Preflight> {
  await app.app.call('POST', '/api/preflight', {});
  await app.rest();
  return (await app.app.call('GET', '/api/preflight')) as Preflight;
}

/** Open at any hour, in AKS's own words. */
const always = {
  name: 'aksManagedNodeOSUpgradeSchedule',
  properties: {
    maintenanceWindow: {
      schedule: { daily: { intervalDays: 1 } },
      durationHours: 24,
      startTime: '00:00',
      utcOffset: '+00:00',
    },
  },
};

describe('the roles', () => {
  it.each<[string, Policy, string[]]>([
    ['the defaults', {}, ['rebooted', 'rebooted', 'undrainable']],
    [
      'every feature that needs a right of its own',
      { azureAlerts: 'fired', windows: ['aks'], deleteAfterMinutes: 1 },
      ['rebooted', 'rebooted', 'rebooted'],
    ],
  ])('grant what runs use with %s, and nothing else', async (_what, policy, expected) => {
    const { rights, used } = watchedRights();
    await using rehearsal = await rehearse(fleet({ maintenance: [always] }), { rights });
    const app = await rehearsal.start({ settings: { claim: 'release', defaults: policy } });
    const report = await app.run();
    expect(
      nodeReports(report)
        .map(({ outcome }) => outcome.kind)
        .sort(),
    ).toEqual(expected);
    // Preflight asks about rights, which is no use of them; it needs this one for itself.
    const asks = 'Microsoft.Authorization/permissions/read';
    expect([...used, asks].sort()).toEqual(neededRights(policy));
  });
});

describe.each(neededRights())('without %s', (right) => {
  it('preflight names it, and a run harms nothing', async () => {
    await using rehearsal = await rehearse(shop({ count: 1, workloads: usualWorkloads }), {
      rights: without(right),
    });
    const app = await rehearsal.start({ settings: { defaults: { drainTimeoutMinutes: 2 } } });
    const findings = (await preflight(app)).clusters.flatMap((cluster) => cluster.findings);
    const told = findings.filter(
      ({ found, todo, verdict }) => verdict !== 'ok' && `${found} ${todo}`.includes(right),
    );
    expect(told.map(({ verdict }) => verdict)).not.toEqual([]);
    const report = await app.run();
    // Who can't even list the nodes says so of the cluster.
    const [cluster] = report.clusters;
    const silent = cluster?.nodes.length === 0 && cluster.reasons.length === 0;
    expect(silent).toBe(false);
    const evidence = rehearsal.evidence();
    const broken = brokenOrLeft(evidence);
    const nodeless = cluster?.nodes.length === 0 ? /says nothing about/u : /^$/u;
    expect(broken.filter((one) => !nodeless.test(one))).toEqual([]);
  });
});

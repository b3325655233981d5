import { printPreflight } from '../../cli/preflight.ts';
import { createRedactor } from '../../cli/redact.ts';
import { judgePreflight } from '../../src/decide/preflight.ts';
import type { PreflightFacts } from '../../src/decide/preflight.ts';
import type { ClusterFacts, Instance } from '../../src/domain/cluster.ts';
import type { NodeView } from '../../src/domain/node.ts';
import { isBad } from '../../src/domain/preflight.ts';
import type { CheckName } from '../../src/domain/preflight.ts';
import type { Trouble } from '../../src/domain/trouble.ts';
import type { Match } from '../../src/decide/identity.ts';
import { cluster, instance, matchedOf, nodeOf } from '../support/sights.ts';

const action = 'Microsoft.Compute/virtualMachines/restart/action';
const group = '/subscriptions/s/resourceGroups/nodes';

const seen = <T>(value: T) => ({ kind: 'seen' as const, value });
const trouble = (kind: Trouble['kind'], value = `it is ${kind}`) => {
  return { kind: 'trouble' as const, trouble: { kind, value } };
};
const clusterWith = (over: Partial<ClusterFacts>) => {
  return seen({ ...cluster, nodeOsChannel: 'Unmanaged', ...over });
};
const grant = (granted: PreflightFacts['grants'][number]['granted']) => {
  return [{ scope: group, role: 'nodes', required: [action], granted }];
};
const nodeWith = (over: {
  node?: Partial<NodeView>;
  match?: Match;
  machine?: Partial<Instance>;
}) => {
  const matched = matchedOf();
  const match =
    matched.kind === 'matched'
      ? { ...matched, instance: { ...instance, ...over.machine } }
      : matched;
  return seen([{ node: nodeOf(over.node), match: over.match ?? match }]);
};

/** A cluster at which nothing is wrong. */
const fine: PreflightFacts = {
  cluster: clusterWith({}),
  grants: grant(seen([{ actions: ['*'], notActions: [] }])),
  access: seen({ way: 'api', why: 'settings say so' }),
  nodes: nodeWith({}),
  deniedRights: seen([]),
  claimedBy: seen(undefined),
  kured: seen(undefined),
  controller: 'night-shift',
  skewSeconds: 1,
  runtime: 'v24.21.0',
  approval: 'off',
};

const find = (over: Partial<PreflightFacts>, check: CheckName) =>
  judgePreflight({ ...fine, ...over }).findings.find((finding) => finding.check === check);

describe('preflight of a cluster at which nothing is wrong', () => {
  it('says so, check by check, and has nothing to do', () => {
    const { findings, restartMethod } = judgePreflight(fine);
    expect(findings.map(({ verdict, todo }) => [verdict, todo])).toEqual(
      findings.map(() => ['ok', '']),
    );
    expect(restartMethod?.method).toBe('arm');
  });
});

describe('preflight finds', () => {
  it.each<[string, Partial<PreflightFacts>, CheckName, string, RegExp]>([
    [
      'a stopped cluster',
      { cluster: clusterWith({ powerState: 'Stopped' }) },
      'cluster',
      'warn',
      /Stopped.*start it/u,
    ],
    [
      'a cluster at work',
      { cluster: clusterWith({ provisioningState: 'Upgrading' }) },
      'cluster',
      'warn',
      /Upgrading.*let AKS finish/u,
    ],
    [
      'a locked node resource group',
      { cluster: clusterWith({ nodeResourceGroupLocked: true }) },
      'lockdown',
      'bad',
      /locked down/u,
    ],
    [
      'a missing action, and where',
      { grants: grant(seen([])) },
      'rights',
      'bad',
      /restart\/action on \/subscriptions.*assign the app's custom role "nodes"/u,
    ],
    [
      'that nobody may ask for rights',
      { grants: grant(trouble('forbidden')) },
      'rights',
      'unknown',
      /permissions\/read/u,
    ],
    [
      'an API server that is not reached',
      { nodes: trouble('unreachable') },
      'access',
      'bad',
      /network path/u,
    ],
    [
      'an API server that lets nobody in',
      { nodes: trouble('forbidden') },
      'access',
      'bad',
      /ClusterRole/u,
    ],
    [
      'an API server that talks nonsense',
      { nodes: trouble('invalid') },
      'access',
      'bad',
      /it is invalid/u,
    ],
    [
      'a missing right in the cluster',
      { deniedRights: seen([{ verb: 'create', group: '', resource: 'pods/eviction' }]) },
      'kubernetesRights',
      'bad',
      /create pods\/eviction/u,
    ],
    ['another controller', { claimedBy: seen('day-shift') }, 'claim', 'warn', /"day-shift"/u],
    [
      'nodes that are not their machines',
      { nodes: nodeWith({ match: { kind: 'mismatch', value: 'no such VM' } }) },
      'nodes',
      'warn',
      /no such VM/u,
    ],
    [
      'agents that do not answer',
      { nodes: nodeWith({ machine: { agent: 'notReady' } }) },
      'agents',
      'warn',
      /not ready on 1 of 1/u,
    ],
    [
      'a channel without the file',
      { cluster: clusterWith({ nodeOsChannel: 'NodeImage' }) },
      'channel',
      'warn',
      /practically never exists/u,
    ],
    [
      'the default channel',
      { cluster: clusterWith({ nodeOsChannel: '' }) },
      'channel',
      'warn',
      /NodeImage \(the default\)/u,
    ],
    [
      'a channel that patches by itself',
      { cluster: clusterWith({ nodeOsChannel: 'SecurityPatch' }) },
      'channel',
      'warn',
      /reimages/u,
    ],
    [
      'a cluster that nobody patches',
      { cluster: clusterWith({ nodeOsChannel: 'None' }) },
      'channel',
      'warn',
      /somebody patched/u,
    ],
    [
      'kured',
      { kured: seen('kube-system/kured') },
      'kured',
      'warn',
      /kube-system\/kured.*remove it/u,
    ],
    [
      'local accounts',
      { cluster: clusterWith({ entra: false }) },
      'entra',
      'warn',
      /may do everything/u,
    ],
    ['a clock that is a little off', { skewSeconds: -40 }, 'clock', 'warn', /40 s behind ours/u],
    ['a clock that is far off', { skewSeconds: 301 }, 'clock', 'bad', /301 s ahead of ours/u],
    ['no clock at all', { skewSeconds: undefined }, 'clock', 'unknown', /no answer/u],
    [
      'a cluster that is too old',
      { cluster: clusterWith({ kubernetesVersion: '1.21.9' }) },
      'versions',
      'bad',
      /policy\/v1/u,
    ],
    [
      'a version that says nothing',
      { cluster: clusterWith({ kubernetesVersion: '' }) },
      'versions',
      'unknown',
      /Kubernetes ""/u,
    ],
    [
      'an approval that nobody can vouch for',
      { approval: 'unvouched' },
      'approval',
      'bad',
      /nobody can tell who/u,
    ],
    ['a Node.js that is too old', { runtime: 'v20.20.2' }, 'versions', 'bad', /v20.20.2/u],
  ])('%s', (_what, over, check, verdict, words) => {
    const finding = find(over, check);
    expect(finding?.verdict).toBe(verdict);
    expect(`${finding?.found} ${finding?.todo}`).toMatch(words);
    const wrong = verdict === 'ok' ? '' : (finding?.todo ?? '');
    expect(wrong !== '' || verdict === 'unknown').toBe(true);
  });

  it.each(['nodes', 'agents', 'claim', 'kubernetesRights'] as const)(
    'that it could not check %s when there was trouble',
    (check) => {
      const bad = trouble('timeout');
      expect(find({ nodes: bad, claimedBy: bad, deniedRights: bad }, check)).toMatchObject({
        verdict: 'unknown',
        found: expect.stringContaining('it is timeout') as string,
      });
    },
  );

  it('nothing more of a cluster that can not be read', () => {
    const { findings } = judgePreflight({ ...fine, cluster: trouble('notFound') });
    expect(findings.map(({ verdict }) => verdict)).toEqual([
      'bad',
      ...Array.from({ length: findings.length - 2 }, () => 'unknown'),
      'ok',
    ]);
  });

  it('that Scheduled Events make the guest restart the better one', () => {
    const conditions = [{ type: 'VMEventScheduled', status: 'False', message: '' }];
    const { restartMethod } = judgePreflight({
      ...fine,
      nodes: nodeWith({ node: { conditions } }),
    });
    expect(restartMethod).toMatchObject({ method: 'guest' });
  });
});

describe('the findings as people read them', () => {
  it('say what to do below what was found', () => {
    const { findings } = judgePreflight({ ...fine, grants: grant(seen([])) });
    const one = { cluster: 'shop-x', id: '', at: '', findings };
    const preflight = { run: '', at: '', controller: '', clusters: [one] };
    expect(isBad(preflight)).toBe(true);
    const lines = printPreflight(preflight).split('\n');
    const at = lines.findIndex((line) => line.includes(action));
    expect(lines[at + 1]).toMatch(/^ +-> assign the app's custom role "nodes"/u);
  });
});

describe('what is recorded', () => {
  it('keeps words of the API and renames names, the same everywhere', () => {
    const redactor = createRedactor();
    const id = '/subscriptions/8d2f1b64-3c1e-4b0a-9f57-6a1c2e9d4b10/resourceGroups/Secret';
    const body = JSON.stringify({
      id: `${id}/providers/Microsoft.ContainerService/managedClusters/secret`,
      properties: { provisioningState: 'Succeeded', customData: 'secret', fqdn: 'secret.example' },
      tags: { owner: 'secret', 'aks-managed-poolName': 'secret' },
    });
    expect(redactor.body(body)).toEqual({
      id: '/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/name2/providers/Microsoft.ContainerService/managedClusters/name2',
      properties: { provisioningState: 'Succeeded', fqdn: 'name3' },
      tags: { 'aks-managed-poolName': 'name2' },
    });
    expect(redactor.path(`${id}?sig=secret&api-version=1`)).toBe(
      '/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/name2?api-version=1',
    );
    expect(redactor.body('<html>secret</html>')).toBeNull();
    expect(redactor.body('{"kubeconfigs":[{"name":"x","value":"secret"}]}')).toEqual({
      kubeconfigs: [{ name: 'redacted', value: 'redacted' }],
    });
  });
});

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRecorder } from '../../cli/recorder.ts';
import { matchNode } from '../../src/decide/identity.ts';
import { instanceRefId, parseClusterId } from '../../src/domain/arm.ts';
import type { Exchange } from '../../src/ports.ts';
import { shop } from '../support/fleets.ts';
import { rehearse } from '../support/rehearsal.ts';
import { play, readTranscript } from '../support/transcript.ts';
import type { Transcript } from '../support/transcript.ts';

/** Answers of Azure, as `aks-reboot preflight --record` keeps them, through the real adapters. */

const folder = new URL('transcripts/', import.meta.url);
const recorded = readdirSync(folder).filter((name) => name.endsWith('.json'));

const clusterOf = ({ exchanges }: Transcript) => {
  const read = exchanges.find(({ path }) => /\/managedClusters\/[^/?]+(\?|$)/iu.test(path));
  const id = parseClusterId(read?.path.split('?')[0] ?? '');
  if (id === undefined) throw new Error('nobody read a cluster');
  return id;
};

/** What the adapters make of a transcript: all that decisions need has to be there. */
async function understood(transcript: Transcript) {
  const azure = play(transcript);
  const cluster = await azure.cluster(clusterOf(transcript));
  const instances = await azure.instances(cluster);
  const nodes = await (await azure.kubernetes(cluster, 'api')).nodes();
  const { subscription } = cluster.id;
  const scope = `/subscriptions/${subscription}/resourceGroups/${cluster.nodeResourceGroup}`;
  const granted = await azure.permissions(subscription, scope);
  const matches = nodes.map((node) =>
    matchNode(node, cluster, (ref) =>
      instances.find(({ id }) => id.toLowerCase() === instanceRefId(ref).toLowerCase()),
    ),
  );
  const { provisioningState, powerState, nodeResourceGroup, kubernetesVersion } = cluster;
  const facts = [provisioningState, powerState, nodeResourceGroup, kubernetesVersion];
  const ofNodes = nodes.flatMap((node) => [
    node.uid,
    node.resourceVersion,
    node.bootId,
    node.kernel,
  ]);
  return {
    missing: [...facts, cluster.nodeOsChannel, ...ofNodes].filter((fact) => fact === ''),
    mismatched: matches.filter(({ kind }) => kind === 'mismatch'),
    empty: [nodes, instances, granted].filter(({ length }) => length === 0),
  };
}

const nothingOdd = { missing: [], mismatched: [], empty: [] };

describe('answers that were recorded', () => {
  it.each(recorded)('are understood: %s', async (name) => {
    const transcript = readTranscript(new URL(name, folder).pathname);
    expect(await understood(transcript)).toEqual(nothingOdd);
  });
});

describe('a recording', () => {
  it('is understood as well, and names nothing of whom it was taken from', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'aks-reboot-record-'));
    const recorder = createRecorder(directory);
    const zones = { zones: ['1', '2'], labels: { team: 'payments' } };
    await using rehearsal = await rehearse(
      shop({ count: 2, cluster: { pools: [{ name: 'web', mode: 'System', count: 2, ...zones }] } }),
    );
    const app = await rehearsal.start({ onExchange: (one: Exchange) => recorder.record(one) });
    await app.app.call('POST', '/api/preflight', {});
    await app.rest();
    const file = recorder.finish();
    const text = readFileSync(file, 'utf8');
    expect(await understood(readTranscript(file))).toEqual(nothingOdd);
    rmSync(directory, { recursive: true });

    const [cluster] = rehearsal.azure.world.clusters;
    const { subscription = '', resourceGroup = '', name = '' } = cluster ?? {};
    const [node = ''] = rehearsal.nodes();
    const secrets = [
      subscription,
      resourceGroup,
      `/${name}`,
      node,
      'payments',
      'team',
      'certificate',
    ];
    for (const secret of secrets) {
      expect(text.toLowerCase()).not.toContain(secret.toLowerCase());
    }
  });
});

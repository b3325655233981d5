/** What controllers and kubelets do about workloads and machines, as time passes. */
import { conditionIn, machine, testCluster, text, type TestCluster } from './kubernetesCluster.ts';

let cluster: TestCluster;

beforeEach(() => {
  cluster = testCluster(['a', 'b', 'c']);
});
afterEach(() => cluster.close());

const nodeOf = (key: string): unknown => cluster.pod(key)?.['spec']?.['nodeName'];
const uidOf = (key: string) => text(cluster.pod(key)?.['metadata']?.['uid']);
const ready = (key: string) => conditionIn(cluster.pod(key), 'Ready');
const taintsOf = (name: string) =>
  Object.values(cluster.node(name)['spec']?.['taints'] ?? {}).map(
    (taint) => `${text(taint['key'])}:${text(taint['effect'])}`,
  );

describe('a deployment', () => {
  const web = { kind: 'Deployment', namespace: 'shop', name: 'web', replicas: 3 } as const;

  it('runs at once when it is set up, spread over the nodes', async () => {
    cluster.kubernetes.createWorkload(web);
    const names = await cluster.pods();
    expect(names.map((name) => ready(`shop/${name}`))).toEqual(['True', 'True', 'True']);
    expect(new Set(names.map((name) => nodeOf(`shop/${name}`))).size).toBe(3);
    expect(
      cluster.kubernetes.object('/apis/apps/v1/namespaces/shop/deployments/web'),
    ).toMatchObject({ status: { replicas: 3, readyReplicas: 3, availableReplicas: 3 } });
  });

  it('replaces a terminating pod at once by another, not on a cordoned node', async () => {
    cluster.kubernetes.createWorkload({ ...web, terminatesInMs: 20_000 });
    const names = await cluster.pods();
    const gone = names.find((name) => nodeOf(`shop/${name}`) === 'a') ?? '';
    cluster.kubernetes.as('p').cordon('a');
    await cluster.evict('shop', gone);
    await cluster.pass(10_000);
    const [fresh = ''] = (await cluster.pods()).filter((name) => !names.includes(name));
    expect(cluster.pod(`shop/${gone}`)).toBeDefined();
    expect(ready(`shop/${fresh}`)).toBe('True');
    expect(nodeOf(`shop/${fresh}`)).not.toBe('a');
  });

  it('waits where no node will take its pods, and goes on when one will', async () => {
    cluster.kubernetes.as('p').cordon('a');
    cluster.kubernetes.createWorkload({ ...web, replicas: 1, node: 'a' });
    const [name = ''] = await cluster.pods();
    expect(nodeOf(`shop/${name}`)).toBeUndefined();
    expect(conditionIn(cluster.pod(`shop/${name}`), 'PodScheduled')).toBe('False');
    cluster.kubernetes.as('p').uncordon('a');
    await cluster.pass(10_000);
    expect(nodeOf(`shop/${name}`)).toBe('a');
    expect(ready(`shop/${name}`)).toBe('True');
  });

  it('keeps to its pools and away from taints that it does not tolerate', async () => {
    cluster.kubernetes.machineJoins(machine('d', { pool: 'two' }));
    const taints = [{ key: 'gpu', value: 'yes', effect: 'NoSchedule' as const }];
    cluster.kubernetes.machineJoins(machine('e', { pool: 'two', taints }));
    cluster.kubernetes.createWorkload({ ...web, pools: ['two'] });
    const names = await cluster.pods();
    expect(names.map((name) => nodeOf(`shop/${name}`))).toEqual(['d', 'd', 'd']);
    cluster.kubernetes.createWorkload({
      ...web,
      name: 'gpu',
      replicas: 2,
      pools: ['two'],
      tolerations: [{ key: 'gpu', operator: 'Exists' }],
    });
    expect(await cluster.pods('?fieldSelector=spec.nodeName%3De')).toHaveLength(1);
  });

  it('shrinks and grows with its scale', async () => {
    cluster.kubernetes.createWorkload(web);
    cluster.kubernetes.as('p').scale('shop', 'web', 1);
    await cluster.pass(10_000);
    expect(await cluster.pods()).toHaveLength(1);
    cluster.kubernetes.as('p').scale('shop', 'web', 4);
    await cluster.pass(10_000);
    expect(await cluster.pods()).toHaveLength(4);
  });
});

describe('a stateful set', () => {
  it('gives a name again only when its pod is gone', async () => {
    cluster.kubernetes.createWorkload({
      kind: 'StatefulSet',
      namespace: 'shop',
      name: 'db',
      replicas: 2,
      terminatesInMs: 20_000,
    });
    expect(await cluster.pods()).toEqual(['db-0', 'db-1']);
    const uid = uidOf('shop/db-0');
    await cluster.evict('shop', 'db-0');
    await cluster.pass(15_000);
    expect(uidOf('shop/db-0')).toBe(uid);
    await cluster.pass(15_000);
    expect(uidOf('shop/db-0')).not.toBe(uid);
    expect(ready('shop/db-0')).toBe('True');
  });
});

describe('a job', () => {
  it('is done when enough pods have succeeded, evictions notwithstanding', async () => {
    cluster.kubernetes.createWorkload({
      kind: 'Job',
      namespace: 'shop',
      name: 'batch',
      completesInMs: 60_000,
    });
    const [first = ''] = await cluster.pods();
    await cluster.evict('shop', first);
    await cluster.pass(120_000);
    const [second = '', ...others] = await cluster.pods();
    expect(others).toEqual([]);
    expect(second).not.toBe(first);
    expect(cluster.kubernetes.object('/apis/batch/v1/namespaces/shop/jobs/batch')).toMatchObject({
      status: { active: 0, succeeded: 1 },
    });
  });
});

describe('a daemon set', () => {
  beforeEach(() => {
    cluster.kubernetes.createWorkload({
      kind: 'DaemonSet',
      namespace: 'kube-system',
      name: 'agent',
    });
  });
  const onNode = (name: string) => cluster.pods(`?fieldSelector=spec.nodeName%3D${name}`);

  it('has a pod on every node, on one that joins too', async () => {
    cluster.kubernetes.machineJoins(machine('d'));
    await cluster.pass(10_000);
    const [name = ''] = await onNode('d');
    expect(ready(`kube-system/${name}`)).toBe('True');
    expect(
      cluster.kubernetes.object('/apis/apps/v1/namespaces/kube-system/daemonsets/agent'),
    ).toMatchObject({ status: { desiredNumberScheduled: 4, numberReady: 4 } });
  });

  it('puts an evicted pod back on its node, cordoned or not', async () => {
    const [old = ''] = await onNode('a');
    cluster.kubernetes.as('p').cordon('a');
    await cluster.evict('kube-system', old);
    await cluster.pass(10_000);
    const [fresh = ''] = await onNode('a');
    expect(fresh).not.toBe(old);
    expect(ready(`kube-system/${fresh}`)).toBe('True');
  });

  it('stays on a node that is down for long', async () => {
    const [name = ''] = await onNode('a');
    cluster.kubernetes.machineGoesDown('a');
    await cluster.pass(3_600_000);
    expect(cluster.pod(`kube-system/${name}`)?.['metadata']).not.toHaveProperty(
      'deletionTimestamp',
    );
    expect(ready(`kube-system/${name}`)).toBe('False');
  });
});

describe('a static pod', () => {
  it('has a mirror that is put up again, and says whose it is', async () => {
    cluster.kubernetes.createWorkload({
      kind: 'StaticPod',
      namespace: 'kube-system',
      name: 'proxy',
      nodes: ['a', 'b'],
    });
    expect(await cluster.pods()).toEqual(['proxy-a', 'proxy-b']);
    expect(cluster.pod('kube-system/proxy-a')?.['metadata']).toMatchObject({
      annotations: { 'kubernetes.io/config.source': 'file' },
      ownerReferences: [{ kind: 'Node', name: 'a', controller: true }],
    });
    const uid = uidOf('kube-system/proxy-a');
    await cluster.evict('kube-system', 'proxy-a');
    await cluster.pass(20_000);
    expect(uidOf('kube-system/proxy-a')).not.toBe(uid);
    expect(ready('kube-system/proxy-a')).toBe('True');
  });
});

describe('a cordoned node', () => {
  it('carries the taint of the unschedulable, until it is uncordoned', async () => {
    cluster.kubernetes.as('p').cordon('a');
    await cluster.pass(1_000);
    expect(taintsOf('a')).toEqual(['node.kubernetes.io/unschedulable:NoSchedule']);
    cluster.kubernetes.as('p').uncordon('a');
    await cluster.pass(1_000);
    expect(cluster.node('a')['spec']).not.toHaveProperty('taints');
  });
});

describe('a machine that goes down', () => {
  const bare = { kind: 'Pod', namespace: 'shop', name: 'p', node: 'a' } as const;

  it('is noticed only after a while, and then its pods are not ready', async () => {
    cluster.kubernetes.createWorkload(bare);
    cluster.kubernetes.machineGoesDown('a');
    await cluster.pass(30_000);
    expect(conditionIn(cluster.node('a'), 'Ready')).toBe('True');
    await cluster.pass(15_000);
    expect(conditionIn(cluster.node('a'), 'Ready')).toBe('Unknown');
    expect(taintsOf('a')).toEqual([
      'node.kubernetes.io/unreachable:NoSchedule',
      'node.kubernetes.io/unreachable:NoExecute',
    ]);
    expect(ready('shop/p')).toBe('False');
  });

  it('tells so itself when it shuts down gracefully', async () => {
    cluster.kubernetes.machineGoesDown('a', 'gracefully');
    expect(conditionIn(cluster.node('a'), 'Ready')).toBe('False');
    await cluster.pass(60_000);
    expect(conditionIn(cluster.node('a'), 'Ready')).toBe('Unknown');
  });

  it('loses its pods after five minutes, but they end only when it is back', async () => {
    cluster.kubernetes.createWorkload({
      kind: 'StatefulSet',
      namespace: 'shop',
      name: 'db',
      replicas: 1,
    });
    const node = text(nodeOf('shop/db-0'));
    const uid = uidOf('shop/db-0');
    cluster.kubernetes.machineGoesDown(node);
    await cluster.pass(5 * 60_000);
    expect(cluster.pod('shop/db-0')?.['metadata']).not.toHaveProperty('deletionTimestamp');
    await cluster.pass(20 * 60_000);
    expect(cluster.pod('shop/db-0')?.['metadata']).toHaveProperty('deletionTimestamp');
    expect(uidOf('shop/db-0')).toBe(uid);
    cluster.kubernetes.machineIsUp(node, { bootId: 'next' });
    await cluster.pass(60_000);
    expect(uidOf('shop/db-0')).not.toBe(uid);
    expect(cluster.audit.lines.find(({ action }) => action === 'podDeleted')).toMatchObject({
      actor: 'kubelet',
      detail: { reason: 'taint', askedBy: 'controller' },
    });
  });

  it('that is deleted takes its node and pods with it', async () => {
    cluster.kubernetes.createWorkload(bare);
    cluster.kubernetes.machineIsGone('a');
    await cluster.pass(1_000);
    expect(cluster.kubernetes.object('/api/v1/nodes/a')).toBeUndefined();
    expect(cluster.pod('shop/p')).toBeUndefined();
    expect(() => cluster.kubernetes.machineGoesDown('a')).toThrow('no machine a');
  });
});

describe('a machine that is up again', () => {
  it('shows its boot at once, and is ready a while later with all that it ran', async () => {
    cluster.kubernetes.createWorkload({ kind: 'Pod', namespace: 'shop', name: 'p', node: 'a' });
    const uid = uidOf('shop/p');
    cluster.kubernetes.machineGoesDown('a');
    await cluster.pass(90_000);
    cluster.kubernetes.machineIsUp('a', { bootId: 'next', kernelVersion: '5.15.0-1090-azure' });
    expect(cluster.node('a')['status']).toMatchObject({
      nodeInfo: { bootID: 'next', kernelVersion: '5.15.0-1090-azure' },
    });
    expect(conditionIn(cluster.node('a'), 'Ready')).toBe('False');
    await cluster.pass(16_000);
    expect(conditionIn(cluster.node('a'), 'Ready')).toBe('True');
    expect(ready('shop/p')).toBe('False');
    await cluster.pass(10_000);
    expect(ready('shop/p')).toBe('True');
    expect(uidOf('shop/p')).toBe(uid);
    expect(cluster.pod('shop/p')?.['status']).toMatchObject({
      containerStatuses: [{ restartCount: 1 }],
    });
    expect(cluster.node('a')['spec']).not.toHaveProperty('taints');
    expect(
      cluster.audit.lines
        .filter(({ action }) => action === 'ready')
        .map(({ actor, detail }) => [actor, detail['ready'], detail['bootID']]),
    ).toEqual([
      ['controller', 'Unknown', 'a-boot-1'],
      ['kubelet', 'False', 'next'],
      ['kubelet', 'True', 'next'],
    ]);
  });

  it('tells NotReady for a moment even when nobody noticed that it was away', async () => {
    cluster.kubernetes.machineGoesDown('a');
    await cluster.pass(10_000);
    cluster.kubernetes.machineIsUp('a', { bootId: 'next' });
    await cluster.pass(60_000);
    expect(cluster.audit.lines.map(({ detail }) => detail['ready'])).toEqual(['False', 'True']);
    const { body } = await cluster.ask('GET', '/api/v1/events?fieldSelector=reason%3DRebooted');
    expect(body['items']?.[0]).toMatchObject({
      message: 'Node a has been rebooted, boot id: next',
      involvedObject: { kind: 'Node', name: 'a' },
    });
  });

  it('registers its node anew when somebody has deleted it', async () => {
    const uid = cluster.node('a')['metadata']?.['uid'];
    await cluster.ask('DELETE', '/api/v1/nodes/a');
    expect(cluster.kubernetes.object('/api/v1/nodes/a')).toBeUndefined();
    cluster.kubernetes.machineGoesDown('a');
    cluster.kubernetes.machineIsUp('a', { bootId: 'next' });
    await cluster.pass(60_000);
    expect(conditionIn(cluster.node('a'), 'Ready')).toBe('True');
    expect(cluster.node('a')['metadata']?.['uid']).not.toBe(uid);
  });

  it('that goes down while it boots is not ready after all', async () => {
    cluster.kubernetes.machineGoesDown('a');
    cluster.kubernetes.machineIsUp('a', { bootId: 'next' });
    await cluster.pass(5_000);
    cluster.kubernetes.machineGoesDown('a');
    await cluster.pass(120_000);
    expect(conditionIn(cluster.node('a'), 'Ready')).toBe('Unknown');
  });
});

describe('a large cluster', () => {
  it('gives no two pods one name', async () => {
    cluster.close();
    cluster = testCluster(Array.from({ length: 3000 }, (_, index) => `n${index}`));
    cluster.kubernetes.createWorkload({
      kind: 'DaemonSet',
      namespace: 'kube-system',
      name: 'agent',
    });
    expect(new Set(await cluster.pods()).size).toBe(3000);
  });
});

describe('the same seed', () => {
  it('gives the same history', async () => {
    const play = async () => {
      const one = testCluster(['a', 'b', 'c']);
      one.kubernetes.createWorkload({ kind: 'Deployment', namespace: 's', name: 'w', replicas: 5 });
      const [name = ''] = await one.pods();
      await one.evict('s', name);
      one.kubernetes.machineGoesDown('b');
      await one.pass(600_000);
      one.close();
      return one.audit.lines;
    };
    expect(await play()).toEqual(await play());
  });
});

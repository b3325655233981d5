import type { AuditLine } from '../../local/azure/audit.ts';
import type { Cluster, World } from '../../local/azure/world/world.ts';
import { markAnnotation, scaleDownAnnotation } from './evidence.ts';
import type { NodeNow, PodNow, Scene } from './evidence.ts';

/** Looks at Nodes, pods and machines as they are at this moment. */

interface Metadata {
  name: string;
  namespace?: string;
  annotations?: Record<string, string>;
  labels?: Record<string, string>;
  ownerReferences?: { kind: string; name: string; controller?: boolean }[];
  deletionTimestamp?: string;
}
interface Status {
  phase?: string;
  conditions?: { type: string; status: string }[];
  nodeInfo?: { bootID: string; kernelVersion: string };
}
interface ApiNode {
  metadata: Metadata;
  spec: { unschedulable?: boolean; providerID?: string };
  status: Status;
}
interface ApiPod {
  metadata: Metadata;
  status: Status;
}

const isReady = ({ conditions = [] }: Status) =>
  conditions.some(({ type, status }) => type === 'Ready' && status === 'True');

const nodeNow = (cluster: string, { metadata, spec, status }: ApiNode): NodeNow => ({
  cluster,
  node: metadata.name,
  pool: metadata.labels?.['agentpool'] ?? '',
  unschedulable: spec.unschedulable === true,
  marked: markAnnotation in (metadata.annotations ?? {}),
  ready: isReady(status),
  scaleDown: metadata.annotations?.[scaleDownAnnotation] ?? null,
});

function podNow({ metadata, status }: ApiPod): PodNow {
  const owner = metadata.ownerReferences?.find(({ controller }) => controller === true);
  return {
    name: `${metadata.namespace}/${metadata.name}`,
    owner: owner === undefined ? '' : `${owner.kind}/${owner.name}`,
    mirror: 'kubernetes.io/config.mirror' in (metadata.annotations ?? {}),
    ready: isReady(status),
    terminating: metadata.deletionTimestamp !== undefined,
    finished: status.phase === 'Succeeded' || status.phase === 'Failed',
  };
}

/** All nodes of the fleet. */
export function nodesNow(world: World): NodeNow[] {
  return world.clusters.flatMap(({ id, kubernetes }) => {
    const list = kubernetes.object('/api/v1/nodes') as unknown as { items: ApiNode[] };
    return list.items.map((node) => nodeNow(id, node));
  });
}

/** The pods on a node. */
export function podsNow({ kubernetes }: Cluster, node: string): PodNow[] {
  const query = `fieldSelector=spec.nodeName%3D${node}`;
  const list = kubernetes.object(`/api/v1/pods?${query}`) as unknown as { items: ApiPod[] };
  return list.items.map(podNow);
}

/** The node of a line, its pods and its machine; nothing when the node is not there. */
export function sceneOf(world: World, { cluster: id, node: name }: AuditLine): Scene | undefined {
  const cluster = world.cluster(id);
  const read = (path: string) => cluster?.kubernetes.object(path) as unknown;
  const node = read(`/api/v1/nodes/${name}`) as ApiNode | undefined;
  if (cluster === undefined || node === undefined) return undefined;
  const machine = world.node(name);
  return {
    ...nodeNow(id, node),
    pods: podsNow(cluster, name),
    sentinelSince: machine.packages === undefined ? undefined : machine.sentinelAt,
    bootId: node.status.nodeInfo?.bootID ?? '',
    kernel: node.status.nodeInfo?.kernelVersion ?? '',
    vmId: machine.vmId,
    bornAt: machine.bornAt,
    operations: machine.restarts.running,
    restartsItself: machine.behaviour.restart !== 'fails',
    clusterState: cluster.state,
    poolState: machine.pool.state,
    honest: node.spec.providerID?.toLowerCase() === `azure://${machine.id}`.toLowerCase(),
  };
}

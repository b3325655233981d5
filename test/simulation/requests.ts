import type { WireRequest } from '../../local/azure/listener.ts';
import type { RequestKind } from './scenario.ts';

/** What a request is about, as far as faults choose by it. */
export function kindOfRequest(
  service: 'arm' | 'kubernetes',
  { method, url }: Pick<WireRequest, 'method' | 'url'>,
): RequestKind {
  const path = url.split('?')[0] ?? '';
  return service === 'arm' ? armKind(method, path) : kubernetesKind(method, path);
}

const armKinds: readonly (readonly [RequestKind, string, RegExp])[] = [
  ['restart', 'POST', /\/restart$/u],
  ['runCommand', 'POST', /\/runCommand$/u],
  ['commandResult', 'GET', /\/commandResults\//u],
  ['credential', 'POST', /\/listClusterUserCredential$/iu],
  ['operation', 'GET', /\/operations\//u],
  ['cluster', 'GET', /\/managedClusters\/[^/]+$/u],
  ['instance', 'GET', /\/virtualMachines\/[^/]+$/u],
  ['instances', 'GET', /\/(?:virtualMachineScaleSets|virtualMachines)$/u],
];

function armKind(method: string, path: string): RequestKind {
  const found = armKinds.find(([, verb, pattern]) => verb === method && pattern.test(path));
  return found?.[0] ?? 'otherArm';
}

function kubernetesKind(method: string, path: string): RequestKind {
  const reads = method === 'GET';
  if (path === '/api/v1/nodes') return 'listNodes';
  if (path.startsWith('/api/v1/nodes/')) return reads ? 'getNode' : 'patchNode';
  if (path.endsWith('/pods')) return 'listPods';
  if (path.endsWith('/eviction')) return 'evict';
  if (/\/leases(?:\/|$)/u.test(path)) return reads ? 'readLease' : 'writeLease';
  return 'otherKubernetes';
}

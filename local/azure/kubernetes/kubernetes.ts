/**
 * One simulated Kubernetes cluster: its API server, controllers and kubelets, on a clock, in one
 * process. The world tells it what its machines do; clients talk to `handle`.
 */
import type { Clock } from '../../clock.ts';
import type { Audit } from '../audit.ts';
import type { ApiRequest, ApiResponse } from './answer.ts';
import { createApi, type Authorize } from './api.ts';
import { startDisruptionController } from './budgets.ts';
import { usualTimings, type Cluster, type KubernetesTimings } from './cluster.ts';
import { startWorkloadControllers } from './controllers.ts';
import { createHands, type Hands } from './hands.ts';
import { parseJson, type Json } from './json.ts';
import { startKubelets } from './kubelet.ts';
import { startNodeLifecycle } from './lifecycle.ts';
import type { Machine } from './machines.ts';
import { startNamespaceController } from './namespaces.ts';
import { createPodIndex } from './podIndex.ts';
import { createTimers } from './queue.ts';
import { createKinds } from './resources.ts';
import { startScheduler } from './scheduler.ts';
import { createWorkloadObjects, ensureNamespace, type Workload } from './workloads.ts';

export type { ApiRequest, ApiResponse } from './answer.ts';
export type { Access, Authorize } from './api.ts';
export type { Hands } from './hands.ts';
export type { KubernetesTimings } from './cluster.ts';
export type { Machine } from './machines.ts';
export type { Taint, Toleration } from './objects.ts';
export type { Budget, Workload } from './workloads.ts';

export interface KubernetesOptions {
  clock: Clock;
  audit: Audit;
  /** The managed cluster's ARM id, for the audit. */
  cluster: string;
  /** In [0, 1), seeded. */
  random: () => number;
  /** Of the API server, such as `1.33.3`. */
  version?: string;
  timings?: Partial<KubernetesTimings>;
  /** Whether a user may; by default everybody may everything. */
  authorize?: Authorize;
}

export interface Kubernetes {
  /** Answers one request to the API. */
  handle(request: ApiRequest): Promise<ApiResponse>;

  /** The machine's kubelet registers its Node, Ready; DaemonSets put their pods there. */
  machineJoins(machine: Machine): void;
  /**
   * The kubelet falls silent; a graceful shutdown tells NotReady first. @throws when it never
   * joined
   */
  machineGoesDown(name: string, how?: 'abruptly' | 'gracefully'): void;
  /** The kubelet is back after a boot, and starts again what was on the node. @throws as above */
  machineIsUp(name: string, boot: { bootId: string; kernelVersion?: string }): void;
  /** The machine was deleted: its Node goes, and its pods. @throws as above */
  machineIsGone(name: string): void;

  /**
   * Sets the stage: the workload's pods run at once where a node takes them. Machines join before.
   */
  createWorkload(workload: Workload): void;
  /** Changes things as that user would. */
  as(user: string): Hands;
  /** What a GET of that path answers; undefined for 404. */
  object(path: string): Json | undefined;
  /** Ends all watches and forgets what was to happen. */
  close(): void;
}

const standardNamespaces = ['default', 'kube-system', 'kube-public', 'kube-node-lease'];

/** etcd starts at 1; a cluster that is set up has come some way. */
const firstRevision = 1000;

export function createKubernetes(options: KubernetesOptions): Kubernetes {
  const { clock, audit, random, authorize = () => true, version = '1.33.3' } = options;
  const closing = new AbortController();
  const kinds = createKinds({ current: firstRevision });
  const cluster: Cluster = {
    id: options.cluster,
    kinds,
    pods: createPodIndex(kinds.pods.objects),
    timers: createTimers(clock),
    timings: { ...usualTimings, ...options.timings },
    random,
    audit,
    behaviours: new Map(),
    departures: new Map(),
    closing: closing.signal,
  };
  const kubelets = startKubelets(cluster);
  const queues = [
    startNodeLifecycle(cluster),
    startScheduler(cluster),
    ...startWorkloadControllers(cluster),
    startNamespaceController(cluster),
    startDisruptionController(cluster),
  ];
  for (const name of standardNamespaces) ensureNamespace(cluster, name);
  const api = createApi(cluster, kubelets, { version, authorize });
  /** Lets controllers and kubelets do now what they would do in a while. */
  const settle = () => {
    let busy = true;
    while (busy) {
      busy = queues.map((queue) => queue.flush()).includes(true);
      busy = kubelets.startPendingPods() || busy;
    }
  };

  return {
    handle(request) {
      return Promise.resolve(api.answer(request));
    },
    machineJoins: (machine) => kubelets.machineJoins(machine),
    machineGoesDown: (name, how = 'abruptly') => kubelets.machineGoesDown(name, how),
    machineIsUp: (name, boot) => kubelets.machineIsUp(name, boot),
    machineIsGone: (name) => kubelets.machineIsGone(name),
    createWorkload(workload) {
      createWorkloadObjects(cluster, workload);
      settle();
    },
    as: (user) => createHands(api, user),
    object(path) {
      const response = api.answer({ method: 'GET', url: path, headers: {}, body: '', user: '' });
      return response.status === 200 && 'body' in response ? parseJson(response.body) : undefined;
    },
    close() {
      closing.abort();
      cluster.timers.close();
    },
  };
}

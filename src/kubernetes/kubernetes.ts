import {
  AuthorizationV1Api,
  CoordinationV1Api,
  CoreV1Api,
  RequestContext,
  VersionApi,
  createConfiguration,
} from '@kubernetes/client-node/dist/gen/index.js';
import { V1MicroTime } from '@kubernetes/client-node/dist/types.js';
import type { Configuration, HttpLibrary, V1Lease } from '@kubernetes/client-node';
import type { PatchOperation } from '../domain/node.ts';
import { forPeople, TroubleError } from '../domain/trouble.ts';
import type {
  ApiServer,
  ClusterCommands,
  Kubernetes,
  KubernetesAccess,
  LeaseWrite,
  PatchAnswer,
} from '../ports.ts';
import { listAll, readable, readOne, refusedAsAbsent, refusedWith, whole } from './answers.ts';
import { createCommandTransport } from './command/transport.ts';
import { drainWith } from './drain.ts';
import { createDrainApi } from './drainApi.ts';
import { recordEvent } from './events.ts';
import { RefusalError } from './refusal.ts';
import { deniedRights } from './rights.ts';
import { isPath } from './shape.ts';
import { createTransport } from './transport.ts';
import type { TransportOptions } from './transport.ts';
import { leaseView, nodeView, podSeen } from './views.ts';

export type KubernetesOptions = Partial<TransportOptions>;

const defaultDeadlineSeconds = 20;

const notEnded = 'status.phase!=Succeeded,status.phase!=Failed';

/** One cluster's API server, over connections of our own. */
export function createKubernetes(
  access: KubernetesAccess,
  options: KubernetesOptions = {},
): ApiServer {
  const transport = createTransport(access, {
    deadlineSeconds: defaultDeadlineSeconds,
    ...options,
  });
  const configuration = configurationOver(transport);
  return {
    ...kubernetesOver(configuration),
    // Here a question costs no more than its answer is worth.
    ahead() {},
    async reach() {
      try {
        await readable(new VersionApi(configuration).getCode());
      } catch (error) {
        if (!(error instanceof RefusalError)) throw error;
      }
    },
  };
}

/** The same by AKS run command: for the time of one activity, whose requests it gathers. */
export function createCommandKubernetes(commands: ClusterCommands): Kubernetes {
  const { ahead, library } = createCommandTransport(commands);
  return { ...kubernetesOver(configurationOver(library)), ahead };
}

function configurationOver(httpApi: HttpLibrary): Configuration {
  return createConfiguration({
    // The transport knows the server; here only paths are made.
    baseServer: {
      makeRequestContext: (path, method) => {
        if (!isPath(path)) throw impossible(path);
        return new RequestContext(`https://cluster${path}`, method);
      },
    },
    httpApi,
  });
}

function impossible(path: string): TroubleError {
  return new TroubleError({ kind: 'invalid', value: forPeople(`no path of the API: ${path}`) });
}

/** The port through client-node's typed API, whichever way its requests travel. */
function kubernetesOver(configuration: Configuration): Omit<Kubernetes, 'ahead'> {
  const core = new CoreV1Api(configuration);

  return {
    nodes: () => listAll((page) => core.listNode(page), nodeView),
    node: (name) => readOne(core.readNode({ name }), nodeView),
    patchNode: async (name, body) => {
      try {
        const patched = core.patchNode({ name, body });
        return {
          kind: 'done',
          node: await readable(patched.then((node) => nodeView(whole(node)))),
        };
      } catch (error) {
        if (refusedWith(error) === 422 && (await isAsSeen(core, name, body))) throw error;
        return unpatched(error);
      }
    },
    ...drainWith(createDrainApi(configuration)),
    pods: ({ selector, namespace }) => {
      const asked = { labelSelector: selector, fieldSelector: notEnded };
      return listAll(
        (page) =>
          namespace === ''
            ? core.listPodForAllNamespaces({ ...page, ...asked })
            : core.listNamespacedPod({ ...page, ...asked, namespace }),
        podSeen,
      );
    },
    recordEvent: (event) => recordEvent(core, event),
    denied: (rights) => deniedRights(new AuthorizationV1Api(configuration), rights),
    ...leases(new CoordinationV1Api(configuration)),
  };
}

/** 422 is how a failed `test` of a JSON Patch is answered. */
function unpatched(error: unknown): PatchAnswer {
  const status = refusedWith(error);
  if (status === 409 || status === 422) return { kind: 'stale' };
  if (refusedAsAbsent(error)) return { kind: 'gone' };
  throw error;
}

/**
 * Policies deny with 422 as well: then nobody has changed the node, and asking again won't help.
 */
async function isAsSeen(
  core: CoreV1Api,
  name: string,
  patch: readonly PatchOperation[],
): Promise<boolean> {
  const node = await readOne(core.readNode({ name }), nodeView);
  const version = node?.resourceVersion;
  return patch.some(
    (step) =>
      step.op === 'test' && step.path === '/metadata/resourceVersion' && step.value === version,
  );
}

function leases(api: CoordinationV1Api): Pick<Kubernetes, 'lease' | 'writeLease'> {
  return {
    lease: (namespace, name) => readOne(api.readNamespacedLease({ namespace, name }), leaseView),
    writeLease: async (lease, expected) => {
      const { namespace, name } = lease;
      const body = leaseBody(lease, expected);
      try {
        await readable(
          expected === undefined
            ? api.createNamespacedLease({ namespace, body })
            : api.replaceNamespacedLease({ namespace, name, body }),
        );
        return 'written';
      } catch (error) {
        // Absent: it was deleted meanwhile; for a new one it is the namespace that is missing.
        const isGone = refusedAsAbsent(error) && expected !== undefined;
        if (refusedWith(error) === 409 || isGone) return 'stale';
        throw error;
      }
    },
  };
}

function leaseBody(lease: LeaseWrite, resourceVersion: string | undefined): V1Lease {
  const { namespace, name, annotations } = lease;
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: {
      namespace,
      name,
      annotations,
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    },
    spec: {
      holderIdentity: lease.holder,
      acquireTime: new V1MicroTime(lease.acquiredAt),
      renewTime: new V1MicroTime(lease.renewedAt),
    },
  };
}

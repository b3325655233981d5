import { AppsV1Api, CoreV1Api, PolicyV1Api } from '@kubernetes/client-node/dist/gen/index.js';
import type { Configuration } from '@kubernetes/client-node';
import { TroubleError } from '../domain/trouble.ts';
import { listAll, readable, readOne, unreadable } from './answers.ts';
import type { DrainApi } from './drain.ts';
import type { Asked } from './eviction.ts';
import { budgetView, fullName, podView } from './views.ts';
import type { PodView } from './views.ts';

/** Draining through the API server itself. */
export function createDrainApi(configuration: Configuration): DrainApi {
  const core = new CoreV1Api(configuration);
  const apps = new AppsV1Api(configuration);
  const policy = new PolicyV1Api(configuration);
  return {
    async pods(node) {
      const fieldSelector = `spec.nodeName=${node}`;
      const list = (page: object) => core.listPodForAllNamespaces({ ...page, fieldSelector });
      const pods = await listAll(list, podView);
      // Whoever overlooks it takes the node for drained.
      const lost = pods.find((pod) => pod.node === '');
      if (lost === undefined) return pods;
      throw unreadable(`${fullName(lost)} is listed for ${node}, and says no node`);
    },
    async missingDaemonSets(refs) {
      const found = await Promise.all(
        refs.map(({ namespace, name }) =>
          readOne(apps.readNamespacedDaemonSet({ namespace, name }), () => true),
        ),
      );
      return refs.filter((_ref, index) => found[index] === undefined);
    },
    async budgets(refs) {
      const found = await Promise.all(
        refs.map(({ namespace, name }) =>
          readOne(policy.readNamespacedPodDisruptionBudget({ namespace, name }), budgetView),
        ),
      );
      return found.flatMap((budget) => budget ?? []);
    },
    evict: (pods, { gracePeriodSeconds, dryRun }) =>
      each(pods, (pod) => {
        const { namespace, name } = pod;
        const options = deleteOptions(pod, gracePeriodSeconds);
        const body = {
          apiVersion: 'policy/v1',
          kind: 'Eviction',
          metadata: { namespace, name },
          deleteOptions: dryRun ? { ...options, dryRun: ['All'] } : options,
        };
        return core.createNamespacedPodEviction({ namespace, name, body });
      }),
    remove: (pods, { gracePeriodSeconds }) =>
      each(pods, (pod) => {
        const { namespace, name } = pod;
        const body = deleteOptions(pod, gracePeriodSeconds);
        return core.deleteNamespacedPod({ namespace, name, body });
      }),
  };
}

/** This very pod, and no other of its name. */
function deleteOptions({ uid }: PodView, gracePeriodSeconds: number) {
  return {
    preconditions: { uid },
    ...(gracePeriodSeconds < 0 ? {} : { gracePeriodSeconds }),
  };
}

/** Asks for all at once; the transport bounds how many are under way. */
function each(pods: readonly PodView[], ask: (pod: PodView) => Promise<unknown>): Promise<Asked[]> {
  return Promise.all(
    pods.map(async (pod): Promise<Asked> => {
      try {
        await readable(ask(pod));
        return { kind: 'accepted' };
      } catch (error) {
        if (error instanceof TroubleError) return { kind: 'failed', error };
        throw error;
      }
    }),
  );
}

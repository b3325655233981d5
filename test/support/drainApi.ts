import type { BudgetNumbers, DrainPolicy } from '../../src/domain/drain.ts';
import { drainWith } from '../../src/kubernetes/drain.ts';
import type { DrainApi } from '../../src/kubernetes/drain.ts';
import type { Asked } from '../../src/kubernetes/eviction.ts';
import { readRefusal, RefusalError } from '../../src/kubernetes/refusal.ts';
import { fullName } from '../../src/kubernetes/views.ts';
import type { ObjectRef, PodView } from '../../src/kubernetes/views.ts';

/** Pods as a drain sees them, and an API server that is nothing but answers. */

export const policy: DrainPolicy = {
  gracePeriodSeconds: -1,
  skipWaitForDeleteSeconds: 0,
  podSelector: '',
  deleteEmptyDirData: false,
  evictUnmanaged: false,
  parallelEvictions: 2,
  way: 'evict',
  pastRefused: false,
};

export const now = Date.parse('2026-01-05T22:00:10.000Z');

export const owner = (kind: string, apiVersion = 'apps/v1', name = 'owner') => ({
  apiVersion,
  kind,
  name,
});

export function pod(name: string, differing: Partial<PodView> = {}): PodView {
  return {
    namespace: 'default',
    name,
    uid: `uid-${name}`,
    node: 'n',
    phase: 'Running',
    ready: true,
    labels: {},
    critical: false,
    graceSeconds: 30,
    deletion: undefined,
    controller: owner('ReplicaSet'),
    mirror: false,
    emptyDir: false,
    ...differing,
  };
}

export const deletion = { endsAt: '2026-01-05T22:00:30.000Z', graceSeconds: 30 };

/** What was asked of the API server, in its order. */
export interface AskedOf {
  way: 'evict' | 'delete';
  pods: string[];
  gracePeriodSeconds: number;
}

export interface ApiServer extends ReturnType<typeof drainWith> {
  asked: AskedOf[];
  /** The pods that are there. */
  present: PodView[];
  /** Takes pods away that terminate. */
  end(): void;
}

/**
 * A server with some pods that answers as told, the last answer for ever, and deletes what it
 * accepted.
 */
export function apiServer(
  pods: readonly PodView[],
  given: {
    answers?: Record<string, Asked | readonly Asked[]>;
    budgets?: BudgetNumbers[];
    missing?: ObjectRef[];
  } = {},
): ApiServer {
  const { budgets = [], missing = [] } = given;
  const answers = new Map(
    Object.entries(given.answers ?? {}).map(([name, told]) => [name, [told].flat()]),
  );
  const names = (refs: readonly ObjectRef[]) => refs.map(fullName);
  const answer = (name: string): Asked => {
    const told = answers.get(name) ?? [];
    return (told.length > 1 ? told.shift() : told[0]) ?? { kind: 'accepted' };
  };
  const askFor = (batch: readonly PodView[]) =>
    batch.map(({ name, uid }) => {
      const said = answer(name);
      if (said.kind === 'accepted') {
        server.present = server.present.map((one) =>
          one.uid === uid ? { ...one, deletion } : one,
        );
      }
      return said;
    });
  const api: DrainApi = {
    pods: () => Promise.resolve(server.present),
    missingDaemonSets: (refs) =>
      Promise.resolve(refs.filter((ref) => names(missing).includes(fullName(ref)))),
    budgets: (refs) =>
      Promise.resolve(budgets.filter(({ budget }) => names(refs).includes(budget))),
    evict(batch, { dryRun, gracePeriodSeconds }) {
      if (dryRun) return Promise.resolve(batch.map(({ name }) => answer(name)));
      const pods = batch.map(({ name }) => name);
      server.asked.push({ way: 'evict', pods, gracePeriodSeconds });
      return Promise.resolve(askFor(batch));
    },
    remove(batch, { gracePeriodSeconds }) {
      const pods = batch.map(({ name }) => name);
      server.asked.push({ way: 'delete', pods, gracePeriodSeconds });
      return Promise.resolve(askFor(batch));
    },
  };
  const server: ApiServer = {
    ...drainWith(api),
    asked: [],
    present: [...pods],
    end() {
      server.present = server.present.filter(({ deletion }) => deletion === undefined);
    },
  };
  return server;
}

/** A refusal as an API server says it. */
export function refused(status: number, body: object = {}, retryAfter?: string): Asked {
  const refusal = readRefusal(status, retryAfter, JSON.stringify(body));
  return { kind: 'failed', error: new RefusalError('POST /eviction', refusal) };
}

const message = 'The disruption budget web needs 2 healthy pods and has 2 currently';
export const accepted: Asked = { kind: 'accepted' };
export const blocked = refused(429, {
  details: { causes: [{ reason: 'DisruptionBudget', message }] },
});
export const overloaded = refused(429, {}, '1');
export const twoBudgets = refused(500, {
  message: 'This pod has more than one PodDisruptionBudget, which is not supported.',
});
export const terminatingNamespace = refused(403, {
  details: { causes: [{ reason: 'NamespaceTerminating', message: '' }] },
});

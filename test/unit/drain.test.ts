import type { BudgetNumbers, DrainPolicy } from '../../src/domain/drain.ts';
import { TroubleError } from '../../src/domain/trouble.ts';
import { drainWith } from '../../src/kubernetes/drain.ts';
import type { DrainApi } from '../../src/kubernetes/drain.ts';
import type { Asked } from '../../src/kubernetes/eviction.ts';
import { judgePod } from '../../src/kubernetes/filters.ts';
import { readRefusal, RefusalError } from '../../src/kubernetes/refusal.ts';
import { fullName } from '../../src/kubernetes/views.ts';
import type { PodView } from '../../src/kubernetes/views.ts';

const policy: DrainPolicy = {
  gracePeriodSeconds: -1,
  deleteEmptyDirData: false,
  evictUnmanaged: false,
  parallelEvictions: 2,
};

const owner = (kind: string, apiVersion = 'apps/v1') => ({ apiVersion, kind, name: 'owner' });

function pod(name: string, differing: Partial<PodView> = {}): PodView {
  return {
    namespace: 'default',
    name,
    uid: `uid-${name}`,
    node: 'n',
    phase: 'Running',
    ready: true,
    graceSeconds: 30,
    deletion: undefined,
    controller: owner('ReplicaSet'),
    mirror: false,
    emptyDir: false,
    ...differing,
  };
}

const deletion = { endsAt: '2026-01-05T22:00:30.000Z', graceSeconds: 30 };

describe('judging a pod, as kubectl drain does', () => {
  const cases: [string, Partial<PodView>, Partial<DrainPolicy>, string][] = [
    [
      'of a ReplicationController',
      { controller: owner('ReplicationController', 'v1') },
      {},
      'evict',
    ],
    ['of a ReplicaSet', {}, {}, 'evict'],
    ['of a DaemonSet', { controller: owner('DaemonSet') }, {}, 'keep'],
    [
      'of a DaemonSet, finished',
      { controller: owner('DaemonSet'), phase: 'Succeeded' },
      {},
      'evict',
    ],
    [
      'of a DaemonSet, with emptyDir',
      { controller: owner('DaemonSet'), emptyDir: true },
      {},
      'keep',
    ],
    [
      'of somebody else\'s "DaemonSet"',
      { controller: owner('DaemonSet', 'apps.kruise.io/v1') },
      {},
      'keep',
    ],
    [
      'of a Job, with emptyDir',
      { controller: owner('Job', 'batch/v1'), emptyDir: true },
      {},
      'refuse',
    ],
    [
      'of a Job, with emptyDir, allowed',
      { controller: owner('Job', 'batch/v1'), emptyDir: true },
      { deleteEmptyDirData: true },
      'evict',
    ],
    [
      'of a Job, finished',
      { controller: owner('Job', 'batch/v1'), emptyDir: true, phase: 'Succeeded' },
      {},
      'evict',
    ],
    ['of no controller', { controller: undefined }, {}, 'refuse'],
    ['of no controller, allowed', { controller: undefined }, { evictUnmanaged: true }, 'evict'],
    ['of no controller, failed', { controller: undefined, phase: 'Failed' }, {}, 'evict'],
    ['of the kubelet', { controller: undefined, mirror: true }, {}, 'keep'],
    [
      'of the kubelet, with emptyDir',
      { controller: owner('Node', 'v1'), mirror: true, emptyDir: true },
      {},
      'keep',
    ],
    ['that is being deleted', { deletion }, {}, 'leaving'],
    [
      'that is being deleted, of no controller',
      { deletion, controller: undefined, emptyDir: true },
      {},
      'leaving',
    ],
    ['of a DaemonSet, being deleted', { deletion, controller: owner('DaemonSet') }, {}, 'keep'],
  ];

  it.each(cases)('one %s', (_name, differing, allowed, kind) => {
    const surroundings = {
      policy: { ...policy, ...allowed },
      missingDaemonSets: new Set<string>(),
    };
    expect(judgePod(pod('a', differing), surroundings)).toMatchObject({ kind });
  });

  it('keeps every warning, not only the last', () => {
    const verdict = judgePod(pod('a', { controller: undefined, emptyDir: true }), {
      policy: { ...policy, deleteEmptyDirData: true, evictUnmanaged: true },
      missingDaemonSets: new Set(),
    });
    expect(verdict).toEqual({
      kind: 'evict',
      warnings: ['its emptyDir data is lost', 'nothing re-creates it'],
    });
  });
});

const now = Date.parse('2026-01-05T22:00:10.000Z');

/** An API server with some pods, that answers evictions as told and deletes what it accepted. */
function apiServer(
  pods: PodView[],
  {
    answers = {},
    budgets = [],
  }: { answers?: Record<string, Asked>; budgets?: BudgetNumbers[] } = {},
) {
  const asked: string[][] = [];
  let present = pods;
  const api: DrainApi = {
    pods: () => Promise.resolve(present),
    missingDaemonSets: (refs) => Promise.resolve(refs.filter(({ name }) => name === 'gone')),
    budgets: (refs) => {
      const names = refs.map(fullName);
      return Promise.resolve(budgets.filter(({ budget }) => names.includes(budget)));
    },
    evict(batch, { dryRun }) {
      if (!dryRun) asked.push(batch.map(({ name }) => name));
      return Promise.resolve(
        batch.map(({ name, uid }) => {
          const answer = answers[name] ?? { kind: 'accepted' };
          if (answer.kind === 'accepted' && !dryRun) {
            present = present.map((one) => (one.uid === uid ? { ...one, deletion } : one));
          }
          return answer;
        }),
      );
    },
    remove: () => Promise.reject(new Error('nobody asked for that')),
  };
  const add = (one: PodView) => (present = [...present, one]);
  return { asked, add, ...drainWith(api) };
}

function refused(status: number, body: object, retryAfter?: string): Asked {
  const refusal = readRefusal(status, retryAfter, JSON.stringify(body));
  return { kind: 'failed', error: new RefusalError('POST /eviction', refusal) };
}

const message = 'The disruption budget web needs 2 healthy pods and has 2 currently';
const blocked = refused(429, { details: { causes: [{ reason: 'DisruptionBudget', message }] } });
const overloaded = refused(429, {}, '1');
const twoBudgets = refused(500, { message: 'This pod has more than one PodDisruptionBudget' });

const web: BudgetNumbers = {
  budget: 'default/web',
  healthy: 2,
  desired: 2,
  expected: 3,
  allowed: 0,
};

describe('a slice of a drain', () => {
  it('evicts as many as it may, and says what is left', async () => {
    const api = apiServer(['a', 'b', 'c'].map((name) => pod(name)));
    expect(await api.drainSlice('n', policy, now)).toMatchObject({
      evicted: ['default/a', 'default/b'],
      left: [
        { pod: 'default/a', uid: 'uid-a', state: 'terminating', graceSecondsLeft: 30 },
        { pod: 'default/b', state: 'terminating' },
        { pod: 'default/c', state: 'evicting' },
      ],
    });
    expect(api.asked).toEqual([['a', 'b']]);
  });

  it('does not evict again what is leaving, and says how long it has', async () => {
    const api = apiServer([pod('a', { deletion })]);
    const { left } = await api.drainSlice('n', policy, now);
    expect(left).toMatchObject([
      {
        state: 'terminating',
        since: '2026-01-05T22:00:00.000Z',
        graceSecondsLeft: 20,
        reason: {
          kind: 'terminating',
          value: 'default/a is terminating for 10 s, 20 s of its grace are left',
        },
      },
    ]);
    expect(api.asked).toEqual([]);
  });

  it('says when a pod outlives its grace', async () => {
    const api = apiServer([pod('a', { deletion })]);
    const { left } = await api.drainSlice('n', policy, now + 60_000);
    expect(left).toMatchObject([
      {
        graceSecondsLeft: 0,
        reason: { value: 'default/a is terminating for 70 s, its grace ended 40 s ago' },
      },
    ]);
  });

  it('goes past blocked pods to those that can leave', async () => {
    const api = apiServer(
      ['a', 'b', 'c', 'd', 'e'].map((name) => pod(name)),
      { answers: { a: blocked, b: blocked, c: blocked } },
    );
    const { evicted, left } = await api.drainSlice('n', policy, now);
    expect(evicted).toEqual(['default/d', 'default/e']);
    expect(left.map(({ state }) => state)).toEqual([
      'blocked',
      'blocked',
      'blocked',
      'terminating',
      'terminating',
    ]);
  });

  it('says which budget blocks, by its numbers where they can be read', async () => {
    const answers = { a: blocked };
    const plain = await apiServer([pod('a')], { answers }).drainSlice('n', policy, now);
    expect(plain.left[0]?.reason.value).toBe(
      'default/a blocked by PDB web: needs 2 healthy pods and has 2 currently',
    );
    const api = apiServer([pod('a')], { answers, budgets: [web] });
    expect((await api.drainSlice('n', policy, now)).left).toMatchObject([
      {
        state: 'blocked',
        budget: web,
        reason: {
          kind: 'blocked',
          value: 'default/a blocked by PDB web: 2 of 3 healthy, 2 have to be, 0 may go',
        },
      },
    ]);
  });

  it('stops asking when it is told to', async () => {
    const api = apiServer(
      ['a', 'b', 'c', 'd'].map((name) => pod(name)),
      { answers: { a: overloaded, b: overloaded } },
    );
    const { evicted, left } = await api.drainSlice('n', policy, now);
    expect([api.asked, evicted]).toEqual([[['a', 'b']], []]);
    expect(left.map(({ state, reason }) => [state, reason.kind])).toEqual([
      ['evicting', 'throttled'],
      ['evicting', 'throttled'],
      ['evicting', 'terminating'],
      ['evicting', 'terminating'],
    ]);
  });

  it('disturbs nobody when one pod may not leave', async () => {
    const api = apiServer([pod('a'), pod('b', { controller: undefined })]);
    expect(await api.drainSlice('n', policy, now)).toMatchObject({
      evicted: [],
      left: [
        { pod: 'default/a', state: 'evicting' },
        { pod: 'default/b', state: 'refused', reason: { kind: 'undrainable' } },
      ],
    });
    expect(api.asked).toEqual([]);
  });

  it('finds pods that came after its first look, even under the same name', async () => {
    const gone = refused(404, { reason: 'NotFound' });
    const api = apiServer([pod('a')], { answers: { a: gone } });
    api.add(pod('a', { uid: 'uid-new' }));
    await api.drainSlice('n', policy, now);
    const { left } = await api.drainSlice('n', policy, now);
    expect(left.map(({ uid, state }) => [uid, state])).toContainEqual(['uid-new', 'evicting']);
  });

  it('ignores pods of other nodes, whatever it was listed', async () => {
    const api = apiServer([pod('a', { node: 'other' })]);
    expect(await api.drainSlice('n', policy, now)).toEqual({ evicted: [], left: [], staying: [] });
    expect(await api.leftToDrain('n', policy, now)).toEqual([]);
    expect(api.asked).toEqual([]);
  });

  it('takes pods whose DaemonSet is gone for those of no controller', async () => {
    const orphan = pod('a', { controller: { ...owner('DaemonSet'), name: 'gone' } });
    const { left } = await apiServer([orphan]).drainSlice('n', policy, now);
    expect(left).toMatchObject([{ state: 'refused' }]);
    const forced = { ...policy, evictUnmanaged: true };
    expect((await apiServer([orphan]).drainSlice('n', forced, now)).evicted).toEqual(['default/a']);
  });

  it('says which pods stay', async () => {
    const api = apiServer([pod('a', { controller: owner('DaemonSet') })]);
    expect((await api.drainSlice('n', policy, now)).staying).toEqual([
      { pod: 'default/a', why: 'managed by DaemonSet owner' },
    ]);
  });
});

describe('foreseeing a drain', () => {
  it('asks for nothing, and has nothing against a node that can be drained', async () => {
    const api = apiServer(['a', 'b', 'c'].map((name) => pod(name)));
    expect(await api.foresee('n', policy)).toEqual({ hopeless: [], passing: [] });
    expect(api.asked).toEqual([]);
  });

  const cases: [
    string,
    'hopeless' | 'passing',
    Partial<PodView>,
    Asked | undefined,
    BudgetNumbers?,
  ][] = [
    ['a pod that policy keeps', 'hopeless', { controller: undefined }, undefined],
    ['two budgets', 'hopeless', {}, twoBudgets],
    ['no right to evict', 'hopeless', {}, refused(403, { message: 'cannot create pods/eviction' })],
    ['a budget that never allows it', 'hopeless', {}, blocked, { ...web, desired: 3, healthy: 3 }],
    ['a budget with a pod that is not healthy now', 'passing', {}, blocked, web],
    ['a budget that nobody can read', 'passing', {}, blocked],
    ['an overloaded API server', 'passing', {}, overloaded],
    [
      'a namespace that is terminating',
      'passing',
      {},
      refused(403, { details: { causes: [{ reason: 'NamespaceTerminating', message: '' }] } }),
    ],
  ];
  const named = cases.map(([what, kind, differing, answer, budget]) => ({
    what,
    kind,
    differing,
    answer,
    budget,
  }));
  it.each(named)('finds $what $kind', async ({ kind, differing, answer, budget }) => {
    const answers = answer === undefined ? {} : { a: answer };
    const api = apiServer([pod('a', differing)], { answers, budgets: budget ? [budget] : [] });
    const forecast = await api.foresee('n', policy);
    expect(forecast[kind]).toHaveLength(1);
    expect(forecast.hopeless.length + forecast.passing.length).toBe(1);
  });
});

it('lets trouble with looking through', async () => {
  const trouble = new TroubleError({ kind: 'unreachable', value: 'reset' });
  const api = drainWith({
    pods: () => Promise.reject(trouble),
    missingDaemonSets: () => Promise.resolve([]),
    budgets: () => Promise.resolve([]),
    evict: () => Promise.resolve([]),
    remove: () => Promise.resolve([]),
  });
  await expect(api.drainSlice('n', policy, now)).rejects.toBe(trouble);
});

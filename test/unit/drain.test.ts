import type { BudgetNumbers, DrainPolicy } from '../../src/domain/drain.ts';
import { TroubleError } from '../../src/domain/trouble.ts';
import { drainWith } from '../../src/kubernetes/drain.ts';
import type { Asked } from '../../src/kubernetes/eviction.ts';
import { judgePod } from '../../src/kubernetes/filters.ts';
import type { PodView } from '../../src/kubernetes/views.ts';
import {
  accepted,
  apiServer,
  blocked,
  deletion,
  now,
  overloaded,
  owner,
  pod,
  policy,
  refused,
  terminatingNamespace,
  twoBudgets,
} from '../support/drainApi.ts';

const judged = (differing: Partial<PodView>, allowed: Partial<DrainPolicy> = {}, at = now) =>
  judgePod(pod('a', differing), {
    policy: { ...policy, ...allowed },
    missingDaemonSets: new Set(['default/gone']),
    now: at,
  });

describe('judging a pod', () => {
  const daemon = owner('DaemonSet');
  const orphan = owner('DaemonSet', 'apps/v1', 'gone');
  const kruise = owner('DaemonSet', 'apps.kruise.io/v1alpha1');
  const command = { namespace: 'aks-command', name: 'command-1', controller: undefined };
  const cases: [string, Partial<PodView>, Partial<DrainPolicy>, string][] = [
    ['of a ReplicaSet', {}, {}, 'evict'],
    ['of a DaemonSet', { controller: daemon }, {}, 'keep'],
    ['of a DaemonSet, finished', { controller: daemon, phase: 'Succeeded' }, {}, 'evict'],
    ['of a DaemonSet, being deleted', { deletion, controller: daemon }, {}, 'keep'],
    ['of a DaemonSet that is gone', { controller: orphan }, {}, 'refuse'],
    ['of a gone DaemonSet, allowed', { controller: orphan }, { evictUnmanaged: true }, 'evict'],
    ["of somebody else's DaemonSet", { controller: kruise }, {}, 'keep'],
    ['of no controller', { controller: undefined }, {}, 'refuse'],
    ['of no controller, failed', { controller: undefined, phase: 'Failed' }, {}, 'evict'],
    ['of the kubelet', { controller: undefined, mirror: true, emptyDir: true }, {}, 'keep'],
    ['with emptyDir', { emptyDir: true }, {}, 'refuse'],
    ['with emptyDir, allowed', { emptyDir: true }, { deleteEmptyDirData: true }, 'evict'],
    ['with emptyDir, finished', { emptyDir: true, phase: 'Failed' }, {}, 'evict'],
    ['that is being deleted', { deletion }, {}, 'leaving'],
    ['of nobody, being deleted', { deletion, controller: undefined }, {}, 'leaving'],
    ['of an AKS command', command, { evictUnmanaged: true }, 'leaving'],
    ['of an AKS command that failed', { ...command, phase: 'Failed' }, {}, 'keep'],
    ['of that name elsewhere', { ...command, namespace: 'shop' }, {}, 'refuse'],
    ['of that namespace, not AKS’s', { ...command, name: 'mine' }, {}, 'refuse'],
  ];
  it.each(cases)('one %s', (_name, differing, allowed, kind) => {
    expect(judged(differing, allowed)).toMatchObject({ kind });
  });

  it('keeps every warning, not only the last', () => {
    const lost = { controller: undefined, emptyDir: true };
    expect(judged(lost, { deleteEmptyDirData: true, evictUnmanaged: true })).toEqual({
      kind: 'evict',
      warnings: ['its emptyDir data is lost', 'nothing re-creates it'],
    });
  });

  it.each([
    ['leaving', 0, 3600],
    ['leaving', 20, 20],
    ['keep', 20, 21],
    ['leaving', 100, 21],
  ])('is %s when told not to wait %i s and its grace ended %i s ago', (kind, skip, ago) => {
    const at = Date.parse(deletion.endsAt) + ago * 1000;
    expect(judged({ deletion }, { skipWaitForDeleteSeconds: skip }, at)).toMatchObject({ kind });
  });

  it.each([
    ['', true],
    ['app=web,tier', true],
    ['app!=web', false],
  ])('selected by %p: %p', (podSelector, isSelected) => {
    const labels = { app: 'web', tier: 'a' };
    const leaves = { kind: 'evict', warnings: [] };
    const stays = { kind: 'keep', why: 'podSelector does not select it', chosen: true };
    expect(judged({ labels }, { podSelector })).toEqual(isSelected ? leaves : stays);
  });
});

const web: BudgetNumbers = {
  budget: 'default/web',
  healthy: 2,
  desired: 2,
  expected: 3,
  allowed: 0,
};
const several = (...names: string[]) => names.map((name) => pod(name));

describe('a slice of a drain', () => {
  it('evicts as many as it may, and says what is left', async () => {
    const api = apiServer(several('a', 'b', 'c'));
    expect(await api.drainSlice('n', policy, now)).toMatchObject({
      evicted: ['default/a', 'default/b'],
      left: [
        { pod: 'default/a', uid: 'uid-a', state: 'terminating', graceSecondsLeft: 30 },
        { pod: 'default/b', state: 'terminating' },
        { pod: 'default/c', state: 'evicting' },
      ],
    });
    expect(api.asked).toEqual([{ way: 'evict', pods: ['a', 'b'], gracePeriodSeconds: -1 }]);
  });

  it('does not evict again what is leaving, and says how long it has', async () => {
    const api = apiServer([pod('a', { deletion })]);
    const { left } = await api.drainSlice('n', policy, now);
    const value = 'default/a is terminating for 10 s, 20 s of its grace are left';
    const since = '2026-01-05T22:00:00.000Z';
    const reason = { kind: 'terminating', value };
    expect(left).toMatchObject([{ state: 'terminating', since, graceSecondsLeft: 20, reason }]);
    expect(api.asked).toEqual([]);
  });

  it('asks again for what is leaving with more grace than it may have', async () => {
    const api = apiServer([pod('a', { deletion })]);
    await api.drainSlice('n', { ...policy, gracePeriodSeconds: 30 }, now);
    expect(api.asked).toEqual([]);
    const { left } = await api.drainSlice('n', { ...policy, gracePeriodSeconds: 10 }, now);
    expect(api.asked).toEqual([{ way: 'evict', pods: ['a'], gracePeriodSeconds: 10 }]);
    expect(left[0]?.state).toBe('terminating');
  });

  it('says when a pod outlives its grace', async () => {
    const api = apiServer([pod('a', { deletion })]);
    const { left } = await api.drainSlice('n', policy, now + 60_000);
    const value = 'default/a is terminating for 70 s, its grace ended 40 s ago';
    expect(left).toMatchObject([{ graceSecondsLeft: 0, reason: { value } }]);
  });

  it('goes past blocked pods to those that can leave', async () => {
    const answers = { a: blocked, b: blocked, c: blocked };
    const api = apiServer(several('a', 'b', 'c', 'd', 'e'), { answers });
    const { evicted, left } = await api.drainSlice('n', policy, now);
    expect(evicted).toEqual(['default/d', 'default/e']);
    const states = left.map(({ state }) => state);
    expect(states).toEqual(['blocked', 'blocked', 'blocked', 'terminating', 'terminating']);
  });

  it('says which budget blocks, by its numbers where they can be read', async () => {
    const answers = { a: blocked };
    const plain = await apiServer(several('a'), { answers }).drainSlice('n', policy, now);
    expect(plain.left[0]?.reason.value).toBe(
      'default/a blocked by PDB web: needs 2 healthy pods and has 2 currently',
    );
    const told = apiServer(several('a'), { answers, budgets: [web] });
    const value = 'default/a blocked by PDB web: 2 of 3 healthy, 2 have to be, 0 may go';
    expect((await told.drainSlice('n', policy, now)).left).toMatchObject([
      { state: 'blocked', budget: web, reason: { kind: 'blocked', value } },
    ]);
  });

  it('stops asking when it is told to', async () => {
    const answers = { a: overloaded, b: overloaded };
    const api = apiServer(several('a', 'b', 'c', 'd'), { answers });
    const { evicted, left } = await api.drainSlice('n', policy, now);
    expect([api.asked.map(({ pods }) => pods), evicted]).toEqual([[['a', 'b']], []]);
    expect(left.map(({ state, reason }) => [state, reason.kind])).toEqual([
      ['evicting', 'throttled'],
      ['evicting', 'throttled'],
      ['evicting', 'terminating'],
      ['evicting', 'terminating'],
    ]);
  });

  it('evicts what the cluster can not do without only when all others are gone', async () => {
    const api = apiServer([
      pod('dns', { critical: true }),
      pod('web'),
      pod('proxy', { critical: true, controller: owner('DaemonSet') }),
    ]);
    const asked: string[][] = [];
    for (let slice = 0; slice < 4; slice += 1) {
      const { left } = await api.drainSlice('n', policy, now);
      asked.push(api.asked.splice(0).flatMap(({ pods }) => pods));
      if (slice !== 0) api.end();
      if (left.length === 0) break;
    }
    expect(asked).toEqual([['web'], [], ['dns'], []]);
  });

  it('goes on past a pod that may not leave, when told to', async () => {
    const api = apiServer([pod('a'), pod('b', { controller: undefined })]);
    const { evicted } = await api.drainSlice('n', { ...policy, pastRefused: true }, now);
    expect(evicted).toEqual(['default/a']);
  });

  it('ignores pods of other nodes, whatever it was listed', async () => {
    const api = apiServer([pod('a', { node: 'other' })]);
    expect(await api.drainSlice('n', policy, now)).toEqual({ evicted: [], left: [], staying: [] });
    expect(await api.leftToDrain('n', policy, now)).toEqual({ left: [], staying: [] });
    expect(api.asked).toEqual([]);
  });

  it('says which pods stay, and whether policy chose so', async () => {
    const podSelector = 'app';
    const pods = [pod('a', { controller: owner('DaemonSet'), labels: { app: 'a' } }), pod('b')];
    const { staying } = await apiServer(pods).drainSlice('n', { ...policy, podSelector }, now);
    expect(staying).toEqual([
      { pod: 'default/a', why: 'managed by DaemonSet owner', chosen: false },
      { pod: 'default/b', why: 'podSelector does not select it', chosen: true },
    ]);
  });
});

describe('foreseeing a drain', () => {
  it('asks for nothing, and has nothing against a node that can be drained', async () => {
    const api = apiServer(several('a', 'b', 'c'));
    expect(await api.foresee('n', policy, now)).toEqual({ leaving: 3, hopeless: [], passing: [] });
    expect(api.asked).toEqual([]);
  });

  const full = { ...web, desired: 3, healthy: 3 };
  const mayNot = refused(403, { message: 'cannot create pods/eviction' });
  const cases: [string, 'hopeless' | 'passing', Asked?, BudgetNumbers?][] = [
    ['two budgets', 'hopeless', twoBudgets],
    ['no right to evict', 'hopeless', mayNot],
    ['a budget that never allows it', 'hopeless', blocked, full],
    ['a budget with a pod that is not healthy now', 'passing', blocked, web],
    ['a budget that selects no pod any more', 'passing', blocked, { ...web, expected: 0 }],
    ['a budget that nobody can read', 'passing', blocked],
    ['an overloaded API server', 'passing', overloaded],
    ['a namespace that is terminating', 'passing', terminatingNamespace],
  ];
  it.each(cases)('finds %s %s', async (_what, kind, answer = accepted, budget) => {
    const api = apiServer(several('a'), {
      answers: { a: answer },
      budgets: budget ? [budget] : [],
    });
    const forecast = await api.foresee('n', policy, now);
    expect(forecast[kind]).toHaveLength(1);
    expect(forecast.hopeless.length + forecast.passing.length).toBe(1);
  });

  it('finds every pod that policy keeps, and every other reason with them', async () => {
    const pods = [pod('a', { controller: undefined }), pod('b', { emptyDir: true }), pod('c')];
    const api = apiServer(pods, { answers: { c: twoBudgets } });
    const { hopeless } = await api.foresee('n', policy, now);
    expect(hopeless.map(({ value }) => value)).toEqual([
      'default/a: no controller re-creates it (evictUnmanaged is off)',
      'default/b: it has emptyDir volumes (deleteEmptyDirData is off)',
      'default/c has more than one PodDisruptionBudget',
    ]);
  });

  it('does not mind budgets where pods are deleted', async () => {
    const api = apiServer(several('a', 'b'), { answers: { a: twoBudgets, b: blocked } });
    const forecast = await api.foresee('n', { ...policy, way: 'delete' }, now);
    expect(forecast).toEqual({ leaving: 2, hopeless: [], passing: [] });
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

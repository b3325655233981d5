import type { DrainPolicy } from '../../src/domain/drain.ts';
import { drainSlice, leftToDrain } from '../../src/kubernetes/drain.ts';
import type { DrainApi } from '../../src/kubernetes/drain.ts';
import type { Eviction } from '../../src/kubernetes/eviction.ts';
import { judgePod } from '../../src/kubernetes/filters.ts';
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
      'evict',
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
    expect(judgePod(pod('a', differing), { ...policy, ...allowed })).toMatchObject({ kind });
  });

  it('keeps every warning, not only the last', () => {
    const verdict = judgePod(pod('a', { controller: undefined, emptyDir: true }), {
      ...policy,
      deleteEmptyDirData: true,
      evictUnmanaged: true,
    });
    expect(verdict).toEqual({
      kind: 'evict',
      warnings: ['its emptyDir data is lost', 'nothing re-creates it'],
    });
  });
});

/** An API server with some pods, that answers evictions as told and deletes what it accepted. */
function apiServer(pods: PodView[], answers: Record<string, Eviction> = {}) {
  const asked: string[] = [];
  let present = pods;
  const api: DrainApi & { asked: string[]; add(pod: PodView): void } = {
    asked,
    add: (one) => (present = [...present, one]),
    pods: () => Promise.resolve(present),
    evict({ name, uid }) {
      asked.push(name);
      const answer = answers[name] ?? { kind: 'accepted' };
      if (answer.kind === 'accepted') {
        present = present.map((one) => (one.uid === uid ? { ...one, deletion } : one));
      }
      return Promise.resolve(answer);
    },
  };
  return api;
}

const blocked: Eviction = { kind: 'blocked', reason: { kind: 'blocked', value: 'PDB web' } };

describe('a slice of a drain', () => {
  it('evicts as many as it may, and says what is left', async () => {
    const api = apiServer(['a', 'b', 'c'].map((name) => pod(name)));
    expect(await drainSlice(api, 'n', policy)).toMatchObject({
      evicted: ['default/a', 'default/b'],
      left: [
        { pod: 'default/a', uid: 'uid-a', state: 'terminating' },
        { pod: 'default/b', state: 'terminating' },
        { pod: 'default/c', state: 'evicting' },
      ],
    });
    expect(api.asked).toEqual(['a', 'b']);
  });

  it('does not evict again what is leaving', async () => {
    const api = apiServer([pod('a', { deletion })]);
    const { left } = await drainSlice(api, 'n', policy);
    expect(left[0]?.reason).toEqual({
      kind: 'terminating',
      value: 'default/a is terminating, its 30 s of grace end at 2026-01-05T22:00:30.000Z',
    });
    expect(api.asked).toEqual([]);
  });

  it('goes past blocked pods to those that can leave', async () => {
    const api = apiServer(
      ['a', 'b', 'c', 'd', 'e'].map((name) => pod(name)),
      { a: blocked, b: blocked, c: blocked },
    );
    const { evicted, left } = await drainSlice(api, 'n', policy);
    expect(evicted).toEqual(['default/d', 'default/e']);
    expect(left.map(({ state }) => state)).toEqual([
      'blocked',
      'blocked',
      'blocked',
      'terminating',
      'terminating',
    ]);
  });

  it('stops asking when it is told to', async () => {
    const stop: Eviction = { kind: 'stop', reason: { kind: 'throttled', value: 'wait' } };
    const api = apiServer(
      ['a', 'b', 'c', 'd'].map((name) => pod(name)),
      { a: stop, b: stop },
    );
    const { evicted, left } = await drainSlice(api, 'n', policy);
    expect([api.asked, evicted]).toEqual([['a', 'b'], []]);
    expect(left.map(({ state, reason }) => [state, reason.kind])).toEqual([
      ['evicting', 'throttled'],
      ['evicting', 'throttled'],
      ['evicting', 'terminating'],
      ['evicting', 'terminating'],
    ]);
  });

  it('disturbs nobody when one pod may not leave', async () => {
    const api = apiServer([pod('a'), pod('b', { controller: undefined })]);
    expect(await drainSlice(api, 'n', policy)).toMatchObject({
      evicted: [],
      left: [
        { pod: 'default/a', state: 'evicting' },
        { pod: 'default/b', state: 'refused', reason: { kind: 'undrainable' } },
      ],
    });
    expect(api.asked).toEqual([]);
  });

  it('finds pods that came after its first look, even under the same name', async () => {
    const api = apiServer([pod('a')], { a: { kind: 'gone' } });
    const evict = api.evict.bind(api);
    api.evict = (one, grace) => {
      api.add(pod('a', { uid: 'uid-new' }));
      return evict(one, grace);
    };
    const { left } = await drainSlice(api, 'n', policy);
    expect(left.map(({ uid, state }) => [uid, state])).toContainEqual(['uid-new', 'evicting']);
  });

  it('ignores pods of other nodes, whatever it was listed', async () => {
    const api = apiServer([pod('a', { node: 'other' })]);
    expect(await drainSlice(api, 'n', policy)).toEqual({ evicted: [], left: [] });
    expect(await leftToDrain(api, 'n', policy)).toEqual([]);
    expect(api.asked).toEqual([]);
  });
});

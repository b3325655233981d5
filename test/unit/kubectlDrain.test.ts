import fc from 'fast-check';
import type { DrainPolicy } from '../../src/domain/drain.ts';
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
import type { ApiServer } from '../support/drainApi.ts';

/**
 * The cases of kubectl's own tests of drain (pkg/cmd/drain/drain_test.go, pkg/drain/drain_test.go and
 * filters_test.go), and what we do in them. `differs` where docs/drain.md argues for another ending.
 */

/** Slices until nothing is left or nothing moves; pods end between them. */
async function drain(api: ApiServer, how: DrainPolicy): Promise<'drained' | 'refused' | 'stuck'> {
  for (let slice = 0; slice < 20; slice += 1) {
    const { left } = await api.drainSlice('n', how, now);
    if (left.length === 0) return 'drained';
    if (left.some(({ state }) => state === 'refused')) return 'refused';
    api.end();
  }
  return 'stuck';
}

const daemonSet = owner('DaemonSet');
const gone = owner('DaemonSet', 'apps/v1', 'gone');
const job = owner('Job', 'batch/v1');
const emptyDir = true;
const force = { evictUnmanaged: true };
const emptyDirData = { deleteEmptyDirData: true };

interface Case {
  it: string;
  pod: Partial<PodView>;
  flags?: Partial<DrainPolicy>;
  ends: 'leaves' | 'stays' | 'refused';
  /** What kubectl does instead. */
  differs?: string;
}

const cases: Case[] = [
  { it: 'RC-managed', pod: { controller: owner('ReplicationController', 'v1') }, ends: 'leaves' },
  {
    it: 'DaemonSet-managed',
    pod: { controller: daemonSet },
    ends: 'stays',
    differs: 'refuses without --ignore-daemonsets',
  },
  {
    it: 'DaemonSet-managed, terminated',
    pod: { controller: daemonSet, phase: 'Failed' },
    ends: 'leaves',
  },
  { it: 'orphaned DaemonSet-managed', pod: { controller: gone }, ends: 'refused' },
  {
    it: 'orphaned DaemonSet-managed with --force',
    pod: { controller: gone },
    flags: force,
    ends: 'leaves',
  },
  {
    it: 'DaemonSet-managed with --ignore-daemonsets',
    pod: { controller: daemonSet },
    ends: 'stays',
  },
  {
    it: 'DaemonSet-managed with emptyDir and --ignore-daemonsets',
    pod: { controller: daemonSet, emptyDir },
    ends: 'stays',
  },
  {
    it: 'Job-managed with local storage and --delete-emptydir-data',
    pod: { controller: job, emptyDir },
    flags: { ...force, ...emptyDirData },
    ends: 'leaves',
  },
  {
    it: 'Job-managed, terminated',
    pod: { controller: job, emptyDir, phase: 'Succeeded' },
    ends: 'leaves',
  },
  { it: 'ReplicaSet-managed', pod: {}, ends: 'leaves' },
  { it: 'naked', pod: { controller: undefined }, ends: 'refused' },
  { it: 'naked with --force', pod: { controller: undefined }, flags: force, ends: 'leaves' },
  { it: 'with emptyDir', pod: { controller: undefined, emptyDir }, flags: force, ends: 'refused' },
  {
    it: 'with emptyDir, terminated',
    pod: { controller: undefined, emptyDir, phase: 'Failed' },
    ends: 'leaves',
  },
  {
    it: 'with emptyDir and --delete-emptydir-data',
    pod: { controller: undefined, emptyDir },
    flags: { ...force, ...emptyDirData },
    ends: 'leaves',
  },
];

describe.each(['evict', 'delete'] as const)('draining as kubectl does, to %s', (way) => {
  it.each(cases)('a pod that is $it: $ends', async ({ pod: differing, flags, ends }) => {
    const api = apiServer([pod('bar', differing)], {
      missing: [{ namespace: 'default', name: 'gone' }],
    });
    const ended = await drain(api, { ...policy, ...flags, way });
    expect(ended).toBe(ends === 'refused' ? 'refused' : 'drained');
    expect(api.present.map(({ name }) => name)).toEqual(ends === 'leaves' ? [] : ['bar']);
    const asked = [{ way, pods: ['bar'], gracePeriodSeconds: -1 }];
    expect(api.asked).toEqual(ends === 'leaves' ? asked : []);
  });

  it('an empty node is drained', async () => {
    expect(await drain(apiServer([]), { ...policy, way })).toBe('drained');
  });

  it('a list that fails ends it', async () => {
    const api = apiServer([pod('bar')]);
    Object.defineProperty(api, 'present', {
      get: () => {
        throw new Error('list failed');
      },
    });
    await expect(drain(api, { ...policy, way })).rejects.toThrow('list failed');
  });

  it('refuses before it disturbs anybody', async () => {
    const api = apiServer([pod('a'), pod('b', { controller: undefined }), pod('c')]);
    expect(await drain(api, { ...policy, way })).toBe('refused');
    expect(api.asked).toEqual([]);
  });

  it('gives the grace that it is told', async () => {
    const api = apiServer([pod('a')]);
    await drain(api, { ...policy, way, gracePeriodSeconds: 7 });
    expect(api.asked).toEqual([{ way, pods: ['a'], gracePeriodSeconds: 7 }]);
  });
});

describe('waiting for pods to end', () => {
  it('ends when they are gone', async () => {
    const api = apiServer([pod('a'), pod('b')]);
    await api.drainSlice('n', policy, now);
    api.end();
    expect((await api.drainSlice('n', policy, now)).left).toEqual([]);
  });

  it('does not wait for a pod of the same name with another uid, elsewhere', async () => {
    const api = apiServer([pod('a')]);
    await api.drainSlice('n', policy, now);
    api.present = [pod('a', { uid: 'uid-new', node: 'other' })];
    expect((await api.drainSlice('n', policy, now)).left).toEqual([]);
    expect(api.asked).toHaveLength(1);
  });

  it('evicts a pod of the same name with another uid, here: it is another one', async () => {
    const api = apiServer([pod('a')]);
    await api.drainSlice('n', policy, now);
    api.present = [pod('a', { uid: 'uid-new' })];
    expect((await api.drainSlice('n', policy, now)).evicted).toEqual(['default/a']);
  });

  it('says who is still there', async () => {
    const api = apiServer([pod('a'), pod('b', { deletion })], { answers: { a: blocked } });
    const { left } = await api.drainSlice('n', policy, now);
    expect(left.map(({ pod: name, state }) => [name, state])).toEqual([
      ['default/a', 'blocked'],
      ['default/b', 'terminating'],
    ]);
  });

  it('does not wait for what was to be deleted long ago, when told so', async () => {
    const api = apiServer([pod('a', { deletion })]);
    const later = Date.parse(deletion.endsAt) + 21_000;
    const skip = { ...policy, skipWaitForDeleteSeconds: 20 };
    expect((await api.drainSlice('n', skip, later)).left).toEqual([]);
  });
});

describe('asking for an eviction', () => {
  it.each([
    ['a budget refuses three times', [blocked, blocked, blocked, accepted], 'drained', 4],
    ['the server is overloaded at first', [overloaded, accepted], 'drained', 2],
    ['the server fails at first', [refused(500, { message: 'etcd' }), accepted], 'drained', 2],
    ['the namespace is terminating', [terminatingNamespace, accepted], 'drained', 2],
    ['two budgets select it', [twoBudgets], 'refused', 1],
    ['we may not', [refused(403, { message: 'cannot create pods/eviction' })], 'refused', 1],
  ] as const)('when %s', async (_when, answers, ends, times) => {
    const api = apiServer([pod('a')], { answers: { a: answers } });
    expect(await drain(api, policy)).toBe(ends);
    expect(api.asked).toHaveLength(times);
  });

  it('waits for a pod that its terminating namespace takes away', async () => {
    const api = apiServer([pod('a')], { answers: { a: terminatingNamespace } });
    await api.drainSlice('n', policy, now);
    api.present = [pod('a', { deletion })];
    const { left } = await api.drainSlice('n', policy, now);
    expect([left[0]?.state, api.asked.length]).toEqual(['terminating', 1]);
  });

  it('finds a pod that came after the first list', async () => {
    const api = apiServer([pod('a')]);
    await api.drainSlice('n', policy, now);
    api.present = [...api.present, pod('late')];
    expect((await api.drainSlice('n', policy, now)).evicted).toEqual(['default/late']);
  });

  it('never has more accepted in a slice than it may, and gets to the end', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 20 }),
        fc.array(fc.constantFrom(blocked, accepted, overloaded), { maxLength: 60 }),
        async (count, parallelEvictions, told) => {
          const pods = Array.from({ length: count }, (_, index) => pod(`p${index}`));
          const answers = Object.fromEntries(
            pods.map(({ name }, index) => [name, [told[index] ?? accepted, accepted]]),
          );
          const api = apiServer(pods, { answers });
          for (let slice = 0; slice < 200; slice += 1) {
            const { evicted, left } = await api.drainSlice(
              'n',
              { ...policy, parallelEvictions },
              now,
            );
            expect(evicted.length).toBeLessThanOrEqual(parallelEvictions);
            if (left.length === 0) break;
            api.end();
          }
          expect(api.present).toEqual([]);
        },
      ),
      { numRuns: 50 },
    );
  });
});

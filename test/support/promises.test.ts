import type { AuditAction, AuditLine } from '../../local/azure/audit.ts';
import { markAnnotation, scaleDownAnnotation } from './evidence.ts';
import type { Evidence, NodeNow, NodeReport, Scene } from './evidence.ts';
import {
  drainedFirst,
  leftAsFound,
  neverOutOfHours,
  neverTwice,
  nothingLeft,
  nothingSilent,
  oneAtATime,
  proved,
  unknownIsNo,
} from './promises.ts';

/** A checker that cannot fail checks nothing: each is shown a log that breaks its promise. */

const cluster = 'shop';
const start = Date.UTC(2026, 0, 5, 22);
const time = (minutes: number) => new Date(start + minutes * 60_000).toISOString();

interface Entry {
  minutes: number;
  node: string;
  action: AuditAction;
  actor?: string;
  status?: number;
  detail?: Record<string, unknown>;
  scene?: Partial<Scene>;
}

const calm: Omit<Scene, 'node' | 'cluster'> = {
  unschedulable: false,
  pool: 'web',
  marked: false,
  ready: true,
  scaleDown: null,
  pods: [
    {
      name: 'kube-system/proxy',
      owner: 'DaemonSet/proxy',
      mirror: false,
      ready: true,
      terminating: false,
      finished: false,
    },
  ],
  sentinelSince: 0,
  bootId: 'old',
  kernel: '5.15.0-1',
  vmId: 'vm',
  bornAt: 1,
  clusterState: 'Succeeded',
  poolState: 'Succeeded',
  honest: true,
  operations: 1,
  restartsItself: true,
};
const web = {
  name: 'default/web',
  owner: 'ReplicaSet/web',
  mirror: false,
  ready: true,
  terminating: false,
  finished: false,
};
const mark = (attempt?: number) => ({
  annotations: {
    [markAnnotation]: JSON.stringify({
      run: 'r',
      ...(attempt === undefined ? {} : { attempt: { number: attempt } }),
    }),
  },
});
const out = { unschedulable: true, marked: true };
const fresh = { bootId: 'new', kernel: '5.15.0-2', sentinelSince: undefined, operations: 0 };

/** An honest reboot of one node, begun at `from`: eleven lines. */
function reboot(node: string, from: number): Entry[] {
  const entry = (
    minutes: number,
    action: AuditAction,
    more: Omit<Entry, 'minutes' | 'node' | 'action'> = {},
  ): Entry => ({ minutes: from + minutes, node, action, ...more });
  const azure = { actor: 'azure', status: 0 };
  return [
    entry(0, 'probe', { status: 202 }),
    entry(1, 'cordon', { detail: mark(), scene: out }),
    entry(1, 'annotate', { detail: mark(), scene: out }),
    entry(2, 'evict', { status: 201, scene: out }),
    entry(3, 'annotate', { detail: mark(1), scene: out }),
    entry(3, 'restart', { status: 202, detail: { taken: true }, scene: out }),
    entry(4, 'down', azure),
    entry(4, 'ready', { ...azure, detail: { ready: 'Unknown' } }),
    entry(6, 'booted', azure),
    entry(6, 'ready', { ...azure, detail: { ready: 'True' } }),
    entry(8, 'probe', { status: 202, scene: { ...out, ...fresh } }),
    entry(9, 'uncordon', { detail: { annotations: { [markAnnotation]: null } }, scene: fresh }),
    entry(9, 'annotate', { detail: { annotations: { [markAnnotation]: null } }, scene: fresh }),
  ];
}

const nodeNow = (node: string, more: Partial<NodeNow> = {}): NodeNow => ({
  cluster,
  node,
  unschedulable: false,
  pool: 'web',
  marked: false,
  ready: true,
  scaleDown: null,
  ...more,
});

const nodeReport = (node: string, kind = 'rebooted'): NodeReport => ({
  node,
  pool: 'web',
  decision: { kind: 'reboot', reasons: [] },
  outcome: { kind, reasons: [{ kind: 'probe', value: 'because' }] },
  bootIdBefore: 'old',
  bootIdAfter: 'new',
  kernelAfter: '5.15.0-2',
  wasUnschedulable: false,
  instants: {},
});

interface Doctoring {
  entries?: Entry[];
  before?: NodeNow[];
  after?: NodeNow[];
  nodes?: NodeReport[];
  dryRun?: boolean;
}

const honest = () => [...reboot('a', 0), ...reboot('b', 10)];

/** The honest log of two reboots, unless something is put in its place. */
function evidence(given: Doctoring = {}): Evidence {
  const { entries = honest(), nodes = [nodeReport('a'), nodeReport('b')] } = given;
  const scenes = new Map<number, Scene>();
  const sorted = [...entries].sort((one, other) => one.minutes - other.minutes);
  const lines = sorted.map((entry, index): AuditLine => {
    const { minutes, node, action, actor = 'app', status = 200, detail = {}, scene } = entry;
    const seq = index + 1;
    if (actor === 'app') scenes.set(seq, { ...calm, cluster, node, ...scene });
    return { t: time(minutes), seq, actor, cluster, node, action, status, detail };
  });
  const report = {
    run: 'r',
    status: 'completed',
    request: { dryRun: given.dryRun === true },
    startedAt: time(0),
    endedAt: time(1000),
    clusters: [{ cluster, id: cluster, reasons: [], nodes }],
  };
  const both = [nodeNow('a'), nodeNow('b')];
  const { before = both, after = both } = given;
  return {
    lines,
    actors: new Set(['app']),
    scenes,
    before,
    after,
    departures: [],
    reports: [report],
  };
}

/** The honest log, with what the function makes of each entry. */
const doctored = (change: (entry: Entry, index: number) => Entry | Entry[]) =>
  evidence({ entries: honest().flatMap(change) });

const onA = (action: AuditAction, index: number) => (entry: Entry, at: number) =>
  entry.node === 'a' && entry.action === action && at === index;

/** Changes one entry of node a. */
const altered = (index: number, action: AuditAction, change: (entry: Entry) => Entry | Entry[]) =>
  doctored((entry, at) => (onA(action, index)(entry, at) ? change(entry) : entry));

const sceneWith = (index: number, action: AuditAction, scene: Partial<Scene>) =>
  altered(index, action, (entry) => ({ ...entry, scene: { ...entry.scene, ...scene } }));

describe('an honest log', () => {
  it.each([
    ['one at a time', oneAtATime],
    ['drained first', drainedFirst],
    ['proved', proved],
    ['left as found', leftAsFound],
    ['never twice', neverTwice],
    ['unknown is no', unknownIsNo],
    ['nothing left', nothingLeft],
    ['nothing silent', nothingSilent],
  ])('breaks nothing: %s', (_name, checker) => {
    expect(checker(evidence())).toEqual([]);
  });
});

describe('one at a time is broken by', () => {
  it('a second cordon before the first node is back', () => {
    const entries = [...reboot('a', 0), ...reboot('b', 5)];
    expect(oneAtATime(evidence({ entries }))).toEqual([expect.stringContaining('a, b')]);
    expect(oneAtATime(evidence({ entries }), 2)).toEqual([]);
  });

  it('a node that was uncordoned before it was Ready', () => {
    const late = altered(9, 'ready', (entry) => ({ ...entry, minutes: 12 }));
    expect(oneAtATime(late)).toHaveLength(1);
  });

  it('nothing, when a person has released the first one', () => {
    const stuck = reboot('a', 0).filter(({ minutes }) => minutes < 9);
    const entries = [...stuck, ...reboot('b', 10)];
    expect(oneAtATime(evidence({ entries }))).toHaveLength(1);
    const release: Entry = { minutes: 9, node: 'a', action: 'uncordon', actor: 'person' };
    expect(oneAtATime(evidence({ entries: [...entries, release] }))).toEqual([]);
  });
});

describe('drained first is broken by', () => {
  it('a pod that is still there', () => {
    expect(drainedFirst(sceneWith(5, 'restart', { pods: [web] }))).toEqual([
      expect.stringContaining('default/web'),
    ]);
  });

  it('a pod that is about to end', () => {
    const pods = [{ ...web, terminating: true }];
    expect(drainedFirst(sceneWith(5, 'restart', { pods }))).toHaveLength(1);
  });

  it('a node that is not cordoned', () => {
    expect(drainedFirst(sceneWith(4, 'annotate', { unschedulable: false }))).toHaveLength(1);
  });
});

describe('proved is broken by', () => {
  it.each<[string, Partial<Scene>]>([
    ['the same boot id', { bootId: 'old' }],
    ['another kernel than the report says', { kernel: '5.15.0-3' }],
    ['another machine', { vmId: 'other' }],
    ['another root file system', { bornAt: 2 }],
    ['a sentinel', { sentinelSince: 0 }],
    ['a node that is not Ready', { ready: false }],
    ['a DaemonSet that is not back', { pods: calm.pods.map((pod) => ({ ...pod, ready: false })) }],
  ])('%s', (_name, scene) => {
    expect(proved(sceneWith(12, 'annotate', scene))).not.toEqual([]);
  });

  it('a Ready that is too young', () => {
    expect(proved(altered(9, 'ready', (entry) => ({ ...entry, minutes: 8.9 })))).toHaveLength(1);
  });

  it('nothing, when the sentinel came after the node was asked', () => {
    const sentinelSince = Date.parse(time(8.5));
    expect(proved(sceneWith(12, 'annotate', { sentinelSince }))).toEqual([]);
  });

  it('a sentinel that nobody asked for after the boot', () => {
    expect(proved(altered(10, 'probe', () => []))).toHaveLength(1);
  });

  it('a node that was never put back', () => {
    const entries = honest().filter(({ node, minutes }) => node !== 'a' || minutes < 9);
    expect(proved(evidence({ entries }))).toHaveLength(1);
  });
});

describe('left as found is broken by', () => {
  it('a node that stays cordoned', () => {
    const entries = honest().filter(({ node, minutes }) => node !== 'a' || minutes < 9);
    const after = [nodeNow('a', { unschedulable: true, marked: true }), nodeNow('b')];
    expect(leftAsFound(evidence({ entries, after }))).toHaveLength(1);
    // Unless it is said that a person has to look.
    const nodes = [nodeReport('a', 'notReady'), nodeReport('b')];
    expect(leftAsFound(evidence({ entries, after, nodes }))).toEqual([]);
  });

  it('a mark that stays behind', () => {
    expect(leftAsFound(evidence({ after: [nodeNow('a', { marked: true })] }))).toHaveLength(1);
    expect(nothingLeft(evidence({ after: [nodeNow('a', { marked: true })] }))).toHaveLength(1);
  });

  it("a person's cordon that was taken off", () => {
    const before = [nodeNow('a', { unschedulable: true }), nodeNow('b')];
    const entries = honest().filter(({ action }) => action !== 'cordon');
    expect(leftAsFound(evidence({ before, entries }))).toEqual([expect.stringContaining('a')]);
  });

  it('an autoscaler that is told something else than before', () => {
    const told = (scaleDown: string | null) => [nodeNow('a', { scaleDown }), nodeNow('b')];
    expect(leftAsFound(evidence({ after: told('true') }))).toHaveLength(1);
    expect(leftAsFound(evidence({ before: told('false'), after: told('false') }))).toEqual([]);
    // Unless somebody else has said so meanwhile.
    const detail = { annotations: { [scaleDownAnnotation]: 'false' } };
    const person: Entry = { minutes: 2, node: 'a', action: 'annotate', actor: 'person', detail };
    const entries = [...honest(), { ...person, status: 200 }];
    expect(leftAsFound(evidence({ entries, after: told('false') }))).toEqual([]);
    expect(leftAsFound(evidence({ entries, after: told(null) }))).toHaveLength(1);
  });
});

describe('never twice is broken by', () => {
  const again = (minutes: number): Entry[] => [
    { minutes, node: 'a', action: 'annotate', detail: mark(2), scene: out },
    { minutes, node: 'a', action: 'restart', status: 202, detail: { taken: true }, scene: out },
  ];
  const stuck = reboot('a', 0).slice(0, 6);

  it('a second restart before the boot deadline', () => {
    expect(neverTwice(evidence({ entries: [...stuck, ...again(20)] }))).toHaveLength(1);
    expect(neverTwice(evidence({ entries: [...stuck, ...again(33)] }))).toEqual([]);
  });

  it('a third restart of the same boot', () => {
    const entries = [...stuck, ...again(33), ...again(66)];
    expect(neverTwice(evidence({ entries }))).toHaveLength(1);
  });

  it('a request that is sent again before its attempt is written again', () => {
    const unsure = altered(5, 'restart', (entry) => [
      { ...entry, status: 500, detail: { taken: false } },
      entry,
    ]);
    expect(neverTwice(unsure)).not.toEqual([]);
    const refused = (entry: Entry) => ({ ...entry, status: 409, detail: { taken: false } });
    const atOnce = altered(5, 'restart', (entry) => [refused(entry), entry]);
    expect(neverTwice(atOnce)).toHaveLength(1);
    const written = altered(5, 'restart', (entry) => [
      refused(entry),
      { ...entry, action: 'annotate', status: 200, detail: mark(1) },
      entry,
    ]);
    expect(neverTwice(written)).toEqual([]);
  });

  it('a node that is put back while Azure restarts it', () => {
    const entry = { node: 'a', action: 'annotate' as const };
    const detail = { annotations: { [markAnnotation]: null } };
    const release: Entry = { minutes: 4, ...entry, detail, scene: out };
    expect(neverTwice(evidence({ entries: [...stuck, release] }))).toHaveLength(1);
    const ended = { ...release, scene: { ...out, operations: 0 } };
    expect(neverTwice(evidence({ entries: [...stuck, ended] }))).toEqual([]);
  });

  it('a restart whose attempt is not on the node', () => {
    expect(neverTwice(altered(4, 'annotate', () => []))).toHaveLength(1);
    const removedAt = (minutes: number) =>
      altered(4, 'annotate', (entry) => [
        { ...entry, minutes: 2.1 },
        {
          minutes,
          node: 'a',
          action: 'annotate',
          actor: 'person',
          detail: { annotations: { [markAnnotation]: null } },
        },
      ]);
    expect(neverTwice(removedAt(2.2))).not.toEqual([]);
    expect(neverTwice(removedAt(2.9))).toEqual([]);
  });
});

describe('never out of hours is broken by', () => {
  const window = (from: number, to: number) => [{ from: time(from), to: time(to) }];

  it('a cordon outside of the window', () => {
    expect(neverOutOfHours(evidence(), window(0, 60), 30)).toEqual([]);
    expect(neverOutOfHours(evidence(), window(5, 60), 30)).toHaveLength(1);
  });

  it('a cordon that leaves too little of it', () => {
    expect(neverOutOfHours(evidence(), window(0, 40), 30)).toHaveLength(1);
  });
});

describe('unknown is no is broken by', () => {
  it.each<[string, Partial<Scene>]>([
    ['no sentinel', { sentinelSince: undefined }],
    ["another cluster's machine", { honest: false }],
    ['a node that is not Ready', { ready: false }],
    ['a cluster that is busy', { clusterState: 'Updating' }],
    ['a pool that is busy', { poolState: 'Upgrading' }],
  ])('a cordon in spite of %s', (_name, scene) => {
    expect(unknownIsNo(sceneWith(2, 'annotate', scene))).toHaveLength(1);
  });

  it('a cordon of a node that was not asked', () => {
    expect(unknownIsNo(altered(0, 'probe', () => []))).toHaveLength(1);
  });

  it('a cordon after a probe that was refused', () => {
    const refused = altered(0, 'probe', (entry) => ({ ...entry, status: 409 }));
    expect(unknownIsNo(refused)).toHaveLength(1);
  });
});

describe('nothing silent is broken by', () => {
  const saying = (outcome: NodeReport['outcome']) =>
    nothingSilent(evidence({ nodes: [{ ...nodeReport('a'), outcome }, nodeReport('b')] }));

  it('a node that is not in the report', () => {
    expect(nothingSilent(evidence({ nodes: [nodeReport('a')] }))).toHaveLength(1);
  });

  it('an outcome that is none', () => {
    expect(saying({ kind: 'fine', reasons: [{ kind: 'probe', value: 'why' }] })).toHaveLength(1);
  });

  it('an outcome without reasons, without words, or with a reason that is none', () => {
    expect(saying({ kind: 'rebooted', reasons: [] })).toHaveLength(1);
    expect(saying({ kind: 'rebooted', reasons: [{ kind: 'probe', value: ' ' }] })).toHaveLength(1);
    expect(saying({ kind: 'rebooted', reasons: [{ kind: 'moon', value: 'x' }] })).toHaveLength(1);
  });

  it('a restart that is told as nothing', () => {
    const deferred = { kind: 'deferred', reasons: [{ kind: 'turn', value: 'later' }] };
    expect(saying(deferred)).toHaveLength(1);
  });

  it('a reboot that did not happen', () => {
    const entries = reboot('b', 10);
    expect(nothingSilent(evidence({ entries }))).toHaveLength(1);
  });

  it('a dry run that touches something', () => {
    expect(nothingSilent(evidence({ dryRun: true }))).toHaveLength(2);
    const entries = [reboot('a', 0), reboot('b', 10)].flatMap(([first]) => first ?? []);
    const nodes = [nodeReport('a', 'deferred'), nodeReport('b', 'deferred')];
    expect(nothingSilent(evidence({ entries, nodes, dryRun: true }))).toEqual([]);
  });
});

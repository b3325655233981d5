import fc from 'fast-check';
import { missingActions } from '../../src/domain/permission.ts';
import {
  clusterKey,
  instanceRefId,
  parseClusterId,
  parseInstanceRef,
  sameArmId,
  shortHash,
} from '../../src/domain/arm.ts';
import { attentionOf } from '../../src/domain/attention.ts';
import { epochMs, instantSchema, isoInstant } from '../../src/domain/instant.ts';
import {
  lastRebootAnnotation,
  markAnnotation,
  readLastReboot,
  readMark,
  writeLastReboot,
  writeMark,
} from '../../src/domain/mark.ts';
import type { LastReboot, Mark } from '../../src/domain/mark.ts';
import { conditionalPatch } from '../../src/domain/node.ts';
import type { NodeView } from '../../src/domain/node.ts';
import { addCounts, countOutcomes, needsPerson, outcomeKinds } from '../../src/domain/outcome.ts';
import { reasonOfTrouble } from '../../src/domain/reason.ts';
import { instanceIds, runId, runIdPattern } from '../../src/domain/run.ts';
import type { NodeReport } from '../../src/domain/run.ts';
import { isTransient, troubleKinds } from '../../src/domain/trouble.ts';

const subscription = '11111111-2222-4333-8444-555555555555';
const group = `/subscriptions/${subscription}/resourceGroups/MC_rg_one_westeurope`;
const compute = `${group}/providers/Microsoft.Compute`;
const scaleSetVm = `${compute}/virtualMachineScaleSets/aks-work-12345678-vmss/virtualMachines/12`;
const vm = `${compute}/virtualMachines/aks-alone-12345678-vms1`;
const clusterIdOf = (name: string) =>
  `/subscriptions/${subscription}/resourceGroups/rg/providers` +
  `/Microsoft.ContainerService/managedClusters/${name}`;
const clusterOf = (name: string) => {
  const cluster = parseClusterId(clusterIdOf(name));
  if (cluster === undefined) throw new Error(`no cluster: ${name}`);
  return cluster;
};

describe('an ARM id', () => {
  it('of an instance is read from ARM and from a node alike, in any case', () => {
    for (const id of [scaleSetVm, `azure://${scaleSetVm}`, `AZURE://${scaleSetVm.toUpperCase()}`]) {
      const ref = parseInstanceRef(id);
      expect(ref?.kind).toBe('scaleSetVm');
      expect(sameArmId(ref === undefined ? '' : instanceRefId(ref), scaleSetVm)).toBe(true);
    }
  });

  it.each([scaleSetVm, vm])('is written as it was read: %s', (id) => {
    const ref = parseInstanceRef(id);
    expect(ref === undefined ? undefined : instanceRefId(ref)).toBe(id);
  });

  it.each([
    ['nothing', ''],
    ['another cloud', 'aws:///eu-central-1a/i-0123456789'],
    ['a scale set without an instance', scaleSetVm.replace(/\/virtualMachines.*/u, '')],
    ['something below the instance', `${scaleSetVm}/runCommands/x`],
    ['another kind of resource', vm.replace('virtualMachines', 'disks')],
    ['a climb out of the scale set', scaleSetVm.replace('aks-work-12345678-vmss', '..')],
    ['a climb out of the group', vm.replace('aks-alone-12345678-vms1', '..')],
    ['an escaped slash', vm.replace('alone', '%2f')],
    ['a query', `${vm}?api-version=x`],
    ['a fragment', `${vm}#x`],
    ['a host', `https://evil.example${vm}`],
    ['a letter that only looks like one', vm.replace('aks', 'a\u212as')],
    ['a line break', `${vm}\n`],
  ])('with %s names no instance', (_what, id) => {
    expect(parseInstanceRef(id)).toBeUndefined();
  });

  it('of a cluster gives a key that is safe in ids, URLs and file names, whatever its case', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Za-z0-9_-]{1,63}$/u), (name) => {
        const key = clusterKey(clusterOf(name));
        expect(key).toMatch(/^[a-z0-9_-]{12,42}$/u);
        expect(clusterKey(clusterOf(name.toUpperCase()))).toBe(key);
      }),
    );
  });

  it('hashes to a name of its own', () => {
    const texts = Array.from({ length: 20_000 }, (_, index) => `node-${index}`);
    expect(new Set(texts.map(shortHash)).size).toBe(texts.length);
    expect(shortHash('')).toMatch(/^[a-z0-9]{10,11}$/u);
  });
});

describe('an instant', () => {
  it('is written with milliseconds in UTC and read back', () => {
    expect(isoInstant(Date.UTC(2026, 10, 23, 22))).toBe('2026-11-23T22:00:00.000Z');
    fc.assert(
      fc.property(fc.integer({ min: 0, max: Date.UTC(9999, 11, 31) }), (epoch) => {
        const text = isoInstant(epoch);
        expect(text).toBe(new Date(epoch).toISOString());
        expect(epochMs(text)).toBe(epoch);
        expect(instantSchema.safeParse(text).success).toBe(true);
      }),
    );
  });

  it('that is let in can be read', () => {
    const digits = fc.stringMatching(/^\d{0,12}$/u);
    fc.assert(
      fc.property(digits, (fraction) => {
        const text = `2026-11-23T22:00:00.${fraction}Z`;
        fc.pre(instantSchema.safeParse(text).success);
        expect(epochMs(text)).toBeGreaterThan(0);
      }),
    );
    expect(instantSchema.safeParse('2026-11-23T22:00:00.1234567890Z').success).toBe(false);
  });
});

const mark: Mark = {
  version: 1,
  controller: 'night-shift',
  run: '20261123T220000Z-a1b2c3',
  fence: 7,
  bootId: 'boot-0',
  uid: 'uid-0',
  vmId: 'vm-0',
  birth: 0,
  kernel: '6.8.0-1021-azure',
  wasUnschedulable: true,
  daemonSetsReady: Array.from({ length: 300 }, (_, index) => `kube-system/agent-${index}`),
  need: 'hash',
  since: '2026-11-23T22:00:00.000Z',
};
const note: LastReboot = {
  at: '2026-11-23T22:00:00.000Z',
  bootIdBefore: 'boot-0',
  bootIdAfter: 'boot-1',
  need: 'hash',
  kernel: '6.8.0-1022-azure',
  run: '20261123T220000Z-a1b2c3',
};

describe('a mark', () => {
  const read = (text: string) => readMark({ [markAnnotation]: text });

  it('is read as it was written, at every stage of the work', () => {
    const attempt = { number: 2, at: note.at };
    const stuck = { kind: 'notReady', value: 'x'.repeat(500), at: note.at };
    for (const value of [mark, { ...mark, attempt }, { ...mark, attempt, stuck }]) {
      const text = writeMark(value);
      expect(read(text)).toEqual({ kind: 'read', value, text });
    }
  });

  it('is none where there is no annotation', () => {
    expect(readMark({ other: 'x' })).toEqual({ kind: 'none' });
  });

  it.each([
    ['no JSON', 'x'],
    ['empty', ''],
    ['of a later version', JSON.stringify({ ...mark, version: 2 })],
    ['without a controller', JSON.stringify({ ...mark, controller: '' })],
    ['without a boot id', JSON.stringify({ ...mark, bootId: '' })],
    ['with a third attempt', JSON.stringify({ ...mark, attempt: { number: 3, at: note.at } })],
    ['with a negative number', JSON.stringify({ ...mark, fence: -1 })],
    ['since an instant that nobody can read', JSON.stringify({ ...mark, since: 'yesterday' })],
  ])("that is %s is somebody's, never none", (_what, text) => {
    expect(read(text)).toEqual({ kind: 'unreadable', text });
  });

  it('of whatever text is never taken for none, and reading it never throws', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(read(text).kind).not.toBe('none');
        expect(readLastReboot({ [lastRebootAnnotation]: text }).kind).not.toBe('none');
      }),
    );
  });
});

describe('a last-reboot note', () => {
  it('is read as it was written', () => {
    const text = writeLastReboot(note);
    const annotations = { [lastRebootAnnotation]: text };
    expect(readLastReboot(annotations)).toEqual({ kind: 'read', value: note, text });
    expect(readLastReboot({})).toEqual({ kind: 'none' });
  });
});

describe('a conditional patch', () => {
  const node = (annotations: Record<string, string>, unschedulable = false): NodeView => ({
    name: 'n',
    uid: 'u',
    resourceVersion: '42',
    providerId: '',
    createdAt: '',
    unschedulable,
    ready: true,
    readySince: '',
    bootId: '',
    kernel: '',
    osImage: '',
    os: 'linux',
    kubeletVersion: '',
    pool: '',
    labels: {},
    taints: [],
    conditions: [],
    annotations,
  });
  const test = { op: 'test', path: '/metadata/resourceVersion', value: '42' };
  const markPath = '/metadata/annotations/aks-reboot-orchestrator~1mark';

  it('cordons and marks in one write, which only a node unchanged since it was seen takes', () => {
    const annotations = { [markAnnotation]: 'm' };
    expect(conditionalPatch(node({ a: 'b' }), { unschedulable: true, annotations })).toEqual([
      test,
      { op: 'add', path: '/spec/unschedulable', value: true },
      { op: 'add', path: markPath, value: 'm' },
    ]);
  });

  it('leaves the cordon alone when the node has it already', () => {
    const patch = conditionalPatch(node({ a: 'b' }, true), {
      unschedulable: true,
      annotations: { [markAnnotation]: 'm' },
    });
    expect(patch.map(({ path }) => path)).toEqual(['/metadata/resourceVersion', markPath]);
  });

  it('makes room for the first annotation of a node', () => {
    expect(conditionalPatch(node({}), { annotations: { [markAnnotation]: 'm' } })).toEqual([
      test,
      { op: 'add', path: '/metadata/annotations', value: {} },
      { op: 'add', path: markPath, value: 'm' },
    ]);
  });

  it('uncordons and unmarks in one write', () => {
    const change = { unschedulable: false, annotations: { [markAnnotation]: undefined } };
    expect(conditionalPatch(node({ [markAnnotation]: 'm' }, true), change)).toEqual([
      test,
      { op: 'add', path: '/spec/unschedulable', value: false },
      { op: 'remove', path: markPath },
    ]);
  });

  it('does not remove what is not there, which would fail the whole patch', () => {
    const change = { annotations: { [markAnnotation]: undefined } };
    expect(conditionalPatch(node({ a: 'b' }), change)).toEqual([test]);
  });

  it('escapes what a JSON Pointer reads as more than a name', () => {
    const [, add] = conditionalPatch(node({ a: 'b' }), { annotations: { 'a~b/c': 'x' } });
    expect(add?.path).toBe('/metadata/annotations/a~0b~1c');
  });
});

describe('outcomes', () => {
  it('that need a person are exactly those that neither are done nor wait', () => {
    expect(outcomeKinds.filter(needsPerson)).toEqual([
      'unknown',
      'undrainable',
      'notRebooted',
      'notReady',
      'stillRequired',
      'failed',
    ]);
  });

  it('are counted, and counts of clusters add up to those of the run', () => {
    const kinds = fc.array(fc.constantFrom(...outcomeKinds).map((kind) => ({ kind })));
    fc.assert(
      fc.property(kinds, kinds, (a, b) => {
        expect(addCounts(countOutcomes(a), countOutcomes(b))).toEqual(countOutcomes([...a, ...b]));
      }),
    );
    expect(countOutcomes([{ kind: 'gone' }, { kind: 'gone' }])).toEqual({ gone: 2 });
  });
});

describe('trouble', () => {
  it('that passes by itself is worth asking again, what a person has to mend is not', () => {
    const transient = troubleKinds.filter((kind) => isTransient({ kind, value: '' }));
    expect(transient).toEqual(['throttled', 'conflict', 'unreachable', 'timeout']);
  });

  it.each(troubleKinds)('%s is a reason of its own', (kind) => {
    expect(reasonOfTrouble({ kind, value: 'why', status: 500 })).toEqual({ kind, value: 'why' });
  });
});

describe('names of a run', () => {
  it('sort by time', () => {
    expect(runId('2026-11-23T22:01:02.345Z', 'a1b2c3')).toBe('20261123T220102Z-a1b2c3');
    const date = fc.date({
      min: new Date('2000-01-01'),
      max: new Date('2999-01-01'),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(date, date, (a, b) => {
        const [early, late] = [a, b].map((one) => runId(one.toISOString(), 'zzzzzz'));
        expect(early).toMatch(runIdPattern);
        expect(a.getTime() <= b.getTime() ? (early ?? '') <= (late ?? '') : true).toBe(true);
      }),
    );
  });

  it('are all different, and fit what the durable extension takes', () => {
    const run = runId('2026-11-23T22:01:02.345Z', 'a1b2c3');
    const cluster = clusterKey(clusterOf('x'.repeat(63)));
    const node = 'n'.repeat(253);
    const ids = [
      instanceIds.run(run),
      instanceIds.lane(run, 9),
      instanceIds.cluster(run, cluster),
      instanceIds.probes(run, cluster, 0),
      instanceIds.probes(run, cluster, 19),
      instanceIds.turns(run, cluster, 49),
      instanceIds.node(run, cluster, node, 'reboot'),
      instanceIds.node(run, cluster, node, 'recover'),
      instanceIds.node(run, cluster, `${node}x`, 'reboot'),
      instanceIds.node(run, `${cluster}x`, node, 'reboot'),
    ];
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9:_-]{1,99}$/u);
  });
});

describe('permissions', () => {
  const grant = (actions: string[], notActions: string[] = []) => [{ actions, notActions }];
  const restart = 'Microsoft.Compute/virtualMachines/restart/action';

  it.each([
    ['the action itself, in any case', grant([restart.toUpperCase()]), true],
    ['everything', grant(['*']), true],
    ['a wildcard at its end', grant(['Microsoft.Compute/virtualMachines/*']), true],
    ['a wildcard in its middle', grant(['Microsoft.Compute/*/action']), true],
    ['everything but it', grant(['*'], [restart]), false],
    [
      'one role taking away what another grants',
      [...grant(['*'], [restart]), ...grant([restart])],
      true,
    ],
    ['another action of the same beginning', grant([`${restart}s`]), false],
    ['another action of the same end', grant([`x${restart}`]), false],
    [
      'a dot that is no wildcard',
      grant(['Microsoft_Compute/virtualMachines/restart/action']),
      false,
    ],
    ['nothing', [], false],
  ])('are there with %s: %#', (_what, permissions, granted) => {
    expect(missingActions([restart], permissions)).toEqual(granted ? [] : [restart]);
  });
});

describe('what people want to be told about', () => {
  const now = Date.parse('2026-01-20T00:00:00Z');
  type Kind = NodeReport['outcome']['kind'];
  function node(kind: Kind, more: Partial<NodeReport> = {}, reason = 'probe'): NodeReport {
    const reasons = [{ kind: reason, value: '' }] as NodeReport['outcome']['reasons'];
    return {
      node: 'a',
      pool: 'web',
      decision: { kind: 'reboot', reasons: [] },
      outcome: { kind, reasons },
      wasUnschedulable: false,
      bootIdBefore: 'b',
      kernelBefore: 'k',
      instants: {},
      ...more,
    };
  }
  const due = (since: string): Partial<NodeReport> => ({
    probe: {
      probe: { kind: 'unknown', reason: '' },
      vmId: 'v',
      at: since,
      due: { bootId: 'b', since },
    },
  });
  const asked = { restartAsked: '2026-01-19T00:00:00Z' };
  const back = { ...asked, uncordoned: '2026-01-19T00:10:00Z' };

  it.each<[string, NodeReport[], object]>([
    ['nothing', [node('rebooted'), node('notNeeded')], { needsPerson: 0, halted: false }],
    ['two nodes', [node('unknown'), node('undrainable')], { needsPerson: 2, halted: false }],
    [
      'a node that was restarted and is not proved',
      [node('notReady', { instants: asked })],
      { needsPerson: 1, halted: true },
    ],
    [
      'a node that was restarted and is back, but asks again',
      [node('stillRequired', { instants: back })],
      { needsPerson: 1, halted: false },
    ],
    [
      'nodes that wait for one that another run has left',
      [node('deferred', {}, 'halted')],
      { needsPerson: 0, halted: true },
    ],
    [
      'the oldest need that is not met',
      [
        node('rebooted', due('2026-01-01T00:00:00Z')),
        node('deferred', due('2026-01-10T00:00:00Z'), 'window'),
        node('undrainable', due('2026-01-17T12:00:00Z')),
      ],
      { needsPerson: 1, halted: false, oldestNeedDays: 10 },
    ],
  ])('is %s', (_what, nodes, attention) => {
    expect(attentionOf(nodes, now)).toEqual(attention);
  });
});

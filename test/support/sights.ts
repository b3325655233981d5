import type { Scene, Sight } from '../../src/decide/gate.ts';
import type { Match } from '../../src/decide/identity.ts';
import { kuredQuestions } from '../../src/decide/questions.ts';
import { parseInstanceRef } from '../../src/domain/arm.ts';
import type { ClusterFacts, Instance, PoolFacts } from '../../src/domain/cluster.ts';
import {
  lastRebootAnnotation,
  markAnnotation,
  writeLastReboot,
  writeMark,
} from '../../src/domain/mark.ts';
import type { Mark } from '../../src/domain/mark.ts';
import { needOf } from '../../src/domain/need.ts';
import type { NodeView } from '../../src/domain/node.ts';
import { keyOf } from '../../src/domain/outside.ts';
import type {
  AlertSeen,
  AlertsQuestion,
  Outside,
  PodSeen,
  PodsQuestion,
  PrometheusAnswer,
  PrometheusQuestion,
  Reading,
} from '../../src/domain/outside.ts';
import type { Probe } from '../../src/domain/probe.ts';
import { defaultPolicy } from '../../src/policy/settings.ts';
import type { Policy } from '../../src/policy/settings.ts';
import type { Window } from '../../src/policy/window.ts';

/** A node with nothing in its way, on a Friday evening, and what surrounds it: for tables of gates. */

export const subscription = '11111111-2222-4333-8444-555555555555';
export const nodeGroup = 'MC_rg_one_westeurope';
export const scaleSet = 'aks-work-12345678-vmss';
export const computeIn = (group: string, sub = subscription) =>
  `/subscriptions/${sub}/resourceGroups/${group}/providers/Microsoft.Compute`;
export const vmIn = (group: string, sub = subscription) =>
  `${computeIn(group, sub)}/virtualMachineScaleSets/${scaleSet}/virtualMachines/0`;

export const now = Date.UTC(2026, 10, 27, 22);
export const instant = (epoch: number) => new Date(epoch).toISOString();
export const dayMs = 24 * 60 * 60_000;

export function poolOf(name: string, over: Partial<PoolFacts> = {}): PoolFacts {
  return {
    name,
    type: 'VirtualMachineScaleSets',
    mode: 'User',
    provisioningState: 'Succeeded',
    powerState: 'Running',
    os: 'Linux',
    spot: false,
    count: 3,
    ...over,
  };
}
export const pool = poolOf('work');

export const cluster: ClusterFacts = {
  id: { subscription, resourceGroup: 'rg', name: 'one', id: 'unused' },
  location: 'westeurope',
  provisioningState: 'Succeeded',
  powerState: 'Running',
  nodeResourceGroup: nodeGroup,
  nodeResourceGroupLocked: false,
  kubernetesVersion: '1.33.1',
  entra: true,
  privateCluster: false,
  restrictedAddresses: false,
  runCommandDisabled: false,
  nodeOsChannel: 'SecurityPatch',
  maintenance: { kind: 'unknown', value: 'nobody asked for it' },
  pools: [pool, poolOf('system', { mode: 'System' })],
};

export function nodeOf(over: Partial<NodeView> = {}): NodeView {
  return {
    name: 'aks-work-12345678-vmss000000',
    uid: 'uid-0',
    resourceVersion: '7',
    providerId: `azure://${vmIn(nodeGroup.toLowerCase())}`,
    createdAt: instant(now - 30 * dayMs),
    unschedulable: false,
    ready: true,
    readySince: instant(now - dayMs),
    bootId: 'boot-0',
    kernel: '6.8.0-1021-azure',
    osImage: 'Ubuntu 24.04',
    os: 'linux',
    kubeletVersion: 'v1.33.1',
    pool: 'work',
    labels: {},
    taints: [],
    conditions: [],
    annotations: {},
    ...over,
  };
}

export const instance: Instance = {
  id: vmIn(nodeGroup),
  pool: 'work',
  computerName: 'aks-work-12345678-vmss000000',
  vmId: 'vm-0',
  provisioningState: 'Succeeded',
  powerState: 'running',
  agent: 'ready',
};

export function matchedOf(over: Partial<PoolFacts> = {}): Match {
  const ref = parseInstanceRef(instance.id);
  if (ref === undefined) throw new Error('the id is no instance');
  return { kind: 'matched', ref, instance, pool: { ...pool, ...over } };
}

export const answered = {
  bootId: 'boot-0',
  kernel: '6.8.0-1021-azure',
  uptimeSeconds: 9_000,
  birth: 0,
};
export const required = {
  kind: 'required' as const,
  ...answered,
  packages: ['libc6'],
} satisfies Probe;
export const notRequired = { kind: 'notRequired' as const, ...answered } satisfies Probe;

export interface SightOver {
  node?: Partial<NodeView>;
  match?: Match;
  probe?: Probe | null;
  policy?: Partial<Policy>;
}

export function sightOf(over: SightOver = {}) {
  const probe = over.probe === undefined ? required : over.probe;
  const sight: Sight = {
    node: nodeOf(over.node),
    match: over.match ?? matchedOf(),
    probe: probe === null ? undefined : { probe, vmId: 'vm-0', at: instant(now) },
    // Most tests know one node only.
    policy: { ...defaultPolicy, minReadyInPool: 0, ...over.policy },
  };
  return sight;
}

export type SceneOver = Omit<Partial<Scene>, 'cluster'> & {
  cluster?: Partial<ClusterFacts>;
};

export function sceneOf({ cluster: facts, ...over }: SceneOver = {}): Scene {
  return {
    now,
    run: '20261127T220000Z-a1b2c3',
    controller: 'night-shift',
    concurrency: 1,
    cluster: { ...cluster, ...facts },
    limits: { pools: [], nodes: [] },
    ringHeld: [],
    holds: [],
    canceled: undefined,
    maintenance: { kind: 'unknown', value: 'nobody asked for it' },
    paces: {},
    access: { way: 'api', why: 'its API server is public' },
    commandHosts: [],
    outside: quiet,
    force: undefined,
    approvals: { vouched: true, asked: true, given: [] },
    claimedBy: undefined,
    marked: [],
    refused: [],
    serving: new Map(),
    ...over,
  };
}

export const mark: Mark = {
  version: 1,
  controller: 'night-shift',
  run: '20261127T200000Z-000000',
  fence: 3,
  bootId: 'boot-1',
  uid: 'uid-1',
  vmId: 'vm-1',
  birth: 0,
  kernel: '6.8.0-1021-azure',
  wasUnschedulable: false,
  daemonSetsReady: [],
  need: 'x',
  since: instant(now - 60_000),
};
export const stuck: Mark = {
  ...mark,
  stuck: { kind: 'notReady', value: 'it stays down', at: mark.since },
};
export const markedNode = (name: string, text = writeMark(mark)) =>
  nodeOf({ name, unschedulable: true, annotations: { [markAnnotation]: text } });

export const rebootedAt = (at: number, over: { need?: string; kernel?: string } = {}) => ({
  [lastRebootAnnotation]: writeLastReboot({
    at: instant(at),
    bootIdBefore: 'boot-00',
    bootIdAfter: 'boot-0',
    need: 'another',
    kernel: '6.8.0-1021-azure',
    run: 'r',
    ...over,
  }),
});
export const sameNeed = needOf({ ...required, kind: 'required', packages: ['libc6'] }, '').hash;

/** What outside sources said: nothing, unless a test says what. */
export function outsideOf(said: {
  pods?: readonly [PodsQuestion, Reading<readonly PodSeen[]>][];
  prometheus?: readonly [PrometheusQuestion, Reading<PrometheusAnswer>][];
  alerts?: readonly [AlertsQuestion, Reading<readonly AlertSeen[]>][];
}): Outside {
  const { pods = [], prometheus = [], alerts = [] } = said;
  const noKured = kuredQuestions.map((question) => [question, read([])] as const);
  return {
    pods: new Map([...noKured, ...pods].map(([question, one]) => [keyOf(question), one])),
    prometheus: new Map(prometheus.map(([question, one]) => [keyOf(question), one])),
    alerts: new Map(alerts.map(([question, one]) => [keyOf(question), one])),
  };
}
export function read<T>(value: T): Reading<T> {
  return { kind: 'read', value };
}
export const unread: Reading<never> = { kind: 'unread', value: 'unreachable: no route to host' };
const quiet = outsideOf({});

export const hold = {
  scope: 'fleet',
  hold: { who: 'ada', why: 'release day', since: instant(now) },
};
export const fridays: Extract<Window, { kind: 'weekly' }> = {
  kind: 'weekly',
  days: [5],
  start: '20:00',
  ends: { kind: 'after', minutes: 240 },
  timeZone: 'UTC',
};

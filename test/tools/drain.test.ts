import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { seededRandom } from '../../local/azure/random.ts';
import type { DrainPolicy, PodLeft } from '../../src/domain/drain.ts';
import { selects } from '../../src/domain/selector.ts';
import { createKubernetes as createAdapter } from '../../src/kubernetes/kubernetes.ts';
import type { Kubernetes as Port } from '../../src/ports.ts';
import { policy as defaults } from '../support/drainApi.ts';
import { startStage } from './kubectl.ts';
import type { Stage } from './kubectl.ts';

/**
 * Random nodes, each twice in one simulated cluster: the real kubectl drains the one, we drain the
 * other. The same pods are evicted, the same are left, the same are refused; every difference is one
 * that docs/drain.md lists, and looks exactly as it says.
 */

const count = 240;
const atOnce = 10;

type Owner = 'ReplicaSet' | 'Job' | 'none' | 'daemon' | 'goneDaemon' | 'foreignDaemon' | 'mirror';

interface PodPlan {
  name: string;
  owner: Owner;
  app: string;
  phase: 'Running' | 'Succeeded' | 'Failed';
  ready: boolean;
  emptyDir: boolean;
  critical: boolean;
  /** Somebody deleted it a while ago, and it does not end. */
  stuck: boolean;
}

interface Plan {
  seed: number;
  pods: PodPlan[];
  budgets: { name: string; app: string; minAvailable: number }[];
  flags: {
    force: boolean;
    emptyDir: boolean;
    ignoreDaemonSets: boolean;
    disableEviction: boolean;
    selector: string;
    grace: number;
    skip: number;
  };
}

const apps = ['a', 'b', 'c'] as const;
const owners: readonly Owner[] = [
  'ReplicaSet',
  'ReplicaSet',
  'ReplicaSet',
  'Job',
  'none',
  'daemon',
  'goneDaemon',
  'foreignDaemon',
  'mirror',
];

function planOf(seed: number): Plan {
  const random = seededRandom(seed, 'drain');
  const chance = (probability: number) => random() < probability;
  const one = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)] as T;
  // Odd owners make whole drains fail: most nodes have none of them.
  const odd = chance(0.4);
  // One group, so that no budget has to choose between critical pods and others.
  const criticalApp = chance(0.3) ? one(apps) : '';
  const pods = Array.from({ length: Math.floor(random() * 9) }, (_, index): PodPlan => {
    const owner = odd ? one(owners) : one(['ReplicaSet', 'ReplicaSet', 'Job', 'daemon'] as const);
    const phase = chance(0.15) ? one(['Succeeded', 'Failed'] as const) : 'Running';
    const stuck = owner === 'none' && phase === 'Running' && chance(0.4);
    const app = one(apps);
    return {
      name: `p${index}`,
      owner,
      app,
      phase,
      ready: chance(0.85),
      emptyDir: chance(0.15),
      critical: app === criticalApp && !stuck,
      stuck,
    };
  });
  const budgets = apps.flatMap((app) => {
    const size = pods.filter((pod) => pod.app === app).length;
    const least = () => Math.floor(random() * (size + 2));
    const first = chance(0.4) ? [{ name: `${app}-1`, app, minAvailable: least() }] : [];
    return first.length > 0 && chance(0.15)
      ? [...first, { name: `${app}-2`, app, minAvailable: 0 }]
      : first;
  });
  const flags = {
    force: chance(0.5),
    emptyDir: chance(0.7),
    ignoreDaemonSets: chance(0.9),
    disableEviction: chance(0.15),
    selector: chance(0.15) ? one(['app=a', 'app!=b', 'app in (a,c)', '!app']) : '',
    grace: chance(0.2) ? one([0, 1, 5]) : -1,
    skip: chance(0.3) ? 1 : 0,
  };
  return { seed, pods, budgets, flags };
}

const references: Record<Owner, readonly [string, string, string] | undefined> = {
  ReplicaSet: ['apps/v1', 'ReplicaSet', 'set'],
  Job: ['batch/v1', 'Job', 'job'],
  none: undefined,
  daemon: ['apps/v1', 'DaemonSet', 'agent'],
  goneDaemon: ['apps/v1', 'DaemonSet', 'gone'],
  foreignDaemon: ['apps.kruise.io/v1alpha1', 'DaemonSet', 'kruise'],
  mirror: ['v1', 'Node', 'node'],
};

function referencesOf(owner: Owner): object[] {
  const [apiVersion, kind, name] = references[owner] ?? [];
  if (name === undefined) return [];
  return [{ apiVersion, kind, name, uid: `uid-${owner}`, controller: true }];
}

/**
 * Who drains which copy: we the node as it is; kubectl one without what it takes in another way,
 * and, where there is any of that, one as it is.
 */
type Side = 'ours' | 'kubectl' | 'asis';
const nodeOf = (side: Side, { seed }: Plan) => `${side}-${seed}`;

const namespace = 'default';

let stage: Stage;
let ours: Port;

async function ask(method: string, url: string, body: object, type = 'json'): Promise<void> {
  const response = await stage.kubernetes.handle({
    method,
    url,
    headers: { 'content-type': `application/${type}` },
    body: JSON.stringify(body),
    user: 'person',
  });
  if (response.status >= 300) throw new Error(`${method} ${url}: ${JSON.stringify(response)}`);
}

/** Puts a node with everything that is planned on it into the cluster. */
async function build(side: Side, plan: Plan): Promise<void> {
  const node = nodeOf(side, plan);
  const { kubernetes } = stage;
  kubernetes.machineJoins({
    name: node,
    providerId: `azure:///virtualMachines/${node}`,
    pool: 'one',
    bootId: `boot-${node}`,
    machineId: `machine-${node}`,
    systemUuid: `uuid-${node}`,
    kernelVersion: '5.15.0-1084-azure',
    osImage: 'Ubuntu 22.04.5 LTS',
    kubeletVersion: 'v1.33.3',
  });
  for (const { name, app, minAvailable } of plan.budgets) {
    await ask('POST', `/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets`, {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name: `${node}-${name}`, namespace },
      spec: { minAvailable, selector: { matchLabels: { node, app } } },
    });
  }
  for (const pod of plan.pods) await buildPod(node, pod);
}

async function buildPod(node: string, pod: PodPlan): Promise<void> {
  const { app, owner, emptyDir, critical } = pod;
  const name = `${node}-${pod.name}`;
  const labels = { node, app };
  if (pod.stuck) {
    const terminatesInMs = 'never';
    const stuck = { kind: 'Pod', namespace, name, labels, node, terminatesInMs, emptyDir } as const;
    stage.kubernetes.createWorkload(stuck);
    // The workload's own label is its name, and it has no owner.
    const metadata = { labels, ownerReferences: referencesOf(owner) };
    await ask('PATCH', podUrl(name), { metadata }, 'merge-patch+json');
    stage.kubernetes.as('person').deletePod(namespace, name, 1);
    return;
  }
  const annotations = owner === 'mirror' ? { 'kubernetes.io/config.mirror': 'x' } : {};
  await ask('POST', `/api/v1/namespaces/${namespace}/pods`, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace,
      labels,
      annotations,
      ownerReferences: referencesOf(owner),
    },
    spec: {
      nodeName: node,
      containers: [{ name: 'c', image: 'i' }],
      ...(emptyDir ? { volumes: [{ name: 'v', emptyDir: {} }] } : {}),
      ...(critical
        ? { priorityClassName: 'system-cluster-critical', priority: 2_000_000_000 }
        : {}),
    },
  });
}

const podUrl = (name: string) => `/api/v1/namespaces/${namespace}/pods/${name}`;

/** What a pod has become once it runs. */
async function settle(side: Side, plan: Plan): Promise<void> {
  const node = nodeOf(side, plan);
  for (const { name, phase, ready, stuck } of plan.pods) {
    if (stuck || (phase === 'Running' && ready)) continue;
    const conditions = [{ type: 'Ready', status: 'False' }];
    await ask(
      'PATCH',
      `${podUrl(`${node}-${name}`)}/status`,
      { status: { phase, conditions } },
      'merge-patch+json',
    );
  }
}

interface Ended {
  how: 'drained' | 'refused' | 'stuck';
  /** Whose eviction or deletion was accepted, by name, sorted. */
  evicted: string[];
  left: string[];
  /** By policy, and so before anybody was asked for. */
  byPolicy: string[];
  /** By policy, or because two budgets select it. */
  refused: string[];
  /** What kubectl printed. */
  said?: string;
}

async function drainWithKubectl(side: 'kubectl' | 'asis', plan: Plan): Promise<Ended> {
  const { flags } = plan;
  const node = nodeOf(side, plan);
  const { code, stderr } = await stage.kubectl(
    'drain',
    node,
    '--timeout=4s',
    ...(flags.force ? ['--force'] : []),
    ...(flags.emptyDir ? ['--delete-emptydir-data'] : []),
    ...(flags.ignoreDaemonSets ? ['--ignore-daemonsets'] : []),
    ...(flags.disableEviction ? ['--disable-eviction'] : []),
    ...(flags.selector === '' ? [] : [`--pod-selector=${flags.selector}`]),
    ...(flags.grace < 0 ? [] : [`--grace-period=${flags.grace}`]),
    ...(flags.skip === 0 ? [] : [`--skip-wait-for-delete-timeout=${flags.skip}`]),
  );
  const listed = stderr
    .split('\n')
    .filter((line) => line.includes('cannot delete'))
    .flatMap((line) => [...line.matchAll(/\w+\/[\w-]+-(p\d+)\b/gu)].map(([, name = '']) => name));
  const twice = [...stderr.matchAll(/when evicting pods?[ /]"[\w-]+-(p\d+)".*more than one/gu)];
  const refused = [...new Set([...listed, ...twice.map(([, name = '']) => name)])].sort();
  const how = code === 0 ? 'drained' : refused.length > 0 ? 'refused' : 'stuck';
  return { how, byPolicy: listed, refused, said: stderr, ...seen(side, plan) };
}

async function drainOurselves(plan: Plan): Promise<Ended> {
  const { flags } = plan;
  const how: DrainPolicy = {
    ...defaults,
    evictUnmanaged: flags.force,
    deleteEmptyDirData: flags.emptyDir,
    way: flags.disableEviction ? 'delete' : 'evict',
    podSelector: flags.selector,
    gracePeriodSeconds: flags.grace,
    skipWaitForDeleteSeconds: flags.skip,
    parallelEvictions: 250,
  };
  const node = nodeOf('ours', plan);
  const namesIn = (left: readonly PodLeft[]) =>
    left.flatMap(({ pod, state }) => (state === 'refused' ? [short(pod)] : [])).sort();
  const byPolicy = namesIn((await ours.leftToDrain(node, how, Date.now())).left);
  let refused: string[] = [];
  // So many slices without anybody accepted: nothing moves any more.
  for (let quiet = 0; quiet < 4; quiet += 1) {
    const { left, evicted } = await ours.drainSlice(node, how, Date.now());
    if (left.length === 0) return { how: 'drained', refused: [], byPolicy, ...seen('ours', plan) };
    if (evicted.length > 0) quiet = -1;
    refused = namesIn(left);
    await new Promise((resolve) => void setTimeout(resolve, 50));
  }
  const end = refused.length > 0 ? 'refused' : 'stuck';
  return { how: end, refused, byPolicy, ...seen('ours', plan) };
}

const short = (pod: string) => pod.slice(pod.lastIndexOf('-') + 1);

/** What the cluster itself says of it. */
function seen(side: Side, plan: Plan): Pick<Ended, 'evicted' | 'left'> {
  const node = nodeOf(side, plan);
  const user = side === 'ours' ? 'ours' : 'kubectl';
  const accepted = stage.audit.lines.filter(({ actor, node: on, action, status, detail }) => {
    if (on !== node) return false;
    return action === 'evict'
      ? actor === user && status === 201
      : action === 'podDeleted' && detail['reason'] === 'deleted' && detail['askedBy'] === user;
  });
  const evicted = accepted.map(({ detail }) => short(String(detail['pod'])));
  const list = stage.kubernetes.object(`/api/v1/pods?fieldSelector=spec.nodeName%3D${node}`);
  const { items } = list as unknown as { items: { metadata: { name: string } }[] };
  const left = items.map(({ metadata }) => short(metadata.name));
  return { evicted: [...new Set(evicted)].sort(), left: left.sort() };
}

/** The differences that one of these plans can show; docs/drain.md has an anchor for each. */
type Difference = 'daemonsets' | 'other-daemonsets' | 'terminating' | 'again' | 'critical';

const isSelected = ({ flags: { selector } }: Plan, { app }: PodPlan) =>
  selector === '' || selects(selector, { app });

/** The pods that kubectl refuses and we don't, each with the difference. */
function onlyRefusedByKubectl(plan: Plan): [string, Difference][] {
  const { flags, pods } = plan;
  return pods.flatMap((pod): [string, Difference][] => {
    const { owner, name, phase } = pod;
    if (!isSelected(plan, pod) || phase !== 'Running') return [];
    if (owner === 'daemon' && !flags.ignoreDaemonSets) return [[name, 'daemonsets']];
    if (owner === 'foreignDaemon' && !flags.force) return [[name, 'other-daemonsets']];
    const refused = !flags.force || (pod.emptyDir && !flags.emptyDir);
    return pod.stuck && flags.skip === 0 && refused ? [[name, 'terminating']] : [];
  });
}

/** The same node without what kubectl takes in another way. */
function neutral(plan: Plan): Plan {
  const pods = plan.pods.map((pod): PodPlan => {
    if (pod.owner === 'foreignDaemon' && pod.phase === 'Running')
      return { ...pod, owner: 'daemon' };
    return pod.stuck ? { ...pod, owner: 'ReplicaSet', emptyDir: false } : pod;
  });
  return { ...plan, pods, flags: { ...plan.flags, ignoreDaemonSets: true } };
}

/** A budget lets so many of its pods go: which ones is chance. */
function compared({ pods, budgets }: Plan, names: readonly string[]): string[] {
  const groups = new Set(budgets.map(({ app }) => app));
  const known = new Map(pods.map((pod) => [pod.name, pod]));
  const words = names.map((name) => {
    const pod = known.get(name);
    return pod !== undefined && groups.has(pod.app) && !pod.stuck ? `one of ${pod.app}` : name;
  });
  return words.sort();
}

/** What kubectl made of the neutral node, less what we do differently: that is what we have to do. */
function expectedOf(plan: Plan, { how, evicted, left, refused, byPolicy }: Ended) {
  const differences = new Set<Difference>();
  const stuck = new Set(plan.pods.filter((pod) => pod.stuck).map(({ name }) => name));
  const hurries = plan.flags.grace === 0;
  const again = evicted.filter((name) => stuck.has(name) && !hurries);
  if (again.length > 0) differences.add('again');
  const asked = evicted.filter((name) => !again.includes(name));
  const staying: readonly Owner[] = ['mirror', 'daemon', 'foreignDaemon'];
  const stays = new Set(
    plan.pods
      .filter((pod) => staying.includes(pod.owner) || !isSelected(plan, pod))
      .map(({ name }) => name),
  );
  const isCritical = (name: string) => plan.pods.some((pod) => pod.name === name && pod.critical);
  const others = left.filter((name) => !isCritical(name) && !stays.has(name));
  const skipped = (name: string) => plan.flags.skip > 0 && stuck.has(name);
  // Somebody else is still there: we don't ask for critical pods, nor hear what is said of them.
  const isHeldUp = byPolicy.length === 0 && others.some((name) => !skipped(name));
  const unasked = isHeldUp ? isCritical : () => false;
  const late = asked.filter(unasked);
  const heard = refused.filter((name) => !unasked(name));
  if (late.length > 0 || heard.length < refused.length) differences.add('critical');
  return {
    differences,
    how: how === 'refused' && heard.length === 0 ? 'stuck' : how,
    refused: compared(plan, heard),
    evicted: compared(
      plan,
      asked.filter((name) => !late.includes(name)),
    ),
    left: compared(plan, [...left, ...late]),
  };
}

interface Compared {
  differences: Set<Difference>;
  /** What is not as it should be, with everything that one needs to see why. */
  wrong: object[];
}

async function compare(plan: Plan): Promise<Compared> {
  const [theirs, own] = await Promise.all([
    drainWithKubectl('kubectl', neutral(plan)),
    drainOurselves(plan),
  ]);
  const { differences, ...expected } = expectedOf(plan, theirs);
  const found = {
    how: own.how,
    refused: compared(plan, own.refused),
    evicted: compared(plan, own.evicted),
    left: compared(plan, own.left),
  };
  const wrong: object[] = isDeepStrictEqual(found, expected) ? [] : [{ plan, theirs, own }];
  const more = onlyRefusedByKubectl(plan);
  if (more.length > 0) {
    const asis = await drainWithKubectl('asis', plan);
    const refused = [...new Set([...own.byPolicy, ...more.map(([name]) => name)])].sort();
    const alike = isDeepStrictEqual(
      [asis.how, asis.refused, asis.evicted],
      ['refused', refused, []],
    );
    if (!alike) wrong.push({ plan, asis, refused });
  }
  for (const [, difference] of more) differences.add(difference);
  return { differences, wrong };
}

const version = execFileSync('kubectl', ['version', '--client', '-o', 'json'], {
  encoding: 'utf8',
});
const { gitVersion } = (JSON.parse(version) as { clientVersion: { gitVersion: string } })
  .clientVersion;

describe(`beside kubectl ${gitVersion}`, () => {
  const plans = Array.from({ length: count }, (_, seed) => planOf(seed));

  beforeAll(async () => {
    const timings = { controllerMs: 1, podStartMs: 1, podTerminateMs: 1 };
    const now = Date.now();
    // In real time: kubectl compares the cluster's instants with its own clock.
    stage = await startStage({ user: 'kubectl', speed: 1, startsAt: now, timings });
    const kubeconfig = await stage.kubeconfigFor('ours');
    const access = { kubeconfig: () => Promise.resolve(kubeconfig), token: undefined };
    ours = createAdapter(access);
    const copies = plans.flatMap((plan): [Side, Plan][] => [
      ['ours', plan],
      ['kubectl', neutral(plan)],
      ...(onlyRefusedByKubectl(plan).length > 0 ? [['asis', plan] as [Side, Plan]] : []),
    ]);
    // The set is there for its name: its pods are made one by one.
    stage.kubernetes.createWorkload({ kind: 'DaemonSet', namespace, name: 'agent', node: 'none' });
    for (const [side, plan] of copies) await build(side, plan);
    await new Promise((resolve) => void setTimeout(resolve, 1000));
    for (const [side, plan] of copies) await settle(side, plan);
    // Until what was deleted is older than anybody waits.
    await new Promise((resolve) => void setTimeout(resolve, 3000));
  });
  afterAll(() => stage.close());

  it(`${count} random nodes end alike, but for the differences that the documentation lists`, async () => {
    const found = new Map<Difference, number>();
    const rest = [...plans];
    const problems: object[] = [];
    let alike = 0;
    const work = async () => {
      for (let plan = rest.shift(); plan !== undefined; plan = rest.shift()) {
        const { differences, wrong } = await compare(plan);
        problems.push(...wrong);
        if (differences.size === 0) alike += 1;
        for (const one of differences) found.set(one, (found.get(one) ?? 0) + 1);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, work));
    // Each on its line: a plan in full is long.
    expect(problems.map((problem) => JSON.stringify(problem))).toEqual([]);
    const page = readFileSync(new URL('../../docs/drain.md', import.meta.url), 'utf8');
    for (const one of found.keys()) expect(page).toContain(`<a id="differs-${one}"></a>`);
    const words = [...found].map(([difference, times]) => `${difference} ${times}`).join(', ');
    const agent = stage.audit.lines.find(({ actor }) => actor === 'kubectl')?.detail['userAgent'];
    process.stderr.write(`${String(agent)}: ${count} nodes, ${alike} alike; ${words}\n`);
    expect(alike).toBeGreaterThan(count / 2);
  });
});

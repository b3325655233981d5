import type { InProcessAzure } from '../../local/azure/inProcess.ts';
import type { Cluster, Machine } from '../../local/azure/world/world.ts';
import type { Chronicle } from './chronicle.ts';
import type { FaultOf, NodeChoice } from './scenario.ts';
import type { Time } from './time.ts';

/** What happens to machines and clusters through others than the program. */
export interface Hands {
  clusterName(number: number): string;
  nodeName(choice: NodeChoice, that: string): string;
  /**
   * Does it; returns what undoes it, where the fault is one that lasts.
   *
   * @param that the node of the line at which it happens; empty where it has none
   */
  do(fault: HandsFault, that: string): Promise<(() => unknown) | undefined>;
  /** Makes everything well that is not the program's: machines, budgets, states, rights. */
  mend(): Promise<void>;
  /** What a person has to do: clear marks that nobody can read, boot what is stuck, put back. */
  attend(): Promise<void>;
  /**
   * What people do for nodes that carry no mark: what was cordoned for them, or by them while we
   * worked on it, serves again, and a note that forbids a reboot that is due is taken off.
   */
  putBack(): Promise<void>;
}

export type HandsFault = FaultOf<
  | 'machine'
  | 'restartedBySomebody'
  | 'flaps'
  | 'deleted'
  | 'nodeDeleted'
  | 'reimaged'
  | 'sentinel'
  | 'commands'
  | 'announced'
  | 'state'
  | 'budget'
  | 'stuckPods'
  | 'newPod'
  | 'denied'
  | 'cordonedByPerson'
  | 'uncordonedByPerson'
  | 'drainedByPerson'
  | 'markRemoved'
  | 'markSpoiled'
  | 'scaledIn'
>;

interface Pod {
  metadata: {
    name: string;
    namespace: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    ownerReferences?: { kind: string }[];
  };
}
interface Node {
  metadata: { annotations?: Record<string, string> };
  spec: { unschedulable?: boolean };
  status: { nodeInfo: { bootID: string } };
}

const person = 'person';
const markAnnotation = 'aks-reboot-orchestrator/mark';
const notes = ['aks-reboot-orchestrator/last-reboot', 'aks-reboot-orchestrator/last-refusal'];
const doomed = { key: 'ToBeDeletedByClusterAutoscaler', effect: 'NoSchedule' } as const;
const kubeletRestartSeconds = 60;
const everywhere = [{ operator: 'Exists' as const }];
/** No play lasts so long. */
const neverHours = 10_000;
/** It fits any machine; what faults have changed in turns is not always undone by undoing them. */
const wellBehaved = {
  probe: 'healthy',
  restart: 'happens',
  returns: true,
  restartDelaySeconds: 15,
  bootSeconds: 30,
  sentinelReturnsHours: neverHours,
} as const;

export interface HandsOptions {
  azure: InProcessAzure;
  time: Time;
  chronicle: Chronicle;
  /** Called right before a Node goes away. */
  onDeparture: (node: string) => void;
}

export function createHands(options: HandsOptions): Hands {
  return new TheirHands(options);
}

class TheirHands implements Hands {
  readonly #options: HandsOptions;
  readonly #azure: InProcessAzure;
  readonly #machines: readonly Machine[];
  readonly #states: readonly { cluster: Cluster; state: string; pools: readonly string[] }[];
  readonly #undos = new Set<() => unknown>();
  #workloads = 0;

  constructor(options: HandsOptions) {
    this.#options = options;
    this.#azure = options.azure;
    const { clusters } = this.#azure.world;
    this.#machines = clusters.flatMap(({ pools }) =>
      pools.flatMap(({ machines }) => [...machines]),
    );
    this.#states = clusters.map((cluster) => ({
      cluster,
      state: cluster.state,
      pools: cluster.pools.map(({ state }) => state),
    }));
  }

  clusterName(number: number): string {
    return this.#cluster(number).name;
  }

  nodeName(choice: NodeChoice, that: string): string {
    return this.#machine(choice, that).nodeName;
  }

  async do(fault: HandsFault, that: string): Promise<(() => unknown) | undefined> {
    switch (fault.kind) {
      case 'state':
      case 'budget':
      case 'denied':
      case 'commands':
        return this.#toCluster(fault);
      case 'machine':
      case 'restartedBySomebody':
      case 'flaps':
      case 'deleted':
      case 'nodeDeleted':
      case 'reimaged':
      case 'sentinel':
      case 'scaledIn':
        return this.#toMachine(fault, this.#machine(fault.node, that));
      case 'stuckPods':
      case 'newPod':
      case 'cordonedByPerson':
      case 'uncordonedByPerson':
      case 'drainedByPerson':
      case 'markRemoved':
      case 'markSpoiled':
      case 'announced':
        return this.#toNode(fault, this.#machine(fault.node, that));
    }
  }

  async mend(): Promise<void> {
    for (const undo of this.#undos) await undo();
    this.#undos.clear();
    for (const { cluster, state, pools } of this.#states) {
      await this.#liftBudgets(cluster);
      cluster.state = state;
      cluster.commands = 'healthy';
      cluster.pools.forEach((pool, index) => (pool.state = pools[index] ?? pool.state));
      for (const pool of cluster.pools) {
        for (const machine of pool.machines) {
          this.#azure.person.behave(machine.nodeName, wellBehaved);
          this.#azure.person.lift(machine.nodeName);
          if (machine.phase === 'up') this.#azure.person.speak(machine.nodeName);
        }
      }
    }
  }

  async attend(): Promise<void> {
    const { person: hands } = this.#azure;
    for (const machine of this.#machines) {
      const { metadata, status } = this.#node(machine) ?? {};
      const mark = metadata?.annotations?.[markAnnotation];
      if (mark === undefined) continue;
      if (!isReadable(mark)) {
        await hands.annotate(machine.nodeName, { [markAnnotation]: null });
        continue;
      }
      const { bootId, attempt } = JSON.parse(mark) as Mark;
      const isStuck = attempt !== undefined && bootId === status?.nodeInfo.bootID;
      if (isStuck) hands.restart(machine.nodeName);
    }
    await this.putBack();
  }

  async putBack(): Promise<void> {
    const { person: hands } = this.#azure;
    for (const machine of this.#machines) {
      const node = this.#node(machine);
      const annotations = node?.metadata.annotations ?? {};
      if (node === undefined || markAnnotation in annotations) continue;
      if (node.spec.unschedulable === true) await hands.uncordon(machine.nodeName);
      if (machine.packages === undefined) continue;
      for (const note of notes) {
        if (note in annotations) await hands.annotate(machine.nodeName, { [note]: null });
      }
    }
  }

  async #toCluster(
    fault: FaultOf<'state' | 'budget' | 'denied' | 'commands'>,
  ): Promise<(() => unknown) | undefined> {
    switch (fault.kind) {
      case 'state': {
        const cluster = this.#cluster(fault.cluster);
        const pool = fault.pool ? cluster.pools[0] : undefined;
        const before = pool?.state ?? cluster.state;
        this.#azure.person.setState(cluster.id, fault.state, pool?.settings.name);
        return () => this.#azure.person.setState(cluster.id, before, pool?.settings.name);
      }
      case 'budget':
        return this.#forbidEvictions(this.#cluster(fault.cluster));
      case 'denied':
        return this.#azure.faults.deny({ action: fault.action });
      case 'commands': {
        const { clusters } = this.#azure.world;
        for (const cluster of clusters) cluster.commands = fault.behaviour;
        return () => clusters.forEach((cluster) => (cluster.commands = 'healthy'));
      }
    }
  }

  async #toMachine(
    fault: FaultOf<
      | 'machine'
      | 'restartedBySomebody'
      | 'flaps'
      | 'deleted'
      | 'nodeDeleted'
      | 'reimaged'
      | 'sentinel'
      | 'scaledIn'
    >,
    machine: Machine,
  ): Promise<(() => unknown) | undefined> {
    const { person: hands } = this.#azure;
    const name = machine.nodeName;
    if (machine.phase === 'gone') return undefined;
    switch (fault.kind) {
      case 'machine': {
        const before = machine.behaviour;
        hands.behave(name, fault.behaviour);
        return () => {
          machine.behaviour = before;
          if (machine.phase === 'down') hands.lift(name);
        };
      }
      case 'restartedBySomebody':
        hands.restart(name);
        return undefined;
      case 'flaps':
        for (let time = 0; time < fault.times; time += 1) {
          this.#later(2 * time * fault.seconds, 'falls silent', () => hands.silence(name));
          this.#later((2 * time + 1) * fault.seconds, 'speaks', () => hands.speak(name));
        }
        return undefined;
      case 'deleted':
        this.#delete(machine);
        return undefined;
      case 'nodeDeleted':
        this.#options.onDeparture(name);
        await this.#onNode(machine, () => hands.deleteNode(name));
        // Its kubelet finds that out at its next start.
        this.#later(kubeletRestartSeconds, 'is restarted', () => hands.restart(name));
        return undefined;
      case 'reimaged':
        if (fault.newNode) this.#options.onDeparture(name);
        hands.reimage(name, fault.newNode);
        return undefined;
      case 'sentinel':
        hands.setSentinel(name, fault.packages ?? undefined);
        return undefined;
      case 'scaledIn':
        await this.#onNode(machine, () => hands.taint(name, [doomed]));
        this.#later(fault.minutes * 60, 'is deleted', () => this.#delete(machine));
        return undefined;
    }
  }

  async #toNode(
    fault: FaultOf<
      | 'stuckPods'
      | 'newPod'
      | 'cordonedByPerson'
      | 'uncordonedByPerson'
      | 'drainedByPerson'
      | 'markRemoved'
      | 'markSpoiled'
      | 'announced'
    >,
    machine: Machine,
  ): Promise<(() => unknown) | undefined> {
    const { person: hands } = this.#azure;
    const name = machine.nodeName;
    switch (fault.kind) {
      case 'stuckPods':
        // Of a StatefulSet, which makes no other one while this one is not gone.
        return this.#addPod(machine, { kind: 'StatefulSet', terminatesInMs: 'never' });
      case 'newPod':
        this.#addPod(machine, { kind: 'Deployment', terminatesInMs: 5000 });
        return undefined;
      case 'cordonedByPerson':
        return this.#onNode(machine, () => hands.cordon(name));
      case 'uncordonedByPerson':
        return this.#onNode(machine, () => hands.uncordon(name));
      case 'drainedByPerson':
        await this.#onNode(machine, () => hands.cordon(name));
        await this.#onNode(machine, () => this.#evictAll(machine));
        return undefined;
      case 'markRemoved':
        return this.#onNode(machine, () => hands.annotate(name, { [markAnnotation]: null }));
      case 'markSpoiled':
        return this.#onNode(machine, () => hands.annotate(name, { [markAnnotation]: fault.text }));
      case 'announced': {
        const say = (status: 'True' | 'False') =>
          this.#onNode(machine, () => hands.condition(name, 'VMEventScheduled', status));
        await say('True');
        return this.#lasting(async () => {
          await say('False');
        });
      }
    }
  }

  #later(seconds: number, what: string, action: () => void): void {
    this.#options.time.after(seconds, () => {
      this.#options.chronicle.act(what);
      action();
    });
  }

  #delete(machine: Machine): void {
    if (machine.phase === 'gone') return;
    this.#options.onDeparture(machine.nodeName);
    this.#azure.person.deleteInstance(machine.nodeName);
  }

  #machine(choice: NodeChoice, that: string): Machine {
    const named = this.#machines.find(({ nodeName }) => nodeName === that);
    const machine = choice === 'that' ? named : this.#machines[choice % this.#machines.length];
    if (machine === undefined) throw new Error(`no such machine: ${choice}, ${that}`);
    return machine;
  }

  #cluster(number: number): Cluster {
    const { clusters } = this.#azure.world;
    const cluster = clusters[number % clusters.length];
    if (cluster === undefined) throw new Error('the fleet has no cluster');
    return cluster;
  }

  #node({ cluster, nodeName }: Machine): Node | undefined {
    return cluster.kubernetes.object(`/api/v1/nodes/${nodeName}`) as Node | undefined;
  }

  /** Nothing to do where the Node is gone for the moment. */
  async #onNode(machine: Machine, action: () => Promise<void>): Promise<undefined> {
    if (this.#node(machine) !== undefined) await action();
    return undefined;
  }

  #pods({ cluster, nodeName }: Machine): Pod[] {
    const path = `/api/v1/pods?fieldSelector=spec.nodeName%3D${nodeName}`;
    return (cluster.kubernetes.object(path) as unknown as { items: Pod[] }).items;
  }

  async #ask({ kubernetes }: Cluster, method: string, url: string, body: object): Promise<void> {
    const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
    const headers = { 'content-type': type };
    await kubernetes.handle({ method, url, headers, body: JSON.stringify(body), user: person });
  }

  async #evictAll(machine: Machine): Promise<void> {
    for (const { metadata } of this.#pods(machine)) {
      const daemon = metadata.ownerReferences?.some(({ kind }) => kind === 'DaemonSet');
      if (daemon || 'kubernetes.io/config.mirror' in (metadata.annotations ?? {})) continue;
      const { namespace, name } = metadata;
      const url = `/api/v1/namespaces/${namespace}/pods/${name}/eviction`;
      const kind = { apiVersion: 'policy/v1', kind: 'Eviction' };
      await this.#ask(machine.cluster, 'POST', url, { ...kind, metadata: { namespace, name } });
    }
  }

  /** A budget over everything in `default` that lets nothing go. */
  #forbidEvictions(cluster: Cluster): () => Promise<void> {
    const name = `freeze-${++this.#workloads}`;
    const budgets = '/apis/policy/v1/namespaces/default/poddisruptionbudgets';
    void this.#ask(cluster, 'POST', budgets, {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name, namespace: 'default' },
      spec: { maxUnavailable: 0, selector: {} },
    });
    return this.#lasting(() => this.#ask(cluster, 'DELETE', `${budgets}/${name}`, {}));
  }

  /** With nodes that were deleted meanwhile, some budgets could never be kept. */
  async #liftBudgets(cluster: Cluster): Promise<void> {
    const path = '/apis/policy/v1/poddisruptionbudgets';
    const list = cluster.kubernetes.object(path) as unknown as { items: Pod[] };
    for (const { metadata } of list.items) {
      const { namespace, name } = metadata;
      const one = `/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets/${name}`;
      await this.#ask(cluster, 'DELETE', one, {});
    }
  }

  /** A pod that comes back to that node whenever it was sent away, cordoned or not. */
  #addPod(
    machine: Machine,
    behaviour: { kind: 'Deployment' | 'StatefulSet'; terminatesInMs: number | 'never' },
  ): () => Promise<void> {
    const { cluster, nodeName: node } = machine;
    const name = `late-${++this.#workloads}`;
    const place = { namespace: 'default', name, node, tolerations: everywhere };
    cluster.kubernetes.createWorkload({ ...place, ...behaviour, replicas: 1 });
    return this.#lasting(async () => {
      const hands = cluster.kubernetes.as(person);
      const kind = `${behaviour.kind.toLowerCase()}s`;
      const url = `/apis/apps/v1/namespaces/default/${kind}/${name}`;
      await this.#ask(cluster, 'PATCH', url, { spec: { replicas: 0 } });
      for (const { metadata } of this.#pods(machine)) {
        if (metadata.labels?.['app'] === name) hands.deletePod('default', metadata.name, 0);
      }
    });
  }

  /** What is undone at the latest when all is mended. */
  #lasting(undo: () => Promise<void>): () => Promise<void> {
    const once = async () => {
      if (this.#undos.delete(once)) await undo();
    };
    this.#undos.add(once);
    return once;
  }
}

interface Mark {
  bootId: string;
  attempt?: object;
}

function isReadable(text: string): boolean {
  try {
    const mark = JSON.parse(text) as Record<string, unknown>;
    return mark['version'] === 1 && typeof mark['bootId'] === 'string' && 'fence' in mark;
  } catch {
    return false;
  }
}

import { startAzure } from '../../local/azure/azure.ts';
import type { SimulatedAzure, SimulatedAzureOptions } from '../../local/azure/azure.ts';
import type { AuditLine } from '../../local/azure/audit.ts';
import type { RequestHook, RequestSeen } from '../../local/azure/faults.ts';
import type { Person } from '../../local/azure/person.ts';
import { virtualClock } from '../../local/clock.ts';
import type { SettingsDocument } from '../../src/policy/settings.ts';
import type { Exchange } from '../../src/ports.ts';
import { fleetOf } from './fleets.ts';
import type { FleetInput } from './fleets.ts';
import type { Evidence, Report, Scene } from './evidence.ts';
import { emptyStorage, startProcess } from './process.ts';
import type { Process, Storage } from './process.ts';
import { nodesNow, sceneOf } from './witness.ts';

export interface StartOptions {
  controller?: string;
  /** Laid over what tests use. */
  settings?: Omit<Partial<SettingsDocument>, 'controller'>;
  storage?: Storage;
  schedule?: string;
  /** The orchestrations' version that it was deployed with. */
  version?: string;
  onExchange?: (exchange: Exchange) => void;
  /** Laid over what simulated Azure gives. */
  environment?: Record<string, string>;
  /** Who approves, where the command line says so. */
  approver?: string;
}

type Test = (line: AuditLine) => boolean;

/** Simulated Azure and any number of processes on it. Time stands still unless it is let pass. */
export interface Rehearsal extends AsyncDisposable {
  readonly azure: SimulatedAzure;
  readonly person: Person;
  /** Every request to ARM, in the order of arrival, with its instant in epoch milliseconds. */
  readonly armRequests: readonly (RequestSeen & { at: number })[];
  readonly lines: readonly AuditLine[];
  now(): number;
  start(options?: StartOptions): Promise<Process>;
  /**
   * Does something at the first line that passes, before time goes on; a synchronous action is done before
   * the asker even gets its answer. That the line never comes fails the test.
   */
  when(test: Test, action: (line: AuditLine) => unknown): void;
  /** Asks before and after each request takes effect, until another one is asked instead. */
  interfere(hook: RequestHook): void;
  /** Lets time pass until a line passes the test. */
  until(test: Test): Promise<AuditLine>;
  /** Lets time pass. */
  pass(time: { hours?: number; minutes?: number; seconds?: number }): Promise<void>;
  /** Lets time pass until the promise settles. */
  flow<T>(what: () => Promise<T>): Promise<T>;
  /** Names of a pool's nodes, by index. */
  nodes(pool?: string, cluster?: string): string[];
  evidence(): Evidence;
}

/** Few looks, short waits: what a test does not ask about should not take its time. */
const briskDefaults = {
  pollSeconds: 30,
  readyForSeconds: 30,
  soakSeconds: 0,
  minReadyInPool: 0,
};

/**
 * Starts simulated Azure with a fleet, by name or as its file would spell it.
 *
 * @param options who may do what (without it everybody may everything), and what runs AKS commands
 */
export async function rehearse(
  given: string | FleetInput,
  options: Pick<SimulatedAzureOptions, 'rights' | 'commands' | 'guest'> = {},
): Promise<Rehearsal> {
  const fleet = fleetOf(given);
  const clock = virtualClock(Date.parse(fleet.startsAt));
  const time = createTime(clock);
  const scenes = new Map<number, Scene>();
  const actors = new Set<string>();
  const triggers = new Set<{ test: Test; action: (line: AuditLine) => unknown }>();
  const failures: unknown[] = [];
  const armRequests: (RequestSeen & { at: number })[] = [];
  let interference: RequestHook | undefined;
  const witness = (line: AuditLine) => {
    const scene =
      actors.has(line.actor) && line.node !== '' ? sceneOf(azure.world, line) : undefined;
    if (scene !== undefined) scenes.set(line.seq, scene);
    for (const trigger of triggers) {
      if (!trigger.test(line)) continue;
      triggers.delete(trigger);
      const release = clock.busy();
      const fail = (error: unknown) => failures.push(error);
      void (async () => trigger.action(line))().catch(fail).finally(release);
    }
  };
  const azure = await startAzure({
    fleet,
    clock,
    ...options,
    onAudit: witness,
    onRequest(request, when) {
      if (when === 'before' && request.service === 'arm') {
        armRequests.push({ ...request, at: clock.now() });
      }
      return interference?.(request, when);
    },
  });
  const before = nodesNow(azure.world);
  const departures: { node: string; seq: number }[] = [];
  const reports: Report[] = [];
  const processes: Process[] = [];

  return {
    azure,
    armRequests,
    lines: azure.audit.lines,
    person: {
      ...azure.person,
      deleteInstance(node, nodeStaysSeconds) {
        departures.push({ node, seq: azure.audit.lines.length });
        azure.person.deleteInstance(node, nodeStaysSeconds);
      },
      deleteNode(node) {
        departures.push({ node, seq: azure.audit.lines.length });
        return azure.person.deleteNode(node);
      },
    },
    now: () => clock.now(),
    async start(given = {}) {
      const { controller = 'app', settings, storage = emptyStorage(), schedule, version } = given;
      const actor = `${controller}-${processes.length + 1}`;
      actors.add(actor);
      const process = await startProcess({
        azure,
        clock,
        actor,
        settings: settingsFor(fleet.clusters, controller, settings),
        storage,
        ...(schedule === undefined ? {} : { schedule }),
        ...(version === undefined ? {} : { version }),
        ...(given.onExchange === undefined ? {} : { onExchange: given.onExchange }),
        ...(given.environment === undefined ? {} : { environment: given.environment }),
        ...(given.approver === undefined ? {} : { approver: given.approver }),
        flow: time.flow,
        onReport: (report) => reports.push(report),
      });
      processes.push(process);
      return process;
    },
    when: (test, action) => void triggers.add({ test, action }),
    interfere: (hook) => void (interference = hook),
    until: (test) =>
      time.flow(
        () => new Promise((resolve) => triggers.add({ test, action: (line) => resolve(line) })),
      ),
    pass: (duration) => time.pass(duration),
    flow: time.flow,
    nodes: (pool = 'web', cluster) => nodesOf(azure, pool, cluster),
    evidence: () => ({
      lines: azure.audit.lines,
      actors,
      scenes,
      before,
      after: nodesNow(azure.world),
      departures,
      reports,
    }),
    async [Symbol.asyncDispose]() {
      await Promise.all(processes.map((process) => process.stop()));
      clock.stop();
      await azure.stop();
      if (failures.length > 0) throw new AggregateError(failures, String(failures[0]));
      const [never] = triggers;
      if (never !== undefined) throw new Error(`it never came to ${String(never.test)}`);
    },
  };
}

/** Time that stands still while nobody wants it to pass. */
function createTime(clock: ReturnType<typeof virtualClock>) {
  let release = clock.busy();
  let flowing = 0;
  const flow = async <T>(what: () => Promise<T>): Promise<T> => {
    const awaited = what();
    if (flowing++ === 0) release();
    try {
      return await awaited;
    } finally {
      if (--flowing === 0) release = clock.busy();
    }
  };
  return {
    flow,
    async pass({ hours = 0, minutes = 0, seconds = 0 }: Parameters<Rehearsal['pass']>[0]) {
      const until = clock.now() + ((hours * 60 + minutes) * 60 + seconds) * 1000;
      await flow(() => new Promise<void>((resolve) => void clock.at(until, resolve)));
    },
  };
}

function settingsFor(
  clusters: readonly { id: string }[],
  controller: string,
  given: StartOptions['settings'] = {},
): SettingsDocument {
  return {
    controller,
    clusters: clusters.map(({ id }) => ({ id })),
    ...given,
    defaults: { ...briskDefaults, ...given.defaults },
  };
}

function nodesOf({ world }: SimulatedAzure, pool: string, cluster: string | undefined): string[] {
  return world.clusters
    .filter(({ name }) => cluster === undefined || name === cluster)
    .flatMap(({ pools }) => pools)
    .filter(({ settings }) => settings.name === pool)
    .flatMap(({ machines }) => machines.map(({ nodeName }) => nodeName));
}

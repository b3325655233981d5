import { createHash } from 'node:crypto';
import type { PreInvocationHandler } from '@azure/functions';
import type { AuditLine } from '../../local/azure/audit.ts';
import { inProcessAzure } from '../../local/azure/inProcess.ts';
import type { InProcessAzure } from '../../local/azure/inProcess.ts';
import { modelGuest } from '../../local/azure/world/guest.ts';
import { providerId } from '../../local/azure/world/names.ts';
import type { Machine } from '../../local/azure/world/world.ts';
import type { SettingsDocument } from '../../src/policy/settings.ts';
import type { Evidence, Look, NodeNow, Report, Scene } from '../support/evidence.ts';
import { fleetOf } from '../support/fleets.ts';
import { nodesNow, podsNow, sceneOf } from '../support/witness.ts';
import { createActs } from './acts.ts';
import type { Acts } from './acts.ts';
import { createChronicle } from './chronicle.ts';
import type { Chronicle, Entry } from './chronicle.ts';
import { createCircumstances } from './circumstances.ts';
import { unhindered } from './drawSettings.ts';
import { createExchanges } from './exchanges.ts';
import type { Exchanges } from './exchanges.ts';
import { createHands } from './hands.ts';
import type { Hands } from './hands.ts';
import { createInstallation } from './installation.ts';
import type { Installation, LogLine, OnEpisode } from './installation.ts';
import type { AppPlan, FaultOf, Scenario } from './scenario.ts';
import { createSteps } from './steps.ts';
import type { Steps } from './steps.ts';
import { createTime } from './time.ts';
import type { Life, Time } from './time.ts';

/** A scenario as it went. */
export interface Play {
  readonly scenario: Scenario;
  readonly evidence: Evidence;
  readonly entries: readonly Entry[];
  readonly log: readonly LogLine[];
  /** Of the audit log's bytes. */
  readonly digest: string;
  readonly hours: number;
  /** What did not get done although everything was mended, a sentence each. */
  readonly undone: readonly string[];
  /** What broke the simulation itself. */
  readonly failures: readonly unknown[];
}

/** Everything that is on the stage. */
export interface Stage {
  scenario: Scenario;
  time: Time;
  azure: InProcessAzure;
  chronicle: Chronicle;
  exchanges: Exchanges;
  steps: Steps;
  hands: Hands;
  acts: Acts;
  installations: Installation[];
  actors: Set<string>;
  scenes: Map<number, Scene>;
  departures: { node: string; seq: number }[];
  looks: Look[];
  failures: unknown[];
  /** Where Azure forgets operations at once, or says not whose a machine is, nothing can be done. */
  canFinish: boolean;
  /** How many times as long as usual everything may take. */
  slowness: number;
}

/** Few looks, short waits: most scenarios are not about them. */
const briskDefaults = {
  pollSeconds: 30,
  readyForSeconds: 30,
  soakSeconds: 0,
  probeMaxAgeHours: 2,
};

/** Ids of one installation are never those of another: six digits have to do. */
const idsOfEach = 0x400000;

let plays = 0;

/** Who has a part in a play, beside what its scenario says. */
export interface Beside {
  onEpisode?: OnEpisode;
  /** Sees every invocation first, and may put another handler in the place of the function's. */
  hook?: PreInvocationHandler;
  /** Called once the stage is set. */
  enter?: (stage: Pick<Stage, 'time' | 'installations'>) => void;
}

/** Plays a scenario: trouble first, then everything is mended and has to get done. */
export async function play(scenario: Scenario, beside: Beside = {}): Promise<Play> {
  const stage = setStage(scenario, beside);
  const { time, installations, azure } = stage;
  beside.enter?.(stage);
  const before = nodesNow(azure.world);
  for (const installation of installations) {
    time.at(installation.plan.from, () => installation.start());
  }
  await until(time, scenario.hours * 60);
  await mend(stage);
  const undone = await settle(stage).catch((error: unknown) => {
    stage.failures.push(error);
    return [];
  });
  const reports = await reportsOf(installations);
  const hours = time.minutes() / 60;
  await strike(stage);
  const { lines } = azure.audit;
  const { actors, scenes, departures, looks } = stage;
  const disturbances = disturbancesIn(stage.chronicle.entries);
  return {
    scenario,
    evidence: {
      lines,
      actors,
      scenes,
      before,
      after: nodesNow(azure.world),
      departures,
      reports,
      circumstances: createCircumstances({ installations, lines, actors, looks, disturbances }),
    },
    entries: stage.chronicle.entries,
    log: installations.flatMap(({ log }) => log),
    digest: digestOf(lines),
    hours,
    undone,
    failures: stage.failures,
  };
}

/** When somebody else did something; what exchanges went wrong is the program's own to bear. */
function disturbancesIn(entries: readonly Entry[]): number[] {
  return entries.flatMap((entry) =>
    (entry.kind === 'fault' && (entry.actor === '' || entry.fault.kind === 'stale')) ||
    entry.kind === 'act'
      ? [entry.at]
      : [],
  );
}

function setStage(scenario: Scenario, { onEpisode, hook }: Beside): Stage {
  const changes = scenario.faults.filter(
    (fault): fault is FaultOf<'otherAzure'> => fault.kind === 'otherAzure',
  );
  const fleet = fleetOf(
    changes.reduce((fleet, { change }) => merged(fleet, change), scenario.fleet),
  );
  const failures: unknown[] = [];
  const fail = (error: unknown) => void failures.push(error);
  const time = createTime(Date.parse(fleet.startsAt), scenario.seed, fail);
  const chronicle = createChronicle(() => time.clock.now());
  const { faults } = scenario;
  const installations: Installation[] = [];
  const crash = (life: Life, back: Parameters<Installation['crash']>[1]) =>
    installations.forEach((installation) => installation.crash(life, back));
  const exchanges = createExchanges({ time, chronicle, faults, crash });
  const steps = createSteps({ time, chronicle, faults });
  const scenes = new Map<number, Scene>();
  const departures: Stage['departures'] = [];
  const actors = new Set<string>();
  const onAudit = (line: AuditLine) => {
    if (!actors.has(line.actor) || line.node === '') return;
    const scene = sceneOf(azure.world, line);
    if (scene !== undefined) scenes.set(line.seq, scene);
    acts.onLine(line);
  };
  const looks: Look[] = [];
  const azure = inProcessAzure({
    fleet,
    clock: time.clock,
    guest: modelGuest(),
    seed: scenario.seed,
    onAudit,
    onRequest(request, when) {
      const { actor, path, service } = request;
      const node = /\/pods\?.*fieldSelector=spec\.nodeName(?:=|%3D)([^&]+)/u.exec(path)?.[1];
      if (service === 'kubernetes' && node !== undefined && when === 'before') {
        looks.push({ at: time.clock.now(), actor, node, pods: podsOn(azure, node) });
      }
      return exchanges.onRequest(request, when);
    },
  });
  const onDeparture = (node: string) =>
    void departures.push({ node, seq: azure.audit.lines.length });
  const hands = createHands({ azure, time, chronicle, onDeparture });
  const acts = createActs({ time, chronicle, faults, exchanges, installations, hands });
  for (const change of changes) chronicle.strike(change, undefined);
  const name = `play-${plays++}`;
  for (const [index, plan] of scenario.apps.entries()) {
    installations.push(
      createInstallation({
        plan,
        settings: settingsFor(fleet.clusters, plan),
        name: `${name}-${index}`,
        firstId: index * idsOfEach,
        time,
        azure,
        chronicle,
        exchanges,
        steps,
        onStart: (actor) => actors.add(actor),
        ...(onEpisode === undefined ? {} : { onEpisode }),
        ...(hook === undefined ? {} : { hook }),
        fail,
      }),
    );
  }
  return {
    scenario,
    time,
    azure,
    chronicle,
    exchanges,
    steps,
    hands,
    acts,
    installations,
    actors,
    scenes,
    departures,
    looks,
    failures,
    canFinish:
      fleet.timings.operationKeepMinutes > 0 &&
      !fleet.faults.otherwise.includes('untaggedMachines'),
    // Each restart from inside keeps its node from being asked for an hour and a half.
    slowness: fleet.faults.otherwise.includes('scriptHolds') ? 3 : 1,
  };
}

const podsOn = ({ world }: InProcessAzure, name: string) => podsNow(world.node(name).cluster, name);

/** One level deep: `timings` and `faults` are laid over each other. */
function merged(fleet: Scenario['fleet'], change: Scenario['fleet']): Scenario['fleet'] {
  const result = { ...fleet };
  for (const [key, value] of Object.entries(change)) {
    const old = result[key];
    result[key] = isPlain(old) && isPlain(value) ? { ...old, ...joined(old, value) } : value;
  }
  return result;
}

/** Lists are added to each other. */
const joined = (old: Record<string, unknown>, value: Record<string, unknown>) =>
  Object.fromEntries(
    Object.entries(value).map(([key, one]) => {
      const before: unknown = old[key];
      return [key, Array.isArray(before) && Array.isArray(one) ? [...before, ...one] : one];
    }),
  );

const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function settingsFor(
  clusters: readonly { id: string }[],
  { controller, settings, ringOf }: AppPlan,
): SettingsDocument {
  return {
    ...settings,
    controller,
    clusters: clusters.map(({ id }, index) => {
      const ring = ringOf?.[index];
      return ring === undefined ? { id } : { id, ring };
    }),
    defaults: { ...briskDefaults, ...settings.defaults },
  };
}

const until = (time: Time, minutes: number) =>
  new Promise<void>((resolve) => time.at(minutes, resolve));
const pass = (time: Time, minutes: number) => until(time, time.minutes() + minutes);

/** Nothing goes wrong any more, and what went wrong is well again. */
async function mend({ time, chronicle, acts, exchanges, steps, hands, installations }: Stage) {
  chronicle.note('stage', 'everything is mended');
  exchanges.mend();
  steps.mend();
  time.mend();
  await acts.mend();
  await hands.mend();
  for (const installation of installations) void installation.mend();
}

/** Hours after the mending within which nothing of ours may be left half-way. */
const recoveryHours = 6;
/** Hours after people have done their part, within which everything due has to be done. */
const completionHours = 10;

/** Waits until all is done; what is not in time. */
async function settle(stage: Stage): Promise<string[]> {
  const { time, chronicle, hands, installations, slowness } = stage;
  const recovered = () => halfWay(stage);
  for (let hour = 0; hour < recoveryHours * slowness && recovered().length > 0; hour += 1) {
    await pass(time, 60);
  }
  // Of two controllers the one with the claim leaves the other's marks to a person's take-over.
  const undone = installations.length > 1 ? [] : recovered();
  chronicle.note('stage', 'people do what they have to');
  await hands.attend();
  for (const installation of installations) installation.settings.change(unhindered);
  const finished = () => unfinished(stage);
  for (let hour = 0; hour < completionHours * slowness && finished().length > 0; hour += 1) {
    await insist(stage);
    await pass(time, 60);
  }
  return [...undone, ...finished()];
}

/** Whoever is just being started hears it the next time. */
async function insist({ hands, installations }: Stage): Promise<void> {
  await hands.putBack();
  for (const installation of installations) await liftHolds(installation);
  if (installations.length < 2) return;
  const [first] = installations;
  await first?.call('POST', '/api/runs', { reason: 'simulated', takeOver: 'simulated' });
}

async function liftHolds(installation: Installation): Promise<void> {
  const locks = (await installation.call('GET', '/api/locks')) as
    { locks: { scope: string; hold?: unknown }[] } | undefined;
  for (const { scope, hold } of locks?.locks ?? []) {
    if (hold) await installation.call('DELETE', `/api/locks/${scope}/hold`);
  }
}

const asksThroughPods = (settings: string) => settings.includes('"access":"runCommand"');

/** Marks that no run has finished or undone, but for those that only a person can. */
function halfWay({ azure, installations }: Stage): string[] {
  const nodes = nodesNow(azure.world);
  const throughPods = installations.some(({ settings }) => asksThroughPods(settings.text));
  // The pods of AKS commands find no place any more: a person has to uncordon something.
  const isShutOut = ({ cluster }: NodeNow) =>
    throughPods &&
    nodes.every((other) => other.cluster !== cluster || other.unschedulable || !other.ready);
  return nodes
    .filter((now) => now.marked && !isShutOut(now))
    .flatMap((now) => {
      const machine = azure.world.node(now.node);
      const mark = markOf(azure, now.cluster, now.node);
      const isStuck = mark?.attempt !== undefined && mark.bootId === machine.bootId;
      const isOurs = mark !== undefined;
      return isStuck || !isOurs ? [] : [`${now.node} is still marked long after the trouble`];
    });
}

function markOf({ world }: InProcessAzure, clusterId: string, node: string): Mark | undefined {
  const path = `/api/v1/nodes/${node}`;
  const object = world.cluster(clusterId)?.kubernetes.object(path) as
    { metadata: { annotations: Record<string, string> } } | undefined;
  try {
    const mark = JSON.parse(
      object?.metadata.annotations['aks-reboot-orchestrator/mark'] ?? '',
    ) as Mark;
    return typeof mark.bootId === 'string' ? mark : undefined;
  } catch {
    return undefined;
  }
}

interface Mark {
  bootId: string;
  attempt?: object;
}

/** What says that it is another machine is never touched. */
const liesAbout = (machine: Machine) => machine.providerId !== providerId(machine.id);

/** What is due and not done, or was not put back. */
function unfinished(stage: Stage): string[] {
  const { azure, scenario } = stage;
  const liars = azure.world.clusters.flatMap(({ pools }) =>
    pools.flatMap(({ machines }) => machines.filter(liesAbout)),
  );
  // A ring whose nodes are not all well holds back the ones behind it.
  const ringsWait = liars.length > 0 && scenario.apps.some(({ ringOf }) => ringOf !== undefined);
  const isHeldBack = (machine: Machine) => ringsWait || liars.includes(machine);
  return nodesNow(azure.world).flatMap(({ node, unschedulable, marked, ready }) => {
    const machine = azure.world.node(node);
    const { packages, pool } = machine;
    const canFinish = stage.canFinish && !isHeldBack(machine);
    const ours = pool.settings.os === 'Linux' && pool.settings.type !== 'NodeAutoProvisioning';
    const why = [
      ...(packages !== undefined && ours && canFinish ? ['still needs its reboot'] : []),
      ...(unschedulable ? ['is still cordoned'] : []),
      ...(marked ? ['still carries a mark'] : []),
      ...(ready ? [] : ['is not Ready']),
    ];
    return why.map((text) => `${node} ${text} although nothing is in the way`);
  });
}

async function reportsOf(installations: readonly Installation[]): Promise<Report[]> {
  const reports: Report[] = [];
  for (const installation of installations) {
    const index = (await installation.call('GET', '/api/runs?limit=200')) as
      { runs: { run: string }[] } | undefined;
    for (const { run } of (index?.runs ?? []).toReversed()) {
      const report = (await installation.call('GET', `/api/runs/${run}`)) as Report | undefined;
      if (report?.endedAt !== undefined && isWhole(report)) reports.push(report);
    }
  }
  return reports;
}

/** Where the report itself is lost, the run's clusters are names only. */
const isWhole = ({ clusters }: { clusters: readonly unknown[] }) =>
  clusters.every((cluster) => typeof cluster === 'object');

/** Takes the stage down: nothing of it may be left for the next play. */
async function strike({ installations, time, azure }: Stage): Promise<void> {
  await Promise.all(installations.map((installation) => installation.stop()));
  time.clock.stop();
  await azure.stop();
}

function digestOf(lines: readonly AuditLine[]): string {
  const hash = createHash('sha256');
  for (const line of lines) hash.update(`${JSON.stringify(line)}\n`);
  return hash.digest('hex').slice(0, 16);
}

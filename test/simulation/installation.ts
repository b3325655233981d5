import { DatabaseSync } from 'node:sqlite';
import { app as functions } from '@azure/functions';
import type { PreInvocationHandler } from '@azure/functions';
import { registerFunctions } from '../../functions/register.ts';
import { startApp } from '../../local/app.ts';
import type { App } from '../../local/app.ts';
import type { HostOptions } from '../../local/host/host.ts';
import type { InProcessAzure } from '../../local/azure/inProcess.ts';
import { createMemoryDocuments } from '../../local/memoryDocuments.ts';
import { orchestrationVersions } from '../../src/workflow/flow.ts';
import { createAzure } from '../../src/azure/azure.ts';
import { createCommandKubernetes, createKubernetes } from '../../src/kubernetes/kubernetes.ts';
import type { SettingsDocument } from '../../src/policy/settings.ts';
import type { Documents, Log, Ports } from '../../src/ports.ts';
import type { Chronicle } from './chronicle.ts';
import type { Exchanges } from './exchanges.ts';
import type { AppPlan, Return } from './scenario.ts';
import { createSettingsDesk } from './settingsDesk.ts';
import type { SettingsDesk } from './settingsDesk.ts';
import type { Steps } from './steps.ts';
import { clockFor, end, newLife } from './time.ts';
import type { Life, Time } from './time.ts';

/** One installation of the program: one process after another, and what outlives them. */
export interface Installation {
  readonly plan: AppPlan;
  /** Everything that its processes logged but for debug. */
  readonly log: readonly LogLine[];
  readonly settings: SettingsDesk;
  /** What people have said yes to. */
  readonly approvals: Approval[];
  /** Whether any storage was lost: both together make the fleet's limit forgotten. */
  readonly forgot: boolean;
  start(): Promise<void>;
  /** Ends the process at this very instant; another one starts when its time has come. */
  crash(life: Life, back: Return): void;
  /** The same to whatever process runs. */
  kill(back: Return): void;
  /** Ends the process as one that is asked to, and goes on the same way. */
  restart(back: Return): Promise<void>;
  loseDocuments(): void;
  /** Asks the HTTP API; undefined when nobody is there, or it refuses. */
  call(method: string, path: string, body?: unknown): Promise<unknown>;
  /** Has a process at once, of the newest version, and on what is left. */
  mend(): Promise<void>;
  stop(): Promise<void>;
}

/** Of one node, or of the whole run where `node` is empty. */
export interface Approval {
  /** Epoch milliseconds. */
  at: number;
  run: string;
  node: string;
}

export type OnEpisode = NonNullable<HostOptions['onEpisode']>;
export type LogLine = Parameters<Log>[0];

export interface InstallationOptions {
  plan: AppPlan;
  settings: SettingsDocument;
  /** Unique in this process: databases in memory go by name. */
  name: string;
  /** Where its random ids begin. */
  firstId: number;
  time: Time;
  azure: InProcessAzure;
  chronicle: Chronicle;
  exchanges: Exchanges;
  steps: Steps;
  /** Called with the name that the audit log uses, for each new process. */
  onStart: (actor: string) => void;
  onEpisode?: OnEpisode;
  /** Registered before what makes steps go wrong. */
  hook?: PreInvocationHandler;
  fail: (error: unknown) => void;
}

/** What is deployed first. */
export const presentVersion: string = orchestrationVersions.at(-1) ?? '';
/** No fault deploys a newer one, and no release has one for long. */
export const newestVersion = '1.99';

const hostKeys = { master: 'master', functions: {}, perFunction: {}, durableTask: 'durable' };
/** Deadlines are the simulation's own: no wall clock ever ends a request. */
const noDeadlineSeconds = 86_400;

export function createInstallation(options: InstallationOptions): Installation {
  return new Installed(options);
}

class Installed implements Installation {
  readonly plan: AppPlan;
  readonly log: LogLine[] = [];
  readonly settings: SettingsDesk;
  readonly approvals: Approval[] = [];
  forgot = false;
  readonly #options: InstallationOptions;
  readonly #documents: Documents;
  readonly #leaving: Promise<void>[] = [];
  #running: { life: Life; app: App } | undefined;
  /** Counts ends: a start that was planned before the last one is off. */
  #ends = 0;
  #starts = 0;
  #stopping: Promise<void> = Promise.resolve();
  #ids: number;
  #version: string = presentVersion;
  #history: History;
  #kept = createMemoryDocuments();

  constructor(options: InstallationOptions) {
    this.#options = options;
    this.plan = options.plan;
    this.#ids = options.firstId;
    this.settings = createSettingsDesk(options.settings, () => options.time.clock.now());
    this.#history = new History(options.name);
    this.#documents = options.exchanges.documents({
      read: (path) => this.#kept.read(path),
      write: (...given) => this.#kept.write(...given),
      list: (...asked) => this.#kept.list(...asked),
      removeAll: (prefix) => this.#kept.removeAll(prefix),
    });
  }

  async start(): Promise<void> {
    const { plan, time, chronicle, exchanges, steps, onEpisode, hook, fail } = this.#options;
    const actor = `${plan.controller}-${++this.#starts}`;
    const life = newLife(actor);
    this.#options.onStart(actor);
    chronicle.note(actor, `starts, version ${this.#version}`);
    const release = time.clock.busy();
    const ports = this.#ports(life);
    const app = await startApp({
      ports,
      clock: clockFor(time, plan.skew.host * 1000),
      store: this.#history.path,
      version: this.#version,
      schedule: plan.schedule,
      onLog: ({ level, message }) => {
        // The last words of a process that dies are nobody's fault.
        if (level === 'critical' && !life.over) fail(new Error(message));
      },
      host: {
        keys: hostKeys,
        randomId: () => (this.#ids++).toString(16).padStart(32, '0'),
        // A process that is dead writes what nobody reads any more.
        onEpisode: (...episode) => void (life.over || onEpisode?.(...episode)),
        inProcessClient: (request, answer) => exchanges.carryClient(request, answer),
        load: async () => {
          registerFunctions(ports, plan.schedule);
          if (hook !== undefined) functions.hook.preInvocation(hook);
          functions.hook.preInvocation(steps.hookOf(life));
        },
      },
    });
    this.#running = { life, app };
    release();
  }

  crash(life: Life, back: Return): void {
    if (this.#running?.life !== life) return;
    const { app } = this.#running;
    this.#running = undefined;
    end(life);
    this.#options.chronicle.note(life.actor, 'dies');
    // What the dead process still writes goes into a history that nobody reads any more.
    this.#history = this.#history.copy();
    this.#leaving.push(app.stop().catch(() => {}));
    this.#comeBack(back);
  }

  kill(back: Return): void {
    if (this.#running !== undefined) this.crash(this.#running.life, back);
  }

  async restart(back: Return): Promise<void> {
    if (this.#running === undefined) return;
    const { app, life } = this.#running;
    this.#running = undefined;
    this.#options.chronicle.note(life.actor, 'stops');
    const ends = this.#ends;
    this.#stopping = app.stop();
    await this.#stopping;
    end(life);
    // That may have taken hours, and another process may have been started meanwhile.
    if (ends === this.#ends) this.#comeBack(back);
  }

  loseDocuments(): void {
    this.#kept = createMemoryDocuments();
  }

  async call(method: string, path: string, body?: unknown): Promise<unknown> {
    return this.#running?.app.call(method, path, body).catch(() => undefined);
  }

  async mend(): Promise<void> {
    const back: Return = { downMinutes: 0, storage: 'kept', version: newestVersion };
    this.#version = back.version;
    if (this.#running !== undefined) return this.restart(back);
    this.#ends += 1;
    // Two processes never share a history.
    await this.#stopping;
    await this.start();
  }

  async stop(): Promise<void> {
    this.#ends += 1;
    if (this.#running !== undefined) {
      end(this.#running.life);
      this.#leaving.push(this.#running.app.stop());
    }
    await Promise.all(this.#leaving);
    this.#history.forget();
  }

  #comeBack({ storage, version, downMinutes }: Return): void {
    if (storage !== 'kept') this.forgot = true;
    if (storage === 'gone' || storage === 'historyGone') this.#loseHistory();
    if (storage === 'gone' || storage === 'documentsGone') this.loseDocuments();
    this.#version = version;
    const ends = ++this.#ends;
    this.#options.time.after(downMinutes * 60, async () => {
      if (ends === this.#ends) await this.start();
    });
  }

  #loseHistory(): void {
    this.#history = this.#history.empty();
    this.#options.chronicle.machine.forget(this.plan.controller);
  }

  #ports(life: Life): Ports {
    const { azure, exchanges, time, plan } = this.#options;
    const { credential, httpClient, dispatcherFor } = azure.wayOf(life.actor, exchanges.carry);
    const clock = clockFor(time, plan.skew.activities * 1000);
    const log: Log = (entry) => void (entry.level !== 'debug' && this.log.push(entry));
    const deadlineSeconds = noDeadlineSeconds;
    return {
      clock,
      log,
      runtime: 'simulated',
      documents: this.#documents,
      settingsText: () => Promise.resolve(this.settings.text),
      prometheus: { query: () => Promise.reject(new Error('no settings ask Prometheus')) },
      vouching: { kind: 'local', who: 'approver' },
      randomHex: (digits) => (this.#ids++).toString(16).padStart(digits, '0').slice(-digits),
      azure: createAzure({
        credential: exchanges.credential(credential, life),
        armEndpoint: azure.armEndpoint,
        httpClient,
        clock,
        log,
        deadlineSeconds,
        connect: {
          api: (access) => createKubernetes(access, { dispatcherFor, deadlineSeconds }),
          runCommand: createCommandKubernetes,
        },
      }),
    };
  }
}

/** A history in memory, that outlives the hosts that open it by its path. */
class History {
  readonly path: string;
  readonly #name: string;
  readonly #generation: number;
  readonly #keeper: DatabaseSync;

  constructor(name: string, generation = 0) {
    this.#name = name;
    this.#generation = generation;
    this.path = `file:${name}-${generation}?mode=memory&cache=shared`;
    this.#keeper = new DatabaseSync(this.path);
  }

  /** As it is now, to the last commit; this one is not kept any longer. */
  copy(): History {
    const copy = this.empty();
    this.#keeper.exec(`VACUUM INTO '${copy.path}'`);
    this.forget();
    return copy;
  }

  empty(): History {
    return new History(this.#name, this.#generation + 1);
  }

  forget(): void {
    this.#keeper.close();
  }
}

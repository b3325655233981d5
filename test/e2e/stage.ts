/**
 * Simulated Azure in the test's own process, and the command line in child processes that are told where to
 * find it, as `aks-reboot azure` tells them.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { startAzure } from '../../local/azure/azure.ts';
import type { SimulatedAzure } from '../../local/azure/azure.ts';
import type { RequestHook } from '../../local/azure/faults.ts';
import { parseFleet } from '../../local/azure/fleet.ts';
import { compressedClock } from '../../local/clock.ts';
import { clockText } from '../../cli/processClock.ts';
import type { AuditLine } from '../../local/azure/audit.ts';
import type { Evidence, Report, Scene } from '../support/evidence.ts';
import { nodesNow, sceneOf } from '../support/witness.ts';

export const clusterId =
  '/subscriptions/8d2f1b64-3c1e-4b0a-9f57-6a1c2e9d4b10/resourceGroups/shop' +
  '/providers/Microsoft.ContainerService/managedClusters/shop';

export const root = fileURLToPath(new URL('../../', import.meta.url));
const main = join(root, 'cli', 'main.ts');
/** Compiled code is kept between the many starts of these tests. */
const compileCache = join(tmpdir(), 'aks-reboot-e2e-compile-cache');

/** A pool of `count` nodes that are due, a workload to drain, and machines that come back soon. */
export function smallFleet(count: number, changes: { nodes?: object; workloads?: object[] } = {}) {
  return {
    name: 'small',
    timings: {
      runCommandSeconds: 10,
      restartDelaySeconds: 20,
      bootSeconds: 30,
      kubeletSeconds: 5,
      podStartSeconds: 2,
    },
    clusters: [
      {
        id: clusterId,
        pools: [
          {
            name: 'web',
            count,
            each: { packages: ['linux-image-5.15.0-1096-azure'] },
            nodes: changes.nodes ?? {},
          },
        ],
        workloads: [
          { kind: 'DaemonSet', namespace: 'kube-system', name: 'kube-proxy' },
          { kind: 'Deployment', name: 'storefront', replicas: count, maxUnavailable: 1 },
          ...(changes.workloads ?? []),
        ],
      },
    ],
  };
}

/** What makes a run quick, and patient with a process that takes long to start on a loaded machine. */
export const quickPolicy = {
  pollSeconds: 15,
  readyForSeconds: 15,
  soakSeconds: 0,
  drainTimeoutMinutes: 240,
  readyTimeoutMinutes: 240,
};

export interface Stage {
  azure: SimulatedAzure;
  /** A directory that is removed at the end. */
  directory: string;
  /** A settings file for the cluster, its controller named `test`. */
  settings: string;
  /** Starts `aks-reboot` with these words, as `actor` in simulated Azure. */
  start(words: readonly string[], actor?: string): Command;
  /** The same, and waits for its end. */
  run(words: readonly string[]): Promise<Ended>;
  /** What the promises are judged by. */
  evidence(reports?: readonly Report[]): Evidence;
  stop(): Promise<void>;
}

export interface StageOptions {
  fleet: object;
  /** Times as fast as real. */
  speed: number;
  onRequest?: RequestHook;
  policy?: object;
}

export async function stage(options: StageOptions): Promise<Stage> {
  const { speed, onRequest, policy = quickPolicy } = options;
  const read = parseFleet(options.fleet);
  if (read.kind !== 'fleet') throw new Error(JSON.stringify(read.value));
  const anchor = { wall: Date.now(), shown: Date.parse(read.value.startsAt) };
  const actors = new Set<string>();
  const scenes = new Map<number, Scene>();
  const azure = await startAzure({
    fleet: read.value,
    clock: compressedClock(speed, anchor),
    onAudit: (line) => {
      if (!actors.has(line.actor) || line.node === '') return;
      const scene = sceneOf(azure.world, line);
      if (scene !== undefined) scenes.set(line.seq, scene);
    },
    ...(onRequest === undefined ? {} : { onRequest }),
  });
  const before = nodesNow(azure.world);
  const directory = mkdtempSync(join(tmpdir(), 'aks-reboot-e2e-'));
  const ca = join(directory, 'ca.pem');
  writeFileSync(ca, azure.ca);
  const settings = join(directory, 'settings.json');
  const clusters = read.value.clusters.map(({ id }) => ({ id }));
  writeFileSync(settings, JSON.stringify({ controller: 'test', defaults: policy, clusters }));
  const commands: Command[] = [];
  const start = (words: readonly string[], actor = 'terminal') => {
    actors.add(actor);
    const command = startCommand(words, {
      ...azure.environment(actor),
      NODE_EXTRA_CA_CERTS: ca,
      AKS_REBOOT_CLOCK: clockText(speed, anchor),
      XDG_STATE_HOME: join(directory, 'usual-place'),
    });
    commands.push(command);
    return command;
  };
  return {
    azure,
    directory,
    settings,
    start,
    run: (words) => start(words).ended,
    evidence: (reports = []) => ({
      lines: azure.audit.lines,
      actors,
      scenes,
      before,
      after: nodesNow(azure.world),
      departures: [],
      reports,
    }),
    async stop() {
      for (const command of commands) command.kill('SIGKILL');
      await Promise.all(commands.map(({ ended }) => ended));
      await azure.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Names of the nodes that still wait for a reboot. */
export function stillDue({ world }: SimulatedAzure): string[] {
  return world.clusters
    .flatMap(({ pools }) => pools.flatMap(({ machines }) => machines))
    .filter(({ packages }) => packages !== undefined)
    .map(({ nodeName }) => nodeName);
}

/** Nodes whose restart was asked for and begun, in order. */
export function restarted({ lines }: { lines: readonly AuditLine[] }): string[] {
  return lines
    .filter(({ action, detail }) => action === 'restart' && detail['taken'] === true)
    .map(({ node }) => node);
}

export interface Ended {
  /** The exit code; undefined when a signal ended it. */
  code: number | undefined;
  /** What it printed, without colours. */
  output: string;
}

export interface Command {
  ended: Promise<Ended>;
  output(): string;
  kill(signal: NodeJS.Signals): void;
  /** Waits until it has printed that. Throws when it ends without. */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
}

/** `aks-reboot` as a process of its own, with nothing of this process's environment but the path. */
export function startCommand(words: readonly string[], environment: object = {}): Command {
  mkdirSync(compileCache, { recursive: true });
  const child = spawn(process.execPath, [main, ...words], {
    env: {
      PATH: process.env['PATH'],
      HOME: tmpdir(),
      NODE_COMPILE_CACHE: compileCache,
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  const listeners = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (more: string) => {
      text += stripVTControlCharacters(more);
      for (const listener of listeners) listener();
    });
  }
  const ended = once(child, 'close').then(([code]): Ended => {
    return { code: typeof code === 'number' ? code : undefined, output: text };
  });
  return {
    ended,
    output: () => text,
    kill: (signal) => void child.kill(signal),
    printed: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = pattern.exec(text);
          if (found === null) return;
          listeners.delete(look);
          resolve(found);
        };
        listeners.add(look);
        look();
        void ended.then(() => reject(new Error(`ended without ${String(pattern)}:\n${text}`)));
      }),
  };
}

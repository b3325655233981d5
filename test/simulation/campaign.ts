import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Result } from './result.ts';
import type { WorkerOptions } from './worker.ts';

export interface CampaignOptions extends WorkerOptions {
  from: number;
  count: number;
  /** No seed is begun after so many seconds of wall-clock time. */
  limitSeconds: number;
  /** Stops at the first result of that kind. */
  until?: (result: Result) => boolean;
  workers?: number | undefined;
  /** Arguments for Node, such as a module that changes the code under test. */
  nodeArguments?: readonly string[];
  environment?: Readonly<Record<string, string>>;
  onResult?: (result: Result) => void;
}

const worker = fileURLToPath(new URL('worker.ts', import.meta.url));

/** Plays many seeds in as many processes as there are cores. */
export async function campaign(options: CampaignOptions): Promise<Result[]> {
  const { from, count, limitSeconds, until = () => false } = options;
  const results: Result[] = [];
  const begun = performance.now();
  let next = from;
  let over = false;
  const take = () => {
    const late = performance.now() - begun > limitSeconds * 1000;
    return over || late || next >= from + count ? undefined : next++;
  };
  const crew = Math.min(options.workers ?? availableParallelism(), count);
  await Promise.all(
    Array.from({ length: crew }, async () => {
      let player = startPlayer(options);
      let plays = 0;
      for (let seed = take(); seed !== undefined; seed = take()) {
        const result = await player.play(seed);
        plays += 1;
        if (result.kind === 'lost' || plays % playsOfProcess === 0) {
          player.stop();
          player = startPlayer(options);
        }
        results.push(result.value);
        options.onResult?.(result.value);
        if (until(result.value)) over = true;
      }
      player.stop();
    }),
  );
  return results.sort((a, b) => a.seed - b.seed);
}

/** Most of what a play makes is forgotten soon: a large nursery saves the collector work. */
const quick = ['--disable-warning=ExperimentalWarning', '--max-semi-space-size=64'];

/** Functions that are registered anew for each process of the app are never forgotten by their SDK. */
const playsOfProcess = 100;

/** Longer than any play takes, on a busy machine too. */
const longestPlayMs = 240_000;

type Played = { kind: 'played' | 'lost'; value: Result };

function startPlayer(options: CampaignOptions) {
  const { nodeArguments = [], environment = {}, faults, fleet, regression } = options;
  const played: WorkerOptions = { faults, fleet, regression };
  const child = fork(worker, [JSON.stringify(played)], {
    execArgv: [...quick, ...nodeArguments],
    env: { ...process.env, ...environment },
  });
  return {
    play: (seed: number) =>
      new Promise<Played>((resolve) => {
        const end = (played: Played) => {
          clearTimeout(watchdog);
          child.removeAllListeners();
          resolve(played);
        };
        const lose = (text: string) => end({ kind: 'lost', value: lost(seed, text) });
        const watchdog = setTimeout(() => lose('it does not end'), longestPlayMs);
        child.once('exit', () => lose('its process ended'));
        child.once('message', (value) => end({ kind: 'played', value: value as Result }));
        child.send(seed);
      }),
    stop: () => child.kill(),
  };
}

function lost(seed: number, text: string): Result {
  const nothing = { strikes: {}, edges: {}, grid: {} };
  const breaches = [{ promise: 'the simulation', text }];
  return { seed, digest: '', hours: 0, runs: 0, reboots: 0, breaches, ...nothing };
}

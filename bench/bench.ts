import { execFileSync, spawn } from 'node:child_process';
import { statSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { FleetRun } from './fleetRun.ts';

/**
 * `npm run bench`: the budgets, and what was measured against them. Simulated times are exact; wall-clock
 * times are medians, and only as good as the machine is quiet.
 */

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

function node(file: string, ...args: string[]): string {
  return execFileSync(process.execPath, [here(file), ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 2 ** 26,
  });
}

function fleetRun(nodes: number, due: number, soakSeconds: number): FleetRun {
  const text = node('fleetRun.ts', String(nodes), String(due), String(soakSeconds));
  return JSON.parse(text.trim().split('\n').at(-1) ?? '') as FleetRun;
}

function median(values: number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

/** `npm start` from its spawn to the first line about a step, and to its end, milliseconds. */
async function demo(): Promise<{ first: number; whole: number }> {
  const begun = performance.now();
  const child = spawn(process.execPath, [here('../cli/main.ts'), 'rehearse'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let first = 0;
  for await (const line of createInterface(child.stdout)) {
    if (first === 0 && /^\S*\d\d:\d\d:\d\d/u.test(line)) first = performance.now() - begun;
  }
  return { first, whole: performance.now() - begun };
}

interface Row {
  what: string;
  limit: number;
  unit: string;
  measured: number[];
}

function print(columns: string[], rows: Row[]): void {
  const cell = (text: string, width: number) => text.padStart(width);
  console.log(`\n${''.padEnd(52)}${cell('limit', 10)}${columns.map((c) => cell(c, 12)).join('')}`);
  for (const { what, limit, unit, measured } of rows) {
    const shown = measured.map((value) => {
      const text = `${Number(value.toFixed(2))}${value > limit ? ' MISS' : ''}`;
      return cell(text, 12);
    });
    console.log(`${`${what}, ${unit}`.padEnd(52)}${cell(String(limit), 10)}${shown.join('')}`);
  }
}

const concurrency = 20;
const meanSeconds = 30;
const pollSeconds = 15;
const ideal = (nodes: number) => (nodes / concurrency) * (meanSeconds + pollSeconds);

console.log('Probing 100 and 1,000 nodes, and rebooting 20 of each; this takes a few minutes.');
const probing = [fleetRun(100, 0, 0), fleetRun(1000, 0, 0)];
const rebooting = [fleetRun(100, 20, 0), fleetRun(1000, 20, 0)];
const soaking = [fleetRun(100, 20, 60), fleetRun(1000, 20, 60)];
const replay = probing.map(({ replayMs, nodes }) => replayMs / nodes);

print(
  ['100 nodes', '1,000 nodes'],
  [
    {
      what: 'probing: time over N/C x (L + poll)',
      unit: 'ratio',
      limit: 1.1,
      measured: probing.map(({ probingSeconds, nodes }) => probingSeconds / ideal(nodes)),
    },
    {
      what: 'longest history of an instance',
      unit: 'events',
      limit: 500,
      measured: rebooting.map(({ longestHistory }, index) =>
        Math.max(longestHistory, probing[index]?.longestHistory ?? 0),
      ),
    },
    {
      what: 'replay per node, over that at 100 nodes',
      unit: 'ratio',
      limit: 1.25,
      measured: replay.map((value) => value / (replay[0] ?? 1)),
    },
    {
      what: 'idle gap, no soak',
      unit: 's',
      limit: 2 * pollSeconds,
      measured: rebooting.map(({ idleGapSeconds }) => idleGapSeconds),
    },
    {
      what: 'idle gap, soak of 60 s aside',
      unit: 's',
      limit: 2 * pollSeconds,
      measured: soaking.map(({ idleGapSeconds }) => idleGapSeconds),
    },
    {
      what: 'ARM requests per rebooted node, polls aside',
      unit: 'requests',
      limit: 12,
      measured: rebooting.map(({ armRequestsPerNode }) => armRequestsPerNode),
    },
    {
      what: 'polls of one operation',
      unit: 'per minute',
      limit: 15,
      measured: rebooting.map(({ pollsPerMinute }) => pollsPerMinute),
    },
  ],
);

const memory = Number(node('appMemory.ts', '5000').trim());
node('../build.ts');
const loads = Array.from({ length: 7 }, () => Number(node('bundleLoad.ts').trim()));
const demos = [];
for (let count = 0; count < 3; count += 1) demos.push(await demo());
print(
  ['measured'],
  [
    {
      what: 'bundle',
      unit: 'MB',
      limit: 5,
      measured: [statSync(here('../dist/app/main.js')).size / 1e6],
    },
    {
      what: 'peak memory at 5,000 nodes, heap bounded',
      unit: 'MB',
      limit: 512,
      measured: [memory],
    },
    { what: 'bundle load, median of 7', unit: 'ms', limit: 350, measured: [median(loads)] },
    {
      what: 'npm start: first progress, median of 3',
      unit: 's',
      limit: 3,
      measured: [median(demos.map(({ first }) => first)) / 1000],
    },
    {
      what: 'npm start: whole rehearsal, median of 3',
      unit: 's',
      limit: 60,
      measured: [median(demos.map(({ whole }) => whole)) / 1000],
    },
  ],
);

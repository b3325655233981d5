import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseEnv } from 'node:util';
import { generateFleet } from '../local/azure/generateFleet.ts';

/**
 * Prints the peak memory, in MB, of a process that probes and plans a cluster of so many nodes:
 * app and local host, simulated Azure being another process. The heap is bounded as the deployment
 * bounds it: unbounded, V8 takes what the machine has.
 */
const heapMegabytes = 192;
const speed = 200;

const main = fileURLToPath(new URL('../cli/main.ts', import.meta.url));
const reporter = new URL('peakMemory.ts', import.meta.url).href;

async function appMemory(nodes: number): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'aks-reboot-bench-'));
  const file = (name: string) => join(directory, name);
  const timings = { runCommandSeconds: 30, spread: 0.5 };
  const fleet = generateFleet({
    clusters: 1,
    nodesPerCluster: nodes,
    needShare: 0.02,
    seed: 1,
    timings,
  });
  writeFileSync(file('fleet.json'), JSON.stringify(fleet));
  const azureArguments = ['--fleet', file('fleet.json'), '--dir', directory, '--port', '0'];
  const azure = spawn(
    process.execPath,
    [main, 'azure', '--speed', String(speed), ...azureArguments],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  try {
    for await (const line of createInterface(azure.stdout)) if (/kubeconfig/u.test(line)) break;
    const cluster = fleet.clusters[0]?.id ?? '';
    const app = spawn(
      process.execPath,
      [main, 'run', '--dry-run', '--state', file('state'), '--cluster', cluster],
      {
        stdio: ['ignore', 'ignore', 'inherit'],
        env: {
          ...process.env,
          ...parseEnv(readFileSync(file('environment'), 'utf8').replaceAll('export ', '')),
          NODE_OPTIONS: `--max-old-space-size=${heapMegabytes} --import=${reporter}`,
          PEAK_MEMORY_FILE: file('memory'),
        },
      },
    );
    const [code] = (await once(app, 'exit')) as [number | null];
    if (code !== 0) throw new Error(`the run ended with ${String(code)}`);
    return Number(readFileSync(file('memory'), 'utf8'));
  } finally {
    azure.kill();
    rmSync(directory, { recursive: true, force: true });
  }
}

console.log(await appMemory(Number(process.argv[2])));

import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CommandUser } from '../arm/clusterCommand.ts';
import type { Cluster } from './world.ts';

/** What runs an AKS command, in a pod of the cluster as far as anybody can see. */
export interface CommandShell {
  run(asked: { cluster: Cluster; user: CommandUser; command: string }): Promise<CommandEnd>;
}

export interface CommandEnd {
  exitCode: number;
  /** Both streams, as a pod's log has them. */
  output: string;
}

/** A command that hangs must not hang the simulation. */
const wallTimeoutMs = 60_000;

/** Runs commands with this machine's own sh, kubectl and jq, in an empty home. */
export function realShell(
  kubeconfigOf: (cluster: Cluster, user: CommandUser) => Promise<string>,
): CommandShell {
  return {
    async run({ cluster, user, command }) {
      const home = await mkdtemp(join(tmpdir(), 'simulated-command-'));
      try {
        const kubeconfig = join(home, 'kubeconfig');
        await writeFile(kubeconfig, await kubeconfigOf(cluster, user));
        return await execute(command, home, kubeconfig);
      } finally {
        await rm(home, { recursive: true, force: true });
      }
    },
  };
}

function execute(command: string, home: string, kubeconfig: string): Promise<CommandEnd> {
  const env = {
    PATH: process.env['PATH'],
    HOME: home,
    TMPDIR: home,
    KUBECONFIG: kubeconfig,
  };
  const options = { env, cwd: home, timeout: wallTimeoutMs, maxBuffer: 64 * 1024 * 1024 };
  return new Promise((resolve) => {
    execFile('/bin/sh', ['-c', command], options, (error, stdout, stderr) => {
      const exitCode = error === null ? 0 : typeof error.code === 'number' ? error.code : 137;
      resolve({ exitCode, output: stdout + stderr });
    });
  });
}

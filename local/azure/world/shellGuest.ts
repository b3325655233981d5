import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { visibleBootId } from './guest.ts';
import type { Guest, Output } from './guest.ts';
import type { Machine } from './world.ts';

/** A script of ours that hangs must not hang the simulation. */
const wallTimeoutMs = 60_000;

/**
 * Runs scripts with /bin/sh against a directory per machine that holds what the machine would show.
 * The scripts read files below $AKS_REBOOT_ROOT; `uname` and `stat` are shimmed through PATH, since
 * what they tell is the kernel's and not a file's.
 */
export async function shellGuest(): Promise<Guest> {
  const home = await mkdtemp(join(tmpdir(), 'simulated-azure-'));
  let runs = 0;
  return {
    async run(machine, script, now) {
      const root = join(home, String(++runs));
      const path = join(root, 'script.sh');
      try {
        await furnish(root, machine, now);
        await writeFile(path, script);
        return await execute(path, root);
      } finally {
        await rm(root, { recursive: true, force: true });
      }
    },
    stop: () => rm(home, { recursive: true, force: true }),
  };
}

/** Writes what the machine shows at this moment below `root`. */
async function furnish(root: string, machine: Machine, now: number): Promise<void> {
  const uptime = ((now - machine.bootedAt) / 1000).toFixed(2);
  const birth = Math.floor(machine.bornAt / 1000);
  const stat = `case "$*" in *%W*) echo ${birth} ;; *) exec /usr/bin/stat "$@" ;; esac`;
  const files: Record<string, string> = {
    'proc/uptime': `${uptime} ${uptime}\n`,
    'proc/sys/kernel/osrelease': `${machine.kernel}\n`,
    'etc/hostname': `${machine.computerName}\n`,
    'bin/uname': `#!/bin/sh\necho '${machine.kernel}'\n`,
    'bin/stat': `#!/bin/sh\n${stat}\n`,
  };
  const bootId = visibleBootId(machine);
  if (bootId !== undefined) {
    files['proc/sys/kernel/random/boot_id'] = `${bootId}\n`;
  }
  if (machine.packages !== undefined) {
    files['var/run/reboot-required'] = '*** System restart required ***\n';
    files['var/run/reboot-required.pkgs'] = machine.packages.map((name) => `${name}\n`).join('');
  }
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, name)), { recursive: true });
    await writeFile(join(root, name), text);
  }
  await mkdir(join(root, 'var/run'), { recursive: true });
  await chmod(join(root, 'bin/uname'), 0o755);
  await chmod(join(root, 'bin/stat'), 0o755);
}

function execute(path: string, root: string): Promise<Output> {
  const env = {
    PATH: `${join(root, 'bin')}:/usr/bin:/bin`,
    AKS_REBOOT_ROOT: root,
  };
  return new Promise((resolve) => {
    // The exit code is lost on Linux (azure-cli#14425), and so is it here.
    execFile('/bin/sh', [path], { env, cwd: root, timeout: wallTimeoutMs }, (_, stdout, stderr) =>
      resolve({ stdout, stderr }),
    );
  });
}

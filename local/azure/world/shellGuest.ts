import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
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
 * what they tell is the kernel's and not a file's, and so are systemd's tools, since nothing here
 * is to be rebooted: they leave their wish in a file.
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
        const output = await execute(path, root);
        const rebootInSeconds = await readFile(join(root, 'reboot-in'), 'utf8').then(Number, () => {
          return undefined;
        });
        return { ...output, ...(rebootInSeconds === undefined ? {} : { rebootInSeconds }) };
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
    ...rebootTools(machine),
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
  if (machine.packages !== undefined)
    await dateBack(join(root, 'var/run/reboot-required'), now - machine.sentinelAt);
  for (const name of Object.keys(files).filter((name) => name.startsWith('bin/'))) {
    await chmod(join(root, name), 0o755);
  }
}

/** As long ago by the real clock, which is what the script looks at. */
async function dateBack(path: string, agoMs: number): Promise<void> {
  const at = (Date.now() - agoMs) / 1000;
  await utimes(path, at, at);
}

/** A systemd that only notes when it is to reboot, and none where restarts fail. */
function rebootTools({ behaviour }: Machine): Record<string, string> {
  const wish = '"$AKS_REBOOT_ROOT/reboot-in"';
  const tool = (body: string) => `#!/bin/sh\n${behaviour.restart === 'fails' ? 'exit 1' : body}\n`;
  return {
    // Of its options only the delay matters; that it is to run `systemctl reboot` is checked.
    'bin/systemd-run': tool(
      `case "$*" in *" systemctl reboot") ;; *) exit 1 ;; esac
for word in "$@"; do
  case "$word" in --on-active=*) echo "\${word#*=}" > ${wish} ;; esac
done`,
    ),
    'bin/shutdown': tool(`[ "$1" = -r ] && echo 60 > ${wish} || rm -f ${wish}`),
    'bin/systemctl': tool('[ "$1" = stop ]'),
  };
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

import * as z from 'zod';
import { framedLine } from './framedLine.ts';

/**
 * The probe: a shell script that says whether a Linux node needs a reboot. Run-command loses the
 * exit code and keeps only the last 4,096 bytes of output, so the answer is one framed line,
 * printed last.
 */

const answered = {
  /** What the node itself says its boot is: has to agree with the Node object. */
  bootId: z.string(),
  kernel: z.string(),
  uptimeSeconds: z.number(),
  /** Root file system's birth, epoch seconds; 0 when the file system keeps none. */
  birth: z.number(),
};
export const probeSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('required'), ...answered, packages: z.array(z.string()) }),
  z.object({ kind: z.literal('notRequired'), ...answered }),
  z.object({ kind: z.literal('unknown'), reason: z.string() }),
]);
export type Probe = z.infer<typeof probeSchema>;

/**
 * Leaves room for the rest of the line within run-command's 4,096 bytes. A name that is cut in two
 * is left out: every whole one ends in a comma.
 */
const packageBytes = 2_000;

/**
 * The script. It prints nothing but its line, never fails, and stops by its own `timeout`: a stuck
 * script blocks the instance's run-command for up to 90 minutes.
 *
 * @param sentinelPath absolute path of the file that says a reboot is due
 * @param timeoutSeconds after which it gives up with `unknown`
 */
export function probeScript(sentinelPath: string, timeoutSeconds: number): string {
  return `# aks-reboot probe v1
sentinel=${shellQuoted(sentinelPath)}
export sentinel
timeout ${timeoutSeconds} sh <<'PROBE' ||
root="\${AKS_REBOOT_ROOT:-}"
boot=$(cat "$root/proc/sys/kernel/random/boot_id" 2>/dev/null | tr -cd 'a-f0-9-')
uptime=$(cut -d. -f1 "$root/proc/uptime" 2>/dev/null | tr -cd '0-9')
kernel=$(uname -r | tr -cd 'A-Za-z0-9._+~-')
birth=$(stat -c %W "$root/" 2>/dev/null | tr -cd '0-9')
directory=$(dirname "$root$sentinel")
packages=
if [ -e "$root$sentinel" ]; then
  answer=required reason=
  packages=$(sort -u "$root$sentinel.pkgs" 2>/dev/null |
    tr -cd 'A-Za-z0-9.+:~_\\n-' | tr '\\n' ',' | head -c ${packageBytes})
elif [ -d "$directory" ] && [ -x "$directory" ]; then
  answer=notRequired reason=
else
  answer=unknown reason=unreadableDirectory
fi
[ -n "$boot" ] || { answer=unknown; reason=noBootId; }
facts="boot=$boot uptime=\${uptime:-0} kernel=$kernel birth=\${birth:-0}"
echo "AKSREBOOT1 $answer $facts packages=\${packages%,*} reason=$reason END"
PROBE
echo "AKSREBOOT1 unknown boot= uptime=0 kernel= birth=0 packages= reason=timeout END"
exit 0
`;
}

/** What the sentinel's path may be: nothing that a shell could read as more than a path. */
export const sentinelPathPattern = /^\/[A-Za-z0-9._/-]{1,200}$/u;

function shellQuoted(path: string): string {
  if (!sentinelPathPattern.test(path)) throw new Error(`not a sentinel path: ${path}`);
  return `'${path}'`;
}

const linePattern = new RegExp(
  '^AKSREBOOT1 (required|notRequired|unknown) boot=([a-f0-9-]*) uptime=(\\d{1,12})' +
    ' kernel=([A-Za-z0-9._+~-]*) birth=(\\d{1,12})' +
    ' packages=([A-Za-z0-9.+:~_,-]*) reason=([A-Za-z]*) END$',
  'u',
);

/** Reads the script's output. Anything that is not exactly one whole line of ours is `unknown`. */
export function parseProbe(stdout: string): Probe {
  const framed = framedLine(stdout, 'AKSREBOOT1');
  if (framed.kind === 'none') return { kind: 'unknown', reason: framed.why };
  const match = linePattern.exec(framed.line);
  const [, answer, bootId = '', uptime = '', kernel = '', birth = '', packages = '', why = ''] =
    match ?? [];
  // The script never says so: whoever did, it is no answer of ours.
  const contradictory =
    (answer !== 'unknown' && (bootId === '' || why !== '')) ||
    (answer === 'notRequired' && packages !== '');
  if (match === null || contradictory) {
    return { kind: 'unknown', reason: 'the script printed a garbled answer' };
  }
  const common = { bootId, kernel, uptimeSeconds: Number(uptime), birth: Number(birth) };
  if (answer === 'required') {
    return { kind: 'required', ...common, packages: packages.split(',').filter(Boolean) };
  }
  if (answer === 'notRequired') return { kind: 'notRequired', ...common };
  return { kind: 'unknown', reason: `the script says: ${why || 'unknown'}` };
}

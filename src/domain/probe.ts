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
  z.object({
    kind: z.literal('required'),
    ...answered,
    packages: z.array(z.string()),
    /** Since the sentinel was last written, by the node's own clock; a command has none. */
    ageSeconds: z.number().optional(),
  }),
  z.object({ kind: z.literal('notRequired'), ...answered }),
  z.object({
    kind: z.literal('unknown'),
    reason: z.string(),
    /** What the node said of itself although nobody knows whether it needs a reboot. */
    facts: z.object(answered).optional(),
  }),
]);
export type Probe = z.infer<typeof probeSchema>;
export type ProbeFacts = z.infer<z.ZodObject<typeof answered>>;

/** What the node said of itself, whatever its answer was. */
export function factsOf(probe: Probe): ProbeFacts | undefined {
  if (probe.kind === 'unknown') return probe.facts;
  const { bootId, kernel, uptimeSeconds, birth } = probe;
  return { bootId, kernel, uptimeSeconds, birth };
}

/** What tells that a reboot is due: a file, or a command if there is one. */
export interface Sentinel {
  /** Absolute path of the file that says so. */
  sentinelPath: string;
  /** A shell command whose exit code says so; empty for none. Runs as root. */
  sentinelCommand: string;
  sentinelRequiredCodes: readonly number[];
  sentinelNotRequiredCodes: readonly number[];
}

/**
 * Leaves room for the rest of the line within run-command's 4,096 bytes. A name that is cut in two
 * is left out: every whole one ends in a comma.
 */
const packageBytes = 2_000;

/**
 * The script. It prints nothing but its line, never fails, and stops by its own `timeout`: a stuck
 * script blocks the instance's run-command for up to 90 minutes. It is killed with all that it
 * began: told to end, the script would, and a command that does not want to would stay for ever.
 * A command travels in base64, so that no shell reads it before the one that runs it.
 *
 * @param timeoutSeconds after which it gives up with `unknown`
 */
export function probeScript(sentinel: Sentinel, timeoutSeconds: number): string {
  const codes = (some: readonly number[]) => some.map((code) => Math.trunc(code)).join(' ');
  return `# aks-reboot probe v2
sentinel=${shellQuoted(sentinel.sentinelPath)}
command='${base64(sentinel.sentinelCommand)}'
required='${codes(sentinel.sentinelRequiredCodes)}'
spared='${codes(sentinel.sentinelNotRequiredCodes)}'
export sentinel command required spared
timeout -s KILL ${timeoutSeconds} sh <<'PROBE' ||
root="\${AKS_REBOOT_ROOT:-}"
boot=$(cat "$root/proc/sys/kernel/random/boot_id" 2>/dev/null | tr -cd 'a-f0-9-')
uptime=$(cut -d. -f1 "$root/proc/uptime" 2>/dev/null | tr -cd '0-9')
kernel=$(uname -r | tr -cd 'A-Za-z0-9._+~-')
birth=$(stat -c %W "$root/" 2>/dev/null | tr -cd '0-9')
directory=$(dirname "$root$sentinel")
packages= age= reason=
if [ -n "$command" ]; then
  if text=$(printf %s "$command" | base64 -d 2>/dev/null); then
    sh -c "$text" </dev/null >/dev/null 2>&1
    code=$?
    answer=unknown reason=exit$code
    case " $spared " in *" $code "*) answer=notRequired reason= ;; esac
    case " $required " in *" $code "*) answer=required reason= ;; esac
  else
    answer=unknown reason=noBase64
  fi
elif [ -e "$root$sentinel" ]; then
  answer=required
  packages=$(sort -u "$root$sentinel.pkgs" 2>/dev/null |
    tr -cd 'A-Za-z0-9.+:~_\\n-' | tr '\\n' ',' | head -c ${packageBytes})
  changed=$(stat -L -c %Y "$root$sentinel" 2>/dev/null | tr -cd '0-9')
  now=$(date +%s)
  [ -n "$changed" ] && [ "$now" -ge "$changed" ] && age=$((now - changed))
elif [ -d "$directory" ] && [ -x "$directory" ]; then
  answer=notRequired
else
  answer=unknown reason=unreadableDirectory
fi
[ -n "$boot" ] || { answer=unknown; reason=noBootId; age=; packages=; }
facts="boot=$boot uptime=\${uptime:-0} kernel=$kernel birth=\${birth:-0}"
echo "AKSREBOOT2 $answer $facts age=$age packages=\${packages%,*} reason=$reason END"
PROBE
echo "AKSREBOOT2 unknown boot= uptime=0 kernel= birth=0 age= packages= reason=timeout END"
exit 0
`;
}

/** What the sentinel's path may be: nothing that a shell could read as more than a path. */
export const sentinelPathPattern = /^\/[A-Za-z0-9._/-]{1,200}$/u;

function shellQuoted(path: string): string {
  if (!sentinelPathPattern.test(path)) throw new Error(`not a sentinel path: ${path}`);
  return `'${path}'`;
}

/** In the alphabet that no shell reads as anything. */
function base64(text: string): string {
  return btoa(String.fromCodePoint(...new TextEncoder().encode(text)));
}

const linePattern = new RegExp(
  '^AKSREBOOT2 (required|notRequired|unknown) boot=([a-f0-9-]*) uptime=(\\d{1,12})' +
    ' kernel=([A-Za-z0-9._+~-]*) birth=(\\d{1,12}) age=(\\d{0,12})' +
    ' packages=([A-Za-z0-9.+:~_,-]*) reason=([A-Za-z0-9]*) END$',
  'u',
);

/** Reads the script's output. Anything that is not exactly one whole line of ours is `unknown`. */
export function parseProbe(stdout: string): Probe {
  const framed = framedLine(stdout, 'AKSREBOOT2');
  if (framed.kind === 'none') return { kind: 'unknown', reason: framed.why };
  const match = linePattern.exec(framed.line);
  const [, answer, bootId = '', uptime = '', kernel = '', birth = '', age = ''] = match ?? [];
  const [packages = '', why = ''] = match?.slice(7) ?? [];
  // The script never says so: whoever did, it is no answer of ours.
  const contradictory =
    (answer !== 'unknown' && (bootId === '' || why !== '')) ||
    (answer !== 'required' && (packages !== '' || age !== ''));
  if (match === null || contradictory) {
    return { kind: 'unknown', reason: 'the script printed a garbled answer' };
  }
  const facts = { bootId, kernel, uptimeSeconds: Number(uptime), birth: Number(birth) };
  if (answer === 'required') {
    const named = packages.split(',').filter(Boolean);
    const aged = age === '' ? {} : { ageSeconds: Number(age) };
    return { kind: 'required', ...facts, packages: named, ...aged };
  }
  if (answer === 'notRequired') return { kind: 'notRequired', ...facts };
  return { kind: 'unknown', reason: wordsOf(why), ...(bootId === '' ? {} : { facts }) };
}

/** Why the script does not know, for people. */
function wordsOf(why: string): string {
  const code = /^exit(\d+)$/u.exec(why)?.[1];
  return code === undefined
    ? `the script says: ${why || 'unknown'}`
    : `sentinelCommand ended with ${code}, which says neither yes nor no`;
}

import { framedLine } from './framedLine.ts';

/**
 * The restart from inside: a script that has the node reboot itself in a little while, if it still
 * is on the boot that we mean. A script that arrives late, or twice, finds another boot and does
 * nothing. The delay lets the VM agent report the script's end before its machine goes down.
 */

/** Nothing that a shell could read as more than an id: a Node can claim any. */
export const bootIdPattern = /^[a-f0-9-]{1,64}$/u;

const delaySeconds = 15;
/** Neither tool waits for anything. */
const timeoutSeconds = 60;

/**
 * The script. It prints nothing but its line, and never fails. `refused` means that nothing is
 * under way: whatever one tool may have begun is taken back.
 *
 * @param bootId the boot that is to end. Throws unless it matches `bootIdPattern`.
 */
export function restartScript(bootId: string): string {
  if (!bootIdPattern.test(bootId)) throw new Error(`not a boot id: ${bootId}`);
  return `# aks-reboot restart v1
expected='${bootId}'
export expected
timeout ${timeoutSeconds} sh <<'RESTART' ||
boot=$(cat "\${AKS_REBOOT_ROOT:-}/proc/sys/kernel/random/boot_id" 2>/dev/null | tr -cd 'a-f0-9-')
unit=aks-reboot-restart
say() { echo "AKSRESTART1 $1 boot=$boot by=$2 END"; exit 0; }
[ -n "$boot" ] || say refused noBootId
[ "$boot" = "$expected" ] || say otherBoot nobody
systemctl is-active --quiet "$unit.timer" && say scheduled earlier
systemd-run --quiet --on-active=${delaySeconds} --unit="$unit" systemctl reboot >/dev/null 2>&1 &&
  say scheduled systemdRun
shutdown -r +1 >/dev/null 2>&1 && say scheduled shutdown
systemctl stop "$unit.timer" >/dev/null 2>&1
shutdown -c >/dev/null 2>&1
say refused noTool
RESTART
echo "AKSRESTART1 unknown boot= by=timeout END"
exit 0
`;
}

export type RestartAnswer =
  /** The node is about to go down. */
  | { kind: 'scheduled'; by: string }
  /** It is on another boot than the one that was to end. */
  | { kind: 'otherBoot' }
  /** Nothing is under way, and nothing will be. */
  | { kind: 'refused'; by: string }
  /** Nobody knows: the machine may have gone down before the agent could tell. */
  | { kind: 'unknown'; why: string };

const linePattern =
  /^AKSRESTART1 (scheduled|otherBoot|refused|unknown) boot=[a-f0-9-]* by=([A-Za-z]+) END$/u;

/** Reads the script's output. Anything that is not exactly one whole line of ours is `unknown`. */
export function parseRestart(stdout: string): RestartAnswer {
  const framed = framedLine(stdout, 'AKSRESTART1');
  if (framed.kind === 'none') return { kind: 'unknown', why: framed.why };
  const [, kind, by = ''] = linePattern.exec(framed.line) ?? [];
  switch (kind) {
    case 'scheduled':
    case 'refused':
      return { kind, by };
    case 'otherBoot':
      return { kind };
    case 'unknown':
      return { kind, why: `the script says: ${by}` };
    case undefined:
    default:
      return { kind: 'unknown', why: 'the script printed a garbled answer' };
  }
}

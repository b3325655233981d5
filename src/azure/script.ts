import { forPeople } from '../domain/trouble.ts';

/** One element of a run-command's result, as the SDK types it. */
export interface ScriptStatus {
  code?: string;
  level?: string;
  displayStatus?: string;
  message?: string;
}

export type ScriptResult =
  { kind: 'ended'; stdout: string; stderr: string } | { kind: 'failed'; value: string };

/**
 * Reads the result of a run-command. Linux answers one element with both streams in one message;
 * the documented shape (and Windows) is one element a stream.
 */
export function readScriptResult(value: readonly ScriptStatus[]): ScriptResult {
  const failure = value.find(
    ({ code, level }) => level === 'Error' || /\/failed/iu.test(code ?? ''),
  );
  if (failure !== undefined) {
    return { kind: 'failed', value: forPeople(failure.message ?? failure.displayStatus ?? '') };
  }
  const stream = (name: string) => value.find(({ code }) => code?.includes(`/${name}/`));
  const [stdout, stderr] = [stream('StdOut'), stream('StdErr')];
  if (stdout !== undefined || stderr !== undefined) {
    return { kind: 'ended', stdout: stdout?.message ?? '', stderr: stderr?.message ?? '' };
  }
  return { kind: 'ended', ...splitStreams(value[0]?.message ?? '') };
}

const stdoutMark = '[stdout]\n';
const stderrMark = '\n[stderr]\n';

/**
 * `Enable succeeded: \n[stdout]\n<out>\n[stderr]\n<err>`, where the script may print marks of its
 * own.
 */
function splitStreams(message: string): { stdout: string; stderr: string } {
  const begin = message.indexOf(stdoutMark);
  if (begin < 0) return { stdout: '', stderr: message };
  const end = message.lastIndexOf(stderrMark);
  const from = begin + stdoutMark.length;
  // An empty stdout shares its newline with the mark of stderr.
  return end < from - 1
    ? { stdout: message.slice(from), stderr: '' }
    : {
        stdout: message.slice(from, Math.max(from, end)),
        stderr: message.slice(end + stderrMark.length),
      };
}

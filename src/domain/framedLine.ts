/**
 * Our scripts answer by one framed line: run-command loses the exit code, keeps only the end of the
 * output, and may bring back what others have printed.
 */
export type FramedLine = { kind: 'line'; line: string } | { kind: 'none'; why: string };

/** The only line that begins with `frame`; two of them are as good as none. */
export function framedLine(stdout: string, frame: string): FramedLine {
  const lines = stdout.split('\n').filter((line) => line.startsWith(`${frame} `));
  const [line, ...more] = lines;
  if (line === undefined) return { kind: 'none', why: 'the script printed no answer' };
  if (more.length > 0) return { kind: 'none', why: 'the script printed two answers' };
  return { kind: 'line', line: line.trimEnd() };
}

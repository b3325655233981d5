import { readFileSync } from 'node:fs';
import { printable } from '../src/domain/trouble.ts';
import type { Problem } from '../src/policy/problem.ts';

/** What the person who typed the command has to change; exit code 2. */
export class BadInput extends Error {
  override readonly name = 'BadInput';
}

/** All problems of a file at once, one a line, as `file:line:column` where that is known. */
export function badFile(file: string, problems: readonly Problem[]): BadInput {
  return new BadInput(`${file} is not right:\n${linesOf(file, problems).join('\n')}`);
}

export function linesOf(file: string, problems: readonly Problem[]): string[] {
  return problems.map(({ path, problem, position }) => {
    const place = position === undefined ? '' : `${file}:${position.line}:${position.column} `;
    return `  ${printable(`${place}${path} ${problem}`)}`;
  });
}

const standardInput = 0;

/** A file's text, or that of standard input (`-`). Throws `BadInput` when it can't be read. */
export function readInput(file: string): string {
  try {
    return readFileSync(file === '-' ? standardInput : file, 'utf8');
  } catch (error) {
    throw new BadInput(`can't read ${file}: ${error instanceof Error ? error.message : 'unknown'}`);
  }
}

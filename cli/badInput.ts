import { readFileSync } from 'node:fs';
import type { Problem } from '../src/policy/problem.ts';

/** What the person who typed the command has to change; exit code 2. */
export class BadInput extends Error {
  override readonly name = 'BadInput';
}

/** All problems of a file at once, one a line. */
export function badFile(file: string, problems: readonly Problem[]): BadInput {
  const lines = problems.map(({ path, problem }) => `  ${path}: ${problem}`);
  return new BadInput(`${file} is not right:\n${lines.join('\n')}`);
}

/** A file's text. Throws `BadInput` when it can't be read. */
export function readInput(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new BadInput(`can't read ${file}: ${error instanceof Error ? error.message : 'unknown'}`);
  }
}

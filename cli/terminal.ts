import { printable } from '../src/domain/trouble.ts';

/** Width of the terminal; what is not a terminal gets whole lines. */
export function columns(): number {
  return process.stdout.isTTY ? process.stdout.columns : Number.MAX_SAFE_INTEGER;
}

/**
 * The same value with nothing in its texts that a terminal acts upon: whoever may write to a
 * cluster writes into reports.
 */
export function printableTexts(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (_key, one: unknown) =>
    typeof one === 'string' ? printable(one) : one,
  );
}

/** The same for a text of several lines. */
export function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}

/** Width of the terminal; what is not a terminal gets whole lines. */
export function columns(): number {
  return process.stdout.isTTY ? process.stdout.columns : Number.MAX_SAFE_INTEGER;
}

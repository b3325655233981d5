/**
 * Seeded randomness: the same seed and key give the same numbers, whatever else draws in between.
 */
export type Random = () => number;

/** FNV-1a, 32 bits: spreads a key over the seeds. */
export function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  }
  return value >>> 0;
}

/**
 * A generator of its own for `key` (mulberry32).
 *
 * @returns a function that gives numbers in [0, 1)
 */
export function seededRandom(seed: number, key: string): Random {
  let state = (seed ^ hash(key)) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** `length` characters drawn from `alphabet`. */
export function pick(random: Random, alphabet: string, length: number): string {
  let text = '';
  for (let i = 0; i < length; i++) text += alphabet[Math.floor(random() * alphabet.length)] ?? '';
  return text;
}

/** A random (version 4) UUID. */
export function uuid(random: Random): string {
  const hex = (length: number) => pick(random, '0123456789abcdef', length);
  return `${hex(8)}-${hex(4)}-4${hex(3)}-${pick(random, '89ab', 1)}${hex(3)}-${hex(12)}`;
}

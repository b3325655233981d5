import { seededRandom } from '../../local/azure/random.ts';

/** Seeded choices. */
export interface Dice {
  /** In [0, 1). */
  next(): number;
  chance(probability: number): boolean;
  /** A whole number, both ends included. */
  whole(from: number, to: number): number;
  /** Like `whole`, and small ones come up more often. */
  small(from: number, to: number): number;
  one<T>(choices: readonly T[]): T;
}

export function createDice(seed: number, key: string): Dice {
  const next = seededRandom(seed, key);
  const whole = (from: number, to: number) => from + Math.floor(next() * (to - from + 1));
  return {
    next,
    chance: (probability) => next() < probability,
    whole,
    small: (from, to) => from + Math.floor(next() ** 2.5 * (to - from + 1)),
    one(choices) {
      const choice = choices[whole(0, choices.length - 1)];
      if (choice === undefined) throw new Error('nothing to choose from');
      return choice;
    },
  };
}

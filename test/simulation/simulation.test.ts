import { drawScenario } from './draw.ts';
import { resultOf } from './result.ts';

/** A handful of seeds; `npm run simulate` plays as many as you like. */
const seeds = [2, 7, 8, 22];

it.each(seeds)('keeps every promise in the scenario of seed %i', async (seed) => {
  const { breaches } = await resultOf(drawScenario(seed));
  expect(breaches).toEqual([]);
});

it('does the same to the byte when it is played again', async () => {
  const scenario = drawScenario(26);
  const [first, second] = [await resultOf(scenario), await resultOf(scenario)];
  expect(first.digest).toBe(second.digest);
  expect(Object.keys(first.strikes).length).toBeGreaterThan(3);
});

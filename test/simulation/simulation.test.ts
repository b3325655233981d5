import { drawScenario } from './draw.ts';
import { mutations } from './mutations.ts';
import { readRegression, regressionNames } from './regressions.ts';
import { resultOf } from './result.ts';

/** A handful of seeds; `npm run simulate` plays as many as you like. */
const seeds = [2, 7, 8, 22];

it.each(seeds)('keeps every promise in the scenario of seed %i', async (seed) => {
  const { breaches } = await resultOf(drawScenario(seed));
  expect(breaches).toEqual([]);
});

it.each(regressionNames())('does not have its old bug any more: %s', async (name) => {
  const { breaches } = await resultOf(readRegression(name));
  expect(breaches).toEqual([]);
});

it('keeps for every scenario of a bug how to bring that bug back', () => {
  const known = mutations.flatMap(({ regression }) => regression ?? []);
  expect([...new Set(known)].sort()).toEqual(regressionNames());
});

it('does the same to the byte when it is played again', async () => {
  const scenario = drawScenario(26);
  const [first, second] = [await resultOf(scenario), await resultOf(scenario)];
  expect(first.digest).toBe(second.digest);
  expect(Object.keys(first.strikes).length).toBeGreaterThan(3);
});

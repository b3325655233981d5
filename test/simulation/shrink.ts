import type { Breach } from './judge.ts';
import { resultOf } from './result.ts';
import type { Scenario } from './scenario.ts';

/**
 * Reduces a failing scenario to few faults: ever smaller parts are left out as long as the same
 * promise stays broken. Latencies hang on places, not on an order, so the rest goes on as it did.
 */
export async function shrink(failing: Scenario, breaches: readonly Breach[]): Promise<Scenario> {
  const [worst] = breaches;
  const breaks = async (scenario: Scenario) => {
    const result = await resultOf(scenario);
    return result.breaches.some(({ promise }) => promise === worst?.promise);
  };
  let best = failing;
  for (let size = Math.ceil(best.faults.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let from = 0; from < best.faults.length;) {
      const faults = best.faults.filter((_, index) => index < from || index >= from + size);
      const smaller = { ...best, faults };
      if (await breaks(smaller)) best = smaller;
      else from += size;
    }
  }
  const calm = { ...best, apps: best.apps.map((app) => ({ ...app, skew: noSkew })) };
  if (best.apps.some(({ skew }) => skew.host !== 0) && (await breaks(calm))) best = calm;
  const alone = { ...best, apps: best.apps.slice(0, 1) };
  return best.apps.length > 1 && (await breaks(alone)) ? alone : best;
}

const noSkew = { host: 0, activities: 0 };

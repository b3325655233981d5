import { createDice } from './dice.ts';
import type { Dice } from './dice.ts';
import { drawFault } from './drawFaults.ts';
import { aimedKinds, drawAimed, drawDetour } from './drawAims.ts';
import type { Layout } from './drawPlaces.ts';
import { drawFleet } from './drawFleet.ts';
import { drawAksSchedule, drawApp } from './drawSettings.ts';
import type { Ground } from './drawSettings.ts';
import type { AppPlan, Fault, FaultKind, Scenario } from './scenario.ts';

export interface DrawOptions {
  /** Only faults of these kinds; all of them when not said. */
  faults?: readonly FaultKind[] | undefined;
  /** A fleet instead of a drawn one, as its file spells it. */
  fleet?: Scenario['fleet'] | undefined;
}

/** The scenario of a seed. */
export function drawScenario(seed: number, { faults, fleet: given }: DrawOptions = {}): Scenario {
  const dice = createDice(seed, 'scenario');
  const aks = given === undefined && dice.chance(0.1) ? drawAksSchedule(dice) : undefined;
  const fleet = given ?? drawFleet(dice, aks);
  const hours = dice.whole(2, 5);
  const { nodes, clusters } = sizeOf(fleet);
  const apps = drawApps(dice, { clusters, aks });
  const layout: Layout = { hours, apps: apps.length, nodes, clusters };
  // Few, so that one can see what each of them does; now and then many.
  const count = dice.chance(0.2) ? dice.whole(12, 40) : dice.whole(1, 10);
  const aimed = drawPurpose(dice, layout, faults);
  const others = Array.from({ length: count }, () => drawFault(dice, layout, faults));
  return {
    seed,
    fleet,
    apps,
    hours,
    faults: [...aimed, ...others],
  };
}

/** What most scenarios are about: one fault in one state, or one rare way through the machine. */
function drawPurpose(dice: Dice, layout: Layout, kinds: DrawOptions['faults']): Fault[] {
  if (dice.chance(0.65)) return drawAimed(dice, layout, kinds ?? aimedKinds);
  return kinds === undefined && dice.chance(0.6) ? drawDetour(dice) : [];
}

function drawApps(dice: Dice, ground: Ground): AppPlan[] {
  const apps = [drawApp(dice, 'app', 0, ground)];
  if (dice.chance(0.12)) apps.push(drawApp(dice, 'other', dice.whole(0, 120), ground));
  return apps;
}

function sizeOf(fleet: Scenario['fleet']): { nodes: number; clusters: number } {
  const clusters = fleet['clusters'] as { pools: { count: number }[] }[];
  const counts = clusters.flatMap(({ pools }) => pools.map(({ count }) => count));
  return { nodes: counts.reduce((sum, count) => sum + count, 0), clusters: clusters.length };
}

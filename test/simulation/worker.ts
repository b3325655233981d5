import { drawScenario } from './draw.ts';
import type { DrawOptions } from './draw.ts';
import { readRegression } from './regressions.ts';
import { resultOf } from './result.ts';

/** What a worker plays: seeds, or one recorded scenario whatever the seed. */
export interface WorkerOptions extends DrawOptions {
  regression?: string | undefined;
}

/** A process that plays the seeds that it is sent, one after another. */
const { regression, ...draw } = JSON.parse(process.argv[2] ?? '{}') as WorkerOptions;

process.on('message', (seed: number) => {
  const scenario = regression === undefined ? drawScenario(seed, draw) : readRegression(regression);
  void resultOf(scenario).then((result) => process.send?.(result));
});

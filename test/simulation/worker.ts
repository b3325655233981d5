import { drawScenario } from './draw.ts';
import type { DrawOptions } from './draw.ts';
import { resultOf } from './result.ts';

/** A process that plays the seeds that it is sent, one after another. */
const options = JSON.parse(process.argv[2] ?? '{}') as DrawOptions;

process.on('message', (seed: number) => {
  void resultOf(drawScenario(seed, options)).then((result) => process.send?.(result));
});

import type { Pace, Paces } from '../domain/pace.ts';
import type { Policy } from '../policy/settings.ts';

/**
 * What a node is expected to take: judged by the settings, and by how long earlier nodes of its
 * pool took. Minutes, whole ones.
 */
export interface Expected {
  drainMinutes: number;
  restartMinutes: number;
}

/** Fewer nodes than that tell nothing. */
const enough = 5;

/** What a node of this pool is expected to take. Pure. */
export function expectedOf(policy: Policy, pool: string, paces: Paces): Expected {
  const { fitBy, expectedDrainMinutes, expectedRestartMinutes, fitPercentile } = policy;
  const known = paces[pool.toLowerCase()] ?? [];
  const percentile = (of: (pace: Pace) => number | undefined) => {
    const seconds = known.flatMap((pace) => of(pace) ?? []).sort((a, b) => a - b);
    const rank = Math.ceil((fitPercentile / 100) * seconds.length);
    return seconds.length < enough ? undefined : Math.ceil((seconds[rank - 1] ?? 0) / 60);
  };
  const drain = percentile(({ drainSeconds }) => drainSeconds);
  const restart = percentile(({ restartSeconds }) => restartSeconds);
  return {
    drainMinutes: weigh(fitBy, expectedDrainMinutes, drain),
    restartMinutes: weigh(fitBy, expectedRestartMinutes, restart),
  };
}

function weigh(by: Policy['fitBy'], settings: number, history: number | undefined): number {
  switch (by) {
    case 'settings':
      return settings;
    case 'history':
      return history ?? settings;
    case 'longer':
      return Math.max(settings, history ?? 0);
  }
}

import { isoInstant } from '../../domain/instant.ts';
import type { Reason } from '../../domain/reason.ts';
import { viewWindows } from '../../policy/window.ts';
import { expectedOf } from '../fit.ts';
import type { Sight, Stops } from '../gate.ts';

/** Gates that the clock closes. */

const minuteMs = 60_000;

/** As much of a node as the clock asks for. */
type Placed = Pick<Sight, 'policy'> & { node: Pick<Sight['node'], 'pool'> };

export function window(
  sight: Placed,
  stops: Pick<Stops, 'now' | 'maintenance' | 'paces'>,
): Reason | undefined {
  const { drainMinutes, restartMinutes } = expectedOf(sight.policy, sight.node.pool, stops.paces);
  return fits(sight, stops, drainMinutes + restartMinutes);
}

/** Once cordoned only what is left counts: restart and proof. */
export function windowForRestart(sight: Placed, stops: Stops): Reason | undefined {
  return fits(sight, stops, expectedOf(sight.policy, sight.node.pool, stops.paces).restartMinutes);
}

function fits(
  { policy }: Pick<Sight, 'policy'>,
  { now, maintenance }: Pick<Stops, 'now' | 'maintenance'>,
  minutes: number,
): Reason | undefined {
  const view = viewWindows(policy, maintenance, now);
  if (view.kind === 'closed') {
    const why = view.why === undefined ? '' : `: ${view.why}`;
    return { kind: 'window', value: `the window is closed${why}; ${opens('', view.opensAt)}` };
  }
  const leftMinutes = Math.floor((view.closesAt - now) / minuteMs);
  if (leftMinutes >= minutes) return undefined;
  const left = `${minutes} minutes are needed, ${leftMinutes} are left of the window`;
  return { kind: 'fit', value: `${left}; ${opens('again ', view.reopensAt)}` };
}

function opens(again: '' | 'again ', at: number | undefined): string {
  return at === undefined ? 'no next opening is known' : `it opens ${again}${isoInstant(at)}`;
}

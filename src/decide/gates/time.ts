import { isoInstant } from '../../domain/instant.ts';
import type { Reason } from '../../domain/reason.ts';
import type { Policy } from '../../policy/settings.ts';
import { viewWindows } from '../../policy/window.ts';
import type { Scene, Sight, Stops } from '../gate.ts';

/** Gates that the clock closes. */

const minuteMs = 60_000;

export function window({ policy }: Sight, { now }: Scene): Reason | undefined {
  return fits(policy, now, policy.expectedDrainMinutes + policy.expectedRestartMinutes);
}

/** Once cordoned only what is left counts: restart and proof. */
export function windowForRestart(
  { policy }: Pick<Sight, 'policy'>,
  { now }: Stops,
): Reason | undefined {
  return fits(policy, now, policy.expectedRestartMinutes);
}

function fits(policy: Policy, now: number, minutes: number): Reason | undefined {
  const view = viewWindows(policy.windows, now);
  if (view.kind === 'closed') {
    const next = view.opensAt === undefined ? 'never' : isoInstant(view.opensAt);
    return { kind: 'window', value: `the window is closed; it opens ${next}` };
  }
  const leftMinutes = Math.floor((view.closesAt - now) / minuteMs);
  return leftMinutes >= minutes
    ? undefined
    : {
        kind: 'fit',
        value: `${minutes} minutes are needed, ${leftMinutes} are left of the window`,
      };
}

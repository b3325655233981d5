import type { Forecast } from '../domain/drain.ts';
import { wayAtLast } from '../decide/deadline.ts';
import type { Policy } from '../policy/settings.ts';
import type { Kubernetes } from '../ports.ts';
import { drainPolicy } from './scene.ts';
import type { Desk } from './scene.ts';

/**
 * What a node's drain would come to, by what the API server says to dry runs. Nothing where the
 * node is restarted in any case.
 */
export async function forecastOf(
  desk: Desk,
  kubernetes: Kubernetes,
  node: string,
  policy: Policy,
): Promise<Forecast | undefined> {
  if (policy.atDrainDeadline === 'restart') return undefined;
  return kubernetes.foresee(node, drainPolicy(policy, wayAtLast(policy)), desk.clock.now());
}

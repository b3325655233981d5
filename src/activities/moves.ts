import type { Moves, Plan } from '../domain/plan.ts';
import { reasonOfTrouble } from '../domain/reason.ts';
import type { Reason } from '../domain/reason.ts';
import { TroubleError } from '../domain/trouble.ts';
import type { Scene, Sight } from '../decide/gate.ts';
import type { Policy } from '../policy/settings.ts';
import type { Kubernetes } from '../ports.ts';
import { inTheWayFirst } from './drain.ts';
import { forecastOf } from './forecast.ts';
import { connect, drainPolicy } from './scene.ts';
import type { Desk, Site } from './scene.ts';

/**
 * So many nodes are looked at: those whose turns come first. So many of them are asked about as
 * well, an eviction for each pod that the API server judges and does not carry out.
 */
const nodesLookedAt = 40;
const nodesForeseen = 10;
const atOnce = 8;
const podsTold = 10;
/** A pod's reason quotes other people's texts. */
const longestWhy = 300;

/**
 * Looks which pods would have to move, and what keeps them. Best effort: what can't be seen now is
 * seen before the cordon, so trouble ends the looking and nothing else. Over AKS run command each
 * look would start a pod in the cluster: there nobody looks.
 */
export async function lookAtPods(
  desk: Desk,
  site: Site,
  { nodes }: Plan,
  sights: readonly Sight[],
  { access }: Pick<Scene, 'access'>,
): Promise<Map<string, Moves>> {
  const moves = new Map<string, Moves>();
  if (access.way !== 'api') return moves;
  const kubernetes = await connect(desk, site);
  const policies = new Map(sights.map(({ node, policy }) => [node.name, policy]));
  const first = nodes
    .flatMap(({ node, turn }) => (turn === undefined ? [] : [{ node, position: turn.position }]))
    .sort((a, b) => a.position - b.position)
    .slice(0, nodesLookedAt);
  try {
    for (let start = 0; start < first.length; start += atOnce) {
      const looks = first.slice(start, start + atOnce).map(async ({ node, position }) => {
        const policy = policies.get(node) ?? site.policy;
        const foreseen = position <= nodesForeseen;
        moves.set(node, await lookAt(desk, kubernetes, { node, policy, foreseen }));
      });
      await Promise.all(looks);
    }
  } catch (error) {
    if (!(error instanceof TroubleError)) throw error;
    const detail = { ...reasonOfTrouble(error.trouble) };
    desk.log({ level: 'warn', message: 'pods not seen', cluster: site.cluster.key, detail });
  }
  return moves;
}

async function lookAt(
  desk: Desk,
  kubernetes: Kubernetes,
  { node, policy, foreseen }: { node: string; policy: Policy; foreseen: boolean },
): Promise<Moves> {
  const now = desk.clock.now();
  const { left } = await kubernetes.leftToDrain(node, drainPolicy(policy), now);
  const pods = inTheWayFirst(left)
    .slice(0, podsTold)
    .map(({ pod, state, reason }) => ({ pod, state, why: reason.value.slice(0, longestWhy) }));
  const seen = { count: left.length, pods };
  if (!foreseen) return seen;
  const forecast = await forecastOf(desk, kubernetes, node, policy);
  return forecast === undefined
    ? seen
    : { ...seen, hopeless: brief(forecast.hopeless), passing: brief(forecast.passing) };
}

function brief(reasons: readonly Reason[]): Reason[] {
  return reasons
    .slice(0, podsTold)
    .map(({ kind, value }) => ({ kind, value: value.slice(0, longestWhy) }));
}

import type { Access } from '../domain/access.ts';
import type { Approval } from '../domain/approval.ts';
import type { ClusterFacts } from '../domain/cluster.ts';
import type { Force } from '../domain/force.ts';
import type { Maintenance } from '../domain/maintenance.ts';
import type { ProbeRecord } from '../domain/need.ts';
import type { Forecast } from '../domain/drain.ts';
import type { NodeView } from '../domain/node.ts';
import type { Paces } from '../domain/pace.ts';
import type { Outside } from '../domain/outside.ts';
import type { Reason } from '../domain/reason.ts';
import type { Hold } from '../lock/lock.ts';
import type { Policy } from '../policy/settings.ts';
import type { Serving } from './gates/capacity.ts';
import type { Match } from './identity.ts';

/** A node as far as it is known at one moment. */
export interface Sight {
  node: NodeView;
  match: Match;
  probe: ProbeRecord | undefined;
  /** What the settings say for nodes of its pool. */
  policy: Policy;
  /** What its drain would come to, where somebody has looked. */
  forecast?: Forecast | undefined;
}

/** What the instance says counts; the node's own word is for those that have none. */
export function poolOf({ match, node }: Pick<Sight, 'match' | 'node'>): string {
  return match.kind === 'matched' ? match.pool.name : node.pool;
}

/** What stops the work on a node at once, as long as its restart was not asked for. */
export interface Stops {
  /** Epoch milliseconds. */
  now: number;
  /** The holds that stand, with the scope they were put on. */
  holds: readonly { scope: string; hold: Hold }[];
  /** Why the run was canceled, if it was. */
  canceled: string | undefined;
  /** The cluster's own maintenance schedule, where a window asks for it. */
  maintenance: Maintenance;
  /** How long earlier nodes took. */
  paces: Paces;
}

/** What is out of service in the whole fleet. */
export interface FleetView {
  /** So much may be. */
  limit: number;
  /** The node's cluster, as `out` calls it. */
  cluster: string;
  out: readonly { cluster: string; node: string }[];
}

/** What surrounds the node at that moment. */
export interface Scene extends Stops {
  run: string;
  controller: string;
  /** Nodes of the cluster that may be out of service at once. */
  concurrency: number;
  cluster: ClusterFacts;
  /** Pools and nodes that the run is limited to; empty means all. */
  limits: { pools: readonly string[]; nodes: readonly string[] };
  /** How the API server is reached. */
  access: Access;
  /** All nodes of the cluster that could take the pod of an AKS command. */
  commandHosts: readonly string[];
  /** Missing where the fleet has no limit, and in plans: it is another one a minute later. */
  fleet?: FleetView | undefined;
  /** Why the run begins nothing in the cluster's ring, if it doesn't. */
  ringHeld: readonly Reason[];
  /** What people have said, where they have to be asked. */
  approvals: {
    /** Somebody can tell who they are. */
    vouched: boolean;
    /** They were asked; while a plan is made they are not yet. */
    asked: boolean;
    given: readonly Approval[];
  };
  /** The run reboots nodes whether they ask for it or not. */
  force: Force | undefined;
  /** Who else has claimed the cluster, if anyone. */
  claimedBy: string | undefined;
  /** What sources outside said. */
  outside: Outside;
  /** All nodes of the cluster that carry a mark, readable or not, ours or not. */
  marked: readonly NodeView[];
  /**
   * Pools of the slots that were given before this node's and whose nodes carry no mark yet: other
   * lanes are about to take them out of service.
   */
  ahead?: readonly string[];
  /** All nodes of the cluster whose restart was refused, lately or not. */
  refused: readonly NodeView[];
  serving: Serving;
}

/** Says that `value` keeps the node from being touched for as long as things are as they are. */
export type Gate = (sight: Sight, scene: Scene) => Reason | undefined;

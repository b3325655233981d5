import { nextTurn } from '../decide/turn.ts';
import { lockEntityName } from '../lock/entity.ts';
import { parseLock } from '../lock/lock.ts';
import { policyOf } from '../policy/settings.ts';
import type { StepInput, StepOutputs } from '../steps.ts';
import { awaitApproval } from './approval.ts';
import { findRoom } from './fleet.ts';
import { openSite } from './scene.ts';
import type { Desk } from './scene.ts';

/**
 * The next node that a lane may take, as far as one can see: the lock has the last word, because
 * what is read here may be old. None when the plan is through, and when the run was canceled.
 */
export async function nextNode(
  desk: Desk,
  { run, cluster, holder, passed }: StepInput<'nextNode'>,
): Promise<StepOutputs['nextNode']> {
  const site = await openSite(desk, cluster);
  const turns = await desk.reports.turns(run, cluster);
  const { owner, slots } = parseLock(await desk.durable.entity(lockEntityName, cluster));
  const canceled = (await desk.reports.cancel(run)) !== undefined;
  if (turns === undefined || owner?.run !== run || canceled) return { kind: 'none' };
  const others = slots.filter((slot) => slot.holder !== holder);
  const next = nextTurn(turns, { turns: owner.turns, slots: others }, (pool) =>
    passed.includes(pool) ? 0 : policyOf(site.cluster, pool).maxUnavailable,
  );
  if (next === undefined) return { kind: 'none' };
  const { address, index, limit } = next;
  const { pool } = address;
  const { stopAfterFailures } = site.policy;
  const { soakSeconds } = policyOf(site.cluster, pool);
  const waits = await awaitApproval(desk, site, run, address);
  if (waits !== undefined) return { kind: 'wait', ...waits };
  const room = await findRoom(desk, site, holder);
  if (room.kind === 'full') return { kind: 'none' };
  if (room.kind === 'wait') return room;
  return {
    kind: 'node',
    ...address,
    turn: { pool, index, limit, stopAfterFailures },
    soakSeconds,
    ...(room.kind === 'seat' ? { seat: { limit: room.limit, evict: room.evict } } : {}),
  };
}

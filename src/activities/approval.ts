import { approvalOf } from '../domain/approval.ts';
import type { Asked } from '../domain/approval.ts';
import { epochMs, isoInstant } from '../domain/instant.ts';
import { decideUnbegun } from '../decide/gates.ts';
import { policyOf } from '../policy/settings.ts';
import { readStops, rememberedFacts } from './scene.ts';
import type { Desk, Site } from './scene.ts';

/** Between two looks for what a person said. */
const lookSeconds = 30;

/**
 * Whether a lane has to wait for a person before it takes the node: it takes no slot and no place
 * in the fleet meanwhile. Whatever was said, and that nobody said anything in time, is judged where
 * the node is cordoned, with all the other gates.
 */
export async function awaitApproval(
  desk: Desk,
  site: Site,
  run: string,
  { node: name, pool }: { node: string; pool: string },
): Promise<{ waitSeconds: number; detail: string } | undefined> {
  const policy = policyOf(site.cluster, pool);
  const { approval: wanted, approvalTimeoutMinutes } = policy;
  if (wanted === 'off' || desk.vouching.kind === 'nobody') return undefined;
  if (approvalOf(wanted, await desk.reports.approvals(run), name) !== undefined) return undefined;
  const stops = await readStops(desk, site, run, await rememberedFacts(desk, site));
  if (decideUnbegun({ policy, node: { pool } }, stops).length > 0) return undefined;
  const now = desk.clock.now();
  const node = wanted === 'perNode' ? name : '';
  const earlier = (await desk.reports.asked(run)).find((one) => one.node === node);
  const until = isoInstant(now + approvalTimeoutMinutes * 60_000);
  const asked: Asked = earlier ?? { node, at: isoInstant(now), until };
  if (earlier === undefined) await desk.reports.writeAsked(run, asked);
  if (now >= epochMs(asked.until)) return undefined;
  const what = node === '' ? 'this run' : `node ${node}`;
  const detail =
    `${what} waits for approval until ${asked.until}: ` +
    `POST /api/runs/${run}/approve${node === '' ? '' : ' with nodes'}`;
  const who = node === '' ? {} : { node };
  const { key: cluster } = site.cluster;
  desk.log({
    level: 'info',
    message: 'awaiting approval',
    run,
    cluster,
    ...who,
    detail: { detail },
  });
  return { waitSeconds: lookSeconds, detail };
}

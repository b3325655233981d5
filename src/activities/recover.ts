import { readMark } from '../domain/mark.ts';
import type { Mark } from '../domain/mark.ts';
import type { NodeView } from '../domain/node.ts';
import type { Outcome } from '../domain/outcome.ts';
import { TroubleError } from '../domain/trouble.ts';
import type { Resumption, StepInput, StepOutputs } from '../steps.ts';
import { tell } from './events.ts';
import { whoseMark } from './liveness.ts';
import { ended, factsOf, nowIso, outcome, rewriteMark } from './node.ts';
import { connect, openSite } from './scene.ts';
import type { Desk, Site } from './scene.ts';

/**
 * Takes over the mark of a dead run by writing our run and fencing number on it: from then on every
 * later step of the old run fails its guard. The mark alone says where to go on.
 */
export async function adoptMark(
  desk: Desk,
  input: StepInput<'adoptMark'>,
): Promise<StepOutputs['adoptMark']> {
  const { run, cluster, fence } = input;
  const site = await openSite(desk, cluster);
  const kubernetes = await connect(desk, site);
  const node = await kubernetes.node(input.node);
  if (node === undefined) return ended('gone', 'gone', 'the node is not in the cluster any more');
  const found = readMark(node.annotations);
  if (found.kind !== 'read') return ended('deferred', 'lost', 'the mark is gone or unreadable');
  const before = found.value;
  const { controller } = site.settings;
  const takeOver = (await desk.reports.run(run))?.request.takeOver;
  if (before.controller !== controller && takeOver === undefined) {
    return ended('deferred', 'claim', `the mark is controller "${before.controller}"'s`);
  }
  if (before.fence > fence) {
    // We are the late one: hours ago this was a dead run's mark.
    return ended('deferred', 'lost', `the mark was taken over by run ${before.run}`);
  }
  const mark: Mark = { ...before, controller, run, fence };
  if (before.run !== run || before.fence !== fence) {
    const patched = await rewriteMark({ kubernetes, node }, mark);
    if (patched.kind === 'stale') {
      throw new TroubleError({ kind: 'conflict', value: 'the node changed while it was adopted' });
    }
    const detail = { from: before.run, controller: before.controller, takeOver };
    desk.log({ level: 'warn', message: 'mark taken over', run, cluster, node: node.name, detail });
    const message = `Run ${run} goes on with what run ${before.run} has left`;
    await tell(desk, { kubernetes, node, mark }, 'TakenOver', message);
  }
  return {
    kind: 'adopted',
    resume: resumption(mark, node, nowIso(desk)),
    node: node.name,
    pool: node.pool,
    instance: '',
    vmId: mark.vmId,
    // This very Node object's: the mark may have been copied from one that is gone.
    facts: { ...factsOf(mark), uid: node.uid },
  };
}

/** How a node ends a run that only recovers, unless it was recovered. */
export async function unrecovered(
  desk: Desk,
  site: Site,
  node: NodeView,
  takeOver: string | undefined,
): Promise<Outcome> {
  const mark = await whoseMark(desk, site, node, takeOver !== undefined);
  switch (mark.kind) {
    case 'none':
      return outcome('skipped', 'excluded', 'this run only recovers, and the node has no mark');
    case 'foreign':
      return outcome('deferred', 'claim', mark.value);
    case 'live':
      return outcome('deferred', 'lock', `run ${mark.run} works on it`);
    case 'dead':
      return outcome('deferred', 'slots', `it has the mark of run ${mark.run}, which is dead`);
  }
}

function resumption(mark: Mark, node: NodeView, now: string): Resumption {
  if (mark.attempt === undefined) return { step: 'undo' };
  if (node.bootId !== '' && node.bootId !== mark.bootId) {
    // What was stuck before is given one look, not its whole deadline again.
    return { step: 'ready', since: mark.stuck?.at ?? now };
  }
  return { step: 'boot', attempt: mark.attempt.number === 1 ? 1 : 2 };
}

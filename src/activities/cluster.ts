import { readMark } from '../domain/mark.ts';
import { TroubleError } from '../domain/trouble.ts';
import type { StepInput, StepOutputs } from '../steps.ts';
import { dropClaim, takeClaim } from './claim.ts';
import { connect, openSite } from './scene.ts';
import type { Desk } from './scene.ts';

export async function claimCluster(
  desk: Desk,
  { run, cluster }: StepInput<'claimCluster'>,
): Promise<StepOutputs['claimCluster']> {
  const site = await openSite(desk, cluster);
  const kubernetes = await connect(desk, site);
  const takeOver = (await desk.reports.run(run))?.request.takeOver;
  const now = desk.clock.now();
  const answer = await takeClaim(kubernetes, site.settings.controller, now, takeOver);
  if (answer.kind !== 'stale') return answer;
  throw new TroubleError({ kind: 'conflict', value: 'somebody else wrote the claim just now' });
}

/** Releases the claim if settings say so, and nothing of ours is left open. */
export async function releaseClaim(
  desk: Desk,
  { cluster }: StepInput<'releaseClaim'>,
): Promise<StepOutputs['releaseClaim']> {
  const site = await openSite(desk, cluster);
  if (site.settings.claim === 'keep') return { kind: 'done' };
  const kubernetes = await connect(desk, site);
  const marks = (await kubernetes.nodes()).map(({ annotations }) => readMark(annotations));
  const { controller } = site.settings;
  const open = marks.some((mark) => mark.kind === 'read' && mark.value.controller === controller);
  if (!open) await dropClaim(kubernetes, controller, desk.clock.now());
  return { kind: 'done' };
}

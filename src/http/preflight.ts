import { isoInstant } from '../domain/instant.ts';
import { instanceIds, runId } from '../domain/run.ts';
import { chooseClusters } from '../policy/choice.ts';
import { parseSettings } from '../policy/settings.ts';
import { createReports } from '../reports/reports.ts';
import { refuse, reply } from './reply.ts';
import type { Reply } from './reply.ts';
import { parseBody, preflightBody } from './requests.ts';
import type { Counter } from './runs.ts';

/** `POST /api/preflight`: checks clusters with the app's own identity; 202 with where to look. */
export async function postPreflight(counter: Counter, body: string): Promise<Reply> {
  const parsed = parseBody(body, preflightBody);
  if (parsed.kind === 'bad') return refuse('badRequest', 'the body is not right', parsed.problems);
  const settings = parseSettings(await counter.settingsText());
  if (settings.kind === 'bad') {
    return refuse('misconfigured', 'the settings are not right', settings.problems);
  }
  const chosen = chooseClusters(settings.value, parsed.value.clusters);
  if (chosen.kind === 'refused') {
    const problems = chosen.reasons.map(({ value }) => ({ path: 'clusters', problem: value }));
    return refuse('badRequest', 'not all clusters are known', problems);
  }
  const run = runId(isoInstant(counter.clock.now()), counter.randomHex(6));
  const clusters = chosen.clusters.map(({ key }) => key);
  await counter.durable.start('preflight', instanceIds.preflight(run), { run, clusters });
  const location = '/api/preflight';
  return reply(202, { run, location }, { Location: location });
}

/** `GET /api/preflight`: what was found last, and how long ago that was. */
export async function getPreflight(counter: Counter): Promise<Reply> {
  const latest = await createReports(counter.documents).preflight();
  if (latest === undefined) {
    return refuse('notFound', 'nothing was checked yet; POST /api/preflight checks');
  }
  const ageSeconds = Math.max(0, Math.round((counter.clock.now() - Date.parse(latest.at)) / 1000));
  return reply(200, { ageSeconds, ...latest });
}

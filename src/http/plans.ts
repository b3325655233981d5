import { sameArmId } from '../domain/arm.ts';
import { epochMs } from '../domain/instant.ts';
import { parseSettings } from '../policy/settings.ts';
import { createReports } from '../reports/reports.ts';
import { refuse, reply } from './reply.ts';
import type { Reply } from './reply.ts';
import { parseQuery, planQuery } from './requests.ts';
import type { Counter } from './runs.ts';

const readAtOnce = 16;

/**
 * `GET /api/plan`: the latest plan that was made of each cluster, with its age. Of one cluster
 * (`?cluster=`) with all its nodes; without, the outlook of each.
 */
export async function getPlan(counter: Counter, query: Record<string, string>): Promise<Reply> {
  const parsed = parseQuery(query, planQuery);
  if (parsed.kind === 'bad') return refuse('badRequest', 'the query is not right', parsed.problems);
  const settings = parseSettings(await counter.settingsText());
  if (settings.kind === 'bad') {
    return refuse('misconfigured', 'the settings are not right', settings.problems);
  }
  const { clusters } = settings.value;
  const { cluster: name } = parsed.value;
  if (name === undefined) {
    const plans: object[] = [];
    for (let start = 0; start < clusters.length; start += readAtOnce) {
      const some = clusters.slice(start, start + readAtOnce);
      plans.push(...(await Promise.all(some.map((one) => summaryOf(counter, one)))));
    }
    return reply(200, { plans });
  }
  const named = clusters.filter(({ key, id }) =>
    [key, id.name, id.id].some((known) => sameArmId(known, name)),
  );
  const [only, ...others] = named;
  if (only === undefined) return refuse('notFound', `cluster "${name}" is not in the settings`);
  if (others.length > 0) {
    const keys = named.map(({ key }) => key).join(', ');
    return refuse('notFound', `several clusters are called "${name}"; use a key: ${keys}`);
  }
  const plan = await createReports(counter.documents).latestPlan(only.key);
  if (plan !== undefined) return reply(200, { ageSeconds: ageOf(counter, plan), ...plan });
  return refuse('notFound', `no plan was made of ${only.key} yet: a run makes one, a dry run too`);
}

async function summaryOf(counter: Counter, { key, id }: { key: string; id: { id: string } }) {
  const summary = await createReports(counter.documents).latestSummary(key);
  if (summary === undefined) return { cluster: key, id: id.id };
  return { ...summary, id: id.id, ageSeconds: ageOf(counter, summary) };
}

/** Whole seconds. */
function ageOf({ clock }: Counter, { at }: { at: string }): number {
  return Math.max(0, Math.round((clock.now() - epochMs(at)) / 1000));
}

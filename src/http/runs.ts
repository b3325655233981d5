import { isoInstant } from '../domain/instant.ts';
import { instanceIds, runId, runIdPattern } from '../domain/run.ts';
import type { RunRequest } from '../domain/run.ts';
import { lockEntityName } from '../lock/entity.ts';
import { parseLock } from '../lock/lock.ts';
import { chooseClusters } from '../policy/choice.ts';
import { parseSettings } from '../policy/settings.ts';
import type { Settings } from '../policy/settings.ts';
import { isUnderWay } from '../ports.ts';
import type { Durable, InstanceStatus, Ports } from '../ports.ts';
import { createReports } from '../reports/reports.ts';
import type { IndexEntry, Reports } from '../reports/reports.ts';
import { callerOf } from './principal.ts';
import { refuse, reply } from './reply.ts';
import type { Reply } from './reply.ts';
import {
  cancelBody,
  listQuery,
  parseBody,
  parseQuery,
  recoverBody,
  startRunBody,
} from './requests.ts';

/** What a handler works with: the ports, and its invocation's durable client. */
export interface Counter extends Ports {
  durable: Durable;
}

/** `POST /api/runs`: starts a run; 202 with where to follow it. */
export async function postRun(
  counter: Counter,
  principal: string | undefined,
  body: string,
): Promise<Reply> {
  const parsed = parseBody(body, startRunBody);
  if (parsed.kind === 'bad') return refuse('badRequest', 'the body is not right', parsed.problems);
  const { force, ...rest } = parsed.value;
  const who = callerOf(counter.vouching, principal) ?? '';
  return begin(counter, {
    source: 'http',
    purpose: 'reboot',
    ...rest,
    ...(force === undefined ? {} : { force: { who, ...force } }),
  });
}

/** `POST /api/recover`: starts a run that only puts in order what dead runs have left. */
export async function postRecover(counter: Counter, body: string): Promise<Reply> {
  const parsed = parseBody(body, recoverBody);
  if (parsed.kind === 'bad') return refuse('badRequest', 'the body is not right', parsed.problems);
  const everywhere = { pools: [], nodes: [], dryRun: false };
  return begin(counter, { source: 'http', purpose: 'recover', ...everywhere, ...parsed.value });
}

/** Starts a run if its clusters are known; used by HTTP, timer and command line alike. */
export async function begin(counter: Counter, request: RunRequest): Promise<Reply> {
  const settings = parseSettings(await counter.settingsText());
  if (settings.kind === 'bad') {
    return refuse('misconfigured', 'the settings are not right', settings.problems);
  }
  const chosen = chooseClusters(settings.value, request.clusters);
  if (chosen.kind === 'refused') {
    const problems = chosen.reasons.map(({ value }) => ({ path: 'clusters', problem: value }));
    return refuse('badRequest', 'not all clusters are known', problems);
  }
  const run = runId(isoInstant(counter.clock.now()), counter.randomHex(6));
  await counter.durable.start('run', instanceIds.run(run), { run, request });
  const location = `/api/runs/${run}`;
  return reply(202, { run, location }, { Location: location });
}

/** `GET /api/runs`: the index, newest first, paged by the last run seen. */
export async function getRuns(counter: Counter, query: Record<string, string>): Promise<Reply> {
  const parsed = parseQuery(query, listQuery);
  if (parsed.kind === 'bad') return refuse('badRequest', 'the query is not right', parsed.problems);
  const { limit, after } = parsed.value;
  const runs = await createReports(counter.documents).index(limit, after);
  const last: IndexEntry | undefined = runs.at(-1);
  const more = runs.length === limit && last !== undefined;
  const next = more ? { next: `/api/runs?limit=${limit}&after=${last.run}` } : {};
  return reply(200, { runs, ...next });
}

/** `GET /api/runs/{id}`: progress while it runs, the report afterwards. */
export async function getRun(counter: Counter, run: string): Promise<Reply> {
  const unknown = refuse('notFound', `there is no run ${run}`);
  if (!runIdPattern.test(run)) return unknown;
  const reports = createReports(counter.documents);
  const report = await reports.report(run);
  if (report !== undefined) return reply(200, report);
  const record = await reports.run(run);
  const status = await counter.durable.status(instanceIds.run(run));
  if (record !== undefined) {
    const ended = endedBadly(status);
    // It may have ended between the two looks.
    const late = 'status' in ended ? await reports.report(run) : undefined;
    if (late !== undefined) return reply(200, late);
    const cancel = await reports.cancel(run);
    const working = await Promise.all(record.clusters.map((key) => progressOf(counter, run, key)));
    const progress = working.filter(({ nodes }) => nodes.length > 0);
    const people = await approvalsOf(reports, run);
    const canceled = cancel ? { cancel } : {};
    return reply(200, { ...record, ...ended, ...canceled, ...people, progress });
  }
  if (status === undefined) return unknown;
  const ended = endedBadly(status);
  const late = 'status' in ended ? await reports.report(run) : undefined;
  return reply(200, late ?? { run, status: 'running', progress: [], ...ended });
}

/** An orchestration that is over without a report: says so instead of `running` for ever. */
function endedBadly(status: InstanceStatus | undefined) {
  if (isUnderWay(status)) return {};
  return { status: 'failed', why: whyEnded(status) };
}

function whyEnded(status: InstanceStatus | undefined): unknown {
  if (status === undefined) return 'its orchestration is gone';
  // It writes its report before it ends: then somebody has taken that away.
  return status.runtimeStatus === 'Completed' ? 'its report is gone' : status.output;
}

/** What people said, and what they are asked: nothing where nobody is. */
async function approvalsOf(reports: Reports, run: string) {
  const approvals = await reports.approvals(run);
  const asked = await reports.asked(run);
  const awaiting = asked.filter(({ node }) => !approvals.some((said) => said.node === node));
  return {
    ...(approvals.length > 0 ? { approvals } : {}),
    ...(awaiting.length > 0 ? { awaiting } : {}),
  };
}

async function progressOf(counter: Counter, run: string, cluster: string) {
  const lock = parseLock(await counter.durable.entity(lockEntityName, cluster));
  const nodes = lock.owner?.run === run ? lock.slots : [];
  return {
    cluster,
    nodes: nodes.map(({ node, step, detail, since, progressAt }) => {
      return { node, step, detail, since, progressAt };
    }),
  };
}

/** Why nothing can be said to a run any more: there is none, or it is over. */
export async function whyOver(
  { durable }: Counter,
  reports: Reports,
  run: string,
): Promise<Reply | undefined> {
  const known = runIdPattern.test(run) && (await durable.status(instanceIds.run(run)));
  const record = runIdPattern.test(run) ? await reports.run(run) : undefined;
  if (!known && record === undefined) return refuse('notFound', `there is no run ${run}`);
  if (record === undefined || record.status === 'running') return undefined;
  return refuse('conflict', `run ${run} is ${record.status} already`);
}

/**
 * `POST /api/runs/{id}/cancel`: nodes not cordoned are not begun, drains undone, restarts finished.
 */
export async function postCancel(counter: Counter, run: string, body: string): Promise<Reply> {
  const parsed = parseBody(body, cancelBody);
  if (parsed.kind === 'bad') return refuse('badRequest', 'the body is not right', parsed.problems);
  const reports = createReports(counter.documents);
  const over = await whyOver(counter, reports, run);
  if (over !== undefined) return over;
  const at = isoInstant(counter.clock.now());
  await reports.writeCancel(run, { ...parsed.value, at });
  counter.log({ level: 'warn', message: 'cancel', run, detail: parsed.value });
  return reply(202, { run, canceled: { ...parsed.value, at } });
}

/** Forgets what is older than `keepRunsDays`: reports and finished orchestrations. */
export async function forgetOldRuns(counter: Counter, settings: Settings): Promise<number> {
  const before = counter.clock.now() - settings.keepRunsDays * 24 * 3_600_000;
  const reports = createReports(counter.documents);
  let forgotten = 0;
  for (let after: string | undefined; ;) {
    const page = await reports.index(200, after);
    for (const { run, startedAt } of page) {
      if (Date.parse(startedAt) >= before) continue;
      await reports.removeRun(run);
      forgotten += 1;
    }
    after = page.at(-1)?.run;
    if (after === undefined) break;
  }
  await counter.durable.purge(before);
  return forgotten;
}

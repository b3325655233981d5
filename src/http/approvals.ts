import { epochMs, isoInstant } from '../domain/instant.ts';
import type { Approval } from '../domain/approval.ts';
import { createReports } from '../reports/reports.ts';
import { callerOf } from './principal.ts';
import { refuse, reply } from './reply.ts';
import type { Reply } from './reply.ts';
import { approvalBody, parseBody } from './requests.ts';
import { whyOver } from './runs.ts';
import type { Counter } from './runs.ts';

/**
 * `POST /api/runs/{run}/approve` and `…/reject`: what a person says of a run, or of its nodes. Who
 * it is, the token says and never the body.
 */
export async function postApproval(
  counter: Counter,
  run: string,
  decision: Approval['decision'],
  principal: string | undefined,
  body: string,
): Promise<Reply> {
  const who = callerOf(counter.vouching, principal);
  if (who === undefined) {
    const message =
      counter.vouching.kind === 'nobody'
        ? 'nobody can tell who you are: App Service authentication is off'
        : 'no Entra token came with the request, so nobody can tell who you are';
    return refuse('forbidden', message);
  }
  const parsed = parseBody(body, approvalBody);
  if (parsed.kind === 'bad') return refuse('badRequest', 'the body is not right', parsed.problems);
  const reports = createReports(counter.documents);
  const over = await whyOver(counter, reports, run);
  if (over !== undefined) return over;
  const at = isoInstant(counter.clock.now());
  const { why, nodes } = parsed.value;
  const about = nodes.length === 0 ? [''] : nodes;
  // Somebody may always think better of it; what timed out is not begun again.
  const late = (decision === 'approved' ? await reports.asked(run) : []).filter(
    ({ node, until }) => about.includes(node) && epochMs(until) <= counter.clock.now(),
  );
  if (late.length > 0) {
    const problems = late.map(({ node, until }) => ({
      path: node === '' ? 'run' : `nodes.${node}`,
      problem: `its time was up at ${until}`,
    }));
    return refuse('conflict', 'it is too late to say so', problems);
  }
  for (const node of about) {
    await reports.writeApproval(run, { decision, node, who, why, at });
    const whose = node === '' ? {} : { node };
    counter.log({ level: 'warn', message: decision, run, ...whose, detail: { who, why } });
  }
  return reply(202, { run, decision, nodes, who, why, at });
}

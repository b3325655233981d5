import * as z from 'zod';
import type { App } from '../local/app.ts';
import { runReportSchema } from '../src/domain/run.ts';
import type { RunReport } from '../src/domain/run.ts';

/** What is asked of the app, through its own HTTP API; its answer names the run. */
export interface Errand {
  path: '/api/runs' | '/api/recover';
  body: Record<string, unknown>;
}

const startedSchema = z.object({ run: z.string(), location: z.string() });

/**
 * Starts a run, of whatever kind, through the app's own HTTP API and waits for its report.
 * Throws `CallError` when the API refuses, and when the run ends without a report.
 */
export async function follow(
  app: App,
  { path, body }: Errand,
  onStart: (run: string) => void = () => {},
): Promise<RunReport> {
  const started = startedSchema.parse(await app.call('POST', path, body));
  onStart(started.run);
  await app.host.idle();
  return reportOf(app, started.run);
}

/** The report of a run that has ended. */
export async function reportOf(app: App, run: string): Promise<RunReport> {
  const answer = await app.call('GET', `/api/runs/${run}`);
  const report = runReportSchema.safeParse(answer);
  if (report.success) return report.data;
  throw new Error(`run ${run} ended without a report: ${JSON.stringify(answer)}`);
}

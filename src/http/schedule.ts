import { parseSettings } from '../policy/settings.ts';
import { begin, forgetOldRuns } from './runs.ts';
import type { Counter } from './runs.ts';

/** The timer's tick: starts a run over all clusters, and forgets what is too old. */
export async function onSchedule(counter: Counter): Promise<void> {
  const settings = parseSettings(await counter.settingsText());
  if (settings.kind === 'bad') {
    const { problems } = settings;
    counter.log({ level: 'error', message: 'schedule', detail: { problems } });
    return;
  }
  const started = await begin(counter, {
    source: 'timer',
    purpose: 'reboot',
    clusters: [],
    pools: [],
    nodes: [],
    dryRun: settings.value.scheduledRuns === 'dryRun',
    reason: 'scheduled',
  });
  const level = started.status === 202 ? 'info' : 'error';
  counter.log({ level, message: 'schedule', detail: { answer: started.body } });
  const forgotten = await forgetOldRuns(counter, settings.value);
  if (forgotten > 0)
    counter.log({ level: 'info', message: 'old runs forgotten', detail: { forgotten } });
}

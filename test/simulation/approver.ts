import type { Installation } from './installation.ts';
import type { Time } from './time.ts';

/**
 * A person who is asked for approval, and looks now and then: says yes or no, late, or nothing at
 * all. Once all is mended every question gets its yes.
 */
export function employApprover(
  time: Time,
  installation: Installation,
  isMended: () => boolean,
): void {
  const { approver } = installation.plan;
  const lookSeconds = 60 * (approver?.afterMinutes ?? mendedMinutes);
  const look = async () => {
    const says = isMended() ? 'approve' : (approver?.says ?? 'nothing');
    if (says !== 'nothing') await answerAll(time, installation, says);
    time.after(isMended() ? 60 * mendedMinutes : lookSeconds, look);
  };
  if (approver !== undefined) time.after(lookSeconds, look);
}

const mendedMinutes = 10;

interface Run {
  run: string;
  awaiting?: { node: string }[];
}

async function answerAll(
  { clock }: Time,
  app: Installation,
  decision: 'approve' | 'reject',
): Promise<void> {
  const index = (await app.call('GET', '/api/runs?limit=2')) as { runs?: Run[] } | undefined;
  for (const { run } of index?.runs ?? []) {
    const shown = (await app.call('GET', `/api/runs/${run}`)) as Run | undefined;
    for (const { node } of shown?.awaiting ?? []) {
      const nodes = node === '' ? [] : [node];
      if (decision === 'approve') app.approvals.push({ at: clock.now(), run, node });
      await app.call('POST', `/api/runs/${run}/${decision}`, { why: 'simulated', nodes });
    }
  }
}

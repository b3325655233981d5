import { registerOrchestrations } from '../../functions/orchestrations.ts';
import { eventType, parseText } from '../../local/host/history.ts';
import { lockEntityName } from '../../src/lock/entity.ts';
import { lockOperation } from '../../src/lock/lock.ts';
import { stepInputs } from '../../src/steps.ts';
import { drawnEdges } from '../simulation/coverage.ts';
import { episodesOf, readHistories, recordedVersions } from './histories.ts';
import type { RecordedHistory, Scheduled } from './histories.ts';
import { createReplayer } from './replayer.ts';
import type { Replayer } from './replayer.ts';
import { edgesIn } from './shape.ts';
import { tell } from './tell.ts';
import type { Remedy } from './tell.ts';
import { isReleased, nextVersion, presentVersions } from './versions.ts';

const versions = presentVersions();
const recorded = recordedVersions().map((version) => ({
  version,
  histories: readHistories(version),
}));

const remedyFor = (version: string): Remedy =>
  isReleased(versions, version)
    ? { kind: 'step', version, next: nextVersion(versions) }
    : { kind: 'record', version };

describe.each(recorded)('what was recorded of version $version', ({ version, histories }) => {
  const remedy = remedyFor(version);
  let replayer: Replayer;
  beforeAll(async () => {
    replayer = await createReplayer(registerOrchestrations);
  });

  const orchestrators = [...Map.groupBy(histories, ({ orchestrator }) => orchestrator)];

  it.each(orchestrators)('replays: %s', async (_orchestrator, own) => {
    expect(own).not.toEqual([]);
    const found: string[] = [];
    for (const history of own) {
      const difference = await replayer.replay(history);
      // What was released may do better from where it is; it only has to get there.
      const isFine = difference?.kind === 'alters' && remedy.kind === 'step';
      if (difference !== undefined && !isFine) found.push(tell(history, difference, remedy));
    }
    if (found.length > 0) throw new Error(summaryOf(found, own.length));
  });

  it('sent messages that are still understood, should they arrive after a deployment', () => {
    expect(histories.flatMap(notUnderstood)).toEqual([]);
  });
});

/** Differences look alike: a few say it all. */
function summaryOf(found: readonly string[], count: number): string {
  const more = found.length > 3 ? [`… and ${found.length - 3} more`] : [];
  return [`${found.length} of ${count} histories differ.`, ...found.slice(0, 3), ...more].join(
    '\n\n',
  );
}

/** What was sent to an activity or the lock, and would be refused by the present one. */
function notUnderstood(history: RecordedHistory): string[] {
  return episodesOf(history.events).flatMap(({ scheduled }) =>
    scheduled
      .filter((event) => !isUnderstood(event))
      .map((event) => {
        const line = history.line + history.events.indexOf(event);
        return `${history.file}:${line}: ${JSON.stringify(event)}`;
      }),
  );
}

const inputs: Readonly<Record<string, { safeParse(input: unknown): { success: boolean } }>> =
  stepInputs;

function isUnderstood(event: Scheduled): boolean {
  switch (event.EventType) {
    case eventType.taskScheduled:
      return inputs[event.Name]?.safeParse(parseText(event.Input)).success === true;
    case eventType.eventSent: {
      const { op, input } = JSON.parse(event.Input) as { op: string; input: string };
      const message = { ...(JSON.parse(input) as object), op };
      const isForLock = event.InstanceId.startsWith(`@${lockEntityName}@`);
      return isForLock && lockOperation.safeParse(message).success;
    }
    case eventType.childCreated:
    case eventType.timerCreated:
      return true;
  }
}

describe('together, the recorded histories', () => {
  it('go through every edge of the machine that is drawn', () => {
    const current = recorded.find(({ version }) => version === versions.begun)?.histories ?? [];
    const gone = new Set(current.flatMap(edgesIn));
    const missing = drawnEdges().filter((edge) => !gone.has(edge));
    console.log(
      `Replayed ${recorded.flatMap(({ histories }) => histories).length} histories; those of ` +
        `version ${versions.begun} go through ${drawnEdges().length - missing.length} of the ` +
        `${drawnEdges().length} edges of the node's machine.`,
    );
    expect(missing).toEqual([]);
  });

  it('are of every orchestrator', async () => {
    const { orchestrators } = await createReplayer(registerOrchestrations);
    const names = recorded.flatMap(({ histories }) => histories.map((one) => one.orchestrator));
    expect([...new Set(names)].sort()).toEqual([...orchestrators].sort());
  });
});

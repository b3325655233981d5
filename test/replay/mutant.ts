import { registerHooks } from 'node:module';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventType } from '../../local/host/history.ts';
import { mutated } from '../simulation/mutations.ts';
import { readHistories } from './histories.ts';
import type { RecordedHistory } from './histories.ts';
import { mutants } from './mutants.ts';
import type { Mutant } from './mutants.ts';
import { createReplayer } from './replayer.ts';
import type { Difference } from './replayer.ts';
import { tell } from './tell.ts';
import type { Remedy } from './tell.ts';

/**
 * A process that replays what was recorded of version 1.0 with each of the changed orchestrators,
 * and writes as JSON what became of it. A change is of a module's text: each has modules of its
 * own, by a query that their imports inherit.
 */
export interface Verdict {
  name: string;
  /** The first difference, if any. */
  kind: Difference['kind'] | 'none';
  text: string;
  /** The same while no release has the version. */
  unreleased: string;
  /** The same of the histories as if they had begun under version 1.1. */
  later: Difference['kind'] | 'none';
}

const root = new URL('../../', import.meta.url);
const mark = /\?mutant=(\d+)$/u;

registerHooks({
  resolve(specifier, context, next) {
    const resolved = next(specifier, context);
    const [query] = mark.exec(context.parentURL ?? '') ?? [];
    const isOurs = resolved.url.startsWith(new URL('src/', root).href);
    return query === undefined || !isOurs ? resolved : { ...resolved, url: resolved.url + query };
  },
  load(url, context, next) {
    const loaded = next(url, context);
    const [query = '', number] = mark.exec(url) ?? [];
    const mutant = mutants[Number(number)];
    if (mutant === undefined) return loaded;
    const path = fileURLToPath(url.slice(0, -query.length));
    const file = relative(fileURLToPath(root), path).replaceAll('\\', '/');
    if (!mutant.changes.some((change) => change.file === file)) return loaded;
    const text = Buffer.from(loaded.source as Uint8Array).toString('utf8');
    return { ...loaded, source: mutated(text, file, mutant) };
  },
});

const histories = readHistories('1.0');
const later = histories.map(begunLater);
const verdicts: Verdict[] = [];
for (const [index, mutant] of mutants.entries()) verdicts.push(await judged(mutant, index));
process.stdout.write(JSON.stringify(verdicts));

async function judged({ name, expected }: Mutant, index: number): Promise<Verdict> {
  const path = `../../functions/orchestrations.ts?mutant=${index}`;
  const { registerOrchestrations } = (await import(path)) as {
    registerOrchestrations: () => void;
  };
  const replayer = await createReplayer(registerOrchestrations);
  const first = async (given: readonly RecordedHistory[]) => {
    // What breaks an orchestration is told first.
    let found: { history: RecordedHistory; difference: Difference } | undefined;
    for (const history of given) {
      const difference = await replayer.replay(history);
      if (difference === undefined) continue;
      if (difference.kind === 'breaks') return { history, difference };
      found ??= { history, difference };
    }
    return found;
  };
  const found = await first(histories);
  const told = (remedy: Remedy) =>
    found === undefined ? '' : tell(found.history, found.difference, remedy);
  return {
    name,
    kind: found?.difference.kind ?? 'none',
    text: told({ kind: 'step', version: '1.0', next: '1.1' }),
    unreleased: told({ kind: 'record', version: '1.0' }),
    later: expected === 'step' ? ((await first(later))?.difference.kind ?? 'none') : 'none',
  };
}

function begunLater(history: RecordedHistory): RecordedHistory {
  const events = history.events.map((event) =>
    event.EventType === eventType.executionStarted ? { ...event, Version: '1.1' } : event,
  );
  return { ...history, events };
}

import type { HistoryEvent } from '../../local/host/history.ts';
import type { OnEpisode } from '../simulation/installation.ts';
import type { History } from './histories.ts';

/** Collects what hosts write down, a history for each generation of an orchestration. */
export interface Gathering {
  readonly onEpisode: OnEpisode;
  /** Those of orchestrations that began under this version. */
  histories(version: string): History[];
}

export function gather(from: string): Gathering {
  const histories = new Map<string, History & { version: string; events: HistoryEvent[] }>();
  return {
    onEpisode({ name: orchestrator, version, execution }, text) {
      const events = JSON.parse(`[${text}]`) as HistoryEvent[];
      const known = histories.get(execution);
      if (known === undefined) histories.set(execution, { orchestrator, version, from, events });
      else known.events.push(...events);
    },
    histories: (wanted) => [...histories.values()].filter(({ version }) => version === wanted),
  };
}

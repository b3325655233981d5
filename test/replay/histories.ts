import { readFileSync, readdirSync } from 'node:fs';
import { eventType } from '../../local/host/history.ts';
import type { HistoryEvent } from '../../local/host/history.ts';

/** One generation of one orchestration, as a host has written it down. */
export interface History {
  orchestrator: string;
  /** Where it was played. */
  from: string;
  events: readonly HistoryEvent[];
}

/** A history of the fixtures, and where it stands: the number of its first event's line. */
export interface RecordedHistory extends History {
  file: string;
  line: number;
}

export type Started = Extract<HistoryEvent, { EventType: typeof eventType.executionStarted }>;
export type Ended = Extract<
  HistoryEvent,
  { EventType: typeof eventType.executionCompleted | typeof eventType.continuedAsNew }
>;
export type Scheduled = Extract<
  HistoryEvent,
  {
    EventType:
      | typeof eventType.taskScheduled
      | typeof eventType.childCreated
      | typeof eventType.timerCreated
      | typeof eventType.eventSent;
  }
>;

/** What the host delivered at once, and what the orchestrator asked for then. */
export interface Episode {
  /** Its place among the history's events. */
  first: number;
  news: readonly HistoryEvent[];
  scheduled: readonly Scheduled[];
  end: Ended | undefined;
}

const root = new URL('../../', import.meta.url);
const folder = 'test/fixtures/histories';

/** Versions of orchestrations of which there are recorded histories. */
export function recordedVersions(): string[] {
  return readdirSync(new URL(folder, root), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
}

export const folderOf = (version: string) => `${folder}/${version}`;

/** The recorded histories of a version; none when nothing was recorded. */
export function readHistories(version: string): RecordedHistory[] {
  if (!recordedVersions().includes(version)) return [];
  return readdirSync(new URL(folderOf(version), root))
    .filter((name) => name.endsWith('.jsonl'))
    .flatMap((name) => readFile(`${folderOf(version)}/${name}`));
}

function readFile(file: string): RecordedHistory[] {
  const histories: (RecordedHistory & { events: HistoryEvent[] })[] = [];
  const lines = readFileSync(new URL(file, root), 'utf8').trimEnd().split('\n');
  for (const [index, line] of lines.entries()) {
    const read = JSON.parse(line) as Written | Heading;
    if ('from' in read) {
      const { orchestrator, from } = read;
      histories.push({ orchestrator, from, file, line: index + 2, events: [] });
    } else {
      histories.at(-1)?.events.push({ ...usual, ...read });
    }
  }
  return histories;
}

/** The line above a history: what it is, and what it has that those above it have not. */
export interface Heading {
  orchestrator: string;
  from: string;
  shows: readonly string[];
}

/** An event's line lacks what is the same in most of them. */
type Written = HistoryEvent & Partial<typeof usual>;
const usual = { EventId: -1, IsPlayed: true };

export function lineOf({ IsPlayed: _always, EventId, ...event }: HistoryEvent): string {
  return JSON.stringify(EventId === usual.EventId ? event : { EventId, ...event });
}

export function startOf({ events }: Pick<History, 'events'>): Started {
  const start = events.find((event) => event.EventType === eventType.executionStarted);
  if (start === undefined) throw new Error('a history without a start');
  return start;
}

/** An instance's events of one generation, cut where the host delivered something. */
export function episodesOf(events: readonly HistoryEvent[]): Episode[] {
  const starts = events.flatMap((event, at) =>
    event.EventType === eventType.orchestratorStarted ? [at] : [],
  );
  return starts.map((first, index) => {
    const own = events.slice(first, starts[index + 1]);
    const scheduled = own.filter(isScheduled);
    const end = own.find(isEnd);
    const isOurs = (event: HistoryEvent) =>
      isScheduled(event) || isEnd(event) || event.EventType === eventType.orchestratorCompleted;
    return { first, news: own.filter((event) => !isOurs(event)), scheduled, end };
  });
}

const scheduledTypes: readonly number[] = [
  eventType.taskScheduled,
  eventType.childCreated,
  eventType.timerCreated,
  eventType.eventSent,
];

function isScheduled(event: HistoryEvent): event is Scheduled {
  return scheduledTypes.includes(event.EventType);
}

function isEnd(event: HistoryEvent): event is Ended {
  return (
    event.EventType === eventType.executionCompleted || event.EventType === eventType.continuedAsNew
  );
}

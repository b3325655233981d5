import { eventName } from '../../local/host/history.ts';
import type { HistoryEvent } from '../../local/host/history.ts';
import { startOf } from './histories.ts';
import type { RecordedHistory } from './histories.ts';
import type { Deed, Difference } from './replayer.ts';

export type Remedy =
  /** The version was released: there may be orchestrations of it. */
  | { kind: 'step'; version: string; next: string }
  /** Nobody has it yet. */
  | { kind: 'record'; version: string };

/** Says a difference so that somebody who has never heard of replay knows what to do. */
export function tell(history: RecordedHistory, difference: Difference, remedy: Remedy): string {
  const { delivered, at, episode, recorded, now, kind } = difference;
  const { OrchestrationInstance, Version } = startOf(history);
  const rows = [
    ['recorded in', `${history.file}:${history.line + at} (version ${Version}, ${history.from})`],
    ['instance', OrchestrationInstance.InstanceId],
    ['delivered', `${briefly(delivered)} (episode ${episode})`],
    ['history has', said(recorded, now)],
    ['code asks', said(now, recorded)],
    ['in Azure', consequences[kind]],
    ['to do', whatToDo(remedy, kind)],
  ];
  return [
    `Orchestrator ${history.orchestrator} does not do any more what it did when this was recorded.`,
    ...rows.map(([name = '', text = '']) => `  ${name.padEnd(11)}  ${text}`),
  ].join('\n');
}

const consequences: Readonly<Record<Difference['kind'], string>> = {
  breaks:
    'an orchestration that is past this point when the code is deployed goes wrong on its next ' +
    'event: "Non-Deterministic workflow detected", or it takes one answer for another.',
  alters:
    'nobody notices: what was scheduled stays as it was, and only what is scheduled from now on ' +
    'is different.',
};

function whatToDo(remedy: Remedy, kind: Difference['kind']): string {
  if (remedy.kind === 'record') {
    return (
      `if the change is meant: no release has orchestrations of version ${remedy.version}, so ` +
      'record again (npm run record-histories) and read the difference.'
    );
  }
  const { version, next } = remedy;
  if (kind === 'alters') return `nothing, if running orchestrations of ${version} may do so too.`;
  return (
    `version ${version} was released: keep for it what it did, and put the change behind ` +
    `isSince(flow, '${next}') (src/workflow/flow.ts). Raise host.json's defaultVersion and ` +
    `orchestrationVersions to ${next}, then npm run record-histories. docs/decisions/0020.`
  );
}

/** What is said of it alone; the details when it is they that differ. */
function said(one: Deed, other: Deed): string {
  if (one.what !== other.what) return one.what;
  return `${one.what} ${shortened(JSON.stringify(one.details), 600)}`;
}

function briefly(event: HistoryEvent): string {
  const { EventType, EventId: _id, IsPlayed: _played, Timestamp: _at, ...rest } = event;
  return `${eventName(EventType)} ${shortened(JSON.stringify(rest), 200)}`;
}

const shortened = (text: string, longest: number) =>
  text.length > longest ? `${text.slice(0, longest)}… (${text.length} characters)` : text;

import { eventName, eventType, parseText } from '../../local/host/history.ts';
import type { HistoryEvent } from '../../local/host/history.ts';
import { edgesAlong } from '../simulation/machine.ts';
import { edgeTable } from '../simulation/tables.ts';
import { episodesOf } from './histories.ts';
import type { Ended, History, Scheduled, Started } from './histories.ts';

/**
 * What there is to see in a history: the edges of the node's machine that it goes through, and for
 * each thing that was delivered what was asked for then. Two histories that show the same are
 * alike, whatever their nodes are called and however often they wait.
 */
export function shownIn(history: History): Set<string> {
  return new Set([...edgesIn(history).map((edge) => `edge ${edge}`), ...answersIn(history)]);
}

function answersIn({ events, orchestrator }: History): string[] {
  const shown: string[] = [];
  let isPatient = false;
  for (const episode of episodesOf(events)) {
    const delivered = episode.news
      .slice(1)
      .map((event) => answerOf(event, events))
      .join(' + ');
    const then = [...new Set(episode.scheduled.map(nameOf))].join(', ') || 'wait';
    const wasPatient = isPatient;
    isPatient = delivered === 'trouble' && then === 'timer';
    if (episode.end !== undefined) shown.push(`${orchestrator}: ${endOf(episode.end, delivered)}`);
    else if (!wasPatient) shown.push(`${orchestrator}: ${delivered} → ${then}`);
  }
  return shown;
}

const endOf = ({ EventType }: Ended, delivered: string) =>
  EventType === eventType.continuedAsNew ? 'continue as new' : `${delivered} → end`;

function nameOf(event: Scheduled): string {
  switch (event.EventType) {
    case eventType.taskScheduled:
    case eventType.childCreated:
      return event.Name;
    case eventType.timerCreated:
      return 'timer';
    case eventType.eventSent:
      return `lock ${operationOf(event)}`;
  }
}

const fieldOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

const operationOf = (event: Extract<HistoryEvent, { EventType: typeof eventType.eventSent }>) =>
  textOf(fieldOf(parseText(event.Input), 'op'));

/** What was delivered: of which task, and of which kind. Trouble and defects are alike in all. */
function answerOf(event: HistoryEvent, events: readonly HistoryEvent[]): string {
  const { EventType } = event;
  if (EventType === eventType.executionStarted)
    return `start ${startingKind(parseText(event.Input))}`;
  if (EventType === eventType.timerFired) return 'timer';
  if (EventType === eventType.eventRaised) {
    const result = parseText(textOf(fieldOf(parseText(event.Input), 'result')));
    return `lock ${operationAskedBy(event.Name, events)} ${kindOf(result)}`;
  }
  if (EventType === eventType.taskCompleted || EventType === eventType.childCompleted) {
    const kind = kindOf(parseText(event.Result));
    return kind === 'trouble' ? kind : `${taskOf(event.TaskScheduledId, events)} ${kind}`;
  }
  if (EventType === eventType.taskFailed || EventType === eventType.childFailed) {
    return event.Details === null ? 'termination' : 'defect';
  }
  return eventName(EventType);
}

function taskOf(id: number, events: readonly HistoryEvent[]): string {
  const task = events.find(
    (event) =>
      (event.EventType === eventType.taskScheduled || event.EventType === eventType.childCreated) &&
      event.EventId === id,
  );
  return textOf(fieldOf(task, 'Name'));
}

/** An entity's answer comes as an event that is called as the question's id. */
function operationAskedBy(id: string, events: readonly HistoryEvent[]): string {
  const question = events.find(
    (event) => event.EventType === eventType.eventSent && event.Input.includes(`"id":"${id}"`),
  );
  return question?.EventType === eventType.eventSent ? operationOf(question) : 'unasked';
}

/** An answer is a union over `kind`; a node's result has it in its outcome. */
function kindOf(value: unknown): string {
  return textOf(fieldOf(value, 'kind')) || textOf(fieldOf(fieldOf(value, 'outcome'), 'kind'));
}

/** How an orchestration was started, where that makes a difference. */
function startingKind(input: unknown): string {
  const request = fieldOf(input, 'request');
  if (request === undefined) return textOf(fieldOf(input, 'kind')) || stepOf(input);
  const dry = fieldOf(request, 'dryRun') === true ? ' dry' : '';
  return `${textOf(fieldOf(request, 'source'))} ${textOf(fieldOf(request, 'purpose'))}${dry}`;
}

const stepOf = (input: unknown) => textOf(fieldOf(fieldOf(input, 'state'), 'step'));

/** The edges of the node's machine, as docs/architecture.md draws it, that a generation takes. */
export function edgesIn({ orchestrator, events }: History): string[] {
  return orchestrator === 'node' ? edgesAlong(events.map(readable)) : [];
}

/** The machine's reader knows no null. */
function readable({ EventType, ...event }: HistoryEvent) {
  const text = (name: string) => textOf(fieldOf(event, name));
  const { OrchestrationInstance } = event as Partial<Started>;
  return {
    EventType,
    Name: text('Name'),
    Input: text('Input') || 'null',
    Result: text('Result') || '{}',
    ...(OrchestrationInstance === undefined ? {} : { OrchestrationInstance }),
  };
}

/** Which of the drawn edges the histories go through, as the simulation's coverage is told. */
export function coverageOf(histories: readonly History[]): string {
  const edges: Record<string, number> = {};
  for (const edge of histories.flatMap(edgesIn)) edges[edge] = (edges[edge] ?? 0) + 1;
  return edgeTable(edges);
}

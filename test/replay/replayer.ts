import { isDeepStrictEqual } from 'node:util';
import type { App } from '../../local/host/core.ts';
import { loadApp } from '../../local/host/core.ts';
import { Functions } from '../../local/host/functions.ts';
import { eventText, eventType, parseText } from '../../local/host/history.ts';
import type { HistoryEvent } from '../../local/host/history.ts';
import { count, emit, emptyLedger, hasOpenTasks, settle } from '../../local/host/ledger.ts';
import type { Effect, Ledger } from '../../local/host/ledger.ts';
import { replay } from '../../local/host/replay.ts';
import type { Answer, Outcome, Replaying } from '../../local/host/replay.ts';
import { episodesOf, startOf } from './histories.ts';
import type { Ended, Episode, History, Scheduled } from './histories.ts';

/** Something that an orchestrator does, told the same way of a history and of the code. */
export interface Deed {
  /** All that is compared while an orchestration runs: what, by name and number. */
  what: string;
  /** What is carried along, and compared by nobody: inputs, instants, ids. */
  details: unknown;
}

/** Where the code does something else than the history. */
export interface Difference {
  history: History;
  /** The episode's number, from 1, and what was delivered in it. */
  episode: number;
  delivered: HistoryEvent;
  /** Place of the history's event among its events: the last one before it when it has none. */
  at: number;
  recorded: Deed;
  now: Deed;
  /**
   * What becomes of an orchestration that is running when this code is deployed: it fails; or it
   * goes on, with what was scheduled as it was scheduled.
   */
  kind: 'breaks' | 'alters';
}

/** The app's orchestrators, as the host would call them. */
export interface Replayer {
  readonly orchestrators: readonly string[];
  /**
   * Delivers a history episode by episode, the whole past with each, as the host does. Returns the
   * first difference that breaks something; else the first one.
   */
  replay(history: History): Promise<Difference | undefined>;
}

/** @param register registers the app's functions */
export async function createReplayer(register: () => void): Promise<Replayer> {
  const app: App = await loadApp(
    async () => register(),
    () => {},
  );
  const functions = new Functions(app, {});
  let ids = 0;
  const host: Replaying = {
    app,
    functions,
    newId: () => String(ids++),
    log: () => {},
    clientBinding: () => '{}',
  };
  const orchestrators = functions.infos.filter(({ kind }) => kind === 'orchestration');
  return {
    orchestrators: orchestrators.map(({ name }) => name),
    replay: (history) => replayed(host, history),
  };
}

async function replayed(host: Replaying, history: History): Promise<Difference | undefined> {
  const { Name: name, OrchestrationInstance, Input: input, ParentInstance } = startOf(history);
  const { InstanceId: id } = OrchestrationInstance;
  const instance = { id, name, input, parent: ParentInstance };
  const ledger = emptyLedger();
  const episodes = episodesOf(history.events);
  let altered: Difference | undefined;
  for (const [index, episode] of episodes.entries()) {
    const before = history.events.slice(0, episode.first);
    const past = before.map((event) => eventText(event, true)).join(',');
    const answer = await replay(host, instance, { past }, episode.news);
    const found = compare(episode, answer, ledger);
    if (found === undefined) continue;
    const { offset, ...deeds } = found;
    // What comes last in a history has never been replayed: nobody is past it.
    const isPast = index < episodes.length - 1;
    const kind = isPast && deeds.recorded.what !== deeds.now.what ? 'breaks' : 'alters';
    const delivered = episode.news.at(-1) ?? startOf(history);
    const place = { episode: index + 1, delivered, at: episode.first + offset };
    const difference: Difference = { history, ...place, ...deeds, kind };
    if (kind === 'breaks') return difference;
    altered ??= difference;
  }
  return altered;
}

/** A deed of an episode that differs, if only in its details; `offset` is that of its event. */
function compare(
  episode: Episode,
  answer: Answer,
  ledger: Ledger,
): { offset: number; recorded: Deed; now: Deed } | undefined {
  const before = episode.news.length;
  const recorded = [...episode.scheduled.map(deedOfEvent), deedOfEnd(episode.end)];
  const deeds = deedsNow(episode, answer, ledger);
  const pairs = recorded.map((deed, index) => ({
    offset: before + index,
    recorded: deed,
    now: deeds[index] ?? nothing,
  }));
  return (
    pairs.find((pair) => pair.recorded.what !== pair.now.what) ??
    pairs.find((pair) => !isDeepStrictEqual(pair.recorded, pair.now))
  );
}

const nothing: Deed = { what: 'nothing', details: null };

/** As the host would find out, and number it. The last one is what becomes of the instance. */
function deedsNow({ news }: Episode, answer: Answer, ledger: Ledger): Deed[] {
  if (answer.kind === 'broken') return [deedOfOutcome({ kind: 'failed', error: answer.message })];
  const now = Math.max(...news.map(({ Timestamp }) => Date.parse(Timestamp)));
  const settled = news.flatMap((event) => settle(ledger, event, answer.list, now));
  const counted = count(ledger, answer.list, answer.live);
  if (counted.kind === 'changed') return [{ what: counted.message, details: null }];
  if (counted.kind === 'unsupported') return [{ what: counted.what, details: null }];
  const effects = [...settled, ...emit(ledger, answer.list, now)];
  const outcome = hasOpenTasks(ledger, answer.list) ? waiting : answer.outcome;
  return [...effects.map(deedOfEffect), deedOfOutcome(outcome)];
}

const waiting: Outcome = { kind: 'waiting' };

function deedOfEffect(effect: Effect): Deed {
  const { id } = effect;
  if (effect.kind === 'timer') {
    return deed(id, 'timer', { until: new Date(effect.fireAt).toISOString() });
  }
  const { action } = effect;
  switch (action.kind) {
    case 'activity':
      return deed(id, `activity ${action.name}`, { input: parseText(action.input) });
    case 'child': {
      const { instanceId } = action;
      const details = { input: parseText(action.input), instanceId };
      return deed(id, `sub-orchestration ${action.name}`, details);
    }
    case 'entityCall':
    case 'entitySignal': {
      const { operation, target } = action;
      const what = toEntity(action.kind === 'entitySignal', operation, target);
      return deed(id, what, { input: parseText(action.input) });
    }
    case 'timer':
    case 'event':
    case 'continueAsNew':
    case 'unsupported':
      throw new Error(`nothing is scheduled for ${action.kind}`);
  }
}

function deedOfEvent(event: Scheduled): Deed {
  const { EventId: id } = event;
  switch (event.EventType) {
    case eventType.taskScheduled:
      return deed(id, `activity ${event.Name}`, { input: parseText(event.Input) });
    case eventType.childCreated: {
      const details = { input: parseText(event.Input), instanceId: event.InstanceId };
      return deed(id, `sub-orchestration ${event.Name}`, details);
    }
    case eventType.timerCreated:
      return deed(id, 'timer', { until: event.FireAt });
    case eventType.eventSent: {
      const { op, signal, input } = JSON.parse(event.Input) as Message;
      const what = toEntity(signal, op, event.InstanceId);
      return deed(id, what, { input: parseText(input) });
    }
  }
}

/** What an orchestration sends to an entity. */
interface Message {
  op: string;
  signal: boolean;
  input: string | null;
}

/** One waits for the answer to a question, and not for one to a message. */
const toEntity = (isSignal: boolean, operation: string, target: string) =>
  `${isSignal ? 'message' : 'question'} "${operation}" to ${target}`;

const deed = (id: number, what: string, details: unknown): Deed => ({
  what: `${id}: ${what}`,
  details,
});

const waits = 'nothing more, and waits';

function deedOfOutcome(outcome: Outcome): Deed {
  switch (outcome.kind) {
    case 'waiting':
      return { what: waits, details: null };
    case 'continued':
      return { what: 'continues as new', details: parseText(outcome.input) };
    case 'completed':
      return { what: 'ends', details: parseText(outcome.output) };
    case 'failed':
      return { what: 'fails', details: outcome.error };
  }
}

function deedOfEnd(end: Ended | undefined): Deed {
  if (end === undefined) return { what: waits, details: null };
  if (end.EventType === eventType.continuedAsNew) {
    return { what: 'continues as new', details: parseText(end.Result) };
  }
  return end.OrchestrationStatus === 'Completed'
    ? { what: 'ends', details: parseText(end.Result) }
    : // The host has put the orchestrator's name before the error.
      { what: 'fails', details: end.Result?.replace(/^Orchestrator function '\w+' failed: /u, '') };
}

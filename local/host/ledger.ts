/**
 * Which task has which number, what each still waits for, and what the host has to do next: the one
 * part of the protocol that nobody writes down. Actions carry no ids; `durable-functions` counts
 * tasks in the order in which it first tracks them, and the host has to arrive at the same numbers
 * (sources: durable-functions, lib/src/orchestrations/TaskOrchestrationExecutor.js and
 * lib/src/task/*.js; durabletask, src/DurableTask.Core/TaskOrchestrationContext.cs and
 * RetryInterceptor.cs).
 *
 * It is exact because the host delivers one message per episode.
 */
import { describe, type Action, type ActionList, type RetryPolicy, type Tree } from './actions.ts';
import { endOfTask, type HistoryEvent } from './history.ts';

/** The extension's defaults for the Azure Storage provider: longer timers go in legs. */
export const shortTimerMaxMs = 6 * 24 * 60 * 60 * 1000;
export const timerLegMs = 3 * 24 * 60 * 60 * 1000;

/**
 * Something that was scheduled and has not ended; `at` is the place of its action among the atoms.
 */
type Open = { readonly at: number } & (
  | { readonly kind: 'work'; readonly attempt: number }
  | { readonly kind: 'pause'; readonly attempt: number }
  /** `inLegs`: it was too long for one timer when it was made; the SDK goes by that as well. */
  | { readonly kind: 'timer'; readonly cancelled: boolean; readonly inLegs: boolean }
);

/**
 * Everything about one generation of an instance that its history does not tell. Stored as JSON.
 */
export interface Ledger {
  /** The number of the next task. */
  next: number;
  /** Per atom: what it was, its number, and whether it only repeats an earlier one. */
  readonly seen: (readonly [what: string, id: number | null, repeat: boolean])[];
  /** How many of the top actions have been put into effect. */
  emitted: number;
  readonly open: Record<number, Open>;
  /** External events received, by name. */
  readonly raised: Record<string, number>;
  /** The orchestrator called continueAsNew, and waits for open tasks. */
  continuing: boolean;
  /** This generation has set a custom status. */
  statusSet: boolean;
}

export function emptyLedger(): Ledger {
  return {
    next: 0,
    seen: [],
    emitted: 0,
    open: {},
    raised: {},
    continuing: false,
    statusSet: false,
  };
}

/** What the host has to do; `id` is the number of the task. */
export type Effect =
  | { readonly kind: 'schedule'; readonly id: number; readonly action: Action }
  | { readonly kind: 'timer'; readonly id: number; readonly fireAt: number };

/**
 * Whether anyone waits for this end of a task: a second one, or one of a task long gone, is
 * dropped.
 */
export function awaits(ledger: Ledger, event: HistoryEvent): boolean {
  const end = endOfTask(event);
  if (end === undefined) return true;
  const open = ledger.open[end.id];
  return open !== undefined && (open.kind === 'work') === (end.kind !== 'fired');
}

/**
 * Whether the instance may end: activities, children and timers that are not cancelled hold it
 * open.
 */
export function hasOpenTasks(ledger: Ledger, list: ActionList): boolean {
  return (
    ledger.emitted < list.tops.length ||
    Object.values(ledger.open).some((open) => open.kind !== 'timer' || !open.cancelled)
  );
}

/** External events that arrived and that nothing has waited for. */
export function unconsumed(ledger: Ledger): string[] {
  return Object.entries(ledger.raised)
    .filter(
      ([name, count]) => count > ledger.seen.filter(([what]) => what === `event ${name}`).length,
    )
    .map(([name]) => name);
}

/**
 * Step 1: books the delivered event. A failed attempt or a fired leg takes its next number here,
 * before any new action does, because the SDK counts them before it resumes the orchestrator.
 */
export function settle(
  ledger: Ledger,
  event: HistoryEvent,
  { atoms }: ActionList,
  now: number,
): Effect[] {
  const end = endOfTask(event);
  const open = end && ledger.open[end.id];
  const action = open && atoms[open.at]?.action;
  if (end === undefined || open === undefined || action === undefined) return [];
  delete ledger.open[end.id];
  switch (end.kind) {
    case 'completed':
      return [];
    case 'failed':
      return open.kind === 'work' ? pause(ledger, open, retryOf(action), now) : [];
    case 'fired':
      if (open.kind === 'pause') return again(ledger, open, action);
      return action.kind === 'timer' && open.kind === 'timer' && open.inLegs
        ? nextLeg(ledger, open.at, action, now)
        : [];
  }
}

interface Attempt {
  readonly at: number;
  readonly attempt: number;
}

/**
 * After the last attempt .NET still makes a timer, and only when that fires does the error surface.
 */
function pause(
  ledger: Ledger,
  { at, attempt }: Attempt,
  policy: RetryPolicy | undefined,
  now: number,
): Effect[] {
  if (policy === undefined) return [];
  const delay = attempt < policy.attemptsMax ? retryDelay(policy, attempt) : 0;
  const id = ledger.next++;
  ledger.open[id] = { at, kind: 'pause', attempt };
  return [{ kind: 'timer', id, fireAt: now + delay }];
}

function retryOf(action: Action | undefined): RetryPolicy | undefined {
  return action?.kind === 'activity' || action?.kind === 'child' ? action.retry : undefined;
}

function retryDelay(policy: RetryPolicy, attempt: number): number {
  return Math.min(policy.firstDelayMs * policy.coefficient ** (attempt - 1), policy.delayMaxMs);
}

function again(ledger: Ledger, open: Attempt, action: Action): Effect[] {
  const policy = retryOf(action);
  if (policy === undefined || open.attempt >= policy.attemptsMax) return [];
  const id = ledger.next++;
  ledger.open[id] = { at: open.at, kind: 'work', attempt: open.attempt + 1 };
  return [{ kind: 'schedule', id, action }];
}

function nextLeg(
  ledger: Ledger,
  at: number,
  timer: { readonly fireAt: number; readonly cancelled: boolean },
  now: number,
): Effect[] {
  if (timer.fireAt <= now) return [];
  const id = ledger.next++;
  // The SDK counts a next leg of a cancelled timer too; .NET makes none.
  if (timer.cancelled) return [];
  ledger.open[id] = { at, kind: 'timer', cancelled: false, inLegs: true };
  return [{ kind: 'timer', id, fireAt: legEnd(timer.fireAt, now) }];
}

function legEnd(fireAt: number, now: number): number {
  return fireAt - now > shortTimerMaxMs ? now + timerLegMs : fireAt;
}

export type Counted =
  | { readonly kind: 'ok'; readonly repeats: readonly string[] }
  | { readonly kind: 'changed'; readonly message: string }
  | { readonly kind: 'unsupported'; readonly what: string };

/**
 * Step 2: numbers what is new in the list, after comparing the rest with what it was before. `live`
 * says that objects keep their identity in this list, so that a task that was yielded again is
 * recognised.
 */
export function count(ledger: Ledger, { atoms }: ActionList, live: boolean): Counted {
  const first = new Map<object, number>();
  const repeats: string[] = [];
  for (let at = 0; at < Math.max(atoms.length, ledger.seen.length); at += 1) {
    const atom = atoms[at];
    const before = ledger.seen[at];
    const what = atom === undefined ? 'nothing' : describe(atom.action);
    if (before !== undefined && before[0] !== what) return changed(at, before[0], what);
    if (atom === undefined) break;
    if (before === undefined) {
      const { kind } = atom.action;
      if (atom.action.kind === 'unsupported') return { kind: 'unsupported', what };
      const original = live ? first.get(atom.source) : undefined;
      const uncounted = kind === 'event' || kind === 'continueAsNew';
      if (original !== undefined) {
        ledger.seen.push([what, ledger.seen[original]?.[1] ?? null, true]);
        if (!uncounted) repeats.push(what);
      } else {
        ledger.seen.push([what, uncounted ? null : ledger.next++, false]);
      }
    }
    if (!first.has(atom.source)) first.set(atom.source, at);
  }
  return { kind: 'ok', repeats };
}

function changed(at: number, before: string, now: string): Counted {
  const message =
    `Non-Deterministic workflow detected: A previous execution of this orchestration asked for ` +
    `'${before}' as action ${at}, but the current replay execution asked for '${now}'. ` +
    `Was a change made to the orchestrator code after this instance had already started running?`;
  return { kind: 'changed', message };
}

/**
 * Step 3: puts new actions into effect. What follows a `Task.all` that failed waits until all of
 * its parts have ended, because .NET awaits them all (source: azure-functions-durable-extension,
 * Listener/OutOfProcOrchestrationShim.cs).
 */
export function emit(ledger: Ledger, { atoms, tops }: ActionList, now: number): Effect[] {
  noteCancelled(ledger, atoms);
  const effects: Effect[] = [];
  for (; ledger.emitted < tops.length; ledger.emitted += 1) {
    const previous = tops[ledger.emitted - 1];
    if (previous?.kind === 'all' && !isDone(ledger, previous)) break;
    for (const at of placesIn(tops[ledger.emitted])) {
      const action = atoms[at]?.action;
      const [, id, repeat] = ledger.seen[at] ?? [];
      if (action === undefined || typeof id !== 'number' || repeat === true) continue;
      if (action.kind === 'timer') {
        const { cancelled } = action;
        const fireAt = legEnd(action.fireAt, now);
        ledger.open[id] = { at, kind: 'timer', cancelled, inLegs: fireAt < action.fireAt };
        effects.push({ kind: 'timer', id, fireAt });
        continue;
      }
      if (action.kind === 'activity' || action.kind === 'child') {
        ledger.open[id] = { at, kind: 'work', attempt: 1 };
      }
      effects.push({ kind: 'schedule', id, action });
    }
  }
  return effects;
}

function noteCancelled(ledger: Ledger, atoms: ActionList['atoms']): void {
  for (const [id, open] of Object.entries(ledger.open)) {
    const action = atoms[open.at]?.action;
    if (open.kind === 'timer' && action?.kind === 'timer' && action.cancelled) {
      ledger.open[Number(id)] = { ...open, cancelled: true };
    }
  }
}

function placesIn(tree: Tree | undefined): number[] {
  if (tree === undefined) return [];
  return tree.kind === 'atom' ? [tree.at] : tree.parts.flatMap(placesIn);
}

function isDone(ledger: Ledger, tree: Tree): boolean {
  switch (tree.kind) {
    case 'all':
      return tree.parts.every((part) => isDone(ledger, part));
    case 'any':
      return tree.parts.some((part) => isDone(ledger, part));
    case 'atom': {
      const [, id, repeat] = ledger.seen[tree.at] ?? [];
      // A repeated task ends with the one that it repeats: they share a number.
      const at = repeat === true ? ledger.seen.findIndex(([, other]) => other === id) : tree.at;
      return !Object.values(ledger.open).some(
        (open) => open.at === at && !(open.kind === 'timer' && open.cancelled),
      );
    }
  }
}

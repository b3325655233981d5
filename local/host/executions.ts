/**
 * The memory of the executions that run: what an episode needs and the store would have to tell
 * again.
 */
import { eventType, type HistoryEvent } from './history.ts';
import { emptyLedger, type Ledger } from './ledger.ts';
import type { Instance, Store } from './store.ts';

export interface Execution {
  readonly ledger: Ledger;
  /** Its past events as JSON, comma-separated. */
  readonly past: string;
  readonly events: number;
  /** When its last episode was, epoch milliseconds. */
  readonly lastStarted: number;
}

/** Past histories kept in memory, in characters; what does not fit is read again when needed. */
const charactersMax = 32 * 1024 * 1024;

export class Executions {
  readonly #store: Store;
  /** By execution id; the least recently used first. */
  readonly #known = new Map<string, Execution>();
  #characters = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  recall(instance: Instance): Execution {
    const found = this.#known.get(instance.execution) ?? this.#read(instance);
    this.#keep(instance, found);
    return found;
  }

  /** Notes an episode whose `count` events are in the store already. */
  grow(instance: Instance, before: Execution, text: string, count: number, now: number): void {
    const past = before.past === '' ? text : `${before.past},${text}`;
    const events = before.events + count;
    this.#keep(instance, { ledger: before.ledger, past, events, lastStarted: now });
  }

  forget({ execution }: Instance): void {
    this.#drop(execution);
  }

  #keep({ execution: id }: Instance, execution: Execution): void {
    this.#drop(id);
    this.#known.set(id, execution);
    this.#characters += execution.past.length;
    for (const [oldest] of this.#known) {
      if (this.#characters <= charactersMax || oldest === id) return;
      this.#drop(oldest);
    }
  }

  #drop(id: string): void {
    this.#characters -= this.#known.get(id)?.past.length ?? 0;
    this.#known.delete(id);
  }

  #read(instance: Instance): Execution {
    const past = this.#store.history(instance.id);
    const events = JSON.parse(`[${past}]`) as HistoryEvent[];
    const ledger = this.#store.ledger(instance.id);
    return {
      ledger: ledger === null ? emptyLedger() : (JSON.parse(ledger) as Ledger),
      past,
      events: events.length,
      lastStarted: events
        .filter((event) => event.EventType === eventType.orchestratorStarted)
        .reduce((last, event) => Math.max(last, Date.parse(event.Timestamp)), 0),
    };
  }
}

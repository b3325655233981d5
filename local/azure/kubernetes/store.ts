/**
 * What etcd and the watch cache hold: one collection a resource, one revision counter over all of
 * them. Every write replaces the object and tells the listeners, in order.
 */
import { keyOf, type ApiObject } from './objects.ts';

export type ChangeType = 'ADDED' | 'MODIFIED' | 'DELETED';

export interface Change<T extends ApiObject> {
  type: ChangeType;
  revision: number;
  object: T;
  /** What it was before; undefined for ADDED. */
  previous: T | undefined;
}

/** Counts writes over all collections, as etcd's revision does. */
export interface Revisions {
  current: number;
}

/** Changes that a watch can still start from. A real watch cache holds a similar handful. */
const rememberedChanges = 1000;

export class Collection<T extends ApiObject> {
  readonly #revisions: Revisions;
  readonly #objects = new Map<string, T>();
  readonly #listeners = new Set<(change: Change<T>) => void>();
  readonly #history: Change<T>[] = [];
  #forgottenRevision = 0;
  #sortedKeys: string[] | undefined;

  constructor(revisions: Revisions) {
    this.#revisions = revisions;
    this.#forgottenRevision = revisions.current;
  }

  get revision(): number {
    return this.#revisions.current;
  }

  get size(): number {
    return this.#objects.size;
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  values(): Iterable<T> {
    return this.#objects.values();
  }

  /** In the order in which etcd lists keys. */
  sorted(): T[] {
    this.#sortedKeys ??= [...this.#objects.keys()].sort();
    return this.#sortedKeys.flatMap((key) => this.#objects.get(key) ?? []);
  }

  /** Stores a new object, or the next version of one; gives it its resourceVersion. */
  put(object: T): T {
    const key = keyOf(object);
    const previous = this.#objects.get(key);
    const revision = ++this.#revisions.current;
    const stored = {
      ...object,
      metadata: { ...object.metadata, resourceVersion: String(revision) },
    };
    this.#objects.set(key, stored);
    if (previous === undefined) this.#sortedKeys = undefined;
    const type = previous === undefined ? 'ADDED' : 'MODIFIED';
    this.#tell({ type, revision, object: stored, previous });
    return stored;
  }

  /**
   * Replaces the object at `key` by what `change` makes of it; nothing happens when there is none.
   */
  update(key: string, change: (object: T) => T): T | undefined {
    const object = this.#objects.get(key);
    if (object === undefined) return undefined;
    const changed = change(object);
    return changed === object ? object : this.put(changed);
  }

  remove(key: string): T | undefined {
    const previous = this.#objects.get(key);
    if (previous === undefined) return undefined;
    const revision = ++this.#revisions.current;
    this.#objects.delete(key);
    this.#sortedKeys = undefined;
    const metadata = { ...previous.metadata, resourceVersion: String(revision) };
    this.#tell({ type: 'DELETED', revision, object: { ...previous, metadata }, previous });
    return previous;
  }

  /**
   * Calls `listener` with every later change, while the write is being made; returns how to stop.
   */
  subscribe(listener: (change: Change<T>) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The changes after that revision; undefined when they are no longer remembered. */
  since(revision: number): Change<T>[] | undefined {
    if (revision < this.#forgottenRevision) return undefined;
    return this.#history.filter((change) => change.revision > revision);
  }

  #tell(change: Change<T>): void {
    this.#history.push(change);
    if (this.#history.length > 2 * rememberedChanges) {
      const forgotten = this.#history.splice(0, this.#history.length - rememberedChanges);
      this.#forgottenRevision = forgotten.at(-1)?.revision ?? this.#forgottenRevision;
    }
    for (const listener of this.#listeners) listener(change);
  }
}

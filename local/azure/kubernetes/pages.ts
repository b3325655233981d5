/**
 * Lists in pages: all pages of one list show the same moment, as long as the server remembers it.
 */
import type { Timers } from './queue.ts';
import { badRequest, expired } from './status.ts';

/** etcd is compacted every five minutes (--etcd-compaction-interval). */
const rememberedMs = 5 * 60_000;

interface Snapshot<T> {
  items: readonly T[];
  revision: number;
  /** Epoch milliseconds. */
  expiresAt: number;
}

export interface Page<T> {
  items: T[];
  revision: number;
  /** How to ask for the next one. */
  next: string | undefined;
  remaining: number;
}

export class Pages<T> {
  readonly #timers: Timers;
  readonly #snapshots = new Map<number, Snapshot<T>>();
  #lists = 0;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** The first `limit` items (0: all). */
  first(items: readonly T[], revision: number, limit: number): Page<T> {
    const list = ++this.#lists;
    const snapshot = { items, revision, expiresAt: this.#timers.now() + rememberedMs };
    if (limit > 0 && items.length > limit) {
      this.#forget();
      this.#snapshots.set(list, snapshot);
    }
    return page(snapshot, list, 0, limit);
  }

  /** @throws Refusal 410 when the moment is forgotten, 400 when the token is none */
  next(token: string, limit: number): Page<T> {
    const { list, start } = parseToken(token);
    this.#forget();
    const snapshot = this.#snapshots.get(list);
    if (snapshot === undefined) throw expired(tooOld);
    return page(snapshot, list, start, limit);
  }

  #forget(): void {
    const now = this.#timers.now();
    for (const [list, { expiresAt }] of this.#snapshots) {
      if (expiresAt <= now) this.#snapshots.delete(list);
    }
  }
}

/**
 * k8s.io/apiserver/pkg/storage/etcd3/errors.go, without the offer of an inconsistent continuation.
 */
const tooOld =
  'The provided continue parameter is too old to display a consistent list result. ' +
  'You can start a new list without the continue parameter.';

function page<T>({ items, revision }: Snapshot<T>, list: number, start: number, limit: number) {
  const end = limit > 0 ? start + limit : items.length;
  const remaining = Math.max(0, items.length - end);
  const next = remaining > 0 ? tokenFor(list, end) : undefined;
  return { items: items.slice(start, end), revision, next, remaining };
}

function tokenFor(list: number, start: number): string {
  const token = JSON.stringify({ v: 'meta.k8s.io/v1', list, start });
  return Buffer.from(token).toString('base64url');
}

function parseToken(token: string): { list: number; start: number } {
  const decoded = Buffer.from(token, 'base64url').toString();
  const match = /"list":(\d+),"start":(\d+)\}$/.exec(decoded);
  if (match === null) throw badRequest('continue key is not valid: illegal base64 data');
  return { list: Number(match[1]), start: Number(match[2]) };
}

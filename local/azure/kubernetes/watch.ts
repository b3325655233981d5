/** Watches: the changes of one collection as a stream of JSON lines. */
import type { ApiObject } from './objects.ts';
import type { Timers } from './queue.ts';
import type { Change, ChangeType, Collection } from './store.ts';

export interface WatchOptions<T extends ApiObject> {
  objects: Collection<T>;
  matches: (object: T) => boolean;
  /** How the object looks to the client (a Table row, perhaps). */
  render: (object: T) => unknown;
  /** 0: first everything that is there, then the changes. */
  fromRevision: number;
  timeoutMs: number;
  timers: Timers;
  signal: AbortSignal;
}

/** Follows until the client goes, the time is over or the cluster closes. */
export function watch<T extends ApiObject>(options: WatchOptions<T>): AsyncIterable<string> {
  const { objects, matches, render, fromRevision } = options;
  const lines: string[] = [];
  let wake: () => void = () => {};
  let ended = false;
  const emit = (type: ChangeType | 'ERROR', object: unknown) => {
    lines.push(`${JSON.stringify({ type, object })}\n`);
    wake();
  };
  const tell = (change: Change<T>) => {
    const type = seenAs(change, matches);
    if (type !== undefined) emit(type, render(change.object));
  };
  const end = () => {
    ended = true;
    wake();
  };
  const missed = fromRevision === 0 ? [] : objects.since(fromRevision);
  if (missed === undefined) {
    emit('ERROR', tooOld(fromRevision, objects.revision));
    ended = true;
  } else if (fromRevision === 0) {
    for (const object of objects.sorted()) if (matches(object)) emit('ADDED', render(object));
  } else {
    for (const change of missed) tell(change);
  }
  const unsubscribe = ended ? () => {} : objects.subscribe(tell);
  const cancelTimeout = ended ? () => {} : options.timers.after(options.timeoutMs, end);
  options.signal.addEventListener('abort', end, { once: true });
  const stop = () => {
    unsubscribe();
    cancelTimeout();
    options.signal.removeEventListener('abort', end);
  };
  return follow();

  async function* follow() {
    try {
      for (;;) {
        if (options.signal.aborted) return;
        const line = lines.shift();
        if (line !== undefined) yield line;
        else if (ended) return;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      stop();
    }
  }
}

/** An object that leaves the selection looks deleted, one that enters it looks new. */
function seenAs<T extends ApiObject>(
  { type, object, previous }: Change<T>,
  matches: (object: T) => boolean,
): ChangeType | undefined {
  const before = previous !== undefined && matches(previous);
  const after = type !== 'DELETED' && matches(object);
  if (before && after) return 'MODIFIED';
  if (after) return 'ADDED';
  return before ? 'DELETED' : undefined;
}

function tooOld(asked: number, current: number) {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: `too old resource version: ${asked} (${current})`,
    reason: 'Expired',
    code: 410,
  };
}

import { episodesOf } from './histories.ts';
import type { History } from './histories.ts';
import { shownIn } from './shape.ts';

/** A history, and all that it shows. */
interface Candidate {
  history: History;
  shown: ReadonlySet<string>;
  /** Of its text. */
  length: number;
}

export interface Choice {
  history: History;
  /** What it shows, and those before it do not. */
  shows: string[];
}

/** Few and short histories that show together all that the given ones show. */
export function choose(histories: readonly History[]): Choice[] {
  const seen = new Set<string>();
  return cover(candidatesIn(histories), ({ length }) => length).map(({ history, shown }) => {
    const shows = [...shown].filter((one) => !seen.has(one));
    shows.forEach((one) => seen.add(one));
    return { history: upTo(history, shows), shows };
  });
}

/**
 * A history up to where it has shown that, and one episode more, which is the first to replay it:
 * so it looks when an orchestration is still running.
 */
function upTo(history: History, shows: readonly string[]): History {
  const { events } = history;
  const ends = episodesOf(events).map(({ first }) => first);
  const prefixes = ends.slice(1).map((end) => ({ ...history, events: events.slice(0, end) }));
  const at = prefixes.findIndex((prefix) => {
    const shown = shownIn(prefix);
    return shows.every((one) => shown.has(one));
  });
  return at < 0 ? history : (prefixes[at + 1] ?? history);
}

/** The shortest ones of those that show the same. */
export function shortestOfEach(histories: readonly History[]): History[] {
  return candidatesIn(histories).map(({ history }) => history);
}

/** Few of the candidates, and cheap ones, that show together what all of them show. */
export function cover<T extends { shown: ReadonlySet<string> }>(
  candidates: readonly T[],
  costOf: (candidate: T) => number,
): T[] {
  const chosen: T[] = [];
  const seen = new Set<string>();
  const worthOf = (candidate: T) =>
    [...candidate.shown].filter((one) => !seen.has(one)).length / costOf(candidate);
  for (;;) {
    const worths = candidates.map(worthOf);
    const most = Math.max(0, ...worths);
    const best = candidates[worths.indexOf(most)];
    if (most === 0 || best === undefined) return withoutNeedless(chosen);
    best.shown.forEach((one) => seen.add(one));
    chosen.push(best);
  }
}

/** What was chosen early because it is cheap may be shown by something dearer that came later. */
function withoutNeedless<T extends { shown: ReadonlySet<string> }>(chosen: readonly T[]): T[] {
  let kept = [...chosen];
  for (const one of chosen) {
    const others = kept.filter((other) => other !== one);
    const shown = new Set(others.flatMap((other) => [...other.shown]));
    if ([...one.shown].every((what) => shown.has(what))) kept = others;
  }
  return kept;
}

function candidatesIn(histories: readonly History[]): Candidate[] {
  const byShape = new Map<string, Candidate>();
  for (const history of histories) {
    const shown = shownIn(history);
    const { length } = JSON.stringify(history.events);
    const shape = [...shown].sort().join('\n');
    const known = byShape.get(shape);
    if (known === undefined || length < known.length)
      byShape.set(shape, { history, shown, length });
  }
  return [...byShape.values()];
}

import { EVENT_ID, getScalarValue, load, parseEvents, SCALAR_STYLE, YAMLException } from 'js-yaml';
import type { Event, ScalarEvent } from 'js-yaml';
import { failureOf } from '../domain/trouble.ts';

/** A document that a person wrote: YAML, and with it JSON, which is YAML too. */

/** Where something stands; both count from 1. */
export interface Position {
  line: number;
  column: number;
}

export type Document =
  | {
      kind: 'read';
      value: unknown;
      /** Of the key or the list entry that the path ends in, or else of what holds it. */
      positionOf: (path: readonly PropertyKey[]) => Position;
    }
  /** `why` reads on from the document's name. */
  | { kind: 'unreadable'; why: string; position: Position | undefined };

/** Aliases multiply what a document holds; nobody needs so many. */
const maxAliases = 100;

const longestLine = 60;

/** Reads the one document of a text. */
export function readDocument(text: string): Document {
  if (isEmpty(text)) return { kind: 'unreadable', why: 'is empty', position: undefined };
  try {
    const value = load(text, { maxAliases });
    // Only who has a problem asks.
    let known: { offsets: Map<string, number>; lines: number[] } | undefined;
    const positionOf = (path: readonly PropertyKey[]) => {
      known ??= { offsets: offsetsOf(text), lines: lineStarts(text) };
      return positionAt(known.lines, nearest(known.offsets, path));
    };
    return { kind: 'read', value, positionOf };
  } catch (error) {
    if (!(error instanceof YAMLException)) {
      // The parser may throw others too, e.g. for a text that nests without end.
      const why = `is neither YAML nor JSON: ${failureOf(error).message}`;
      return { kind: 'unreadable', why, position: undefined };
    }
    const { mark, reason } = error;
    const why = `is neither YAML nor JSON: ${reason}`;
    if (mark === undefined) return { kind: 'unreadable', why, position: undefined };
    const line = text.split('\n')[mark.line]?.trim().slice(0, longestLine) ?? '';
    const position = { line: mark.line + 1, column: mark.column + 1 };
    return { kind: 'unreadable', why: line === '' ? why : `${why}, in "${line}"`, position };
  }
}

/** Nothing but comments, that is. */
function isEmpty(text: string): boolean {
  return text.split('\n').every((line) => /^\s*(#.*)?$/u.test(line));
}

function nearest(offsets: ReadonlyMap<string, number>, path: readonly PropertyKey[]): number {
  for (let length = path.length; length >= 0; length -= 1) {
    const offset = offsets.get(keyOf(path.slice(0, length)));
    if (offset !== undefined) return offset;
  }
  return 0;
}

function keyOf(path: readonly PropertyKey[]): string {
  return JSON.stringify(path.map(String));
}

function lineStarts(text: string): number[] {
  return [0, ...[...text.matchAll(/\n/gu)].map(({ index }) => index + 1)];
}

function positionAt(lines: readonly number[], offset: number): Position {
  const line = lines.findLastIndex((start) => start <= offset);
  return { line: line + 1, column: offset - (lines[line] ?? 0) + 1 };
}

/** Where each key and each list entry stands, by its path. */
function offsetsOf(text: string): Map<string, number> {
  const events = parseEvents(text, {});
  const offsets = new Map<string, number>();
  let next = 0;
  /** Takes the node that comes next, with everything in it. */
  const take = (path: readonly string[], offset: number | undefined): void => {
    const event = events[next++];
    const begins = offset ?? startOf(event);
    // What is left empty stands nowhere.
    if (begins !== undefined && begins >= 0) offsets.set(keyOf(path), begins);
    if (event?.type === EVENT_ID.SEQUENCE) {
      for (let index = 0; !atPop(); index += 1) take([...path, String(index)], undefined);
      next += 1;
    } else if (event?.type === EVENT_ID.MAPPING) {
      while (!atPop()) {
        const key = events[next++];
        if (key?.type !== EVENT_ID.SCALAR) return;
        take([...path, getScalarValue(text, key)], scalarStart(key));
      }
      next += 1;
    }
  };
  const atPop = () => next >= events.length || events[next]?.type === EVENT_ID.POP;
  // The first event begins the document.
  next = 1;
  take([], undefined);
  return offsets;
}

function startOf(event: Event | undefined): number | undefined {
  switch (event?.type) {
    case EVENT_ID.SCALAR:
      return scalarStart(event);
    case EVENT_ID.SEQUENCE:
    case EVENT_ID.MAPPING:
      return event.start;
    case EVENT_ID.ALIAS:
      return event.anchorStart;
    case EVENT_ID.DOCUMENT:
    case EVENT_ID.POP:
    case undefined:
      return undefined;
  }
}

/** Of a quoted text the parser names what is in the quotes. */
function scalarStart({ style, valueStart }: ScalarEvent): number {
  const quoted = style === SCALAR_STYLE.SINGLE_QUOTED || style === SCALAR_STYLE.DOUBLE_QUOTED;
  return quoted ? valueStart - 1 : valueStart;
}

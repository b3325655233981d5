import type * as z from 'zod';
import { failureOf } from '../domain/trouble.ts';
import { readDocument } from './document.ts';
import type { Position } from './document.ts';
import { adviceOn } from './keys.ts';

/** One thing that is wrong with a document that a person wrote: where, and what to change. */
export interface Problem {
  /** As people write it, e.g. `clusters[2].windows[0].start`. */
  path: string;
  /** What was found and what is expected; reads on from the path. */
  problem: string;
  /** Where it stands in the text, where there is one. */
  position?: Position;
}

/** Something that is wrong between values, each of which is right by itself. */
export interface Relation {
  path: readonly PropertyKey[];
  problem: string;
}

/** Marks an issue whose message needs no value before it. */
export const wholeSentence = { wholeSentence: true };

export type Parsed<T> = { kind: 'ok'; value: T } | { kind: 'bad'; problems: Problem[] };

/**
 * Parses JSON text; tells every problem at once.
 *
 * @param whole what the path says for the document as a whole, e.g. `(body)`
 */
export function parseText<T>(text: string, schema: z.ZodType<T>, whole: string): Parsed<T> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return bad([{ path: whole, problem: `is not JSON: ${failureOf(error).message}` }]);
  }
  return parseValue(value, schema, whole);
}

/** The same for YAML, or JSON; each problem has its line and column. */
export function parseDocument<T>(text: string, schema: z.ZodType<T>, whole: string): Parsed<T> {
  const document = readDocument(text);
  if (document.kind === 'unreadable') {
    const { why: problem, position } = document;
    return bad([{ path: whole, problem, ...(position === undefined ? {} : { position }) }]);
  }
  return parseValue(document.value, schema, whole, document.positionOf);
}

type PositionOf = (path: readonly PropertyKey[]) => Position;

/** The same for a value that is no text any more. */
export function parseValue<T>(
  value: unknown,
  schema: z.ZodType<T>,
  whole: string,
  positionOf?: PositionOf,
): Parsed<T> {
  const parsed = schema.safeParse(value, { reportInput: true });
  if (parsed.success) return { kind: 'ok', value: parsed.data };
  const found = parsed.error.issues.flatMap((issue) => findingsOf(issue, [], schema));
  const told = found.slice(0, mostTold);
  const problems = told.map(({ path, problem }) => ({
    path: pathOf(path) || whole,
    problem: problem(),
    ...(positionOf === undefined ? {} : { position: positionOf(path) }),
  }));
  // As they stand in the text.
  problems.sort((a, b) => rankOf(a.position) - rankOf(b.position));
  const rest = found.length - told.length;
  return bad(rest === 0 ? problems : [...problems, { path: whole, problem: `has ${rest} more` }]);
}

/** Nobody reads on, and what is wrong with one key takes its time to say. */
const mostTold = 200;

const longestText = 1e6;

function rankOf(position: Position | undefined): number {
  return position === undefined ? 0 : position.line * longestText + position.column;
}

function bad(problems: Problem[]): { kind: 'bad'; problems: Problem[] } {
  return { kind: 'bad', problems };
}

interface Finding {
  path: readonly PropertyKey[];
  problem: () => string;
}

type Issue = z.core.$ZodIssue;

/** @param above the path to the union in which the issue arose */
function findingsOf(issue: Issue, above: readonly PropertyKey[], schema: z.ZodType): Finding[] {
  const path = [...above, ...issue.path];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: [...path, key],
      problem: () => adviceOn(schema, path, key),
    }));
  }
  if (issue.code === 'invalid_union') {
    const meant = meantVariant(issue.errors);
    if (meant === undefined) return [{ path, problem: () => noneFits(issue) }];
    return meant.flatMap((inner) => findingsOf(inner, path, schema));
  }
  return [{ path, problem: () => problemOf(issue) }];
}

/** Of things that may stand in each other's place: which was meant? None, if no kind fits. */
function meantVariant(variants: readonly Issue[][]): Issue[] | undefined {
  const strange = (issues: Issue[]) =>
    issues.reduce((sum, one) => sum + (one.code === 'unrecognized_keys' ? one.keys.length : 0), 0);
  const [first] = variants
    .filter((issues) => !issues.some(isOfAnotherKind))
    .sort((a, b) => strange(a) - strange(b) || a.length - b.length);
  return first;
}

type OfAnotherKind = z.core.$ZodIssueInvalidType | z.core.$ZodIssueInvalidValue;

function isOfAnotherKind(issue: Issue): issue is OfAnotherKind {
  const { code, path } = issue;
  return path.length === 0 && (code === 'invalid_type' || code === 'invalid_value');
}

function noneFits({ errors, input }: z.core.$ZodIssueInvalidUnion): string {
  const wanted = errors.flatMap((issues) => issues.filter(isOfAnotherKind).map(wantedBy));
  return `is ${shown(input)}: it has to be ${[...new Set(wanted)].join(' or ')}`;
}

function wantedBy(issue: OfAnotherKind): string {
  return issue.code === 'invalid_type'
    ? typeName(issue.expected)
    : issue.values.map((value) => shown(value)).join(' or ');
}

/** A path as people write it; empty for the whole. */
export function pathOf(path: readonly PropertyKey[]): string {
  return path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .replace(/^\./u, '');
}

/** Our schemas' own messages begin with "is not …", so that the value can stand before them. */
function problemOf(issue: Issue): string {
  const found = shown(issue.input);
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined
        ? `is missing: it has to be ${wantedBy(issue)}`
        : `is ${found}: it has to be ${wantedBy(issue)}`;
    case 'invalid_value':
      return `is ${found}: it has to be ${wantedBy(issue)}`;
    case 'too_small':
      return sizeProblem(issue.origin, found, 'at least', issue.minimum);
    case 'too_big':
      return sizeProblem(issue.origin, found, 'at most', issue.maximum);
    case 'invalid_key':
      return issue.issues.map(({ message }) => message).join('; ');
    case 'custom':
      if (issue.params === wholeSentence || issue.input === undefined) return issue.message;
      return `${found} ${issue.message}`;
    case 'unrecognized_keys':
    case 'invalid_format':
    case 'not_multiple_of':
    case 'invalid_union':
    case 'invalid_element':
      return issue.input === undefined ? issue.message : `${found} ${issue.message}`;
  }
}

function sizeProblem(
  origin: string,
  found: string,
  side: 'at least' | 'at most',
  bound: number | bigint,
): string {
  const one = Number(bound) === 1;
  switch (origin) {
    case 'string':
      return `is ${found}: it has to have ${side} ${bound} ${one ? 'character' : 'characters'}`;
    case 'array':
      return `is ${found}: it has to have ${side} ${bound} ${one ? 'entry' : 'entries'}`;
    default:
      return `is ${found}: it has to be ${side} ${bound}`;
  }
}

function typeName(expected: string): string {
  switch (expected) {
    case 'int':
      return 'a whole number';
    case 'array':
      return 'a list';
    case 'object':
      return 'an object';
    case 'boolean':
      return 'true or false';
    case 'string':
      return 'a text';
    default:
      return `a ${expected}`;
  }
}

const longestShown = 60;

/** The value as its JSON, cut short: whoever wrote it finds it again. */
function shown(value: unknown): string {
  if (typeof value === 'number') return String(value);
  const text = beginning(value, longestShown + 1);
  return text.length > longestShown ? `${text.slice(0, longestShown)}…` : text;
}

/**
 * The value's JSON, or what it begins with, at least `room` characters. Goes no deeper than there
 * is room for: a document may nest without end, hold itself, or the same thing a million times.
 */
function beginning(value: unknown, room: number): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, Math.max(0, room)));
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? String(value);
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}'];
  let text = open;
  for (const [key, entry] of Object.entries(value)) {
    if (text.length > room) return text;
    if (text !== open) text += ',';
    if (!Array.isArray(value)) text += `${beginning(key, room)}:`;
    text += beginning(entry, room - text.length);
  }
  return text + close;
}

import type * as z from 'zod';

/** One thing that is wrong with a document that a person wrote: where, and what to change. */
export interface Problem {
  /** As people write it, e.g. `clusters[2].windows[0].start`. */
  path: string;
  /** What was found and what is expected; reads on from the path. */
  problem: string;
}

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
    const why = error instanceof Error ? error.message : String(error);
    return { kind: 'bad', problems: [{ path: whole, problem: `is not JSON: ${why}` }] };
  }
  return parseValue(value, schema, whole);
}

/** The same for a value that is no text any more. */
export function parseValue<T>(value: unknown, schema: z.ZodType<T>, whole: string): Parsed<T> {
  const parsed = schema.safeParse(value, { reportInput: true });
  if (parsed.success) return { kind: 'ok', value: parsed.data };
  const problems = parsed.error.issues.map((issue) => ({
    path: pathOf(issue.path) || whole,
    problem: problemOf(issue),
  }));
  return { kind: 'bad', problems };
}

function pathOf(path: readonly PropertyKey[]): string {
  return path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .replace(/^\./u, '');
}

/** Our schemas' own messages begin with "is not …", so that the value can stand before them. */
function problemOf(issue: z.core.$ZodIssue): string {
  const found = shown(issue.input);
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined
        ? `is missing: it has to be ${typeName(issue.expected)}`
        : `is ${found}: it has to be ${typeName(issue.expected)}`;
    case 'invalid_value':
      return `is ${found}: it has to be ${issue.values.map((value) => shown(value)).join(' or ')}`;
    case 'too_small':
      return sizeProblem(issue.origin, found, 'at least', issue.minimum);
    case 'too_big':
      return sizeProblem(issue.origin, found, 'at most', issue.maximum);
    case 'unrecognized_keys':
      return `has ${issue.keys.map((key) => `"${key}"`).join(' and ')}, which nothing reads`;
    case 'invalid_key':
      return issue.issues.map(({ message }) => message).join('; ');
    case 'invalid_format':
    case 'custom':
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
  const text = JSON.stringify(value) ?? String(value);
  return text.length > longestShown ? `${text.slice(0, longestShown)}…` : text;
}

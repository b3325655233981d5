import { gunzipSync } from 'node:zlib';
import { forPeople, TroubleError } from '../../domain/trouble.ts';
import { firstLine, lastLine } from './script.ts';

/** What became of one request of a script. */
export type CommandAnswer =
  /** The API server's answer, JSON, without its ballast. */
  | { kind: 'ok'; json: string }
  /** kubectl failed; what it said. */
  | { kind: 'no'; stderr: string }
  /** It did not fit in any more: ask again, alone or for less. */
  | { kind: 'big'; bytes: number }
  /** It was not begun: the script had taken too long by then. */
  | { kind: 'late' };

/**
 * Reads the output of a script, an answer for each of `count` requests. Whatever is missing,
 * doubled or odd makes all of it worthless: it throws, and nobody takes the rest for the whole.
 */
export function readAnswers(output: string, count: number): CommandAnswer[] {
  const lines = output.split(/\r?\n/u);
  const begin = lines.indexOf(firstLine);
  const end = lines.indexOf(lastLine(count));
  if (begin < 0 || end < 0) throw unreadable('it did not come whole');
  const answers = lines.slice(begin + 1, end).map(readLine);
  if (answers.length !== count || answers.some(({ number }, index) => number !== index)) {
    throw unreadable(`${answers.length} of ${count} requests were answered`);
  }
  return answers.map(({ answer }) => answer);
}

function readLine(line: string): { number: number; answer: CommandAnswer } {
  const [, number, kind = '', rest = ''] = /^(\d+) (\w+) ?(.*)$/u.exec(line) ?? [];
  if (number === undefined) throw unreadable(`a line of it is "${line.slice(0, 80)}"`);
  return { number: Number(number), answer: readAnswer(kind, rest) };
}

function readAnswer(kind: string, rest: string): CommandAnswer {
  switch (kind) {
    case 'ok':
      return { kind, json: unpacked(rest) };
    case 'no':
      return { kind, stderr: textOf(unpacked(rest)) };
    case 'big':
      return { kind, bytes: Number(rest) };
    case 'late':
      return { kind };
    default:
      throw unreadable(`an answer in it is "${kind}"`);
  }
}

/** `plain 7 {"a":1}`, or the same compressed; the number is the length of what follows. */
function unpacked(rest: string): string {
  const [, how, length, data = ''] = /^(\w+) (\d+) (\S.*)$/u.exec(rest) ?? [];
  if (Number(length) !== data.length) throw unreadable('a part of an answer is missing');
  if (how === 'plain') return data;
  if (how === 'gzip') return gunzip(data);
  throw unreadable('an answer in it is packed in an unknown way');
}

/** A page of a list has some megabytes; into half a one a thousand times that can be packed. */
const maxOutputLength = 64 * 1024 * 1024;

function gunzip(text: string): string {
  try {
    return gunzipSync(Buffer.from(text, 'base64'), { maxOutputLength }).toString('utf8');
  } catch {
    throw unreadable('an answer in it is damaged');
  }
}

function textOf(json: string): string {
  try {
    const value: unknown = JSON.parse(json);
    if (typeof value === 'string') return value;
  } catch {
    // Said below.
  }
  throw unreadable('an error in it is no text');
}

/** Passing trouble: the next command's output may come whole. */
function unreadable(why: string): TroubleError {
  const value = forPeople(`the AKS command's output can't be used: ${why}`);
  return new TroubleError({ kind: 'unreachable', value });
}

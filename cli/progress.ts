import { styleText } from 'node:util';
import { printable } from '../src/domain/trouble.ts';
import type { Log } from '../src/ports.ts';

type Entry = Parameters<Log>[0];

/** How a step is shown; what is not here is not worth a line. */
const shown: Record<string, { text: string; style: Parameters<typeof styleText>[0] }> = {
  'run opened': { text: 'run opened', style: 'dim' },
  'ring held': { text: 'ring held', style: 'yellow' },
  'awaiting approval': { text: 'needs approval', style: 'yellow' },
  approved: { text: 'approved', style: 'green' },
  rejected: { text: 'rejected', style: 'red' },
  planned: { text: 'planned', style: 'dim' },
  cordoned: { text: 'cordoned', style: 'cyan' },
  draining: { text: 'draining', style: 'cyan' },
  drained: { text: 'drained', style: 'cyan' },
  'restart asked for': { text: 'restart asked', style: 'yellow' },
  'restart may have been asked for': { text: 'restart asked?', style: 'red' },
  'restart refused': { text: 'restart refused', style: 'red' },
  booting: { text: 'booting', style: 'dim' },
  booted: { text: 'booted', style: 'yellow' },
  settling: { text: 'settling', style: 'dim' },
  undone: { text: 'undone', style: 'magenta' },
  'mark taken over': { text: 'recovering', style: 'magenta' },
  rebooted: { text: 'rebooted', style: 'green' },
  cancel: { text: 'cancel', style: 'magenta' },
  hold: { text: 'hold', style: 'magenta' },
  'hold lifted': { text: 'hold lifted', style: 'magenta' },
  trouble: { text: 'trouble', style: 'red' },
  notRebooted: { text: 'not rebooted', style: 'red' },
  notReady: { text: 'not ready', style: 'red' },
  stillRequired: { text: 'still required', style: 'red' },
  failed: { text: 'failed', style: 'red' },
};

const stepColumn = 16;
const nodeColumn = 34;

/**
 * Prints what happens, one line each: time, step, node, detail. A wait is told once, and again when
 * it has become another one.
 *
 * @param now the clock of the run, epoch milliseconds
 */
export function createProgress(now: () => number, print: (line: string) => void): Log {
  const told = new Map<string, string>();
  return (entry) => {
    const look = shown[entry.message];
    if (look === undefined || entry.level === 'debug') return;
    const who = printable(entry.node ?? entry.cluster ?? '');
    const detail = printable(detailOf(entry));
    // Numbers count up while one waits: the same wait with another number is no news.
    const news = `${entry.message} ${detail.replaceAll(/\d+/gu, '')}`;
    if (told.get(who) === news) return;
    told.set(who, news);
    const time = new Date(now()).toISOString().slice(11, 19);
    const step = styleText(look.style, look.text.padEnd(stepColumn));
    print(`${styleText('dim', time)}  ${step}${who.padEnd(nodeColumn)}${detail}`.trimEnd());
  };
}

function detailOf({ detail, message }: Entry): string {
  switch (message) {
    case 'planned':
      return (
        `${Number(detail?.['due'])} nodes are due` +
        (detail?.['access'] === 'runCommand' ? ', reached by AKS run command' : '')
      );
    case 'approved':
    case 'rejected':
      return `${textOf(detail?.['who'])}: ${textOf(detail?.['why'])}`;
    case 'trouble':
    case 'restart refused':
    case 'restart may have been asked for':
      return textOf(detail?.['value']);
    default:
      return textOf(detail?.['detail']);
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

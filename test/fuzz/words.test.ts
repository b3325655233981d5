import fc from 'fast-check';
import { linesOf } from '../../cli/badInput.ts';
import { printPreflight } from '../../cli/preflight.ts';
import { createProgress } from '../../cli/progress.ts';
import { printReport } from '../../cli/table.ts';
import type { ClusterReport, NodeReport, RunReport } from '../../src/domain/run.ts';
import { forPeople } from '../../src/domain/trouble.ts';
import { portsFromEnvironment } from '../../src/environment.ts';
import { asDrawn, controls, holds, hostileText, hugeText } from './hostile.ts';

/** What people read: terminals and logs, with what others have named as they liked. */

const at = '2026-01-05T22:10:00.000Z';

/** A report, of which this text is every part that others choose. */
function reportOf(text: string, dryRun: boolean): RunReport {
  const reasons = [{ kind: 'undrainable' as const, value: text }];
  const pod = { pod: text, state: 'refused' as const, why: text };
  const node: NodeReport = {
    node: text,
    pool: text,
    decision: { kind: 'wait', reasons },
    turn: { position: 1, zone: text, needSince: at, moves: { count: 1, pods: [pod] } },
    outcome: { kind: 'undrainable', reasons },
    wasUnschedulable: false,
    bootIdBefore: text,
    kernelBefore: text,
    kernelAfter: `${text}2`,
    instants: { cordoned: at, ended: at },
  };
  const cluster: ClusterReport = {
    cluster: 'shop-dlsdioxos3',
    id: '',
    reasons,
    recovered: reasons,
    counts: {},
    access: { way: 'runCommand', why: text },
    notes: [{ kind: 'channel', value: text }],
    outlook: {
      due: 1,
      kept: 0,
      fit: 1,
      arisen: 1,
      served: 1,
      lookedAt: 1,
      warning: { value: text, settings: ['windows'] },
    },
    nodes: [node],
  };
  return {
    run: '20260105T221000Z-000000',
    request: {
      source: 'http',
      purpose: 'reboot',
      clusters: [],
      pools: [],
      nodes: [],
      dryRun,
      reason: text,
    },
    settings: '',
    controller: 'platform',
    startedAt: at,
    endedAt: at,
    status: 'completed',
    counts: {},
    clusters: [cluster],
    rings: [],
    approvals: [],
  };
}

/** A text of lines, none of which a terminal takes for more than letters. */
function expectPlain(text: string, lines: number): void {
  // Our own colours.
  const plain = text.replaceAll(/\p{Cc}\[\d{1,2}m/gu, '').split('\n');
  expect(plain).toHaveLength(lines);
  for (const line of plain) expect(line).not.toMatch(controls);
}

const linesIn = (text: string) => text.split('\n').length;
const width = Number.MAX_SAFE_INTEGER;

describe(`a terminal (${asDrawn})`, () => {
  it.each([true, false])('is shown reports that are letters alone (dry run: %s)', (dryRun) => {
    const lines = linesIn(printReport(reportOf('x', dryRun), width));
    holds(
      fc.property(hostileText, (text) =>
        expectPlain(printReport(reportOf(text, dryRun), width), lines),
      ),
      3,
    );
  });

  it('is shown progress that is letters alone, one line a step', () => {
    const messages = ['trouble', 'approved', 'draining', 'failed', 'awaiting approval', 'planned'];
    holds(
      fc.property(fc.constantFrom(...messages), hostileText, (message, text) => {
        const said: string[] = [];
        const detail = { value: text, detail: text, who: text, why: text, due: text, access: text };
        createProgress(
          () => 0,
          (line) => said.push(line),
        )({
          level: 'warn',
          message,
          node: text,
          detail,
        });
        expectPlain(said.join('\n'), 1);
      }),
      3,
    );
  });

  it('is shown findings and problems that are letters alone', () => {
    holds(
      fc.property(hostileText, (text) => {
        const finding = { check: 'clock', verdict: 'warn', found: text, todo: `x${text}` } as const;
        const cluster = { cluster: 'shop', id: '', at, findings: [finding] };
        const preflight = { run: 'r', at, controller: 'c', clusters: [cluster] };
        expectPlain(printPreflight(preflight), 3);
        const problem = { path: text, problem: text, position: { line: 1, column: 1 } };
        expectPlain(linesOf('settings.yaml', [problem]).join('\n'), 1);
      }),
      3,
    );
  });
});

describe(`a log (${asDrawn})`, () => {
  it('has one record a line, whatever is in it', () => {
    const said: string[] = [];
    const { log: print } = console;
    console.log = (line: string) => void said.push(line);
    try {
      const { log } = portsFromEnvironment({ environment: { REBOOT_REPORTS_DIR: '-' } });
      holds(
        fc.property(hostileText, (text) => {
          said.length = 0;
          const entry = {
            level: 'info' as const,
            message: text,
            node: text,
            detail: { [text]: text },
          };
          log(entry);
          expect(said).toHaveLength(1);
          expect(said[0]).not.toMatch(/[\r\n]/u);
          expect(JSON.parse(said[0] ?? '')).toEqual(entry);
        }),
        3,
      );
    } finally {
      console.log = print;
    }
  });

  it('has of servers what people can read, at once, however much it was', () => {
    const text = fc.oneof(
      { weight: 9, arbitrary: hostileText },
      { weight: 1, arbitrary: hugeText },
    );
    const begun = performance.now();
    holds(
      fc.property(text, text, (one, other) => {
        const said = forPeople(`${one} https://x.example/a?sig=SECRET ${other}`);
        expect(said).not.toMatch(controls);
        expect(said).not.toContain('SECRET');
        expect(said.length).toBeLessThanOrEqual(600);
      }),
      3,
    );
    expect(performance.now() - begun).toBeLessThan(20_000);
  });
});

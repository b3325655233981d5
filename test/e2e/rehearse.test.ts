/** `npm start`: the default fleet, rehearsed from the command line, and what it leaves to read. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { AuditLine } from '../../local/azure/audit.ts';
import type { Report } from '../support/evidence.ts';
import { root, startCommand } from './stage.ts';

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;

const ajv = new Ajv2020({
  allErrors: true,
  formats: { 'date-time': (text: string) => !Number.isNaN(Date.parse(text)) },
});
const schemaOf = (name: string) => {
  const text = readFileSync(join(root, 'docs', 'schemas', `${name}.schema.json`), 'utf8');
  return ajv.compile(JSON.parse(text) as object);
};

describe('aks-reboot rehearse', () => {
  const directory = mkdtempSync(join(tmpdir(), 'aks-reboot-e2e-'));
  const report = join(directory, 'report.json');
  const audit = join(directory, 'audit.jsonl');
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it('shows progress and a table, and writes a report and an audit that fit schemas', async () => {
    const begun = performance.now();
    const command = startCommand(['rehearse', '--report', report, '--audit', audit], {
      TMPDIR: directory,
    });
    await command.printed(/run opened/u);
    const first = seconds(performance.now() - begun);
    const { code, output } = await command.ended;
    const whole = seconds(performance.now() - begun);
    process.stderr.write(`rehearse: first progress after ${first}, the whole in ${whole}\n`);
    // The default fleet has one node that nobody can ask: a person is needed.
    expect(code).toBe(1);
    expect(output).toMatch(/^NAME +POOL +STATUS +OUTCOME +TOOK +KERNEL +REASON$/mu);
    expect(output).toMatch(/8 rebooted/u);
    // The state directory that nobody asked for is gone again.
    expect(readdirSync(directory).sort()).toEqual(['audit.jsonl', 'report.json']);

    const told = JSON.parse(readFileSync(report, 'utf8')) as Report;
    const isReport = schemaOf('report');
    expect([isReport(told), isReport.errors]).toEqual([true, null]);
    for (const { node, outcome } of told.clusters.flatMap(({ nodes }) => nodes)) {
      expect(output).toMatch(new RegExp(`^${node} .* ${outcome.kind} `, 'mu'));
    }
    const lines = readFileSync(audit, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as AuditLine);
    const isAudit = schemaOf('audit');
    for (const line of lines)
      expect([line, isAudit(line), isAudit.errors]).toEqual([line, true, null]);
    expect(lines.map(({ seq }) => seq)).toEqual(lines.map((_, index) => index + 1));
    expect(lines.filter(({ action }) => action === 'restart')).toHaveLength(8);
  });

  it('changes nothing in a dry run', async () => {
    const words = ['rehearse', '--dry-run', '--fleet', 'default', '--audit', audit];
    const { output } = await startCommand(words, { TMPDIR: directory }).ended;
    expect(output).toMatch(/^1  aks-\S+ .* reboot .* reboot required/mu);
    const actions = [...readFileSync(audit, 'utf8').matchAll(/"action":"(\w+)"/gu)];
    expect(new Set(actions.map(([, action]) => action))).toEqual(new Set(['probe']));
  });

  it.each([
    ['a fleet that is not there', ['--fleet', '/no/such/fleet.json'], '/no/such/fleet.json'],
    ['a speed that is none', ['--speed', 'fast'], 'a speed is a number above 0'],
  ])('exits with 2 for %s', async (_name, words, said) => {
    const { code, output } = await startCommand(['rehearse', ...words]).ended;
    expect(output).toContain(said);
    expect(code).toBe(2);
  });
});

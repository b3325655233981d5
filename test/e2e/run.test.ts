/** `aks-reboot run` as people use it: exit codes, dry run, bad input, Ctrl-C, resuming. */
import { readFileSync, writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Report } from '../support/evidence.ts';
import { brokenOrLeft, brokenPromises, nothingLeft } from '../support/promises.ts';
import { clusterId, restarted, smallFleet, stage, startCommand, stillDue } from './stage.ts';
import type { Stage, StageOptions } from './stage.ts';

const speed = 360;

async function shop(
  nodes: number,
  changes: Parameters<typeof smallFleet>[1] = {},
  policy?: StageOptions['policy'],
): Promise<Stage & AsyncDisposable & { names: string[]; state: string }> {
  const fleet = smallFleet(nodes, changes);
  const on = await stage({ fleet, speed, ...(policy === undefined ? {} : { policy }) });
  const machines = on.azure.world.clusters.flatMap(({ pools }) => pools).flatMap((p) => p.machines);
  return {
    ...on,
    names: machines.map(({ nodeName }) => nodeName),
    state: join(on.directory, 'state'),
    [Symbol.asyncDispose]: () => on.stop(),
  };
}

/** A pod on the node of that index that takes ten minutes to end. */
const slowOn = (index: number) => ({
  kind: 'Deployment',
  name: 'slow',
  on: { pool: 'web', index },
  terminationSeconds: 600,
  gracePeriodSeconds: 600,
});

const actionsOn = ({ azure }: Stage, name: string) =>
  azure.audit.lines
    .filter(({ node, actor }) => node === name && actor === 'terminal')
    .map(({ action }) => action);

const reportIn = (file: string) => JSON.parse(readFileSync(file, 'utf8')) as Report;

describe('aks-reboot run', () => {
  it('plans without touching anything in a dry run, and reboots without', async () => {
    await using on = await shop(2);
    const report = join(on.directory, 'report.json');
    const words = ['run', '--state', on.state, '--settings', on.settings, '--report', report];
    const dry = await on.run([...words, '--dry-run']);
    expect(dry.code).toBe(0);
    for (const name of on.names)
      expect(dry.output).toMatch(new RegExp(`${name} .* reboot .* reboot required`, 'u'));
    expect(new Set(on.azure.audit.lines.map(({ action }) => action))).toEqual(new Set(['probe']));

    const planned = reportIn(report);
    const begun = on.start([...words, '--cluster', clusterId, '--reason', 'kernel of May']);
    await begun.printed(/cordoned/u);
    // Stopped, so that it is still there, however long the second takes to start.
    begun.kill('SIGSTOP');
    const second = await on.run(words);
    begun.kill('SIGCONT');
    expect(second.code).toBe(2);
    expect(second.output).toContain(`another aks-reboot works with ${on.state}`);

    const { code, output } = await begun.ended;
    expect({ code, due: stillDue(on.azure) }).toEqual({ code: 0, due: [] });
    for (const name of on.names) {
      expect(output).toMatch(new RegExp(`${name} .*rebooted .* -> 5.15.0-1096-azure`, 'u'));
    }
    const evidence = on.evidence([planned, reportIn(report)]);
    expect(brokenPromises(evidence, { readyForSeconds: 15 })).toEqual([]);
    expect(reportIn(report)).toMatchObject({
      status: 'completed',
      request: { reason: 'kernel of May' },
      counts: { rebooted: 2 },
    });
  });

  it('exits with 1 when something needs a person: a node that nobody can ask', async () => {
    await using on = await shop(1, { nodes: { 0: { probe: 'garbled' } } });
    const { code, output } = await on.run(['run', '--state', on.state, '--cluster', clusterId]);
    expect(output).toMatch(/: 1 unknown$/mu);
    expect(code).toBe(1);
    expect(actionsOn(on, on.names[0] ?? '')).not.toContain('cordon');
  });
});

describe('Ctrl-C', () => {
  it('undoes a drain', async () => {
    await using on = await shop(2, { workloads: [slowOn(0)] });
    const [slow = '', other = ''] = on.names;
    const begun = on.start(['run', '--state', on.state, '--cluster', clusterId, '--node', slow]);
    await begun.printed(/draining/u);
    begun.kill('SIGINT');
    const { code, output } = await begun.ended;
    expect(output).toContain('1 canceled');
    expect(code).toBe(0);
    expect(actionsOn(on, slow)).toEqual(expect.arrayContaining(['cordon', 'evict', 'uncordon']));
    expect(actionsOn(on, other)).not.toContain('cordon');
    const evidence = on.evidence();
    expect(restarted(evidence)).toEqual([]);
    expect(brokenOrLeft(evidence)).toEqual([]);
  });

  it('finishes a restart, begins no other, and says how to go on when asked twice', async () => {
    await using on = await shop(3);
    const words = ['run', '--state', on.state, '--settings', on.settings];
    const first = on.start(words);
    await first.printed(/restart asked/u);
    first.kill('SIGINT');
    const { code, output } = await first.ended;
    expect(output).toMatch(/1 rebooted, 2 canceled|2 canceled, 1 rebooted/u);
    expect(code).toBe(0);
    expect(restarted(on.evidence())).toHaveLength(1);
    expect(nothingLeft(on.evidence())).toEqual([]);

    const second = on.start(words);
    await second.printed(/restart asked/u);
    second.kill('SIGINT');
    await second.printed(/Ctrl-C again leaves at once/u);
    second.kill('SIGINT');
    const left = await second.ended;
    expect(left.code).toBe(130);
    expect(nothingLeft(on.evidence())).toHaveLength(1);
    const [, goOn = ''] = /To go on: aks-reboot (.*)/u.exec(left.output) ?? [];

    const resumed = await on.run(goOn.split(' '));
    expect(resumed.code).toBe(0);
    expect(resumed.output).toMatch(/Going on with run/u);
    const evidence = on.evidence();
    expect(brokenOrLeft(evidence)).toEqual([]);
  });
});

describe('bad input', () => {
  const directory = mkdtempSync(join(tmpdir(), 'aks-reboot-e2e-'));
  const file = (name: string, content: unknown) => {
    const path = join(directory, name);
    writeFileSync(path, JSON.stringify(content));
    return path;
  };
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  const good = file('good.json', { controller: 'test', clusters: [{ id: clusterId }] });
  const bad = file('bad.json', {
    controller: 'no spaces, please',
    defaults: { pollSeconds: 1, colour: 'red' },
    clusters: [{ id: 'shop' }],
  });
  const cases: [string, string[], string[]][] = [
    ['no cluster', [], ['name the clusters']],
    ['a cluster that is no ARM id', ['--cluster', 'shop'], ['clusters[0].id', '"shop"']],
    [
      'a cluster that the settings do not have',
      ['--settings', good, '--cluster', 'other'],
      ['not in the settings: other', 'shop-'],
    ],
    ['a settings file that is not there', ['--settings', '/no/such/file'], ['/no/such/file']],
    [
      'a settings file that is wrong in many places',
      ['--settings', bad],
      ['controller', 'defaults.pollSeconds', 'colour', 'clusters[0].id'],
    ],
    ['an option that does not exist', ['--colour', 'red'], ['unknown option']],
  ];

  it.each(cases)('is told in full and exits with 2: %s', async (_name, words, said) => {
    const state = join(directory, 'state');
    const { code, output } = await startCommand(['run', '--state', state, ...words]).ended;
    for (const text of said) expect(output).toContain(text);
    expect(code).toBe(2);
    expect(output).not.toMatch(/\n\s+at /u);
  });
});

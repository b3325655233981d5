import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { check } from '../../cli/settings/check.ts';
import { explained } from '../../cli/settings/explain.ts';
import type { ClusterFacts } from '../../src/domain/cluster.ts';
import { doubtsOf } from '../../cli/settings/doubts.ts';
import { parseSettings } from '../../src/policy/settings.ts';
import { cluster, pool } from '../support/sights.ts';

/** `aks-reboot settings check` and `explain`: what they say about settings that are right. */

// A Monday.
const now = Date.UTC(2026, 10, 23, 12);
const idOf = (name: string) =>
  '/subscriptions/8d2f1b64-3c1e-4b0a-9f57-6a1c2e9d4b10/resourceGroups/tests/providers' +
  `/Microsoft.ContainerService/managedClusters/${name}`;

const settings = (defaults: string, clusters = `- id: ${idOf('shop')}`) =>
  `controller: test\ndefaults:\n${indented(defaults)}\nclusters:\n${indented(clusters)}\n`;
const indented = (text: string) => text.replaceAll(/^/gmu, '  ');

/** All doubts, `line: path problem`. */
function doubts(text: string, facts?: Partial<ClusterFacts>): string[] {
  const parsed = parseSettings(text);
  if (parsed.kind === 'bad') throw new Error(JSON.stringify(parsed.problems));
  const known = parsed.value.clusters.flatMap(({ key }) =>
    facts === undefined ? [] : [[key, { ...cluster, ...facts }] as const],
  );
  return doubtsOf(text, parsed.value, new Map(known), now).map(
    ({ path, problem, position }) => `${position?.line}: ${path} ${problem}`,
  );
}

describe('of settings that are right it is doubted', () => {
  it('nothing, when there is nothing to doubt', () => {
    const windows = 'windows: [{ days: [mon], start: 22:00, end: 04:00 }]';
    expect(doubts(settings(`${windows}\nconcurrency: 2`))).toEqual([]);
    expect(doubts(settings(windows), {})).toEqual([]);
  });

  it.each<[string, string, string]>([
    [
      'that a window ever opens',
      'windows: [{ cron: "0 0 31 2 *", durationMinutes: 60 }]',
      '3: defaults.windows never opens: no node is ever rebooted',
    ],
    [
      'that one opens at all when all days are excluded',
      'windows: [{ days: [mon], start: 22:00, end: 04:00 }]\nexcludedDates: [{ from: 01-01, to: 12-31 }]',
      '3: defaults.windows never opens: no node is ever rebooted',
    ],
    [
      'that a node fits',
      'windows: [{ days: [mon], start: 22:00, end: 23:00 }]\nexpectedDrainMinutes: 50\ndrainTimeoutMinutes: 60',
      '3: defaults.windows is never long enough: at most 60 minutes, and one node is expected to take 70',
    ],
    [
      'that a node fits each time',
      'windows: [{ days: [mon], start: 22:00, end: 04:00 }, { days: [wed], start: 12:00, end: 12:20 }]',
      '3: defaults.windows is too short now and then: 20 minutes from 2026-11-25T12:00:00.000Z on, and one node is expected to take 30',
    ],
    [
      'that dates which are over do anything',
      'excludedDates: [2026-11-22, 2026-11-23, 12-24, { from: 2025-12-24, to: 2026-01-02 }]',
      '3: defaults.excludedDates has days that are over: 2026-11-22\n3: defaults.excludedDates has days that are over: 2026-01-02',
    ],
    [
      'that a drain may take what it is expected to',
      'drainTimeoutMinutes: 5',
      '3: defaults.drainTimeoutMinutes is 5: drains are undone before they took what they are expected to take, 10 minutes',
    ],
    [
      'that a node can be proved',
      'readyForSeconds: 600\nreadyTimeoutMinutes: 10',
      '4: defaults.readyTimeoutMinutes is 10: no node can stay Ready for 600 seconds within that time, so none is ever proved',
    ],
    [
      'that pods are ever deleted',
      'deleteAfterMinutes: 45',
      '3: defaults.deleteAfterMinutes is 45: nothing is ever deleted, the drain is over after 30 minutes',
    ],
    [
      'that a file is looked at beside a command',
      'sentinelPath: /x\nsentinelCommand: /y',
      '3: defaults.sentinelPath counts for nothing: sentinelCommand is asked instead',
    ],
    [
      'that restart and proof take less than the proof',
      'readyForSeconds: 120\nexpectedRestartMinutes: 1',
      '4: defaults.expectedRestartMinutes is 1: the proof alone takes 120 seconds (readyForSeconds)',
    ],
  ])('%s', (_what, defaults, expected) => {
    expect(doubts(settings(defaults)).join('\n')).toBe(expected);
  });

  it('once what is written once, and where it is written what differs', () => {
    const clusters = [
      `- id: ${idOf('one')}`,
      `- id: ${idOf('two')}`,
      '  pools: { web: { drainTimeoutMinutes: 4 } }',
      `- id: ${idOf('three')}`,
      '  drainTimeoutMinutes: 3',
    ].join('\n');
    expect(
      doubts(settings('drainTimeoutMinutes: 5', clusters)).map((one) => one.slice(0, 48)),
    ).toEqual(
      [
        '3: defaults.drainTimeoutMinutes is 5: drains are ',
        '7: clusters[1].pools.web.drainTimeoutMinutes is ',
        '9: clusters[2].drainTimeoutMinutes is 3: drains ',
      ].map((one) => one.slice(0, 48)),
    );
  });

  it('that all of a pool may be out of service at once, and that pools exist: ARM tells', () => {
    const clusters = [
      `- id: ${idOf('shop')}`,
      '  excludePools: [gpu]',
      '  pools: { wep: {}, gpu: {}, slow: { maxUnavailable: 1 } }',
    ].join('\n');
    const text = settings('concurrency: 3', clusters);
    expect(doubts(text)).toEqual([
      '7: clusters[0].pools.gpu counts for nothing: excludePools names the pool',
    ]);
    const pools = [
      { ...pool, name: 'web', count: 3 },
      { ...pool, name: 'big', count: 4 },
      { ...pool, name: 'single', count: 1 },
      { ...pool, name: 'slow', count: 2 },
    ];
    expect(doubts(text, { pools })).toEqual([
      '3: defaults.concurrency is 3: all 3 nodes of pool web may be out of service at once',
      '6: clusters[0].excludePools names pool gpu, which the cluster has not',
      '7: clusters[0].pools.wep counts for nothing: the cluster has no such pool',
      '7: clusters[0].pools.gpu counts for nothing: excludePools names the pool',
    ]);
  });

  it("that the cluster's own schedule is open, as far as ARM was asked", () => {
    const text = settings('windows: [aks]');
    expect(doubts(text)).toEqual([]);
    const value = 'the cluster has none';
    expect(doubts(text, { maintenance: { kind: 'unknown', value } })).toEqual([
      '3: defaults.windows is closed: the cluster has none',
    ]);
  });
});

describe('aks-reboot settings', () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'aks-reboot-settings-'));
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  const file = (text: string) => {
    const path = join(directory, 'settings.yaml');
    writeFileSync(path, text);
    return path;
  };

  const rich = settings(
    'timeZone: Europe/Berlin\nwindows: [{ days: [mon, tue], start: 22:00, end: 04:00 }]',
    [
      `- id: ${idOf('shop')}`,
      '  concurrency: 2',
      '  pools: { web: { soakSeconds: 5 } }',
      `- id: ${idOf('shop').replace('tests', 'other')}`,
      `- id: ${idOf('always')}`,
      '  windows: []',
      `- id: ${idOf('own')}`,
      '  windows: [aks]',
    ].join('\n'),
  );
  const say = (over: { cluster: string; pool?: string; node?: string }) =>
    explained(file(rich), over, now);
  /** `name from value`. */
  const rowOf = (lines: readonly string[], name: string) =>
    lines.find((line) => line.startsWith(`${name} `))?.replaceAll(/ {2,}/gu, ' ');

  it('check counts clusters and doubts', async () => {
    const path = file(settings('drainTimeoutMinutes: 5'));
    expect(await check(path, {}, now)).toEqual([
      `${path} is right: 1 cluster, 1 doubt`,
      expect.stringMatching(/settings\.yaml:3:3 defaults\.drainTimeoutMinutes is 5: /u) as string,
    ]);
  });

  it('explain tells each value and where it comes from', async () => {
    const lines = await say({ cluster: idOf('shop'), node: 'aks-web-73802164-vmss000000' });
    expect(lines[0]).toMatch(/^Cluster shop-\w+, pool web, node aks-web-73802164-vmss000000$/u);
    expect(rowOf(lines, 'concurrency')).toBe('concurrency cluster 2');
    expect(rowOf(lines, 'soakSeconds')).toBe('soakSeconds pool web 5');
    expect(rowOf(lines, 'timeZone')).toBe('timeZone defaults "Europe/Berlin"');
    expect(rowOf(lines, 'pollSeconds')).toBe('pollSeconds built-in 15');
    expect(rowOf(lines, 'windows')).toContain('defaults {"days":["mon","tue"]');
  });

  it('explain tells when it opens, in the zone of the settings', async () => {
    const lines = await say({ cluster: idOf('shop') });
    expect(lines).toContain('Pools that differ: web');
    expect(lines.slice(lines.indexOf('Closed now (times of Europe/Berlin)'), -3)).toEqual([
      'Closed now (times of Europe/Berlin)',
      '  Mon 2026-11-23 22:00 to Tue 2026-11-24 04:00',
      '  Tue 2026-11-24 22:00 to Wed 2026-11-25 04:00',
    ]);
    expect(await say({ cluster: 'always' })).toContain('Always open: there are no windows.');
    const own = await say({ cluster: 'own' });
    expect(own.slice(-2)).toEqual([
      '  not known: the cluster was not asked (--azure asks it)',
      '  no opening is known',
    ]);
  });

  it.each([
    [{ cluster: 'nowhere' }, /^cluster "nowhere" is not in the settings$/u],
    [{ cluster: 'shop' }, /^several clusters are named shop: say which, shop-\w+, shop-\w+$/u],
    [{ cluster: 'own', node: 'worker-1' }, /does not tell its pool: say --pool$/u],
    [{ cluster: 'own', node: 'aks-web-1-vmss000000', pool: 'gpu' }, /is of pool web, not of gpu$/u],
  ])('explain refuses %j', async (options, message) => {
    await expect(say(options)).rejects.toThrow(message);
  });
});

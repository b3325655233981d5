import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { clusterId, smallFleet, stage } from './stage.ts';
import type { Stage } from './stage.ts';

/** `aks-reboot settings` as a person starts it, asking simulated Azure where it is told to. */

const maintenance = [
  {
    name: 'aksManagedNodeOSUpgradeSchedule',
    properties: {
      maintenanceWindow: {
        schedule: { weekly: { intervalWeeks: 1, dayOfWeek: 'Tuesday' } },
        durationHours: 4,
        utcOffset: '+01:00',
        startTime: '00:30',
      },
    },
  },
];

let on: Stage;
beforeAll(async () => {
  const fleet = smallFleet(2);
  const clusters = fleet.clusters.map((cluster) => ({ ...cluster, maintenance }));
  on = await stage({ fleet: { ...fleet, clusters }, speed: 1 });
});
afterAll(() => on.stop());

const document = (more: string) => {
  const path = join(on.directory, 'settings.yaml');
  const text = `controller: test\n${more}\nclusters:\n  - { id: ${clusterId}, windows: [aks] }\n`;
  writeFileSync(path, text);
  return path;
};

describe('aks-reboot settings', () => {
  it('check exits with 0 when all is right, and asks Azure for what only Azure knows', async () => {
    const path = document('defaults: { concurrency: 2, excludePools: [gpu] }');
    const { code, output } = await on.run(['settings', 'check', path, '--azure']);
    expect(output).toContain(`${path} is right: 1 cluster, 2 doubts`);
    expect(output).toContain('all 2 nodes of pool web may be out of service at once');
    expect(output).toContain('names pool gpu, which the cluster has not');
    expect(code).toBe(0);
  });

  it('check exits with 2 and every problem when something is wrong', async () => {
    const path = document('defaults: { concurency: 2 }\nkeepRunsDays: 0');
    const { code, output } = await on.run(['settings', 'check', path]);
    expect(output).toContain(`${path}:2:13 defaults.concurency is not read by anything`);
    expect(output).toContain(`${path}:3:1 keepRunsDays is 0: it has to be at least 1`);
    expect(code).toBe(2);
  });

  it("explain tells when the cluster's own schedule opens", async () => {
    const path = document('defaults: { timeZone: Europe/Berlin }');
    const words = ['settings', 'explain', path, '--cluster', 'shop', '--pool', 'web', '--azure'];
    const { code, output } = await on.run(words);
    expect(output).toMatch(/^windows +cluster +\["aks"\]$/mu);
    expect(output).toContain('Closed now (times of Europe/Berlin)\n  Tue 2026-01-06 00:30 to Tue');
    expect(code).toBe(0);
  });

  it('from-kured writes what check takes', async () => {
    const flags = ['--start-time=22:00', '--end-time', '4:00', '--time-zone=Europe/Berlin'];
    const words = ['settings', 'from-kured', '--cluster', clusterId, ...flags];
    const { code, output } = await on.run(words);
    expect(output).toContain('{days: [mon, tue, wed, thu, fri, sat, sun], start: "22:00"');
    expect(code).toBe(0);
    const wrong = await on.run(['settings', 'from-kured', '--start-time=25:00']);
    expect(wrong).toMatchObject({ code: 2, output: expect.stringContaining('25:00') as string });
  });
});

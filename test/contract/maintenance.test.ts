import type { MaintenanceConfiguration } from '@azure/arm-containerservice';
import { maintenanceOf, nodeOsSchedule } from '../../src/azure/maintenance.ts';
import type { Maintenance } from '../../src/domain/maintenance.ts';
import { clusterId, simulate, troubleOf } from './azureHarness.ts';
import type { Simulation } from './azureHarness.ts';

/** The cluster's own maintenance schedule: what ARM says of it, through the real SDK. */

const window = (over: object) => ({
  maintenanceWindow: { durationHours: 4, startTime: '22:00', ...over },
});
const configurations: Record<string, { name: string; properties: object }[]> = {
  none: [],
  other: [
    { name: 'default', properties: { timeInWeek: [{ day: 'Monday', hourSlots: [1] }] } },
    {
      name: 'aksManagedAutoUpgradeSchedule',
      properties: window({ schedule: { daily: { intervalDays: 1 } } }),
    },
  ],
  daily: [
    { name: 'default', properties: {} },
    { name: nodeOsSchedule, properties: window({ schedule: { daily: { intervalDays: 3 } } }) },
  ],
  weekly: [
    {
      name: nodeOsSchedule,
      properties: window({
        schedule: { weekly: { intervalWeeks: 2, dayOfWeek: 'Sunday' } },
        utcOffset: '-07:00',
        startDate: '2026-04-14',
        notAllowedDates: [{ start: '2026-12-23', end: '2027-01-05' }],
      }),
    },
  ],
  monthly: [
    {
      name: nodeOsSchedule,
      properties: window({ schedule: { absoluteMonthly: { intervalMonths: 1, dayOfMonth: 31 } } }),
    },
  ],
  relative: [
    {
      name: nodeOsSchedule,
      properties: window({
        schedule: {
          relativeMonthly: { intervalMonths: 1, weekIndex: 'Last', dayOfWeek: 'Friday' },
        },
      }),
    },
  ],
};

let simulation: Simulation;
beforeAll(async () => {
  simulation = await simulate({
    name: 'maintenance',
    pageSize: 1,
    clusters: Object.entries(configurations).map(([name, maintenance]) => ({
      id: clusterId(name).id,
      maintenance,
      pools: [{ name: 'system', count: 1 }],
    })),
  });
});
afterAll(() => simulation.stop());

const asked = async (name: string): Promise<Maintenance> => {
  const facts = await simulation.adapter().cluster(clusterId(name), 'maintenance');
  return facts.maintenance;
};
const usual = {
  startTime: '22:00',
  utcOffset: '+00:00',
  durationHours: 4,
  startDate: undefined,
  notAllowedDates: [],
};

describe("a cluster's maintenance schedule", () => {
  it.each<[string, object]>([
    ['daily', { ...usual, recurrence: { kind: 'daily', intervalDays: 3 } }],
    [
      'weekly',
      {
        ...usual,
        recurrence: { kind: 'weekly', intervalWeeks: 2, dayOfWeek: 7 },
        utcOffset: '-07:00',
        startDate: '2026-04-14',
        notAllowedDates: [{ start: '2026-12-23', end: '2027-01-05' }],
      },
    ],
    [
      'monthly',
      { ...usual, recurrence: { kind: 'absoluteMonthly', intervalMonths: 1, dayOfMonth: 31 } },
    ],
    [
      'relative',
      {
        ...usual,
        recurrence: { kind: 'relativeMonthly', intervalMonths: 1, week: 'last', dayOfWeek: 5 },
      },
    ],
  ])('is read: %s', async (name, schedule) => {
    expect(await asked(name)).toEqual({ kind: 'schedule', schedule });
  });

  it.each(['none', 'other'])(
    'is unknown when there is no configuration of its name: %s',
    async (name) => {
      const value = `the cluster has no maintenance configuration ${nodeOsSchedule}`;
      expect(await asked(name)).toEqual({ kind: 'unknown', value });
    },
  );

  it('is not asked for unless somebody wants it', async () => {
    const before = simulation.seen.length;
    const { maintenance } = await simulation.adapter().cluster(clusterId('daily'));
    expect(maintenance.kind).toBe('unknown');
    expect(simulation.seen).toHaveLength(before + 1);
  });

  it('is unknown without the right to read it, and says which right', async () => {
    const action = 'Microsoft.ContainerService/managedClusters/maintenanceConfigurations/read';
    const allow = simulation.azure.faults.deny({ action });
    const maintenance = await asked('daily');
    allow();
    if (maintenance.kind !== 'unknown') throw new Error('it was read');
    expect(maintenance.value).toContain(`no permission for ${action} on /subscriptions/`);
  });

  it('is passing trouble when ARM is: asking again may help', async () => {
    simulation.fault({
      path: '/maintenanceConfigurations',
      fault: { kind: 'answer', status: 503 },
    });
    expect(await troubleOf(asked('daily'))).toMatchObject({ kind: 'unreachable' });
  });

  it.each<[string, object]>([
    ['maintenanceWindow', {}],
    ['schedule', window({})],
    ['schedule', window({ schedule: {} })],
    [
      'schedule',
      window({
        schedule: { daily: { intervalDays: 1 }, weekly: { intervalWeeks: 1, dayOfWeek: 'Friday' } },
      }),
    ],
    ['schedule.daily.intervalDays', window({ schedule: { daily: { intervalDays: 0 } } })],
    [
      'schedule.weekly.dayOfWeek',
      window({ schedule: { weekly: { intervalWeeks: 1, dayOfWeek: 'Caturday' } } }),
    ],
    ['utcOffset', window({ schedule: { daily: { intervalDays: 1 } }, utcOffset: 'Europe/Berlin' })],
    ['utcOffset', window({ schedule: { daily: { intervalDays: 1 } }, utcOffset: '+25:00' })],
    ['startTime', window({ schedule: { daily: { intervalDays: 1 } }, startTime: '9pm' })],
    ['durationHours', window({ schedule: { daily: { intervalDays: 1 } }, durationHours: 0 })],
    [
      'startDate',
      window({ schedule: { daily: { intervalDays: 1 } }, startDate: new Date('someday') }),
    ],
  ])('is unknown when it makes no sense, and names the field: %s', (field, properties) => {
    const configuration = { name: nodeOsSchedule, ...properties } as MaintenanceConfiguration;
    const maintenance = maintenanceOf([configuration]);
    if (maintenance.kind !== 'unknown') throw new Error('it was read');
    expect(maintenance.value).toBe(
      `maintenance configuration ${nodeOsSchedule} can't be read: ${field}`,
    );
  });
});

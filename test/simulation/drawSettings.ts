import { everyDay, zones } from './drawTimes.ts';
import { drawWindow } from './drawTimes.ts';
import type { Dice } from './dice.ts';
import type { AppPlan, AksSchedule, SettingsChange } from './scenario.ts';

type Defaults = NonNullable<SettingsChange['defaults']>;

/** What an installation may be told of the fleet that it is drawn for. */
export interface Ground {
  clusters: number;
  aks: AksSchedule | undefined;
}

export function drawApp(dice: Dice, controller: string, from: number, ground: Ground): AppPlan {
  const skews = dice.chance(0.3);
  const settings = drawSettings(dice, ground);
  const approves = (settings.defaults?.approval ?? 'off') !== 'off';
  return {
    controller,
    from,
    settings,
    ...(settings.rings === undefined ? {} : { ringOf: ['early', 'late'] }),
    ...(ground.aks === undefined ? {} : { aks: ground.aks }),
    ...(approves ? { approver: drawApprover(dice) } : {}),
    schedule: dice.one(['0 0 * * * *', '0 */30 * * * *', '30 7,37 * * * *']),
    skew: {
      host: skews ? dice.whole(-90, 90) : 0,
      activities: skews ? dice.whole(-90, 90) : 0,
    },
  };
}

const drawApprover = (dice: Dice): NonNullable<AppPlan['approver']> => ({
  afterMinutes: dice.one([1, 5, 20, 60]),
  says: dice.one(['approve', 'approve', 'approve', 'reject', 'nothing']),
});

function drawSettings(dice: Dice, ground: Ground): SettingsChange {
  const many = ground.clusters > 1;
  return {
    claim: dice.chance(0.3) ? 'release' : 'keep',
    ...(many && dice.chance(0.5) ? { fleetConcurrency: dice.whole(1, 2) } : {}),
    ...(many && dice.chance(0.3) ? { rings: ['early', 'late'] } : {}),
    defaults: {
      concurrency: dice.chance(0.3) ? dice.whole(2, 3) : 1,
      pollSeconds: dice.whole(10, 60),
      readyForSeconds: dice.whole(0, 120),
      soakSeconds: dice.chance(0.7) ? 0 : dice.whole(30, 600),
      drainTimeoutMinutes: dice.whole(2, 5),
      readyTimeoutMinutes: dice.whole(5, 20),
      probeMaxAgeHours: dice.whole(0, 4),
      minReadyInPool: dice.chance(0.7) ? 0 : 1,
      ...(dice.chance(0.4) ? { windows: [drawOpening(dice, ground)] } : {}),
      ...(dice.chance(0.5)
        ? { expectedDrainMinutes: dice.whole(1, 15), expectedRestartMinutes: dice.whole(3, 30) }
        : {}),
      ...drawRarer(dice),
    },
  };
}

/** A window of any kind. */
export function drawOpening(dice: Dice, { aks }: Ground): NonNullable<Defaults['windows']>[number] {
  if (aks !== undefined) return 'aks';
  if (dice.chance(0.7)) return drawWindow(dice);
  return {
    cron: `${dice.one([0, 30])} ${dice.whole(0, 23)} * * ${dice.one(['*', '1-5', '0,6'])}`,
    durationMinutes: dice.whole(2, 16) * 60,
    timeZone: dice.one(zones),
  };
}

/** Settings that most documents leave as they are, each of them now and then. */
function drawRarer(dice: Dice): Partial<Defaults> {
  const some: readonly (() => Partial<Defaults>)[] = [
    () => ({ cordonedByPerson: 'reboot' }),
    () => ({ restartMethod: 'guest' }),
    () => ({ restartMethod: 'guest' }),
    () => ({ access: 'runCommand' }),
    () => ({ maxUnavailable: 1, concurrency: 2 }),
    () => ({ approval: dice.one(['perRun', 'perNode']), approvalTimeoutMinutes: 20 }),
    () => ({ blockingPods: [{ selector: 'app=sweep', where: dice.one(['node', 'cluster']) }] }),
    () => ({ minNeedAgeHours: dice.whole(1, 3) }),
    () => ({ stopAfterFailures: dice.whole(2, 3) }),
    () => ({ atDrainDeadline: dice.one(['stop', 'restart']) }),
    () => ({ deleteAfterMinutes: dice.whole(0, 5) }),
    () => ({ gracePeriodSeconds: dice.one([0, 1, 30]) }),
    () => ({ evictUnmanaged: true }),
    () => ({ sentinelCommand: 'needs-restarting -r' }),
    () => ({ minReadyInZone: 1 }),
    () => ({ probeConcurrency: dice.whole(1, 2) }),
    () => ({ parallelEvictions: 1 }),
    () => ({ minDaysBetweenReboots: 0 }),
    () => ({ excludedDates: [{ from: '12-20', to: '01-02' }] }),
  ];
  const chosen = Array.from({ length: dice.one([0, 0, 1, 1, 2, 3]) }, () => dice.one(some)());
  return Object.assign({}, ...chosen) as Partial<Defaults>;
}

/** What somebody changes in the middle of everything. */
export function drawSettingsChange(dice: Dice): SettingsChange {
  return dice.one<SettingsChange>([
    { fleetConcurrency: 1 },
    { claim: 'release' },
    ...[
      { windows: [drawWindow(dice)] },
      { windows: [] },
      { concurrency: dice.whole(1, 3) },
      { maxUnavailable: 1 },
      { pollSeconds: dice.whole(5, 120) },
      { drainTimeoutMinutes: dice.whole(1, 60) },
      { readyForSeconds: dice.whole(0, 300) },
      { bootTimeoutMinutes: dice.whole(30, 60) },
      { cordonedByPerson: 'reboot' as const },
      { restartMethod: dice.one(['arm', 'guest'] as const) },
      { access: dice.one(['api', 'runCommand'] as const) },
      { approval: 'perNode' as const },
      { minReadyInPool: 50 },
    ].map((defaults: Defaults) => ({ defaults })),
  ]);
}

/** Nothing is in the way of anything: so it has to get done. */
export const unhindered: SettingsChange = {
  defaults: {
    windows: [],
    excludedDates: [],
    minReadyInPool: 0,
    minReadyInZone: 0,
    minNeedAgeHours: 0,
    blockingPods: [],
    approval: 'off',
    access: 'api',
    evictUnmanaged: true,
  },
};

/** When AKS itself is allowed to work on nodes, as a daily schedule. */
export function drawAksSchedule(dice: Dice): AksSchedule {
  const hour = String(dice.whole(0, 23)).padStart(2, '0');
  return {
    days: [...everyDay],
    start: `${hour}:${dice.one(['00', '30'])}`,
    durationMinutes: dice.whole(4, 16) * 60,
    timeZone: dice.one(['+00:00', '+01:00', '-05:00']),
  };
}

import type { Otherwise } from '../../local/azure/fleet.ts';
import type { FaultOf } from './scenario.ts';

/**
 * Each unverified belief of docs/fidelity.md turned into its opposite, and a few that Azure is
 * known to keep now one way, now the other.
 */
const beliefs = [
  'failedLocation200',
  'otherTexts',
  'untaggedMachines',
  'bareEventMessage',
  'lateGuestReboots',
  'scriptHolds',
  'stoppedWhileBooting',
  'oneRestart',
  'busyWhileRestarting',
  'sharedOutput',
  'unscheduledResult',
  'keepsTail',
  'noCoreutils',
  'commandPodsStay',
  'slowNodeMonitor',
  'gracefulRestarts',
] as const satisfies readonly Otherwise[];

type Change = FaultOf<'otherAzure'>['change'];

export const otherAzures: readonly Change[] = [
  { faults: { operationHeaders: 'locationOnly' } },
  { faults: { restartFinalStatus: 204 } },
  { faults: { instanceState: 'stays' } },
  { timings: { operationKeepMinutes: 0 } },
  { timings: { runCommandSeconds: 300 } },
  { pageSize: 1 },
  { throttling: true },
  ...beliefs.map((belief): Change => ({ faults: { otherwise: [belief] } })),
];

import type { Ports } from '../src/ports.ts';
import { registerActivities } from './activities.ts';
import { registerHttp } from './http.ts';
import { registerOrchestrations } from './orchestrations.ts';
import { registerTimer } from './timer.ts';

export const defaultSchedule = '0 0 * * * *';

/**
 * Registers every function of the app over the given ports: `main.ts` does it with the real world,
 * the command line and the tests with theirs.
 *
 * @param schedule when runs start by themselves: NCRONTAB, or `%NAME%` for an app setting
 */
export function registerFunctions(ports: Ports, schedule: string = defaultSchedule): void {
  registerOrchestrations();
  registerActivities(ports);
  registerTimer(ports, schedule);
  registerHttp(ports);
}

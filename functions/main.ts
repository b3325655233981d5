import { portsFromEnvironment } from '../src/environment.ts';
import { defaultSchedule, registerFunctions } from './register.ts';

/** What the Functions host loads: every function, over the world that the app settings describe. */
const schedule =
  process.env['REBOOT_SCHEDULE'] === undefined ? defaultSchedule : '%REBOOT_SCHEDULE%';
registerFunctions(portsFromEnvironment({ environment: process.env }), schedule);

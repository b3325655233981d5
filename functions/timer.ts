import { app } from '@azure/functions';
import * as df from 'durable-functions';
import { createDurable } from '../src/durable.ts';
import { onSchedule } from '../src/http/schedule.ts';
import type { Ports } from '../src/ports.ts';

/**
 * Registers the timer that starts a run over all clusters.
 *
 * @param schedule NCRONTAB, or `%NAME%` for the app setting of that name
 */
export function registerTimer(ports: Ports, schedule: string): void {
  app.timer('schedule', {
    schedule,
    extraInputs: [df.input.durableClient()],
    handler: async (_timer, context) => {
      await onSchedule({ ...ports, durable: createDurable(df.getClient(context)) });
    },
  });
}

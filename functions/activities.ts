import type { InvocationContext } from '@azure/functions';
import * as df from 'durable-functions';
import { createActivities, stepNames } from '../src/activities/activities.ts';
import { createDurable } from '../src/durable.ts';
import type { Ports } from '../src/ports.ts';

/** Registers one activity for each declared step, with the durable client as an extra input. */
export function registerActivities(ports: Ports): void {
  const activitiesFor = createActivities(ports);
  for (const name of stepNames) {
    df.app.activity(name, {
      extraInputs: [df.input.durableClient()],
      handler: (input: unknown, context: InvocationContext) => {
        const activities = activitiesFor(createDurable(df.getClient(context)));
        return activities[name](input);
      },
    });
  }
}

import * as df from 'durable-functions';
import type { DurableClient } from 'durable-functions';
import { failureOf, forPeople, TroubleError } from './domain/trouble.ts';
import type { Durable, InstanceStatus } from './ports.ts';

const finished = [
  df.OrchestrationRuntimeStatus.Completed,
  df.OrchestrationRuntimeStatus.Failed,
  df.OrchestrationRuntimeStatus.Terminated,
  df.OrchestrationRuntimeStatus.Canceled,
];

/**
 * The durable client behind our port. The SDK tells what happened in the texts of its errors only,
 * so the texts are what is looked at (durable-functions 3.5.0, `durableClient/DurableClient.js`).
 */
export function createDurable(client: DurableClient): Durable {
  return {
    async start(orchestrator, instanceId, input) {
      try {
        await client.startNew(orchestrator, { instanceId, input });
        return 'started';
      } catch (error) {
        if (/already exists/iu.test(failureOf(error).message)) return 'exists';
        throw unreachable(`start ${instanceId}`, error);
      }
    },
    async status(instanceId) {
      try {
        const { runtimeStatus, customStatus, output } = await client.getStatus(instanceId);
        const status: InstanceStatus = {
          runtimeStatus: nameOf(runtimeStatus),
          customStatus,
          output,
        };
        return status;
      } catch (error) {
        if (/HTTP 404/u.test(failureOf(error).message)) return undefined;
        throw unreachable(`status of ${instanceId}`, error);
      }
    },
    async entity(name, key) {
      try {
        const read = await client.readEntityState<unknown>(new df.EntityId(name, key));
        return read.entityExists ? read.entityState : undefined;
      } catch (error) {
        throw unreachable(`state of ${name} ${key}`, error);
      }
    },
    async signal(entity, key, operation, input) {
      await client.signalEntity(new df.EntityId(entity, key), operation, input);
    },
    async purge(before) {
      const purged = await client.purgeInstanceHistoryBy({
        createdTimeFrom: new Date(0),
        createdTimeTo: new Date(before),
        runtimeStatus: finished,
      });
      return purged.instancesDeleted;
    },
  };
}

function nameOf(status: df.OrchestrationRuntimeStatus): InstanceStatus['runtimeStatus'] {
  switch (status) {
    case df.OrchestrationRuntimeStatus.Running:
      return 'Running';
    case df.OrchestrationRuntimeStatus.Completed:
      return 'Completed';
    case df.OrchestrationRuntimeStatus.ContinuedAsNew:
      return 'ContinuedAsNew';
    case df.OrchestrationRuntimeStatus.Failed:
      return 'Failed';
    case df.OrchestrationRuntimeStatus.Canceled:
      return 'Canceled';
    case df.OrchestrationRuntimeStatus.Terminated:
      return 'Terminated';
    case df.OrchestrationRuntimeStatus.Pending:
      return 'Pending';
    case df.OrchestrationRuntimeStatus.Suspended:
      return 'Suspended';
  }
}

/** The host or its storage has a bad moment; nothing that a step could not ask again later. */
function unreachable(asked: string, error: unknown): TroubleError {
  const value = forPeople(`durable client, ${asked}: ${failureOf(error).message}`);
  return new TroubleError({ kind: 'unreachable', value });
}

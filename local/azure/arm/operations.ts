import type { Clock } from '../../clock.ts';
import { failure, ok } from './answer.ts';
import type { ArmAnswer } from './answer.ts';
import { pick, uuid } from '../random.ts';
import type { Random } from '../random.ts';
import type { End } from '../world/lifecycle.ts';
import type { Machine } from '../world/world.ts';

/** Long-running operations of Microsoft.Compute, as their status URLs show them. */
export interface Operations {
  /** Begins one: the 202 that answers its request, and the function that ends it. */
  begin(machine: Machine, apiVersion: string, finalStatus: FinalStatus): Begun;
  /** What `operations/{id}` answers; `monitor=true` is the Location's form of it. */
  status(subscription: string, id: string, monitor: boolean, url: string): ArmAnswer;
  /** The machine that an operation is about, for the throttle. */
  subject(id: string): string | undefined;
}

/** What the Location answers once an operation succeeded without a result. */
export type FinalStatus = 200 | 204;

export interface Begun {
  accepted: ArmAnswer;
  id: string;
  end: (end: End) => void;
}

interface Operation {
  id: string;
  machine: Machine;
  finalStatus: FinalStatus;
  startTime: string;
  endTime?: string;
  end?: End;
  /** Finished operations are remembered for a while only, epoch milliseconds. */
  forgetAt?: number;
}

export interface OperationsOptions {
  clock: Clock;
  random: Random;
  keepMinutes: number;
  headers: 'both' | 'locationOnly';
  /** What the Location of a failed one answers. */
  failedStatus: 200 | 409;
  /** The origin of ARM, known once it listens. */
  origin: () => string;
}

export function createOperations(options: OperationsOptions): Operations {
  const { clock, random } = options;
  const operations = new Map<string, Operation>();
  const iso = () => new Date(clock.now()).toISOString();

  const remembered = (id: string) => {
    const operation = operations.get(id);
    if (operation?.forgetAt === undefined || operation.forgetAt > clock.now()) return operation;
    operations.delete(id);
    return undefined;
  };

  const begin = (machine: Machine, apiVersion: string, finalStatus: FinalStatus): Begun => {
    const operation: Operation = { id: uuid(random), machine, finalStatus, startTime: iso() };
    operations.set(operation.id, operation);
    const { subscription, settings } = machine.cluster;
    const path =
      `/subscriptions/${subscription}/providers/Microsoft.Compute` +
      `/locations/${settings.region}/operations/${operation.id}`;
    // Real URLs are signed query strings, which is why they belong in no log.
    const signature = pick(random, 'abcdef0123456789', 32);
    const query = `p=${uuid(random)}&api-version=${apiVersion}&s=${signature}`;
    const location = `${options.origin()}${path}?${query}&monitor=true`;
    const headers: Record<string, string> = { location };
    if (options.headers === 'both') {
      headers['azure-asyncoperation'] = `${options.origin()}${path}?${query}`;
    }
    return {
      accepted: { status: 202, headers, body: undefined },
      id: operation.id,
      end: (end: End) => {
        operation.end = end;
        operation.endTime = iso();
        operation.forgetAt = clock.now() + options.keepMinutes * 60_000;
      },
    };
  };

  const status = (subscription: string, id: string, monitor: boolean, url: string) => {
    const operation = remembered(id);
    if (
      operation === undefined ||
      operation.machine.cluster.subscription.toLowerCase() !== subscription.toLowerCase()
    ) {
      return failure(404, {
        code: 'NotFound',
        message: `The entity was not found in this Azure location: operation ${id}.`,
      });
    }
    const location = options.origin() + url;
    return monitor ? monitored(operation, location, options.failedStatus) : told(operation);
  };

  return { begin, status, subject: (id) => operations.get(id)?.machine.id };
}

/** The body behind Azure-AsyncOperation. */
function told({ id: name, startTime, endTime, end }: Operation): ArmAnswer {
  if (end === undefined) return ok({ startTime, status: 'InProgress', name });
  if (end.kind === 'failed') {
    const error = { code: end.code, message: end.message };
    return ok({ startTime, endTime, status: 'Failed', error, name });
  }
  const output = end.output === undefined ? {} : { properties: { output: end.output } };
  return ok({ startTime, endTime, status: 'Succeeded', ...output, name });
}

/** The answer behind Location: the status code says whether it is over. */
function monitored(
  { end, finalStatus }: Operation,
  location: string,
  failedStatus: 200 | 409,
): ArmAnswer {
  if (end === undefined) return { status: 202, headers: { location }, body: undefined };
  if (end.kind === 'failed') {
    return failure(failedStatus, { code: end.code, message: end.message });
  }
  if (end.output !== undefined) return ok(end.output);
  return { status: finalStatus, headers: {}, body: undefined };
}

import type { Clock } from '../../clock.ts';
import type { Otherwise } from '../fleet.ts';
import type { Machine } from './world.ts';

/**
 * What node-problem-detector says on a Node about its VM's Scheduled Events: one condition, looked
 * up once a minute (AKS, "Node Problem Detector"; Azure, "Scheduled Events").
 */
export interface ScheduledEvents {
  /** The machine is restarted in so many milliseconds. */
  announceReboot(machine: Machine, inMs: number): void;
  /** It has booted, or will not: nothing is scheduled any more. */
  end(machine: Machine): void;
}

const pollMs = 60_000;
/** A restart that is put off for so long waits for an event. */
const shortestEventMs = 5 * 60_000;
const detector = 'node-problem-detector';

export function createScheduledEvents(
  clock: Clock,
  otherwise: readonly Otherwise[],
): ScheduledEvents {
  const told = new WeakSet<Machine>();
  return {
    announceReboot(machine, inMs) {
      if (inMs < shortestEventMs) return;
      const { bootId } = machine;
      const notBefore = new Date(clock.now() + inMs).toUTCString();
      clock.at(clock.now() + pollMs, () => {
        if (machine.phase !== 'up' || machine.bootId !== bootId) return;
        told.add(machine);
        const message = otherwise.includes('bareEventMessage')
          ? 'VM event'
          : `Reboot Scheduled: ${notBefore}`;
        setCondition(machine, { status: 'True', reason: 'VMEventScheduled', message });
      });
    },
    end(machine) {
      if (!told.delete(machine)) return;
      const message = 'VM has no scheduled event';
      setCondition(machine, { status: 'False', reason: 'NoVMEventScheduled', message });
    },
  };
}

function setCondition({ cluster, nodeName }: Machine, condition: object): void {
  const conditions = [{ type: 'VMEventScheduled', ...condition }];
  void cluster.kubernetes.handle({
    method: 'PATCH',
    url: `/api/v1/nodes/${nodeName}/status`,
    headers: { 'content-type': 'application/strategic-merge-patch+json' },
    body: JSON.stringify({ status: { conditions } }),
    user: detector,
  });
}

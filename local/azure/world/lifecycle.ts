import type { Clock } from '../../clock.ts';
import type { Audit } from '../audit.ts';
import type { Otherwise, RestartBehaviour, Timings } from '../fleet.ts';
import { uuid } from '../random.ts';
import { createScheduledEvents } from './scheduledEvents.ts';
import type { ScheduledEvents } from './scheduledEvents.ts';
import { kubeletOf } from './joining.ts';
import type { Machine } from './world.ts';

/** How an ARM operation on a machine ended. */
export type End =
  { kind: 'succeeded'; output?: unknown } | { kind: 'failed'; code: string; message: string };

/** What happens to machines over time. */
export interface Lifecycle {
  /** Begins a restart; `onEnd` is called when the ARM operation ends, which may be never. */
  restart(machine: Machine, onEnd: (end: End) => void): void;
  /** The machine reboots itself in so many seconds, unless another boot comes first. */
  rebootItself(machine: Machine, seconds: number): void;
  /** The machine is deleted: by a person, by a scale-in, by Spot. */
  remove(machine: Machine, nodeStaysSeconds?: number): void;
  /** A machine that would never return boots now, operations that hang fail, and it behaves. */
  lift(machine: Machine): void;
  /** Gets a new system in place, as AKS's repair does; its Node stays, or is made anew. */
  reimage(machine: Machine, newNode: boolean): void;
  /** Its kubelet says nothing any more, or speaks again, while the system runs on. */
  silence(machine: Machine): void;
  speak(machine: Machine): void;
  /** Puts the sentinel there; undefined takes it away. */
  setSentinel(machine: Machine, packages: readonly string[] | undefined): void;
}

export interface LifecycleOptions {
  clock: Clock;
  audit: Audit;
  timings: Timings;
  otherwise: readonly Otherwise[];
}

const hourMs = 3_600_000;

/** A mean, strayed from by the machine's own dice. */
export function around(machine: Machine, meanSeconds: number, spread: number): number {
  return Math.round(meanSeconds * 1000 * (1 + spread * (2 * machine.random() - 1)));
}

/** The kernel that the packages bring, once booted. */
function kernelAfterBoot(machine: Machine): string {
  for (const name of machine.packages ?? []) {
    const version = /^linux-image-(\d.*)$/.exec(name)?.[1];
    if (version !== undefined) return version;
  }
  return machine.kernel;
}

export function createLifecycle(options: LifecycleOptions): Lifecycle {
  const { clock, timings, otherwise } = options;
  const events = createScheduledEvents(clock, otherwise);
  const guestDelayMs = otherwise.includes('lateGuestReboots') ? 15 * 60_000 : 0;
  const boots = createBoots(options, events);
  return {
    restart(machine, onEnd) {
      const { restartDelaySeconds } = machine.behaviour;
      const delayMs = 1000 * (restartDelaySeconds ?? timings.restartDelaySeconds);
      events.announceReboot(machine, delayMs);
      const ended = operation(machine, (end) => {
        // Whatever came of it, it is not ahead any more.
        events.end(machine);
        onEnd(end);
      });
      clock.at(clock.now() + delayMs, () => {
        if (machine.phase === 'gone') ended(deleted);
        else carryOut(machine.behaviour.restart ?? 'happens', boots, machine, ended);
      });
    },
    rebootItself(machine, seconds) {
      const { bootId } = machine;
      const { restart } = machine.behaviour;
      if (restart === 'changesNothing' || restart === 'neverStarts') return;
      if (guestDelayMs > 0) events.announceReboot(machine, guestDelayMs);
      clock.at(clock.now() + seconds * 1000 + guestDelayMs, () => {
        if (machine.phase === 'up' && machine.bootId === bootId) boots.reboot(machine, () => {});
      });
    },
    reimage: (machine, newNode) => boots.reimage(machine, newNode),
    silence(machine) {
      if (machine.phase !== 'up') return;
      machine.cluster.kubernetes.machineGoesDown(machine.nodeName, 'gracefully');
    },
    speak({ phase, cluster, nodeName, bootId }) {
      if (phase === 'up') cluster.kubernetes.machineIsUp(nodeName, { bootId });
    },
    remove(machine, nodeStaysSeconds = 0) {
      boots.forget(machine);
      machine.phase = 'gone';
      const { machines } = machine.pool;
      machines.splice(machines.indexOf(machine), 1);
      const { kubernetes } = machine.cluster;
      const nodeGoes = () => kubernetes.machineIsGone(machine.nodeName);
      if (nodeStaysSeconds === 0) return nodeGoes();
      kubernetes.machineGoesDown(machine.nodeName);
      clock.at(clock.now() + nodeStaysSeconds * 1000, nodeGoes);
    },
    lift(machine) {
      machine.behaviour = { ...machine.behaviour, returns: true, restart: 'happens' };
      for (const fail of machine.restarts.hung) fail();
      machine.restarts.hung.clear();
      if (machine.phase === 'down') boots.comeUp(machine);
    },
    setSentinel(machine, packages) {
      machine.packages = packages;
      machine.sentinelAt = clock.now();
    },
  };
}

/** Counts an operation as running until it has ended. */
function operation({ restarts }: Machine, onEnd: (end: End) => void): (end: End) => void {
  restarts.running += 1;
  return (end) => {
    restarts.running -= 1;
    restarts.failed = end.kind === 'failed';
    onEnd(end);
  };
}

const deleted: End = { kind: 'failed', code: 'NotFound', message: 'The VM was deleted.' };
const broken: End = {
  kind: 'failed',
  code: 'InternalExecutionError',
  message: 'An internal execution error occurred. Please retry later.',
};

/** What becomes of a restart once its delay is over. */
function carryOut(
  behaviour: RestartBehaviour,
  boots: Boots,
  machine: Machine,
  onEnd: (end: End) => void,
): void {
  switch (behaviour) {
    case 'happens':
    case 'reimages':
      boots.reboot(machine, onEnd);
      return;
    case 'happensUnseen':
      boots.reboot(machine, () => hang(machine, onEnd));
      return;
    case 'changesNothing':
      onEnd({ kind: 'succeeded' });
      return;
    case 'fails':
      onEnd(broken);
      return;
    case 'neverStarts':
      hang(machine, onEnd);
      return;
  }
}

/** Never ends by itself. */
function hang({ restarts }: Machine, onEnd: (end: End) => void): void {
  restarts.hung.add(() => onEnd(broken));
}

/** Another machine in the same place. */
function renew(machine: Machine, now: number): void {
  machine.vmId = uuid(machine.random);
  machine.bornAt = now;
}

/** A boot takes the sentinel away; where it is to return, that is if nobody boots it before. */
function loseSentinel(machine: Machine, clock: Clock, life: () => number): void {
  const { sentinelReturnsHours, packages } = machine.behaviour;
  const again = machine.packages ?? packages;
  machine.packages = undefined;
  if (sentinelReturnsHours === undefined || again === undefined) return;
  if (sentinelReturnsHours === 0) {
    machine.packages = again;
    machine.sentinelAt = clock.now();
    return;
  }
  const present = life();
  clock.at(clock.now() + sentinelReturnsHours * hourMs, () => {
    if (life() !== present) return;
    machine.packages = again;
    machine.sentinelAt = clock.now();
  });
}

/** Machines going down and coming up. */
interface Boots {
  reboot(machine: Machine, onEnd: (end: End) => void): void;
  comeUp(machine: Machine): void;
  reimage(machine: Machine, newNode: boolean): void;
  /** Drops what was planned for the machine. */
  forget(machine: Machine): void;
}

function createBoots(options: LifecycleOptions, events: ScheduledEvents): Boots {
  const { clock, audit, timings } = options;
  const how = options.otherwise.includes('gracefulRestarts') ? 'gracefully' : undefined;
  /** Counts boots, so that what was planned for an earlier life is dropped. */
  const lives = new WeakMap<Machine, number>();
  const lifeOf = (machine: Machine) => lives.get(machine) ?? 0;
  const forget = (machine: Machine) => void lives.set(machine, lifeOf(machine) + 1);
  const tell = (machine: Machine, action: 'down' | 'booted', detail: Record<string, unknown>) =>
    audit.write({
      actor: 'azure',
      cluster: machine.cluster.id,
      node: machine.nodeName,
      action,
      status: 0,
      detail: { instance: machine.id, bootId: machine.bootId, ...detail },
    });

  const goDown = (machine: Machine) => {
    forget(machine);
    machine.phase = 'down';
    tell(machine, 'down', {});
    machine.cluster.kubernetes.machineGoesDown(machine.nodeName, how);
  };

  /** Machines that come up with another system, and whether their Node is there meanwhile. */
  const reimaged = new Map<Machine, 'joined' | 'unjoined'>();
  const comeUp = (machine: Machine) => {
    events.end(machine);
    forget(machine);
    const change = reimaged.get(machine);
    reimaged.delete(machine);
    if (change !== undefined) {
      renew(machine, clock.now());
      machine.packages = undefined;
    }
    machine.kernel = kernelAfterBoot(machine);
    machine.bootId = uuid(machine.random);
    machine.bootedAt = clock.now();
    machine.phase = 'up';
    if (machine.behaviour.restart === 'reimages') renew(machine, clock.now());
    const { bootId, kernel } = machine;
    tell(machine, 'booted', { kernel });
    const { kubernetes } = machine.cluster;
    if (change === 'unjoined') kubernetes.machineJoins(kubeletOf(machine, machine.index));
    kubernetes.machineIsUp(machine.nodeName, { bootId, kernelVersion: kernel });
    loseSentinel(machine, clock, () => lifeOf(machine));
  };

  const reimage = (machine: Machine, newNode: boolean) => {
    if (machine.phase === 'gone') return;
    if (machine.phase === 'up') goDown(machine);
    forget(machine);
    const life = lifeOf(machine);
    const joined = reimaged.get(machine) !== 'unjoined';
    if (newNode && joined) machine.cluster.kubernetes.machineIsGone(machine.nodeName);
    reimaged.set(machine, newNode || !joined ? 'unjoined' : 'joined');
    clock.at(clock.now() + around(machine, 2 * timings.bootSeconds, timings.spread), () => {
      if (lifeOf(machine) === life) comeUp(machine);
    });
  };

  const reboot = (machine: Machine, onEnd: (end: End) => void) => {
    if (machine.phase === 'up') goDown(machine);
    const life = lifeOf(machine);
    const { bootSeconds } = machine.behaviour;
    const bootMs =
      bootSeconds === undefined
        ? around(machine, timings.bootSeconds, timings.spread)
        : bootSeconds * 1000;
    clock.at(clock.now() + bootMs, () => {
      // ARM calls the restart done once the VM is powered on, whether its system boots or not.
      if (lifeOf(machine) === life && machine.behaviour.returns !== false) comeUp(machine);
      onEnd(machine.phase === 'gone' ? deleted : { kind: 'succeeded' });
    });
  };

  return { reboot, comeUp, reimage, forget };
}

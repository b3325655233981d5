import * as z from 'zod';
import { failureOf, forPeople } from './trouble.ts';
import type { Trouble } from './trouble.ts';

/**
 * Why a node was, or was not, touched. The kinds are a small closed set: each is an anchor in
 * docs/operations.md and a metric label. The value is one sentence for people.
 */
export const reasonKinds = [
  'window', // the maintenance window is closed
  'fit', // what is left of the window is too short
  'hold', // a person put a hold on the cluster or the fleet
  'canceled', // a person canceled the run
  'lock', // another live run works on this cluster
  'claim', // another controller has claimed this cluster
  'ring', // an earlier ring of clusters gave cause to begin nothing in this one
  'halted', // an earlier node was restarted and is not proved
  'slots', // as many nodes are out of service as may be
  'poolSlots', // the same of its pool
  'fleet', // the same of the whole fleet
  'failures', // as many nodes have failed in this run as may
  'access', // by AKS run command there would be no way to put it back
  'clusterState', // the cluster is not Succeeded and Running
  'poolState', // the pool is not Succeeded and Running
  'excluded', // settings or the run's own limits leave it out
  'unsupported', // not a node that can be rebooted this way
  'nodeNotReady', // not Ready before we touched it
  'cordonedByPerson', // somebody cordoned it before us
  'capacity', // too few other nodes could take its pods
  'autoscaler', // the cluster autoscaler is about to delete it
  'aksAtWork', // AKS repairs, drains or upgrades the node itself
  'scheduledEvent', // Azure is about to do something to its VM
  'approval', // the run has to be approved, and is not
  'nodeApproval', // the node has to be approved, and is not
  'kured', // kured runs in the cluster
  'blockingPod', // a pod that settings wait for
  'prometheus', // a query's answer, or an alert of Prometheus
  'azureAlert', // an alert of Azure Monitor
  'identityMismatch', // node and instance do not prove to be the same machine
  'needAge', // the need is younger than settings want
  'loopGuard', // rebooted too recently, or for the same need
  'probe', // the probe's answer, or why there is none
  'forced', // a person wants it rebooted without a need
  'turn', // its turn did not come in this run
  'blocked', // a pod that a disruption budget protects
  'terminating', // a pod that takes its time
  'undrainable', // a pod that may not be evicted by policy
  'drainDeadline', // the drain did not end in time
  'stopped', // the run begins no other node, because settings say so
  'escalated', // pods were deleted, or stayed on the node, because settings say so
  'lost', // the mark is not ours any more
  'uncordoned', // somebody uncordoned it while we worked
  'restartRefused', // Azure refused the restart
  'sameBoot', // the boot id did not change in time
  'notReady', // it did not become Ready, or did not stay so
  'daemonSets', // DaemonSet pods that were Ready before are not
  'stillRequired', // the sentinel is back or still there
  'gone', // the node or the instance was deleted
  'replaced', // the machine is another one now
  'recovered', // an earlier run's work was finished or undone
  'throttled',
  'forbidden',
  'notFound',
  'conflict',
  'invalid',
  'unreachable',
  'timeout',
  'bug', // a defect of this program
] as const;
export type ReasonKind = (typeof reasonKinds)[number];

export const reasonSchema = z.object({ kind: z.enum(reasonKinds), value: z.string() });
export type Reason = z.infer<typeof reasonSchema>;

/** A reason that says which trouble stood in the way. */
export function reasonOfTrouble(trouble: Trouble): Reason {
  return { kind: trouble.kind, value: trouble.value };
}

/** A reason that says what was thrown where nothing should have been. */
export function reasonOfDefect(error: unknown): Reason {
  return { kind: 'bug', value: forPeople(failureOf(error).message) };
}

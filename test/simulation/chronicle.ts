import { controllerOf, createMachine } from './machine.ts';
import type { Machine } from './machine.ts';
import type { Fault, FaultKind, NodeStateName } from './scenario.ts';

/** What happened in a simulation, besides what the audit log tells. */
export interface Chronicle {
  readonly entries: readonly Entry[];
  /** Where the orchestrations of all nodes are. */
  readonly machine: Machine;
  /** A fault takes place; `actor` is the process that it hits, if any. */
  strike(fault: Fault, actor: string | undefined, hit?: Hit): void;
  began(step: Omit<StepBegun, 'kind' | 'at'>): StepBegun;
  ended(begun: StepBegun, end: { answer: string; detail: unknown }): void;
  /** An operation of a lock. */
  lock(operation: Omit<LockEntry, 'kind' | 'at'>): void;
  /** Somebody does something again, or undoes it. */
  act(text: string): void;
  /** Something that the stage itself did: a start, a mending. */
  note(actor: string, text: string): void;
}

/** Whom a fault hits: one step of an orchestration, all that is about a node, or everybody. */
export type Hit =
  | { kind: 'step'; step: string; instance: string }
  /** A step that was asked for in that state, wherever its node is by now. */
  | { kind: 'ghost'; step: string; state: NodeStateName | undefined }
  | { kind: 'node'; node: string }
  | { kind: 'all' };

export type Entry = Strike | Transition | StepBegun | StepEnded | LockEntry | Act | Note;

export interface Strike {
  kind: 'fault';
  /** Epoch milliseconds. */
  at: number;
  actor: string;
  fault: Fault;
  /** The step that was hit; empty when it was none. */
  step: string;
  /** The states of the machine in which those nodes were that it hit. */
  during: readonly NodeStateName[];
}

/** Of a node's machine. */
export interface Transition {
  kind: 'edge';
  at: number;
  /** `from > to` */
  edge: string;
}

export interface StepBegun {
  kind: 'begun';
  at: number;
  actor: string;
  step: string;
  instance: string;
  nth: number;
  node: string;
}

export interface StepEnded {
  kind: 'ended';
  at: number;
  begun: StepBegun;
  /** The answer's kind, or `threw`. */
  answer: string;
  detail: unknown;
}

export interface LockEntry {
  kind: 'lock';
  at: number;
  actor: string;
  scope: string;
  op: string;
  holder: string;
  /** Of a progress. */
  node: string;
  step: string;
  detail: string;
}

export interface Act {
  kind: 'act';
  at: number;
  text: string;
}

export interface Note {
  kind: 'note';
  at: number;
  actor: string;
  text: string;
}

export function createChronicle(now: () => number): Chronicle {
  const entries: Entry[] = [];
  const machine = createMachine((edge) => entries.push({ kind: 'edge', at: now(), edge }));
  return {
    entries,
    machine,
    strike(fault, actor = '', hit = { kind: 'all' }) {
      const step = 'step' in hit ? hit.step : '';
      const during = statesHit(machine, actor, hit);
      entries.push({ kind: 'fault', at: now(), actor, fault, step, during });
    },
    began(step) {
      const begun: StepBegun = { kind: 'begun', at: now(), ...step };
      entries.push(begun);
      return begun;
    },
    ended(begun, end) {
      entries.push({ kind: 'ended', at: now(), begun, ...end });
    },
    lock(operation) {
      entries.push({ kind: 'lock', at: now(), ...operation });
    },
    act(text) {
      entries.push({ kind: 'act', at: now(), text });
    },
    note(actor, text) {
      entries.push({ kind: 'note', at: now(), actor, text });
    },
  };
}

function statesHit(machine: Machine, actor: string, hit: Hit): NodeStateName[] {
  if (hit.kind === 'ghost') return hit.state === undefined ? [] : [hit.state];
  const stays = machine.stays();
  const hits = () => {
    switch (hit.kind) {
      case 'step':
        return [machine.stayOf(actor, hit.instance)].filter((stay) => stay !== undefined);
      case 'node':
        return stays.filter(({ node }) => node === hit.node);
      case 'all':
        return stays.filter(({ controller }) => actor === '' || controller === controllerOf(actor));
    }
  };
  return [...new Set(hits().map(({ state }) => state))];
}

/** How often each kind of fault struck. */
export function countStrikes(entries: readonly Entry[]): Map<FaultKind, number> {
  const counts = new Map<FaultKind, number>();
  for (const entry of entries) {
    if (entry.kind !== 'fault') continue;
    counts.set(entry.fault.kind, (counts.get(entry.fault.kind) ?? 0) + 1);
  }
  return counts;
}

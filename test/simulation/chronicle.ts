import type { Fault, FaultKind } from './scenario.ts';

/** What happened in a simulation, besides what the audit log tells. */
export interface Chronicle {
  readonly entries: readonly Entry[];
  /** A fault takes place; `actor` is whom it hits, if anybody. */
  strike(fault: Fault, actor: string | undefined): void;
  began(step: Omit<StepBegun, 'kind' | 'at'>): StepBegun;
  ended(begun: StepBegun, end: { answer: string; detail: unknown }): void;
  /** An operation of a lock. */
  lock(operation: Omit<LockEntry, 'kind' | 'at'>): void;
  /** Somebody does something again, or undoes it. */
  act(text: string): void;
  /** Something that the stage itself did: a start, a mending. */
  note(actor: string, text: string): void;
}

export type Entry = Strike | StepBegun | StepEnded | LockEntry | Act | Note;

export interface Strike {
  kind: 'fault';
  /** Epoch milliseconds. */
  at: number;
  actor: string;
  fault: Fault;
  /** The steps that were under way: of the unit that was hit, else of every node. */
  during: readonly string[];
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

export function createChronicle(
  now: () => number,
  presentStep: () => string | undefined,
): Chronicle {
  const entries: Entry[] = [];
  /** The last step of each orchestration that works on a node. */
  const underWay = new Map<string, string>();
  return {
    entries,
    strike(fault, actor = '') {
      const present = presentStep();
      const during = present === undefined ? [...new Set(underWay.values())] : [present];
      entries.push({ kind: 'fault', at: now(), actor, fault, during });
    },
    began(step) {
      const begun: StepBegun = { kind: 'begun', at: now(), ...step };
      entries.push(begun);
      if (step.node !== '') underWay.set(step.instance, step.step);
      return begun;
    },
    ended(begun, end) {
      entries.push({ kind: 'ended', at: now(), begun, ...end });
      if (begun.step === 'recordNode') underWay.delete(begun.instance);
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

/** How often each kind of fault struck. */
export function countStrikes(entries: readonly Entry[]): Map<FaultKind, number> {
  const counts = new Map<FaultKind, number>();
  for (const entry of entries) {
    if (entry.kind !== 'fault') continue;
    counts.set(entry.fault.kind, (counts.get(entry.fault.kind) ?? 0) + 1);
  }
  return counts;
}

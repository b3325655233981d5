import type { DeniedAction, Fault, RequestFault } from './fleet.ts';
import type { WireAnswer } from './listener.ts';

/** What a fault rule, or a test's hook, sees of a request. */
export interface RequestSeen {
  service: 'arm' | 'kubernetes';
  method: string;
  /** Path and query. */
  path: string;
  body: string;
  actor: string;
}

/** Asked before a request takes effect and after; a fault stops or replaces what would come. */
export type RequestHook = (request: RequestSeen, when: 'before' | 'after') => Fault | undefined;

export interface Faults {
  /** Adds a rule while the simulation runs; returns a function that takes it away. */
  add(rule: RequestFault): () => void;
  /** Takes a right away; returns a function that gives it back. */
  deny(rule: DeniedAction): () => void;
  of(request: RequestSeen, when: 'before' | 'after'): Fault | undefined;
  isDenied(action: string, scope: string, actor: string): boolean;
}

interface Rule extends RequestFault {
  pattern: RegExp;
  seen: number;
}

const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();

export function createFaults(
  given: { denied: readonly DeniedAction[]; requests: readonly RequestFault[] },
  hook: RequestHook | undefined,
): Faults {
  const rules = new Set<Rule>();
  const denied = new Set(given.denied);

  const add = (rule: RequestFault) => {
    const kept = { ...rule, pattern: new RegExp(rule.path, 'i'), seen: 0 };
    rules.add(kept);
    return () => void rules.delete(kept);
  };
  for (const rule of given.requests) add(rule);

  const strikes = (rule: Rule, request: RequestSeen, when: 'before' | 'after') => {
    if (rule.when !== when || rule.service !== request.service) return false;
    if (rule.method !== undefined && !same(rule.method, request.method)) return false;
    if (rule.actor !== undefined && rule.actor !== request.actor) return false;
    if (!rule.pattern.test(request.path)) return false;
    rule.seen += 1;
    return rule.seen > rule.skip && rule.seen <= rule.skip + rule.times;
  };

  return {
    add,
    deny(rule) {
      denied.add(rule);
      return () => void denied.delete(rule);
    },
    of(request, when) {
      const asked = hook?.(request, when);
      if (asked !== undefined) return asked;
      for (const rule of rules) if (strikes(rule, request, when)) return rule.fault;
      return undefined;
    },
    isDenied: (action, scope, actor) =>
      [...denied].some(
        (rule) =>
          same(rule.action, action) &&
          (rule.actor === undefined || rule.actor === actor) &&
          (rule.scope === undefined || scope.toLowerCase().startsWith(rule.scope.toLowerCase())),
      ),
  };
}

/** How a request went, faults included. */
export interface Outcome {
  /** What the asker was told; 0 when the connection was cut. */
  status: number;
  /** Whether it took effect, whatever the asker was told. */
  taken: boolean;
  fault?: string;
}

const wallDelay = (milliseconds: number) =>
  new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });

function faultAnswer(fault: Extract<Fault, { kind: 'answer' | 'drop' }>): WireAnswer {
  if (fault.kind === 'drop') return { kind: 'drop' };
  return {
    kind: 'body',
    status: fault.status,
    headers: { 'content-type': 'application/json', ...fault.headers },
    body: fault.body === undefined ? '' : JSON.stringify(fault.body),
  };
}

const statusOf = (answer: WireAnswer) => (answer.kind === 'drop' ? 0 : answer.status);

/**
 * Lets a request take effect, or not, as the faults say.
 *
 * @param record called once, at the moment of the effect and before its answer leaves
 */
export async function throughFaults(
  faults: Faults,
  seen: RequestSeen,
  effect: () => Promise<WireAnswer>,
  record: (outcome: Outcome) => void = () => {},
): Promise<WireAnswer> {
  const before = faults.of(seen, 'before');
  if (before?.kind === 'delay') await wallDelay(before.wallMilliseconds);
  else if (before !== undefined) {
    const answer = faultAnswer(before);
    record({ status: statusOf(answer), taken: false, fault: `${before.kind} before` });
    return answer;
  }
  const decided = await effect();
  const taken = statusOf(decided) >= 200 && statusOf(decided) < 300;
  const after = faults.of(seen, 'after');
  if (after === undefined) {
    record({ status: statusOf(decided), taken });
    return decided;
  }
  const answer = after.kind === 'delay' ? decided : faultAnswer(after);
  record({ status: statusOf(answer), taken, fault: `${after.kind} after` });
  if (after.kind === 'delay') await wallDelay(after.wallMilliseconds);
  return answer;
}

import type { Reason } from '../domain/reason.ts';
import { reasonOfTrouble } from '../domain/reason.ts';
import { forPeople } from '../domain/trouble.ts';
import type { TroubleError } from '../domain/trouble.ts';
import { isAbsent, RefusalError } from './refusal.ts';
import type { Refusal } from './refusal.ts';

/** What an API server said to it that a pod should go, as the way there brings it. */
export type Asked = { kind: 'accepted' } | { kind: 'failed'; error: TroubleError };

/** What became of asking for an eviction. */
export type Eviction =
  | { kind: 'accepted' }
  /** There is no such pod any more; one of the same name is another. */
  | { kind: 'gone' }
  /** A disruption budget says not now; its name, empty when the answer names none. */
  | { kind: 'blocked'; reason: Reason; budget: string }
  /** Nothing against it: ask again in a later slice. */
  | { kind: 'later'; reason: Reason }
  /** The API server has no time for us: ask for nothing more in this slice. */
  | { kind: 'stop'; reason: Reason }
  /** Asking again won't help: a person has to change something. */
  | { kind: 'refused'; reason: Reason };

/** Looks like a server's failure, but no waiting helps. */
const twoBudgets = /more than one PodDisruptionBudget/u;

/**
 * How API servers refuse to evict, the first match counts; what matches none is refused for good.
 * After kubernetes pkg/registry/core/pod/storage/eviction.go and kubectl pkg/drain/drain.go.
 */
const rules: readonly { when: (refusal: Refusal) => boolean; kind: Eviction['kind'] }[] = [
  { when: isAbsent, kind: 'gone' },
  // Not the API server's own word, but that of a proxy in front of it.
  { when: ({ status }) => status === 404, kind: 'later' },
  // Our precondition failed: the name belongs to another pod now.
  { when: ({ status, message }) => status === 409 && /precondition/iu.test(message), kind: 'gone' },
  { when: ({ status }) => status === 409, kind: 'later' },
  { when: (refusal) => refusal.status === 429 && budgetCause(refusal) !== '', kind: 'blocked' },
  // Priority and fairness: our share of the server is used up, the pod has nothing to do with it.
  { when: (refusal) => refusal.status === 429 && 'retryAfterSeconds' in refusal, kind: 'stop' },
  { when: ({ status }) => status === 429, kind: 'blocked' },
  {
    when: ({ status, causes }) =>
      status === 403 && causes.some(({ reason }) => reason === 'NamespaceTerminating'),
    kind: 'later',
  },
  // A webhook that only real evictions can be shown: nothing is known against them.
  { when: ({ status, message }) => status === 400 && /dry run/u.test(message), kind: 'later' },
  { when: ({ status, message }) => status >= 500 && !twoBudgets.test(message), kind: 'later' },
];

/** Judges what was answered about a pod (`namespace/name`). */
export function classify(pod: string, asked: Asked): Eviction {
  if (asked.kind === 'accepted') return asked;
  const { error } = asked;
  const said = reasonOfTrouble(error.trouble);
  if (!(error instanceof RefusalError)) {
    return { kind: error.trouble.kind === 'timeout' ? 'stop' : 'later', reason: said };
  }
  const { refusal } = error;
  const kind = rules.find(({ when }) => when(refusal))?.kind ?? 'refused';
  switch (kind) {
    case 'accepted':
    case 'gone':
      return { kind };
    case 'blocked':
      return { kind, ...blockedBy(pod, budgetCause(refusal) || refusal.message) };
    case 'refused':
      return { kind, reason: refusedBecause(pod, said, refusal) };
    case 'later':
    case 'stop':
      return { kind, reason: said };
  }
}

function budgetCause({ causes }: Refusal): string {
  return causes.find(({ reason }) => reason === 'DisruptionBudget')?.message ?? '';
}

/**
 * `The disruption budget web needs 2 healthy pods and has 2 currently`, shorter and with the pod.
 */
function blockedBy(pod: string, message: string): { reason: Reason; budget: string } {
  const [, budget = '', rest] = /^The disruption budget (\S+) (.*)$/u.exec(message) ?? [];
  const value =
    budget === '' ? `${pod} blocked: ${message}` : `${pod} blocked by PDB ${budget}: ${rest}`;
  return { reason: { kind: 'blocked', value: forPeople(value) }, budget };
}

function refusedBecause(pod: string, said: Reason, { message }: Refusal): Reason {
  return twoBudgets.test(message)
    ? { kind: 'undrainable', value: `${pod} has more than one PodDisruptionBudget` }
    : said;
}

/** Kills a process at chosen requests, before they take effect or after. */
import type { RequestHook, RequestSeen } from '../../local/azure/faults.ts';

type Side = 'before' | 'after';

/** What a request is for, as far as it changes something, or waits for what was changed. */
export type Effect =
  | 'lease write'
  | 'probe start'
  | 'cordon'
  | 'eviction'
  | 'attempt'
  | 'restart'
  | 'first poll'
  | 'uncordon';

export const effects: readonly Effect[] = [
  'lease write',
  'probe start',
  'cordon',
  'eviction',
  'attempt',
  'restart',
  'first poll',
  'uncordon',
];

interface PatchOperation {
  op: string;
  path: string;
  value?: unknown;
}

/** When to kill: at the first request with an effect, or at the n-th one since the last death. */
export type Death =
  { kind: 'effect'; effect: Effect; side: Side } | { kind: 'moment'; request: number; side: Side };

/** Says which effect a request is about to have. It remembers restarts, to know a poll of one. */
function createEffectReader(): (seen: RequestSeen) => Effect | undefined {
  let asked = false;
  return (seen) => {
    const { method, path, body } = seen;
    if (/\/leases/u.test(path)) return method === 'GET' ? undefined : 'lease write';
    if (method === 'POST' && /\/runCommand\?/iu.test(path)) {
      return /aks-reboot restart/u.test(body) ? 'restart' : 'probe start';
    }
    if (method === 'POST' && /\/eviction/u.test(path)) return 'eviction';
    if (method === 'PATCH') return effectOfPatch(JSON.parse(body) as PatchOperation[]);
    if (method === 'POST' && /\/restart\?/iu.test(path)) {
      asked = true;
      return 'restart';
    }
    if (!asked || method !== 'GET' || !/\/operations\//iu.test(path)) return undefined;
    asked = false;
    return 'first poll';
  };
}

function effectOfPatch(patch: readonly PatchOperation[]): Effect | undefined {
  const cordon = patch.find(({ path }) => path === '/spec/unschedulable');
  if (cordon !== undefined) return cordon.value === true ? 'cordon' : 'uncordon';
  const attempt = patch.some(({ op, value }) => op === 'add' && /"attempt"/u.test(String(value)));
  return attempt ? 'attempt' : undefined;
}

export interface Killer {
  /** For simulated Azure: the request at which it kills is never answered. */
  hook: RequestHook;
  /** Deaths that are still to come. */
  left(): readonly Death[];
}

/** Kills whatever runs, once for each death: effects as they come, moments one after the other. */
export function createKiller(deaths: readonly Death[], kill: () => void): Killer {
  const left = [...deaths];
  const effectOf = createEffectReader();
  const effectsSeen = new WeakMap<RequestSeen, Effect>();
  let requests = 0;
  const isDue = (death: Death, seen: RequestSeen, when: Side) => {
    if (death.side !== when) return false;
    switch (death.kind) {
      case 'effect':
        return effectsSeen.get(seen) === death.effect;
      case 'moment':
        return death === left[0] && requests >= death.request;
    }
  };
  return {
    left: () => left,
    hook: (seen, when) => {
      if (when === 'before') {
        requests += 1;
        const effect = effectOf(seen);
        if (effect !== undefined) effectsSeen.set(seen, effect);
      }
      const index = left.findIndex((death) => isDue(death, seen, when));
      if (index < 0) return undefined;
      left.splice(index, 1);
      requests = 0;
      kill();
      return { kind: 'drop' };
    },
  };
}

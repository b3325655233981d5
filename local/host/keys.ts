/**
 * Access keys, and who they let in (source: azure-functions-host,
 * WebJobs.Script.WebHost/Security/Authentication: AuthenticationLevelHandler.cs and
 * AuthUtility.cs).
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import * as z from 'zod';
import type { FunctionInfo } from './functions.ts';
import type { Store } from './store.ts';

const named = z.record(z.string(), z.string());
const hostKeys = z.object({
  /** Opens everything. */
  master: z.string(),
  /** Open every HTTP function, by the key's name. */
  functions: named,
  /** Open one function: by its name, then by the key's. */
  perFunction: z.record(z.string(), named),
  /** Opens the durable webhooks only. */
  durableTask: z.string(),
});
export type HostKeys = z.infer<typeof hostKeys>;

const newKey = () => randomBytes(40).toString('base64url');

/** The keys kept in the store, completed for functions that have none yet. */
export function keptKeys(store: Store, functions: readonly FunctionInfo[]): HostKeys {
  const kept = store.note('keys');
  const keys =
    kept === undefined
      ? {
          master: newKey(),
          functions: { default: newKey() },
          perFunction: {},
          durableTask: newKey(),
        }
      : hostKeys.parse(JSON.parse(kept));
  const http = functions.filter(({ kind }) => kind === 'http').map(({ name }) => name);
  const fresh = Object.fromEntries(http.map((name) => [name, { default: newKey() }]));
  const complete = { ...keys, perFunction: { ...fresh, ...keys.perFunction } };
  store.setNote('keys', JSON.stringify(complete));
  return complete;
}

/** The key that a request shows: the header beats the query. */
export function shownKey(request: Request): string | undefined {
  const header = request.headers.get('x-functions-key');
  return header ?? new URL(request.url).searchParams.get('code') ?? undefined;
}

export type Door =
  | { readonly kind: 'anonymous' | 'admin' | 'durableTask' }
  | { readonly kind: 'function'; readonly name: string };

/** Whether the key opens the door. */
export function opens(keys: HostKeys, key: string | undefined, door: Door): boolean {
  if (door.kind === 'anonymous') return true;
  if (key === undefined) return false;
  return [keys.master, ...keysOf(keys, door)].some((valid) => isSame(valid, key));
}

function keysOf(keys: HostKeys, door: Door): string[] {
  switch (door.kind) {
    case 'function':
      return [
        ...Object.values(keys.functions),
        ...Object.values(keys.perFunction[door.name] ?? {}),
      ];
    case 'durableTask':
      return [keys.durableTask];
    case 'admin':
    case 'anonymous':
      return [];
  }
}

/** Compares in a time that does not tell where two keys differ. */
function isSame(a: string, b: string): boolean {
  const digest = (key: string) => createHash('sha256').update(key).digest();
  return timingSafeEqual(digest(a), digest(b));
}

import { ResponseContext } from '@kubernetes/client-node/dist/gen/http/http.js';
import { failureOf, forPeople, TroubleError } from '../domain/trouble.ts';
import { RefusalError } from './refusal.ts';

/** A call's answer; what the client stumbles over in one is trouble, not a defect of ours. */
export async function readable<Answer>(call: Promise<Answer>): Promise<Answer> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof TroubleError) throw error;
    const value = forPeople(`the API server's answer can't be read: ${failureOf(error).message}`);
    throw new TroubleError({ kind: 'invalid', value });
  }
}

/** A success, as client-node reads it. */
export function responseOf(
  status: number,
  headers: Record<string, string>,
  json: string,
): ResponseContext {
  const typed = { 'content-type': 'application/json', ...headers };
  return new ResponseContext(status, typed, {
    text: () => Promise.resolve(json),
    binary: () => Promise.resolve(Buffer.from(json)),
    stream: () => null,
  });
}

/** The status with which the API server refused; `undefined` when it is another kind of failure. */
export function refusedWith(error: unknown): number | undefined {
  return error instanceof RefusalError ? error.refusal.status : undefined;
}

/** Reads one thing that may be absent. */
export async function readOne<Answer>(call: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await readable(call);
  } catch (error) {
    if (refusedWith(error) === 404) return undefined;
    throw error;
  }
}

interface Page<Item> {
  items: Item[];
  metadata?: { _continue?: string };
}

/** kubectl's own chunk size. */
export const pageLimit = 500;
const listAttempts = 3;

/**
 * Reads a whole list, page by page. A continue token lives for minutes only (410 after that): then
 * the list is begun anew, because going on without consistency could hide what moved meanwhile.
 */
export async function listAll<Item>(
  readPage: (page: { limit: number; _continue?: string }) => Promise<Page<Item>>,
): Promise<Item[]> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await listOnce(readPage);
    } catch (error) {
      if (refusedWith(error) !== 410 || attempt === listAttempts) throw error;
    }
  }
}

async function listOnce<Item>(
  readPage: (page: { limit: number; _continue?: string }) => Promise<Page<Item>>,
): Promise<Item[]> {
  const items: Item[] = [];
  let token: string | undefined;
  do {
    const page = await readable(
      readPage({ limit: pageLimit, ...(token === undefined ? {} : { _continue: token }) }),
    );
    items.push(...(page.items ?? []));
    token = page.metadata?._continue || undefined;
  } while (token !== undefined);
  return items;
}

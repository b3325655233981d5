import { ResponseContext } from '@kubernetes/client-node/dist/gen/http/http.js';
import { failureOf, forPeople, TroubleError } from '../domain/trouble.ts';
import { isAbsent, RefusalError } from './refusal.ts';

/** A call's answer; what the client stumbles over in one is trouble, not a defect of ours. */
export async function readable<Answer>(call: Promise<Answer>): Promise<Answer> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof TroubleError) throw error;
    throw unreadable(failureOf(error).message);
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

/** Whether the API server says that there is no such object. */
export function refusedAsAbsent(error: unknown): boolean {
  return error instanceof RefusalError && isAbsent(error.refusal);
}

/** What every object of the API has. */
interface ApiObject {
  metadata?: { name?: string; uid?: string };
}

/** A success may come from somebody else than the API server, or be cut: that is no object then. */
export function whole<Item extends ApiObject>(object: Item): Item {
  const { name, uid } = object.metadata ?? {};
  if (isText(name) && isText(uid)) return object;
  throw unreadable('it is no object of the API');
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

function unreadable(why: string): TroubleError {
  const value = forPeople(`the API server's answer can't be read: ${why}`);
  return new TroubleError({ kind: 'invalid', value });
}

/** Reads one object that may be absent. */
export async function readOne<Answer extends ApiObject>(
  call: Promise<Answer>,
): Promise<Answer | undefined> {
  try {
    return whole(await readable(call));
  } catch (error) {
    if (refusedAsAbsent(error)) return undefined;
    throw error;
  }
}

interface Page<Item> {
  kind?: string;
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
export async function listAll<Item extends ApiObject>(
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

async function listOnce<Item extends ApiObject>(
  readPage: (page: { limit: number; _continue?: string }) => Promise<Page<Item>>,
): Promise<Item[]> {
  const items: Item[] = [];
  let token: string | undefined;
  do {
    const page = await readable(
      readPage({ limit: pageLimit, ...(token === undefined ? {} : { _continue: token }) }),
    );
    items.push(...itemsOf(page));
    token = page.metadata?._continue || undefined;
  } while (token !== undefined);
  return items;
}

/** What is no list is not an empty one: nodes without pods are restarted. */
function itemsOf<Item extends ApiObject>({ kind, items }: Page<Item>): Item[] {
  if (Array.isArray(items)) return items.map(whole);
  if (isText(kind) && kind?.endsWith('List') && items === null) return [];
  throw unreadable('it is no list of the API');
}

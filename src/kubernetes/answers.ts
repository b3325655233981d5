import { ResponseContext } from '@kubernetes/client-node/dist/gen/http/http.js';
import { failureOf, forPeople, TroubleError } from '../domain/trouble.ts';
import { isAbsent, RefusalError } from './refusal.ts';
import { misshapen } from './shape.ts';

/** A call's answer; what the client stumbles over in one is trouble, not a defect of ours. */
export async function readable<Answer>(call: Promise<Answer>): Promise<Answer> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof TroubleError) throw error;
    throw unreadable(failureOf(error).message);
  }
}

/** A success, as client-node reads it. Throws `invalid` trouble for what it would misread. */
export function responseOf(
  status: number,
  headers: Record<string, string>,
  json: string,
): ResponseContext {
  const field = misshapen(json);
  if (field !== undefined) throw unreadable(`${field} is not what the API promises`);
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

export function unreadable(why: string): TroubleError {
  const value = forPeople(`the API server's answer can't be read: ${why}`);
  return new TroubleError({ kind: 'invalid', value });
}

/** Reads one object that may be absent, as somebody sees it. */
export async function readOne<Answer extends ApiObject, View = Answer>(
  call: Promise<Answer>,
  view: (object: Answer) => View,
): Promise<View | undefined> {
  try {
    return await readable(call.then((object) => view(whole(object))));
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
/** As many as any list can have; with more a server goes in circles. */
const mostPages = 1000;

/**
 * Reads a whole list, page by page, as somebody sees its items. A continue token lives for minutes
 * only (410 after that): then the list is begun anew, because going on without consistency could
 * hide what moved meanwhile.
 */
export async function listAll<Item extends ApiObject, View>(
  readPage: (page: { limit: number; _continue?: string }) => Promise<Page<Item>>,
  view: (item: Item) => View,
): Promise<View[]> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await listOnce(readPage, view);
    } catch (error) {
      if (refusedWith(error) !== 410 || attempt === listAttempts) throw error;
    }
  }
}

async function listOnce<Item extends ApiObject, View>(
  readPage: (page: { limit: number; _continue?: string }) => Promise<Page<Item>>,
  view: (item: Item) => View,
): Promise<View[]> {
  const views: View[] = [];
  let token: string | undefined;
  for (let pages = 0; pages < mostPages; pages += 1) {
    const asked = { limit: pageLimit, ...(token === undefined ? {} : { _continue: token }) };
    const { items, next } = await readable(
      readPage(asked).then((page) => {
        const items = itemsOf(page).map(view);
        return { items, next: page.metadata?._continue || undefined };
      }),
    );
    views.push(...items);
    if (next === undefined) return views;
    token = next;
  }
  throw unreadable(`the list has more than ${mostPages} pages`);
}

/** What is no list is not an empty one: nodes without pods are restarted. */
function itemsOf<Item extends ApiObject>({ kind, items }: Page<Item>): Item[] {
  if (Array.isArray(items)) return items.map(whole);
  if (isText(kind) && kind?.endsWith('List') && items === null) return [];
  throw unreadable('it is no list of the API');
}

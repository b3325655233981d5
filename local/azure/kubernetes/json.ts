/** JSON as it comes over the wire. */
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
export type JsonObject = { [name: string]: Json };

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What JSON.parse gives is JSON, whatever its type says. */
function isJson(value: unknown): value is Json {
  return value !== undefined;
}

/** Decodes JSON. @throws SyntaxError */
export function parseJson(text: string): Json {
  const value: unknown = JSON.parse(text);
  if (isJson(value)) return value;
  throw new SyntaxError('no JSON');
}

/** The JSON form of a stored object: what a client would see, and may be changed freely. */
export function toJson(object: unknown): Json {
  return parseJson(JSON.stringify(object));
}

/** The object at `name`, an empty one when there is none. */
export function objectAt(parent: Json | undefined, name: string): JsonObject {
  const value = isJsonObject(parent) ? parent[name] : undefined;
  return isJsonObject(value) ? value : {};
}

/** The same, where an object is known to be one. */
export function toJsonObject(object: object): JsonObject {
  return objectAt({ object: toJson(object) }, 'object');
}

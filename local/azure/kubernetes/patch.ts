/**
 * The three patch types that the API server takes, applied to JSON. Pure: gives the new document,
 * or a `PatchError` when the patch does not apply.
 */
import { isDeepStrictEqual } from 'node:util';
import { isJsonObject, parseJson, toJson, type Json, type JsonObject } from './json.ts';

/** The patch does not apply to this document, or (`malformed`) to none. */
export class PatchError extends Error {
  readonly malformed: boolean;
  constructor(message: string, malformed = false) {
    super(message);
    this.malformed = malformed;
  }
}

export interface JsonPatchStep {
  op: string;
  path: string;
  from?: string;
  value?: Json;
}

/** Decodes a JSON Patch. @throws PatchError when it is none */
export function parseJsonPatch(text: string): JsonPatchStep[] {
  const steps = parsePatch(text);
  if (!Array.isArray(steps))
    throw new PatchError('json: cannot unmarshal into jsonpatch.Patch', true);
  return steps.map((step) => {
    const { op, path, from, value } = isJsonObject(step) ? step : {};
    if (typeof op !== 'string' || typeof path !== 'string') {
      throw new PatchError('operation missing op or path field', true);
    }
    return {
      op,
      path,
      ...(typeof from === 'string' ? { from } : {}),
      ...(value === undefined ? {} : { value }),
    };
  });
}

/** Decodes a merge patch. @throws PatchError when it is none */
export function parseMergePatch(text: string): JsonObject {
  const patch = parsePatch(text);
  if (!isJsonObject(patch)) throw new PatchError('Invalid JSON Patch', true);
  return patch;
}

function parsePatch(text: string): Json {
  try {
    return parseJson(text);
  } catch (error) {
    throw new PatchError(error instanceof Error ? error.message : String(error), true);
  }
}

/** RFC 6901; the two escapes are replaced in one go, as gopkg.in/evanphx/json-patch.v4 does. */
export function pointer(path: string): string[] {
  return path
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll(/~[01]/g, (escape) => (escape === '~1' ? '/' : '~')));
}

/**
 * RFC 6902 with the habits of gopkg.in/evanphx/json-patch.v4 (vendored in kubernetes/kubernetes),
 * which clients come to rely on: `test` passes where the member is missing and the expected value
 * is null or left out, and `replace` adds a missing member; a missing parent, or removing what is
 * not there, is an error.
 *
 * @throws PatchError
 */
export function applyJsonPatch(document: Json, steps: readonly JsonPatchStep[]): Json {
  const root: JsonObject = { '': toJson(document) };
  for (const step of steps) applyStep(root, step);
  return root[''] ?? null;
}

function applyStep(root: JsonObject, step: JsonPatchStep): void {
  const place = placeOf(root, step.path);
  switch (step.op) {
    case 'add':
      place.add(step.value ?? null);
      return;
    case 'replace':
      place.set(step.value ?? null);
      return;
    case 'remove':
      place.remove();
      return;
    case 'test':
      if (isDeepStrictEqual(place.get() ?? null, step.value ?? null)) return;
      throw new PatchError(`testing value ${step.path} failed: test failed`);
    case 'copy':
    case 'move': {
      const source = placeOf(root, step.from ?? '');
      const value = toJson(source.get() ?? null);
      if (step.op === 'move') source.remove();
      placeOf(root, step.path).add(value);
      return;
    }
    default:
      throw new PatchError(`Unexpected kind: ${step.op}`);
  }
}

interface Place {
  get(): Json | undefined;
  add(value: Json): void;
  set(value: Json): void;
  remove(): void;
}

function placeOf(root: JsonObject, path: string): Place {
  const names = ['', ...pointer(path)];
  const last = names.pop() ?? '';
  let parent: Json | undefined = root;
  for (const name of names) parent = child(parent, name);
  if (isJsonObject(parent)) return memberPlace(parent, last);
  if (Array.isArray(parent)) return elementPlace(parent, last);
  throw new PatchError(`doc is missing path: "${path}": missing value`);
}

function child(parent: Json | undefined, name: string): Json | undefined {
  if (Array.isArray(parent)) return parent[indexIn(name, parent.length - 1)];
  return isJsonObject(parent) && Object.hasOwn(parent, name) ? parent[name] : undefined;
}

function memberPlace(parent: JsonObject, name: string): Place {
  const set = (value: Json) => {
    parent[name] = value;
  };
  return {
    get: () => child(parent, name),
    add: set,
    set,
    remove() {
      if (Object.hasOwn(parent, name)) delete parent[name];
      else throw new PatchError(`Unable to remove nonexistent key: ${name}: missing value`);
    },
  };
}

function elementPlace(parent: Json[], name: string): Place {
  const existing = () => indexIn(name, parent.length - 1);
  return {
    get: () => parent[existing()],
    set(value) {
      parent[existing()] = value;
    },
    add(value) {
      const at = name === '-' ? parent.length : indexIn(name, parent.length);
      parent.splice(at, 0, value);
    },
    remove() {
      parent.splice(existing(), 1);
    },
  };
}

function indexIn(name: string, highest: number): number {
  const index = /^-?\d+$/.test(name) ? Number(name) : Number.NaN;
  // Negative indices count from the end (SupportNegativeIndices is on in v4).
  const at = index < 0 ? index + highest + 1 : index;
  if (at >= 0 && at <= highest) return at;
  throw new PatchError(`Unable to access invalid index: ${name}: invalid index referenced`);
}

/** RFC 7386. */
export function applyMergePatch(document: Json | undefined, patch: Json): Json {
  if (!isJsonObject(patch)) return patch;
  const result: JsonObject = isJsonObject(document) ? { ...document } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else result[name] = applyMergePatch(result[name], value);
  }
  return result;
}

/**
 * Lists that a strategic merge patch merges by key instead of replacing (patchMergeKey in
 * k8s.io/api/core/v1/types.go). Node taints have no merge key: they are replaced.
 */
const mergeKeys: Record<string, string> = {
  conditions: 'type',
  addresses: 'type',
  containers: 'name',
  initContainers: 'name',
  volumes: 'name',
  ownerReferences: 'uid',
};

/** k8s.io/apimachinery/pkg/util/strategicpatch, for the objects that this API serves. */
export function applyStrategicMergePatch(document: Json | undefined, patch: Json): Json {
  if (!isJsonObject(patch)) return patch;
  const directive = patch['$patch'];
  if (directive === 'delete') return {};
  const { $patch: _directive, ...changes } = patch;
  const result: JsonObject =
    isJsonObject(document) && directive !== 'replace' ? { ...document } : {};
  for (const [name, value] of Object.entries(changes)) {
    if (name.startsWith('$deleteFromPrimitiveList/')) deletePrimitives(result, name, value);
    else if (name.startsWith('$')) continue;
    else if (value === null) delete result[name];
    else if (Array.isArray(value)) result[name] = mergeList(name, result[name], value);
    else result[name] = applyStrategicMergePatch(result[name], value);
  }
  return result;
}

function deletePrimitives(result: JsonObject, directive: string, values: Json): void {
  const name = directive.slice(directive.indexOf('/') + 1);
  const list = result[name];
  if (!Array.isArray(list) || !Array.isArray(values)) return;
  result[name] = list.filter((element) => !values.includes(element));
}

function mergeList(name: string, current: Json | undefined, patch: Json[]): Json {
  if (name === 'finalizers' && Array.isArray(current)) return [...new Set([...current, ...patch])];
  const key = mergeKeys[name];
  const replaces = patch.some(
    (element) => isJsonObject(element) && element['$patch'] === 'replace',
  );
  const plain = patch.filter(
    (element) => !isJsonObject(element) || element['$patch'] !== 'replace',
  );
  if (key === undefined || replaces || !Array.isArray(current)) return plain;
  const merged = [...current];
  for (const element of plain) {
    const id = child(element, key);
    const at = merged.findIndex((other) => child(other, key) === id);
    const removes = isJsonObject(element) && element['$patch'] === 'delete';
    if (removes && at >= 0) merged.splice(at, 1);
    else if (removes) continue;
    else if (at >= 0) merged[at] = applyStrategicMergePatch(merged[at], element);
    else merged.push(element);
  }
  return merged;
}

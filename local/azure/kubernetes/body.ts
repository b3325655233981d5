/** What clients send: bodies and patches, decoded. */
import type { Call } from './answer.ts';
import { isJsonObject, parseJson, type Json, type JsonObject } from './json.ts';
import {
  applyJsonPatch,
  applyMergePatch,
  applyStrategicMergePatch,
  parseJsonPatch,
  parseMergePatch,
  PatchError,
  type JsonPatchStep,
} from './patch.ts';
import { apiVersionOf, type ResourceNames } from './resources.ts';
import { badRequest, invalid, patchDoesNotApply, unsupportedMediaType } from './status.ts';

/** What a client sent to change an object. */
export type Sent =
  | { kind: 'jsonPatch'; steps: readonly JsonPatchStep[] }
  | { kind: 'mergePatch'; patch: JsonObject }
  | { kind: 'strategicPatch'; patch: JsonObject }
  | { kind: 'object'; object: JsonObject }
  | { kind: 'nothing' };

const patchTypes = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
] as const;

/** @throws Refusal 422 */
export function isDryRun({ query }: Call): boolean {
  const value = query.get('dryRun');
  if (value === null || value === '') return false;
  if (value === 'All') return true;
  const why = `Unsupported value: ["${value}"]: supported values: "All"`;
  throw invalid(
    { group: 'meta.k8s.io', resource: 'Options' },
    '',
    'dryRun',
    why,
    'FieldValueNotSupported',
  );
}

/** @throws Refusal 400, 415 */
export function decodedBody(call: Call): Json {
  if (call.contentType !== '' && call.contentType !== 'application/json') {
    throw unsupportedMediaType(['application/json']);
  }
  try {
    return parseJson(call.body);
  } catch {
    throw badRequest('the object provided is unrecognized (must be of type JSON)');
  }
}

/**
 * An object of that kind; one that does not say its kind is taken for it. @throws Refusal 400, 415
 */
export function bodyOf(call: Call, kind: string, apiVersion: string): JsonObject {
  const body = decodedBody(call);
  if (!isJsonObject(body)) throw badRequest('the object provided is unrecognized: no object');
  const given = { kind: body['kind'] ?? kind, apiVersion: body['apiVersion'] ?? apiVersion };
  if (given.kind === kind && given.apiVersion === apiVersion) return { ...body, ...given };
  throw badRequest(
    `the API version in the data (${JSON.stringify(given)}) does not match the expected API ` +
      `version (${apiVersion}, ${kind})`,
  );
}

/** The object of a PUT. @throws Refusal 400, 415 */
export function updateOf(call: Call, resource: ResourceNames): Sent {
  return { kind: 'object', object: bodyOf(call, resource.kind, apiVersionOf(resource)) };
}

/** @throws Refusal 400, 415 */
export function patchOf(call: Call): Sent {
  const type = patchTypes.find((candidate) => candidate === call.contentType);
  try {
    switch (type) {
      case 'application/json-patch+json':
        return { kind: 'jsonPatch', steps: parseJsonPatch(call.body) };
      case 'application/merge-patch+json':
        return { kind: 'mergePatch', patch: parseMergePatch(call.body) };
      case 'application/strategic-merge-patch+json':
        return { kind: 'strategicPatch', patch: parseMergePatch(call.body) };
      case undefined:
        throw unsupportedMediaType(patchTypes);
    }
  } catch (error) {
    throw error instanceof PatchError ? badRequest(error.message) : error;
  }
}

/** The object as the client wants it. @throws Refusal 422 */
export function applied(old: JsonObject, sent: Sent): JsonObject {
  try {
    const next = apply(old, sent);
    if (isJsonObject(next)) return next;
    throw patchDoesNotApply();
  } catch (error) {
    throw error instanceof PatchError ? patchDoesNotApply() : error;
  }
}

function apply(old: JsonObject, sent: Sent): Json {
  switch (sent.kind) {
    case 'jsonPatch':
      return applyJsonPatch(old, sent.steps);
    case 'mergePatch':
      return applyMergePatch(old, sent.patch);
    case 'strategicPatch':
      return applyStrategicMergePatch(old, sent.patch);
    case 'object':
      return sent.object;
    case 'nothing':
      return old;
  }
}

/**
 * create, update, patch and delete (k8s.io/apiserver/pkg/endpoints/handlers, pkg/registry/generic).
 */
import { isDeepStrictEqual } from 'node:util';
import type { z } from 'zod';
import { json, statusAnswer, type ApiResponse, type Call } from './answer.ts';
import { applied, bodyOf, decodedBody, isDryRun, patchOf, updateOf, type Sent } from './body.ts';
import { stamped, type Cluster } from './cluster.ts';
import { checkPreconditions, type DeleteOptions } from './deletion.ts';
import type { Particulars, Target, Write } from './endpoint.ts';
import { deleteOptionsSchema } from './eviction.ts';
import { isJsonObject, objectAt, toJsonObject, type Json, type JsonObject } from './json.ts';
import { isTerminating, keyOf, type ApiObject } from './objects.ts';
import { apiVersionOf, groupResource, type Kind } from './resources.ts';
import {
  alreadyExists,
  badRequest,
  conflict,
  forbidden,
  invalid,
  modifiedSince,
  notFound,
  Refusal,
  success,
  type GroupResource,
} from './status.ts';
import { decodeDeleteOptions, protobufType } from './protobuf.ts';
import { pick } from '../random.ts';

interface Outcome<T> {
  status: number;
  after: T;
}

export class Writer<T extends ApiObject> {
  readonly #cluster: Cluster;
  readonly #kind: Kind<T>;
  readonly #particulars: Particulars<T>;
  readonly #of: GroupResource;

  constructor(cluster: Cluster, kind: Kind<T>, particulars: Particulars<T>) {
    this.#cluster = cluster;
    this.#kind = kind;
    this.#particulars = particulars;
    this.#of = groupResource(kind.resource);
  }

  create(target: Target, call: Call): ApiResponse {
    const { resource, objects } = this.#kind;
    const object = bodyOf(call, resource.kind, apiVersionOf(resource));
    const metadata = newMetadata(this.#cluster, this.#kind, target, object);
    const key = keyOf({ metadata });
    const before = objects.get(key);
    const sent: Sent = { kind: 'object', object };
    return this.#recorded(call, { verb: 'create', key, before, sent }, () => {
      if (resource.namespaced) checkNamespace(this.#cluster, this.#of, metadata);
      const after = this.#decode({ ...object, metadata }, sent);
      this.#particulars.validate?.(after, undefined);
      if (before !== undefined) throw alreadyExists(this.#of, metadata.name);
      return { status: 201, after: isDryRun(call) ? after : objects.put(after) };
    });
  }

  /** A PUT or a PATCH. */
  change(target: Target, name: string, call: Call, verb: 'update' | 'patch'): ApiResponse {
    const { resource, objects } = this.#kind;
    const key = keyOf({ metadata: { namespace: target.namespace, name } });
    const before = objects.get(key);
    const sent = verb === 'patch' ? patchOf(call) : updateOf(call, resource);
    return this.#recorded(call, { verb, key, before, sent }, () => {
      if (before === undefined) throw notFound(this.#of, name);
      const old = toJsonObject(before);
      const wanted = applied(old, sent);
      const draft = merged(old, wanted, target.subresource);
      checkIdentity(this.#kind, before, wanted);
      const after = this.#decode(draft, sent);
      this.#particulars.validate?.(after, before);
      return { status: 200, after: this.#store(before, after, call) };
    });
  }

  remove(target: Target, name: string, call: Call): ApiResponse {
    const { objects } = this.#kind;
    const key = keyOf({ metadata: { namespace: target.namespace, name } });
    const before = objects.get(key);
    const sent: Sent = { kind: 'nothing' };
    const answer = this.#recorded(call, { verb: 'delete', key, before, sent }, () => {
      if (before === undefined) throw notFound(this.#of, name);
      const options = deleteOptionsOf(call);
      checkPreconditions(before, options);
      if (isDryRun(call) || options.dryRun?.includes('All') === true) {
        return { status: 200, after: before };
      }
      if (this.#particulars.remove === undefined) objects.remove(key);
      else this.#particulars.remove(before, options, call.user);
      return { status: 200, after: objects.get(key) ?? before };
    });
    // Only pods and namespaces are shown once more (ReturnDeletedObject).
    if (this.#particulars.remove !== undefined || before === undefined) return answer;
    const { group, resource } = this.#of;
    const { uid } = before.metadata;
    const details = { name, ...(group === '' ? {} : { group }), kind: resource, uid };
    return json(200, { ...success(200), details });
  }

  /**
   * Runs a write and tells the audit how it went, unless it was a dry run: that asks for nothing.
   */
  #recorded(
    call: Call,
    write: Omit<Write<T>, 'after' | 'asked'>,
    attempt: () => Outcome<T>,
  ): ApiResponse {
    const { user, userAgent } = call;
    const dryRun = isDryRun(call);
    const record = (after: T | undefined, answered: { status: number; message?: string }) => {
      if (dryRun) return;
      this.#particulars.wrote?.({ ...write, after, asked: { user, userAgent, ...answered } });
    };
    try {
      const { status, after } = attempt();
      record(after, { status });
      return json(status, this.#particulars.present?.(after) ?? after);
    } catch (error) {
      if (error instanceof Refusal) {
        record(undefined, { status: error.status.code, message: error.message });
      }
      throw error;
    }
  }

  /** @throws Refusal 400, or 422 where a patch made the object undecodable */
  #decode(draft: JsonObject, sent: Sent): T {
    const { kind, version, schema } = this.#kind.resource;
    this.#particulars.prepare?.(draft);
    const parsed = schema.safeParse(withoutNulls(draft));
    if (parsed.success) return parsed.data;
    const why = whyUndecodable(parsed.error);
    if (sent.kind === 'object') {
      throw badRequest(`${kind} in version "${version}" cannot be handled as a ${kind}: ${why}`);
    }
    throw invalid({ group: '', resource: '' }, '', 'patch', `Invalid value: ${why}`);
  }

  /** A write that changes nothing is not written: the resourceVersion stays. */
  #store(before: T, after: T, call: Call): T {
    const [was, is] = [toJsonObject(before), toJsonObject(after)];
    if (isDeepStrictEqual(was, is)) return before;
    const counts = this.#kind.resource.counted && !isDeepStrictEqual(was['spec'], is['spec']);
    const generation = (before.metadata.generation ?? 0) + 1;
    const next = counts ? { ...after, metadata: { ...after.metadata, generation } } : after;
    return isDryRun(call) ? next : this.#kind.objects.put(next);
  }
}

/** What the server keeps to itself. */
const serverMetadata = [
  'name',
  'namespace',
  'uid',
  'resourceVersion',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'generation',
];

/** The wanted object with what this endpoint may not change put back. */
function merged(old: JsonObject, wanted: JsonObject, subresource: string | undefined): JsonObject {
  const metadata: JsonObject = { ...objectAt(wanted, 'metadata') };
  for (const name of serverMetadata) {
    const value = objectAt(old, 'metadata')[name];
    if (value === undefined) delete metadata[name];
    else metadata[name] = value;
  }
  const { kind = null, apiVersion = null, status, spec } = old;
  const fixed: JsonObject = { ...wanted, kind, apiVersion, metadata };
  if (subresource === 'status') return { ...fixed, ...(spec === undefined ? {} : { spec }) };
  return status === undefined ? fixed : { ...fixed, status };
}

/** The same object, and the version that the client has seen. @throws Refusal 400, 409, 422 */
function checkIdentity<T extends ApiObject>(
  { resource }: Kind<T>,
  { metadata: current }: T,
  wanted: JsonObject,
): void {
  const of = groupResource(resource);
  const { name, uid, resourceVersion } = objectAt(wanted, 'metadata');
  if (name !== undefined && name !== current.name) {
    throw badRequest(
      `the name of the object (${JSON.stringify(name)}) does not match the name on the URL ` +
        `(${current.name})`,
    );
  }
  if (typeof uid === 'string' && uid !== '' && uid !== current.uid) {
    const uids = `UID in precondition: ${uid}, UID in object meta: ${current.uid}`;
    throw conflict(of, current.name, `Precondition failed: ${uids}`);
  }
  if (resourceVersion === undefined || resourceVersion === null || resourceVersion === '') {
    if (resource.unconditionalUpdate) return;
    const why = 'Invalid value: 0: must be specified for an update';
    throw invalid(of, current.name, 'metadata.resourceVersion', why);
  }
  if (resourceVersion !== current.resourceVersion) throw conflict(of, current.name, modifiedSince);
}

function newMetadata<T extends ApiObject>(
  cluster: Cluster,
  { resource }: Kind<T>,
  { namespace }: Target,
  object: JsonObject,
) {
  const given = objectAt(object, 'metadata');
  const { name: asked, generateName, namespace: own } = given;
  if (own !== undefined && own !== namespace) {
    throw badRequest(
      'the namespace of the provided object does not match the namespace sent on the request',
    );
  }
  const name =
    typeof asked === 'string' && asked !== ''
      ? asked
      : typeof generateName === 'string'
        ? `${generateName}${pick(cluster.random, 'bcdfghjklmnpqrstvwxz2456789', 5)}`
        : '';
  if (name === '') {
    const why = 'Required value: name or generateName is required';
    throw invalid(groupResource(resource), '', 'metadata.name', why, 'FieldValueRequired');
  }
  return {
    ...stamped(cluster, { ...given, name, ...(namespace === undefined ? {} : { namespace }) }),
    ...(resource.counted ? { generation: 1 } : {}),
  };
}

/** The NamespaceLifecycle admission plugin. @throws Refusal 403, 404 */
export function checkNamespace(
  cluster: Cluster,
  of: { group: string; resource: string },
  { name, namespace = '' }: { name: string; namespace?: string | undefined },
): void {
  const found = cluster.kinds.namespaces.objects.get(namespace);
  if (found === undefined) throw notFound({ group: '', resource: 'namespaces' }, namespace);
  if (!isTerminating(found)) return;
  const cause = {
    reason: 'NamespaceTerminating',
    message: `namespace ${namespace} is being terminated`,
    field: 'metadata.namespace',
  };
  const refused = `unable to create new content in namespace ${namespace}`;
  throw forbidden(of, name, `${refused} because it is being terminated`, [cause]);
}

/** In the body, or (only the grace period) in the query. @throws Refusal 400 */
function deleteOptionsOf(call: Call): DeleteOptions {
  const inQuery = call.query.get('gracePeriodSeconds');
  const fromQuery = inQuery === null ? {} : { gracePeriodSeconds: Number(inQuery) };
  if (call.body.trim() === '') return fromQuery;
  const parsed = deleteOptionsSchema.safeParse(sentOptions(call));
  if (!parsed.success) throw badRequest(whyUndecodable(parsed.error));
  return { ...fromQuery, ...parsed.data };
}

/** @throws Refusal 400, 415 */
function sentOptions(call: Call): Json {
  if (call.contentType !== protobufType) return decodedBody(call);
  try {
    return decodeDeleteOptions(call.body);
  } catch (error) {
    throw badRequest(`couldn't decode the options: ${String(error)}`);
  }
}

function whyUndecodable(error: z.ZodError): string {
  const [issue] = error.issues;
  return issue === undefined ? 'unknown' : `${issue.path.join('.')}: ${issue.message}`;
}

/** Go decodes null as "not there"; only in maps of strings it is the empty string. */
function withoutNulls(value: Json, name = ''): Json {
  if (Array.isArray(value)) return value.map((element) => withoutNulls(element));
  if (!isJsonObject(value) || name === 'labels' || name === 'annotations') return value;
  const kept = Object.entries(value).filter(([, member]) => member !== null);
  return Object.fromEntries(kept.map(([key, member]) => [key, withoutNulls(member, key)]));
}

/** Answers a refusal; anything else is a defect of the simulation. */
export function answerRefusal(error: unknown): ApiResponse {
  if (error instanceof Refusal) return statusAnswer(error.status);
  throw error;
}

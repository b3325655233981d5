/** One resource of the API: what is particular to it, around the verbs that all of them share. */
import type { ApiResponse, Call } from './answer.ts';
import type { Sent } from './body.ts';
import type { Cluster } from './cluster.ts';
import type { DeleteOptions } from './deletion.ts';
import type { JsonObject } from './json.ts';
import type { ApiObject } from './objects.ts';
import { createReader } from './reading.ts';
import type { Kind, ResourceNames, Verb } from './resources.ts';
import type { FieldTerm } from './selectors.ts';
import { methodNotAllowed, noSuchResource } from './status.ts';
import type { Columns } from './columns.ts';
import type { Asked } from './trail.ts';
import { Writer } from './writing.ts';

/** Where a request points. */
export interface Target {
  namespace: string | undefined;
  name: string | undefined;
  subresource: string | undefined;
}

/** A write that was asked for, for the audit. `after` is missing where it was refused. */
export interface Write<T> {
  verb: 'create' | 'update' | 'patch' | 'delete';
  key: string;
  before: T | undefined;
  after: T | undefined;
  sent: Sent;
  asked: Asked;
}

/** What is particular to one resource. */
export interface Particulars<T extends ApiObject> {
  columns?: Columns<T>;
  /** Fewer objects to look through for that field selector. */
  candidates?(terms: readonly FieldTerm[]): Iterable<T> | undefined;
  /** How the object looks now to whoever reads it. */
  present?(object: T): ApiObject;
  /** Defaults, and empty fields that Go would omit, before decoding. */
  prepare?(object: JsonObject): void;
  /** @throws Refusal */
  validate?(after: T, before: T | undefined): void;
  /** Takes the object away, or begins to, and what is left of it is answered. */
  remove?(object: T, options: DeleteOptions, user: string): void;
  wrote?(write: Write<T>): void;
}

/** What the router sees of a resource. */
export interface Endpoint {
  resource: ResourceNames;
  answer(target: Target, call: Call): ApiResponse;
}

/** The verb that a request asks for, as authorization names it; undefined when there is none. */
export function verbOf({ method, query }: Call, { name }: Target): Verb | undefined {
  switch (method) {
    case 'GET':
      if (name !== undefined) return 'get';
      return isWatch(query) ? 'watch' : 'list';
    case 'POST':
      return name === undefined ? 'create' : undefined;
    case 'PUT':
      return 'update';
    case 'PATCH':
      return 'patch';
    case 'DELETE':
      return name === undefined ? undefined : 'delete';
    default:
      return undefined;
  }
}

function isWatch(query: URLSearchParams): boolean {
  return ['true', '1'].includes(query.get('watch') ?? '');
}

export function createEndpoint<T extends ApiObject>(
  cluster: Cluster,
  kind: Kind<T>,
  particulars: Particulars<T>,
): Endpoint {
  const { resource } = kind;
  const reader = createReader(cluster, kind, particulars);
  const writer = new Writer(cluster, kind, particulars);
  return {
    resource,
    answer(target, call) {
      const { subresource, name = '' } = target;
      if (subresource !== undefined && !resource.subresources.includes(subresource)) {
        throw noSuchResource();
      }
      const verb = verbOf(call, target);
      if (verb === undefined || !resource.verbs.includes(verb)) throw methodNotAllowed();
      switch (verb) {
        case 'get':
          return reader.get(target, name, call);
        case 'list':
          return reader.list(target, call);
        case 'watch':
          return reader.watch(target, call);
        case 'create':
          return writer.create(target, call);
        case 'update':
        case 'patch':
          return writer.change(target, name, call, verb);
        case 'delete':
          return writer.remove(target, name, call);
      }
    },
  };
}

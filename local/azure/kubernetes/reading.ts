/** get, list and watch. */
import { json, stream, type ApiResponse, type Call } from './answer.ts';
import type { Cluster } from './cluster.ts';
import type { Particulars, Target } from './endpoint.ts';
import { keyOf, type ApiObject } from './objects.ts';
import { Pages } from './pages.ts';
import { apiVersionOf, groupResource, type Kind, type Resource } from './resources.ts';
import { parseFieldSelector, parseLabelSelector, type FieldTerm } from './selectors.ts';
import { badRequest, invalid, notFound } from './status.ts';
import { asTable, tableWanted, type TableWanted } from './table.ts';
import { watch } from './watch.ts';

/** kube-apiserver ends a watch after --min-request-timeout (30 min) or up to twice that. */
const longestWatchMs = 30 * 60_000;

export function createReader<T extends ApiObject>(
  cluster: Cluster,
  kind: Kind<T>,
  particulars: Particulars<T>,
) {
  const { resource, objects } = kind;
  const pages = new Pages<T>(cluster.timers);
  const present = (object: T): ApiObject => particulars.present?.(object) ?? object;
  const table = (rows: readonly T[], wanted: TableWanted, list: object) =>
    asTable(rows, particulars.columns, { ...wanted, list, now: cluster.timers.now(), present });
  return {
    get(target: Target, name: string, call: Call): ApiResponse {
      const object = objects.get(keyOf({ metadata: { namespace: target.namespace, name } }));
      if (object === undefined) throw notFound(groupResource(resource), name);
      const wanted = tableWanted(call);
      if (wanted === undefined) return json(200, present(object));
      return json(200, table([object], wanted, listMetadata(object.metadata.resourceVersion)));
    },

    list(target: Target, call: Call): ApiResponse {
      const { query } = call;
      const limit = Number(query.get('limit') ?? 0);
      const token = query.get('continue');
      const selection = selectionOf(resource, target, query);
      const page =
        token === null || token === ''
          ? pages.first(select(kind, particulars, selection), objects.revision, limit)
          : pages.next(token, limit);
      const metadata = {
        ...listMetadata(String(page.revision)),
        ...(page.next === undefined ? {} : { continue: page.next }),
        // Only a list without selectors knows how much is left.
        ...(page.remaining === 0 || selection.narrowed
          ? {}
          : { remainingItemCount: page.remaining }),
      };
      const wanted = tableWanted(call);
      if (wanted !== undefined) return json(200, table(page.items, wanted, metadata));
      return json(200, {
        kind: `${resource.kind}List`,
        apiVersion: apiVersionOf(resource),
        metadata,
        items: page.items.map((object) => withoutKind(present(object))),
      });
    },

    watch(target: Target, call: Call): ApiResponse {
      const { query } = call;
      if (query.get('sendInitialEvents') !== null) throw noWatchList();
      const wanted = tableWanted(call);
      const seconds = Number(query.get('timeoutSeconds') ?? 0);
      const lines = watch({
        objects,
        matches: selectionOf(resource, target, query).matches,
        render: (object) =>
          wanted === undefined
            ? present(object)
            : table([object], wanted, listMetadata(object.metadata.resourceVersion)),
        fromRevision: Number(query.get('resourceVersion') ?? 0),
        timeoutMs: seconds > 0 ? seconds * 1000 : longestWatchMs,
        timers: cluster.timers,
        signal: AbortSignal.any([
          cluster.closing,
          ...(call.signal === undefined ? [] : [call.signal]),
        ]),
      });
      return stream(lines);
    },
  };
}

/** WatchList is a feature that servers may have turned off; clients then list first. */
function noWatchList() {
  const why =
    'sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled';
  const of = { group: 'meta.k8s.io', resource: 'ListOptions' };
  return invalid(of, '', 'sendInitialEvents', `Forbidden: ${why}`, 'FieldValueForbidden');
}

function listMetadata(resourceVersion: string) {
  return { resourceVersion };
}

/** Items of a list don't repeat their kind. */
function withoutKind({ kind: _kind, apiVersion: _version, ...object }: ApiObject) {
  return object;
}

interface Selection<T> {
  matches: (object: T) => boolean;
  terms: readonly FieldTerm[];
  /** Whether a selector was given. */
  narrowed: boolean;
}

/** @throws Refusal 400 */
function selectionOf<T extends ApiObject>(
  resource: Resource<T>,
  { namespace }: Target,
  query: URLSearchParams,
): Selection<T> {
  const labelText = query.get('labelSelector') ?? '';
  const fieldText = query.get('fieldSelector') ?? '';
  const labels = parseLabelSelector(labelText);
  if (labels === undefined) {
    throw badRequest(
      `unable to parse requirement: found '${labelText}', expected a label selector`,
    );
  }
  const terms = parseFieldSelector(fieldText);
  if (terms === undefined) {
    throw badRequest(`invalid selector: '${fieldText}'; can't understand '${fieldText}'`);
  }
  const fields = terms.map(({ field, equal, value }) => {
    const read = fieldReader(resource, field);
    if (read === undefined) throw unknownField(resource, labelText, fieldText, field);
    return (object: T) => (read(object) === value) === equal;
  });
  return {
    matches: (object) =>
      (namespace === undefined || object.metadata.namespace === namespace) &&
      fields.every((holds) => holds(object)) &&
      labels(object.metadata.labels),
    terms,
    narrowed: labelText !== '' || fieldText !== '',
  };
}

function fieldReader<T extends ApiObject>(resource: Resource<T>, field: string) {
  if (field === 'metadata.name') return ({ metadata }: T) => metadata.name;
  if (field === 'metadata.namespace') return ({ metadata }: T) => metadata.namespace ?? '';
  return resource.fields[field];
}

function unknownField(
  resource: { group: string; version: string; plural: string },
  labels: string,
  fields: string,
  field: string,
) {
  const { group, version, plural } = resource;
  return badRequest(
    `Unable to find "${group}/${version}, Resource=${plural}" that match label selector ` +
      `"${labels}", field selector "${fields}": field label not supported: ${field}`,
  );
}

function select<T extends ApiObject>(
  { objects }: Kind<T>,
  particulars: Particulars<T>,
  { matches, terms }: Selection<T>,
): T[] {
  const fewer = particulars.candidates?.(terms);
  if (fewer === undefined) return objects.sorted().filter(matches);
  const found = [...fewer].filter(matches);
  return found.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

/** The API server: finds out what a request asks for, whether it may, and who answers it. */
import { callOf, json, type ApiRequest, type ApiResponse, type Call } from './answer.ts';
import { decodedBody, isDryRun } from './body.ts';
import type { Cluster } from './cluster.ts';
import {
  daemonSetColumns,
  deploymentColumns,
  jobColumns,
  replicaSetColumns,
  statefulSetColumns,
} from './columns.ts';
import { podKey } from './deletion.ts';
import { createDiscovery } from './discovery.ts';
import { createEndpoint, verbOf, type Endpoint, type Target } from './endpoint.ts';
import { budgetsOf, evict } from './eviction.ts';
import { isJsonObject, objectAt } from './json.ts';
import type { Kubelets } from './kubelet.ts';
import {
  budgetParticulars,
  eventParticulars,
  leaseParticulars,
  namespaceParticulars,
  newEventParticulars,
  nodeParticulars,
  podParticulars,
} from './particulars.ts';
import { forbidden, methodNotAllowed, noSuchResource, Refusal, success } from './status.ts';
import { recordEviction } from './trail.ts';
import { answerRefusal, checkNamespace } from './writing.ts';

/** What an authorizer is asked; the path alone where no resource is concerned. */
export type Access =
  | {
      kind: 'resource';
      user: string;
      verb: string;
      group: string;
      /** With its subresource: `pods/eviction`. */
      resource: string;
      namespace: string | undefined;
      name: string | undefined;
    }
  | { kind: 'path'; user: string; verb: string; path: string };

export type Authorize = (access: Access) => boolean;

export interface Api {
  answer(request: ApiRequest): ApiResponse;
}

export function createApi(
  cluster: Cluster,
  kubelets: Kubelets,
  options: { version: string; authorize: Authorize },
): Api {
  const endpoints = endpointsOf(cluster, kubelets);
  const byPath = new Map(
    endpoints.map((endpoint) => {
      const { group, version, plural } = endpoint.resource;
      return [`${group}/${version}/${plural}`, endpoint];
    }),
  );
  const discover = createDiscovery(
    endpoints.map(({ resource }) => resource),
    options.version,
  );
  const answer = (call: Call): ApiResponse => {
    const route = routeOf(call.path);
    const endpoint = byPath.get(route?.resource ?? '');
    const { authorize } = options;
    if (route === undefined || endpoint === undefined) {
      const review = reviewAccess(call, authorize);
      if (review !== undefined) return review;
      if (
        !authorize({
          kind: 'path',
          user: call.user,
          verb: call.method.toLowerCase(),
          path: call.path,
        })
      ) {
        throw pathForbidden(call);
      }
      const document = discover(call);
      if (document === undefined) throw noSuchResource();
      return document;
    }
    checkAccess(call, endpoint, route.target, authorize);
    if (endpoint.resource.plural === 'pods' && route.target.subresource === 'eviction') {
      return answerEviction(cluster, route.target, call);
    }
    return endpoint.answer(route.target, call);
  };
  return {
    answer(request) {
      try {
        return answer(callOf(request));
      } catch (error) {
        return answerRefusal(error);
      }
    },
  };
}

function endpointsOf(cluster: Cluster, kubelets: Kubelets): Endpoint[] {
  const { kinds } = cluster;
  return [
    createEndpoint(cluster, kinds.nodes, nodeParticulars(cluster, kubelets)),
    createEndpoint(cluster, kinds.pods, podParticulars(cluster)),
    createEndpoint(cluster, kinds.namespaces, namespaceParticulars(cluster)),
    createEndpoint(cluster, kinds.events, eventParticulars),
    createEndpoint(cluster, kinds.newEvents, newEventParticulars),
    createEndpoint(cluster, kinds.leases, leaseParticulars(cluster)),
    createEndpoint(cluster, kinds.budgets, budgetParticulars),
    createEndpoint(cluster, kinds.deployments, { columns: deploymentColumns }),
    createEndpoint(cluster, kinds.replicaSets, { columns: replicaSetColumns }),
    createEndpoint(cluster, kinds.statefulSets, { columns: statefulSetColumns }),
    createEndpoint(cluster, kinds.daemonSets, { columns: daemonSetColumns }),
    createEndpoint(cluster, kinds.jobs, { columns: jobColumns }),
  ];
}

interface Route {
  /** `group/version/plural` */
  resource: string;
  target: Target;
}

/** Takes a resource's path apart; undefined when it is none. */
function routeOf(path: string): Route | undefined {
  const parts = path
    .split('/')
    .filter((part) => part !== '')
    .map(decodeURIComponent);
  const [root] = parts;
  const rest = root === 'api' ? parts.slice(2) : parts.slice(3);
  const [group = '', version = ''] = root === 'api' ? ['', parts[1]] : parts.slice(1, 3);
  if ((root !== 'api' && root !== 'apis') || rest.length === 0) return undefined;
  // A namespace is itself a resource: /namespaces/x, but /namespaces/x/pods.
  const scoped = rest[0] === 'namespaces' && rest.length > 2 && rest[2] !== 'status';
  const namespace = scoped ? rest[1] : undefined;
  const [plural = '', name, subresource] = scoped ? rest.slice(2) : rest;
  return { resource: `${group}/${version}/${plural}`, target: { namespace, name, subresource } };
}

/** @throws Refusal 403 */
function checkAccess(
  call: Call,
  { resource }: Endpoint,
  target: Target,
  authorize: Authorize,
): void {
  const { namespace, name, subresource } = target;
  const evicts = subresource === 'eviction' && call.method === 'POST';
  const verb = evicts ? 'create' : (verbOf(call, target) ?? call.method.toLowerCase());
  const full = subresource === undefined ? resource.plural : `${resource.plural}/${subresource}`;
  const { user } = call;
  const { group } = resource;
  if (authorize({ kind: 'resource', user, verb, group, resource: full, namespace, name })) return;
  const where =
    namespace === undefined ? 'at the cluster scope' : `in the namespace "${namespace}"`;
  const why = `User "${user}" cannot ${verb} resource "${full}" in API group "${group}" ${where}`;
  throw forbidden({ group, resource: resource.plural }, name ?? '', why);
}

function pathForbidden({ user, method, path }: Call): Refusal {
  const message = `forbidden: User "${user}" cannot ${method.toLowerCase()} path "${path}"`;
  return new Refusal(403, 'Forbidden', message, {});
}

/** `kubectl auth can-i`; undefined for another request. */
function reviewAccess(call: Call, authorize: Authorize): ApiResponse | undefined {
  const path = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
  if (call.method !== 'POST' || call.path !== path) return undefined;
  const body = decodedBody(call);
  const spec = objectAt(body, 'spec');
  const attributes = objectAt(spec, 'resourceAttributes');
  const text = (name: string) => {
    const value = attributes[name];
    return typeof value === 'string' ? value : '';
  };
  const sub = text('subresource');
  const allowed = authorize({
    kind: 'resource',
    user: call.user,
    verb: text('verb'),
    group: text('group'),
    resource: sub === '' ? text('resource') : `${text('resource')}/${sub}`,
    namespace: text('namespace') === '' ? undefined : text('namespace'),
    name: text('name') === '' ? undefined : text('name'),
  });
  return json(201, { ...(isJsonObject(body) ? body : {}), status: { allowed } });
}

/** Every attempt is written to the audit, with its answer; a dry run asks for nothing. */
function answerEviction(cluster: Cluster, target: Target, call: Call): ApiResponse {
  const { namespace = '', name = '' } = target;
  if (call.method !== 'POST') throw methodNotAllowed();
  const body = decodedBody(call);
  const inBody = objectAt(objectAt({ body }, 'body'), 'deleteOptions')['dryRun'];
  const dryRun = isDryRun(call) || (Array.isArray(inBody) && inBody.includes('All'));
  const { user, userAgent } = call;
  const key = podKey(namespace, name);
  const pod = cluster.kinds.pods.objects.get(key);
  const about = {
    key,
    uid: pod?.metadata.uid ?? '',
    node: pod?.spec.nodeName ?? '',
    budgets: pod === undefined ? [] : budgetsOf(cluster, pod).map(({ metadata }) => metadata.name),
  };
  const record = (status: number, message?: string) => {
    if (!dryRun) recordEviction(cluster, about, { user, userAgent, status, message });
  };
  try {
    checkNamespace(cluster, { group: '', resource: 'pods' }, { name, namespace });
    // Written first: the pod may be gone at once, and its end comes after its cause.
    const commit = evict(cluster, { namespace, name, body, dryRun, user });
    record(201);
    commit();
    return json(201, success(201));
  } catch (error) {
    if (error instanceof Refusal) record(error.status.code, error.message);
    throw error;
  }
}

/** What the API tells about itself: groups, resources, version. */
import { json, text, type ApiResponse, type Call } from './answer.ts';
import { apiVersionOf, type ResourceNames } from './resources.ts';

/** A resource that is no object: it can only be created. */
interface Subresource {
  of: string;
  name: string;
  kind: string;
  group: string;
  version: string;
  verbs: readonly string[];
}

const eviction: Subresource = {
  of: 'pods',
  name: 'eviction',
  kind: 'Eviction',
  group: 'policy',
  version: 'v1',
  verbs: ['create'],
};

interface GroupVersion {
  group: string;
  version: string;
  resources: ResourceNames[];
}

/** Answers discovery requests; undefined for any other path. */
export function createDiscovery(resources: readonly ResourceNames[], version: string) {
  const groupVersions = grouped(resources);
  const named = groupVersions.filter(({ group }) => group !== '');
  const fixed = new Map<string, (call: Call) => ApiResponse>([
    ['/version', () => json(200, versionInfo(version))],
    ['/healthz', () => text(200, 'ok')],
    ['/livez', () => text(200, 'ok')],
    ['/readyz', () => text(200, 'ok')],
    [
      '/api',
      (call) =>
        aggregated(
          call,
          groupVersions.filter(({ group }) => group === ''),
        ) ?? json(200, { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] }),
    ],
    [
      '/apis',
      (call) =>
        aggregated(call, named) ??
        json(200, { kind: 'APIGroupList', apiVersion: 'v1', groups: named.map(groupDocument) }),
    ],
  ]);
  for (const one of groupVersions) {
    const path = one.group === '' ? '/api/v1' : `/apis/${one.group}/${one.version}`;
    fixed.set(path, () => json(200, resourceList(one)));
    if (one.group === '') continue;
    const document = { kind: 'APIGroup', apiVersion: 'v1', ...groupDocument(one) };
    fixed.set(`/apis/${one.group}`, () => json(200, document));
  }
  return (call: Call): ApiResponse | undefined =>
    call.method === 'GET' ? fixed.get(call.path.replace(/(.)\/$/, '$1'))?.(call) : undefined;
}

function grouped(resources: readonly ResourceNames[]): GroupVersion[] {
  const found = new Map<string, GroupVersion>();
  for (const resource of resources) {
    const { group, version } = resource;
    const one = found.get(apiVersionOf(resource)) ?? { group, version, resources: [] };
    one.resources.push(resource);
    found.set(apiVersionOf(resource), one);
  }
  return [...found.values()];
}

function groupDocument({ group, version }: GroupVersion) {
  const preferredVersion = { groupVersion: `${group}/${version}`, version };
  return { name: group, versions: [preferredVersion], preferredVersion };
}

function subresourcesOf(resource: ResourceNames): Subresource[] {
  const own = resource.subresources.map((name) => ({
    of: resource.plural,
    name,
    kind: resource.kind,
    group: resource.group,
    version: resource.version,
    verbs: ['get', 'patch', 'update'],
  }));
  return resource.plural === 'pods' ? [...own, eviction] : own;
}

function resourceList(one: GroupVersion) {
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: apiVersionOf(one),
    resources: one.resources.flatMap((resource) => [
      {
        name: resource.plural,
        singularName: resource.singular,
        namespaced: resource.namespaced,
        kind: resource.kind,
        verbs: resource.verbs,
        ...(resource.shortNames.length === 0 ? {} : { shortNames: resource.shortNames }),
        ...(resource.categories.length === 0 ? {} : { categories: resource.categories }),
      },
      ...subresourcesOf(resource).map(({ name, kind, group, version, verbs }) => ({
        name: `${resource.plural}/${name}`,
        singularName: '',
        namespaced: resource.namespaced,
        ...(group === resource.group ? {} : { group, version }),
        kind,
        verbs,
      })),
    ]),
  };
}

/** Everything at once, for clients that ask so (apidiscovery.k8s.io, since 1.26). */
function aggregated(call: Call, groupVersions: readonly GroupVersion[]): ApiResponse | undefined {
  const version = /g=apidiscovery\.k8s\.io;v=(v2beta1|v2);as=APIGroupDiscoveryList/.exec(
    call.accept,
  )?.[1];
  if (version === undefined) return undefined;
  const document = {
    kind: 'APIGroupDiscoveryList',
    apiVersion: `apidiscovery.k8s.io/${version}`,
    metadata: {},
    items: groupVersions.map((one) => ({
      metadata: one.group === '' ? {} : { name: one.group },
      versions: [
        {
          version: one.version,
          freshness: 'Current',
          resources: one.resources.map(discoveredResource),
        },
      ],
    })),
  };
  const type = `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;
  return json(200, document, type);
}

function discoveredResource(resource: ResourceNames) {
  const { group, version, kind } = resource;
  return {
    resource: resource.plural,
    responseKind: { group, version, kind },
    scope: resource.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: resource.singular,
    verbs: resource.verbs,
    ...(resource.shortNames.length === 0 ? {} : { shortNames: resource.shortNames }),
    ...(resource.categories.length === 0 ? {} : { categories: resource.categories }),
    subresources: subresourcesOf(resource).map((sub) => ({
      subresource: sub.name,
      responseKind: { group: sub.group, version: sub.version, kind: sub.kind },
      verbs: sub.verbs,
    })),
  };
}

function versionInfo(version: string) {
  const [major = '', minor = ''] = version.split('.');
  return {
    major,
    minor,
    gitVersion: `v${version}`,
    gitCommit: '',
    gitTreeState: 'clean',
    buildDate: '2026-01-01T00:00:00Z',
    goVersion: 'simulated',
    compiler: 'gc',
    platform: 'linux/amd64',
  };
}

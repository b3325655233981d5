import { createHash } from 'node:crypto';
import type { BundledPackage } from './bundledPackages.ts';

interface About {
  name: string;
  version: string;
  description: string;
  license: string;
}

/**
 * A bill of materials (CycloneDX 1.6) of what is in a bundle, and of nothing else. It carries no
 * time: the same bundle has the same bill, and its serial number is made from the contents.
 */
export function billOfMaterials(about: About, packages: readonly BundledPackage[]): unknown {
  const self = `pkg:npm/${about.name}@${about.version}`;
  const purlAt = new Map(packages.map((one) => [one.place, purl(one)]));
  const refs = (places: readonly string[]) =>
    [...new Set(places.flatMap((place) => purlAt.get(place) ?? []))].sort();
  const components = unique(packages.map(component));
  const dependencies = unique([
    { 'bom-ref': self, ref: self, dependsOn: refs(packages.map(({ place }) => place)) },
    ...packages.map((one) => ({
      'bom-ref': purl(one),
      ref: purl(one),
      dependsOn: refs(one.dependsOn),
    })),
  ]).map(({ ref, dependsOn }) => ({ ref, dependsOn }));
  const contents = {
    metadata: {
      component: {
        type: 'application',
        'bom-ref': self,
        name: about.name,
        version: about.version,
        description: about.description,
        licenses: [{ expression: about.license }],
        purl: self,
      },
    },
    components,
    dependencies,
  };
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${uuidOf(JSON.stringify(contents))}`,
    version: 1,
    ...contents,
  };
}

function component(one: BundledPackage) {
  const [scope, name] = one.name.startsWith('@') ? one.name.split('/') : ['', one.name];
  return {
    type: 'library',
    'bom-ref': purl(one),
    ...(scope === '' ? {} : { group: scope }),
    name,
    version: one.version,
    ...(one.licence === '' ? {} : { licenses: [{ expression: one.licence }] }),
    ...(one.integrity === '' ? {} : { hashes: [hashOf(one.integrity)] }),
    purl: purl(one),
  };
}

function purl({ name, version }: BundledPackage): string {
  return `pkg:npm/${name.replace('@', '%40')}@${version}`;
}

/** `sha512-<base64>`, as a lock file has it. */
function hashOf(integrity: string) {
  const [algorithm = '', value = ''] = integrity.split(/-(.*)/su);
  const alg = algorithm.toUpperCase().replace('SHA', 'SHA-');
  return { alg, content: Buffer.from(value, 'base64').toString('hex') };
}

/** The same version of a package in two places is one component. */
function unique<T extends { 'bom-ref': string }>(items: readonly T[]): T[] {
  return [...new Map(items.map((item) => [item['bom-ref'], item])).values()];
}

/** A name-based UUID (version 8: ours), of SHA-256. */
function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
}

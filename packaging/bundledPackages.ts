import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';
import * as z from 'zod';

/** A package of which something is in the bundle. */
export interface BundledPackage {
  name: string;
  version: string;
  /** SPDX expression, or what the package says instead; empty when it says nothing. */
  licence: string;
  /** Contents of its licence files. */
  licenceTexts: readonly string[];
  /** Subresource integrity of the package as the registry serves it. */
  integrity: string;
  /** Where the lock file has it: `node_modules/a`, or `node_modules/a/node_modules/b`. */
  place: string;
  /** Places of the bundled packages that it depends on. */
  dependsOn: readonly string[];
}

const lockedSchema = z.object({
  version: z.string().default(''),
  integrity: z.string().default(''),
  dependencies: z.record(z.string(), z.string()).default({}),
  optionalDependencies: z.record(z.string(), z.string()).default({}),
  peerDependencies: z.record(z.string(), z.string()).default({}),
});
const lockSchema = z.object({ packages: z.record(z.string(), lockedSchema) });
const manifestSchema = z.object({ name: z.string(), license: z.unknown().optional() });

/** What esbuild put into a bundle, looked up in the lock file; sorted by place. */
export async function bundledPackages(root: string, metafile: Metafile): Promise<BundledPackage[]> {
  const lock = lockSchema.parse(
    JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')),
  );
  const places = placesOf(metafile);
  return Promise.all(
    places.map(async (place): Promise<BundledPackage> => {
      const locked = lock.packages[place];
      if (locked === undefined) throw new Error(`${place} is bundled, but not in the lock file`);
      const manifest = manifestSchema.parse(
        JSON.parse(await readFile(join(root, place, 'package.json'), 'utf8')),
      );
      const { dependencies, optionalDependencies, peerDependencies } = locked;
      const wanted = Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies });
      return {
        name: manifest.name,
        version: locked.version,
        licence: typeof manifest.license === 'string' ? manifest.license : '',
        licenceTexts: await licenceFiles(join(root, place)),
        integrity: locked.integrity,
        place,
        dependsOn: wanted.flatMap((name) => resolved(name, place, places) ?? []).sort(),
      };
    }),
  );
}

function placesOf({ outputs }: Metafile): string[] {
  const inputs = Object.values(outputs).flatMap(({ inputs }) =>
    Object.entries(inputs)
      .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
      .map(([path]) => path),
  );
  const places = inputs.flatMap((path) => {
    const found = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//u.exec(path);
    return found?.[1] ?? [];
  });
  return [...new Set(places)].sort();
}

/** As Node.js looks for a package: in the nearest `node_modules` upwards. */
function resolved(name: string, from: string, places: readonly string[]): string | undefined {
  for (
    let folder = from;
    ;
    folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')))
  ) {
    const place = folder === '' ? `node_modules/${name}` : `${folder}/node_modules/${name}`;
    if (places.includes(place)) return place;
    if (folder === '') return undefined;
  }
}

async function licenceFiles(folder: string): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) =>
    /^(?:licen[cs]e|copying|notice)/iu.test(name),
  );
  const texts = names.sort().map((name) => readFile(join(folder, name), 'utf8'));
  return (await Promise.all(texts)).map((text) => text.replaceAll('\r\n', '\n').trim());
}

import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { build } from 'esbuild';
import type { BuildOptions, Metafile } from 'esbuild';
import { bundledPackages } from './bundledPackages.ts';
import { licenceText } from './licences.ts';
import { billOfMaterials } from './sbom.ts';

/** Where Durable Functions keeps its history: it stands in the package's host.json. */
export const backends = ['azureStorage', 'durableTaskScheduler'] as const;
export type Backend = (typeof backends)[number];

const shared: BuildOptions = {
  bundle: true,
  platform: 'node',
  // What the oldest Node.js that Azure Functions may run it on can read.
  target: 'node22',
  format: 'esm',
  legalComments: 'none',
  metafile: true,
  // The first is the host's; the second is asked for by lists of blobs in a format that we don't use.
  external: ['@azure/functions-core', 'apache-arrow'],
  // durable-functions is CommonJS and requires Node built-ins; an ES module has no `require` of its own.
  banner: {
    js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);",
  },
};

/** Writes the folder that goes to Azure: the bundle, and what the host and people want beside it. */
export async function buildApp(root: string, folder: string, backend: Backend): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  const { metafile, outputFiles } = await build({
    ...shared,
    absWorkingDir: root,
    entryPoints: ['functions/main.ts'],
    // Not written there: the map names its sources as seen from here, wherever the folder is.
    outfile: join(root, 'dist/app/main.js'),
    write: false,
    minify: true,
    sourcemap: 'linked',
    metafile: true,
  });
  await mkdir(folder, { recursive: true });
  for (const { path, contents } of outputFiles) {
    await writeFile(join(folder, basename(path)), contents);
  }
  const hostJson: unknown = JSON.parse(await readFile(join(root, 'host.json'), 'utf8'));
  await writeJson(join(folder, 'host.json'), hostJsonFor(hostJson, backend));
  await describe(root, folder, { main: 'main.js' }, metafile);
}

/** Writes the command line as a folder that needs Node.js alone. */
export async function buildCli(root: string, folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  const { metafile } = await build({
    ...shared,
    absWorkingDir: root,
    entryPoints: { 'aks-reboot': 'cli/main.ts' },
    outdir: join(folder, 'bin'),
    splitting: true,
    chunkNames: '[name]-[hash]',
    // Where a package has ES modules too: what `import()` finds of a CommonJS one has no names.
    mainFields: ['module', 'main'],
    metafile: true,
  });
  // Read at run time, from where they lie beside `local/`.
  await cp(join(root, 'local/host/functions-core.cjs'), join(folder, 'bin/functions-core.cjs'));
  await cp(join(root, 'local/fleets'), join(folder, 'fleets'), { recursive: true });
  await cp(join(root, 'host.json'), join(folder, 'host.json'));
  await describe(root, folder, { bin: { 'aks-reboot': 'bin/aks-reboot.js' } }, metafile);
}

interface HostJson {
  extensions: { durableTask: Record<string, unknown> };
}

/**
 * The scale controller reads the provider from the file itself, not from app settings that
 * override it (azure-functions-host, `Management/FunctionsSyncManager.cs`), so it has to be there.
 */
export function hostJsonFor(hostJson: unknown, backend: Backend): unknown {
  const { extensions, ...rest } = hostJson as HostJson;
  switch (backend) {
    case 'azureStorage':
      return hostJson;
    case 'durableTaskScheduler': {
      const storageProvider = {
        type: 'azureManaged',
        connectionStringName: 'DURABLE_TASK_SCHEDULER_CONNECTION_STRING',
      };
      const durableTask = { ...extensions.durableTask, storageProvider };
      return { ...rest, extensions: { ...extensions, durableTask } };
    }
  }
}

/** Beside a bundle: its package.json, what it was made of, and under which licences. */
async function describe(root: string, folder: string, entry: object, metafile: Metafile) {
  await mkdir(folder, { recursive: true });
  const { name, version, description, license } = JSON.parse(
    await readFile(join(root, 'package.json'), 'utf8'),
  ) as Record<'name' | 'version' | 'description' | 'license', string>;
  const about = { name, version, description, license };
  const packages = await bundledPackages(root, metafile);
  await writeJson(join(folder, 'package.json'), {
    ...about,
    private: true,
    type: 'module',
    ...entry,
  });
  await writeJson(join(folder, 'sbom.cdx.json'), billOfMaterials(about, packages));
  await writeFile(join(folder, 'THIRD-PARTY-LICENSES.txt'), licenceText(packages));
  await cp(join(root, 'LICENSE'), join(folder, 'LICENSE'));
}

function writeJson(file: string, value: unknown): Promise<void> {
  return writeFile(file, `${JSON.stringify(value, null, 2)}\n`);
}

import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bicep, restoredCompiler } from './compiler/compiler.ts';

/**
 * `npm run bicep`: compiles infra/main.bicep to infra/azuredeploy.json, which the button of
 * docs/deploy.md deploys, and notes from which sources. Who has no compiler can still see by that
 * note whether the template is fresh.
 */
const folder = import.meta.dirname;
export const templateFile = join(folder, 'azuredeploy.json');
export const noteFile = join(folder, 'azuredeploy.sources.sha256');

/** A digest of everything that the compiler reads, the compiler's version included. */
function sourcesDigest(): string {
  const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => /\.bicep$|^roles\/.*\.json$|^bicepconfig\.json$|\.csproj$/u.test(path))
    .sort();
  const digest = createHash('sha256');
  for (const path of sources) {
    const text = readFileSync(join(folder, path), 'utf8').replaceAll('\r\n', '\n');
    digest.update(`${path}\n${text.length}\n${text}`);
  }
  return digest.digest('hex');
}

export function isFresh(): boolean {
  return existsSync(noteFile) && readFileSync(noteFile, 'utf8').trim() === sourcesDigest();
}

if (import.meta.main && !isFresh()) {
  const template = await bicep(
    await restoredCompiler(),
    ['build', 'main.bicep', '--stdout'],
    folder,
  );
  writeFileSync(templateFile, template);
  writeFileSync(noteFile, `${sourcesDigest()}\n`);
  console.log('infra/azuredeploy.json');
}

import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { archiveOf } from './packaging/archive.ts';
import { backends, buildApp, buildCli } from './packaging/bundle.ts';
import type { Backend } from './packaging/bundle.ts';

/**
 * `node build.ts app`: the folder that goes to Azure. `node build.ts package`: that, and the archive
 * of it. `node build.ts cli`: the command line, as a folder that needs nothing but Node.js.
 */
const root = fileURLToPath(new URL('.', import.meta.url));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    backend: { type: 'string' },
    out: { type: 'string', default: join(root, 'dist') },
  },
});
const { out } = values;
const [what = 'app'] = positionals;

/** From the command line, or from azd, which passes on what infra/main.bicep has put out. */
function chosenBackend(): Backend {
  const asked = values.backend ?? process.env['REBOOT_BACKEND'] ?? 'azureStorage';
  const backend = backends.find((name) => name === asked);
  if (backend !== undefined) return backend;
  throw new Error(`the backend "${asked}" is none of ${backends.join(', ')}`);
}

mkdirSync(out, { recursive: true });
switch (what) {
  case 'app':
    await buildApp(root, join(out, 'app'), chosenBackend());
    break;
  case 'package': {
    await buildApp(root, join(out, 'app'), chosenBackend());
    const archive = archiveOf(join(out, 'app'));
    const name = 'aks-reboot-orchestrator.zip';
    writeFileSync(join(out, name), archive);
    console.log(`${createHash('sha256').update(archive).digest('hex')}  ${name}`);
    break;
  }
  case 'cli':
    await buildCli(root, join(out, 'cli'));
    break;
  default:
    throw new Error(`"${what}" is none of app, package, cli`);
}

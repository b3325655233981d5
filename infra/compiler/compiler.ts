import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/**
 * The real Bicep compiler: a NuGet package that `dotnet restore` puts into a cache outside the tree.
 * It is pinned, because the compiled template carries its version.
 */

const execute = promisify(execFile);
const project = join(import.meta.dirname, 'bicep.csproj');
const [, version = ''] = /Version="\[([\d.]+)\]"/u.exec(readFileSync(project, 'utf8')) ?? [];
const cache = join(
  process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'),
  'aks-reboot-orchestrator',
  `bicep-${version}`,
);

const platforms: Record<string, string> = { linux: 'linux', darwin: 'osx', win32: 'win' };
const platform = `${platforms[process.platform] ?? process.platform}-${process.arch}`;
const program = join(
  cache,
  `azure.bicep.commandline.${platform}`,
  version,
  'tools',
  process.platform === 'win32' ? 'bicep.exe' : 'bicep',
);

/** Where the compiler is, if it was restored here. */
export function knownCompiler(): string | undefined {
  return existsSync(program) ? program : undefined;
}

/** Where the compiler is; restored if need be. Throws when there is no .NET SDK, or no package. */
export async function restoredCompiler(): Promise<string> {
  const known = knownCompiler();
  if (known !== undefined) return known;
  mkdirSync(cache, { recursive: true });
  const intermediate = `-p:BaseIntermediateOutputPath=${join(cache, 'obj')}/`;
  await execute('dotnet', ['restore', project, '--packages', cache, intermediate], {
    env: { ...process.env, DOTNET_NOLOGO: '1', DOTNET_CLI_TELEMETRY_OPTOUT: '1' },
  });
  if (!existsSync(program)) throw new Error(`the package has no ${program}`);
  return program;
}

/** Runs the compiler; what it prints. Throws when it complains about anything, a warning included. */
export async function bicep(compiler: string, words: readonly string[], cwd: string) {
  const { stdout, stderr } = await execute(compiler, words, {
    cwd,
    env: { ...process.env, BICEP_DISABLE_VERSION_CHECK: 'true' },
    maxBuffer: 64 * 1024 * 1024,
  });
  if (stderr.trim() !== '') throw new Error(stderr);
  return stdout;
}

// On its own it brings the compiler, as CI does before anything else.
if (import.meta.main) console.log(await restoredCompiler());

import { BadInput, readInput } from '../badInput.ts';
import { readFlags } from '../kured/flags.ts';
import { readManifest } from '../kured/manifest.ts';
import type { KuredManifest } from '../kured/manifest.ts';
import { settingsFile } from '../kured/settingsFile.ts';
import { translate } from '../kured/translate.ts';

export interface FromKuredOptions {
  file?: string;
  cluster: string[];
  controller: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** `aks-reboot settings from-kured`: settings to standard output, what is to be said to error. */
export function fromKuredCommand(words: readonly string[], options: FromKuredOptions): void {
  const { yaml, said } = fromKured(words, options, process.env);
  process.stdout.write(yaml);
  for (const line of said) console.error(line);
}

/** Throws `BadInput` for what kured itself would refuse. */
export function fromKured(
  words: readonly string[],
  options: FromKuredOptions,
  environment: Environment,
): { yaml: string; said: string[] } {
  const file = words.length === 1 && words[0] === '-' ? '-' : options.file;
  if (file !== undefined && words.length > 0 && words[0] !== '-') {
    throw new BadInput('either flags of kured or a manifest, not both');
  }
  const manifest = file === undefined ? undefined : readManifest(readInput(file), file);
  const source = sourceOf(words, environment, manifest);
  const { told, remarks } = readFlags(source.words, source.environment);
  const translation = translate(told, manifest?.mounts ?? new Map());
  const { cluster: clusters, controller } = options;
  const all = [...(manifest?.remarks ?? []), ...remarks];
  const yaml = settingsFile(translation, {
    source: source.name,
    clusters,
    controller,
    remarks: all,
  });
  const said = [
    ...all,
    ...translation.entries.flatMap(({ flags, remarks: more }) =>
      more.map((remark) => `${flags.map((flag) => `--${flag}`).join(', ') || 'untold'}: ${remark}`),
    ),
    ...translation.missing.map(({ flag, why }) => `--${flag} has no counterpart: ${why}`),
  ];
  return { yaml, said };
}

function sourceOf(
  words: readonly string[],
  environment: Environment,
  manifest: KuredManifest | undefined,
): { name: string; words: readonly string[]; environment: Environment } {
  if (manifest !== undefined) return { ...manifest, name: `DaemonSet ${manifest.name}` };
  const variables = words.filter((word) => /^KURED_[A-Z_]+=/u.test(word));
  const named = variables.map((word) => {
    const at = word.indexOf('=');
    return [word.slice(0, at), word.slice(at + 1)] as const;
  });
  const flags = words.filter((word) => !variables.includes(word));
  return {
    name: 'its flags',
    words: flags,
    environment: { ...environment, ...Object.fromEntries(named) },
  };
}

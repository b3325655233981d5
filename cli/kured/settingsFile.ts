import { dump } from 'js-yaml';
import type { Entry, Translation } from './translate.ts';

export interface FileOptions {
  /** Where it comes from, for people. */
  source: string;
  /** ARM ids; without any a person has to put them in. */
  clusters: readonly string[];
  controller: string;
  remarks: readonly string[];
}

const placeholder =
  '/subscriptions/<guid>/resourceGroups/<group>/providers/Microsoft.ContainerService' +
  '/managedClusters/<cluster>';

/** The translation as a settings file: YAML, with everything that has to be said as comments. */
export function settingsFile({ entries, missing }: Translation, options: FileOptions): string {
  const { source, clusters, controller, remarks } = options;
  const ids = clusters.length > 0 ? clusters : [placeholder];
  const lines = [
    `# What kured was told (${source}), as settings of aks-reboot-orchestrator.`,
    '# kured has to be gone from the cluster before nodes are rebooted (setting kured).',
    ...remarks.flatMap(comment),
    '',
    `controller: ${controller} # The name of this installation: choose one, and keep it.`,
    '',
    'defaults:',
    ...entries.flatMap((entry) => [...linesOf(entry), '']),
    ...(clusters.length > 0 ? [] : ["# The clusters' ARM ids go here."]),
    'clusters:',
    ...ids.map((id) => `  - id: ${id}`),
  ];
  const absent = missing.flatMap(({ flag, why }) => comment(`--${flag}: ${why}`));
  const tail = absent.length > 0 ? ['', '# Without a counterpart:', ...absent] : [];
  return `${[...lines, ...tail].join('\n')}\n`;
}

function linesOf({ flags, settings, remarks }: Entry): string[] {
  const head = flags.map((flag) => `--${flag}`).join(' ') || 'What kured does untold';
  const style = { lineWidth: -1, flowLevel: 2, noRefs: true } as const;
  const none = Object.keys(settings).length === 0;
  const yaml = none
    ? []
    : dump(settings, { ...style, quoteStyle: 'double' })
        .trimEnd()
        .split('\n');
  return [`# ${head}`, ...remarks.flatMap(comment), ...yaml].map((line) => `  ${line}`);
}

const columns = 96;

/** A remark as comment lines. */
function comment(text: string): string[] {
  const lines: string[] = [];
  let line = '# -';
  for (const word of text.split(/\s+/u)) {
    if (line.length + 1 + word.length > columns) {
      lines.push(line);
      line = '#  ';
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}

import type { BundledPackage } from './bundledPackages.ts';

/** The licences of everything that is in a bundle, each text once for the packages that share it. */
export function licenceText(packages: readonly BundledPackage[]): string {
  const texts = new Map<string, string[]>();
  for (const { name, version, licence, licenceTexts } of packages) {
    const text =
      licenceTexts.join('\n\n') || `${licence || 'No licence'}, without a text of its own.`;
    texts.set(text, [...(texts.get(text) ?? []), `${name} ${version} (${licence})`]);
  }
  const rule = '-'.repeat(80);
  const parts = [...texts].map(([text, names]) => `${rule}\n${names.join('\n')}\n\n${text}\n`);
  return `This bundle contains the following packages.\n\n${parts.join('\n')}`;
}

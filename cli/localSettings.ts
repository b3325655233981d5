import { sameArmId } from '../src/domain/arm.ts';
import { readDocument } from '../src/policy/document.ts';
import { parseSettings } from '../src/policy/settings.ts';
import type { Settings, SettingsDocument } from '../src/policy/settings.ts';
import { BadInput, badFile, readInput } from './badInput.ts';

/** A settings document that was looked through before anything was begun. */
export interface ReadSettings {
  text: string;
  settings: Settings;
}

/**
 * The settings of a local installation. A document's own controller name is completed by the
 * installation's, because two installations must never act under one name.
 *
 * @param clusters ARM ids that are to be in it, when there is no document
 */
export function localSettings(options: {
  file: string | undefined;
  clusters: readonly string[];
  controller: string;
  claim: 'keep' | 'release';
}): ReadSettings {
  const { file, clusters, controller, claim } = options;
  if (file === undefined) {
    const ids = clusters.map((id) => ({ id }));
    return checked('--cluster', JSON.stringify({ controller, claim, clusters: ids }));
  }
  const { text, settings } = checked(file, readInput(file));
  const document = readDocument(text);
  // `checked` has seen that it is one.
  const own = document.kind === 'read' ? (document.value as SettingsDocument) : undefined;
  const name = `${settings.controller}:${controller}`.slice(0, 100);
  return checked(file, JSON.stringify({ ...own, claim, controller: name }));
}

/** Throws `BadInput` with every problem of the document. */
export function checked(file: string, text: string): ReadSettings {
  const parsed = parseSettings(text);
  if (parsed.kind === 'bad') throw badFile(file, parsed.problems);
  return { text, settings: parsed.value };
}

/** Throws `BadInput` when a cluster is asked for that the settings don't have. */
export function requireClusters({ settings }: ReadSettings, named: readonly string[]): void {
  const unknown = named.filter(
    (name) =>
      !settings.clusters.some(({ key, id }) =>
        [key, id.name, id.id].some((is) => sameArmId(is, name)),
      ),
  );
  if (unknown.length === 0) return;
  const known = settings.clusters.map(({ key }) => key).join(', ');
  throw new BadInput(`not in the settings: ${unknown.join(', ')} (there are: ${known})`);
}

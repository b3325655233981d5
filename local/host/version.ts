/** Which versions of orchestrations this host works on (`extensions.durableTask` in host.json). */
import type { DurableSettings } from './host-json.ts';

/**
 * Whether an instance of this version is worked on here
 * (source: durabletask, src/DurableTask.Core/TaskOrchestrationDispatcher.cs).
 */
export function isServed(version: string, settings: DurableSettings): boolean {
  switch (settings.versionMatchStrategy) {
    case 'None':
      return true;
    case 'Strict':
      return version === settings.defaultVersion;
    case 'CurrentOrOlder':
      return compareVersions(version, settings.defaultVersion) <= 0;
  }
}

/**
 * Negative when `a` is older than `b`: no version is older than any, `1.2.3` compares by number,
 * the rest as text without case (source: durabletask,
 * src/DurableTask.Core/Settings/VersioningSettings.cs).
 */
export function compareVersions(a: string, b: string): number {
  if (a.trim() === '' || b.trim() === '') return Number(a.trim() !== '') - Number(b.trim() !== '');
  const [left, right] = [numbersOf(a), numbersOf(b)];
  if (left !== undefined && right !== undefined) {
    const index = left.findIndex((part, at) => part !== right[at]);
    return index < 0 ? 0 : (left[index] ?? 0) - (right[index] ?? 0);
  }
  const [x, y] = [a.toLowerCase(), b.toLowerCase()];
  return x < y ? -1 : x > y ? 1 : 0;
}

/** The four parts of a System.Version; a part that is missing counts as less than 0. */
function numbersOf(version: string): number[] | undefined {
  const parts = version.trim().split('.');
  if (parts.length < 2 || parts.length > 4 || !parts.every((part) => /^\d+$/.test(part))) return;
  return [0, 1, 2, 3].map((at) => Number(parts[at] ?? -1));
}

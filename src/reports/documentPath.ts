import { TroubleError } from '../domain/trouble.ts';

const pathPattern = /^[A-Za-z0-9._-]+(?:\/[A-Za-z0-9._-]+)*$/u;
const prefixPattern = /^(?:[A-Za-z0-9._-]+\/?)*$/u;

/**
 * Whether documents may have this path: names of letters, digits and `. _ -`, none of them `..`.
 */
export function isDocumentPath(path: string): boolean {
  return pathPattern.test(path) && !climbs(path);
}

/**
 * Throws `TroubleError` for paths that no document may have: they could lead out of where documents
 * are.
 */
export function checkPath(path: string): void {
  if (!isDocumentPath(path)) throw notAPath(path);
}

/** Throws `TroubleError` for what is no beginning of a document's path. */
export function checkPrefix(prefix: string): void {
  if (!prefixPattern.test(prefix) || climbs(prefix)) throw notAPath(prefix);
}

function climbs(path: string): boolean {
  return path.split('/').some((name) => name === '.' || name === '..');
}

function notAPath(path: string): TroubleError {
  const value = `not a document's path: ${JSON.stringify(path.slice(0, 100))}`;
  return new TroubleError({ kind: 'invalid', value });
}

/**
 * @peculiar/x509 builds its algorithms with tsyringe, which refuses to load without the
 * `reflect-metadata` polyfill. None of the classes that it builds takes a parameter, so "there is
 * no metadata" is all it needs to hear. Call it before the library is loaded.
 */
export function reflectMetadata(): void {
  if ('getMetadata' in Reflect) return;
  Object.assign(Reflect, { getMetadata: () => undefined, getOwnMetadata: () => undefined });
}

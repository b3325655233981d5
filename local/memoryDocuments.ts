import type { Documents } from '../src/ports.ts';

/** Documents in memory, for rehearsals and tests that keep nothing. */
export function createMemoryDocuments(): Documents {
  const texts = new Map<string, string>();
  return {
    read: async (path) => {
      const text = texts.get(path);
      return text === undefined ? undefined : (JSON.parse(text) as unknown);
    },
    write: async (path, value) => {
      texts.set(path, JSON.stringify(value));
    },
    list: async (prefix, { after = '', limit = Number.POSITIVE_INFINITY } = {}) =>
      [...texts.keys()]
        .filter((path) => path.startsWith(prefix) && path > after)
        .sort()
        .slice(0, limit),
    removeAll: async (prefix) => {
      for (const path of texts.keys()) if (path.startsWith(prefix)) texts.delete(path);
    },
  };
}

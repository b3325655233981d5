import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import { relative } from 'node:path';
import { mutated, mutations } from './mutations.ts';

/** Imported before anything else (`node --import`): the program then is the one that is broken. */
const root = fileURLToPath(new URL('../..', import.meta.url));
const mutation = mutations.find(({ name }) => name === process.env['SIMULATED_MUTATION']);

registerHooks({
  load(url, context, next) {
    const loaded = next(url, context);
    if (mutation === undefined || !url.startsWith('file:')) return loaded;
    const file = relative(root, fileURLToPath(url)).replaceAll('\\', '/');
    if (!mutation.changes.some((change) => change.file === file)) return loaded;
    const text = Buffer.from(loaded.source as Uint8Array).toString('utf8');
    return { ...loaded, source: mutated(text, file, mutation) };
  },
});

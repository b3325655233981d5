import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { failureOf, forPeople, TroubleError } from '../domain/trouble.ts';
import type { Documents } from '../ports.ts';
import { checkPath, checkPrefix, isDocumentPath } from './documentPath.ts';

/** Documents as files below a directory, which is made when the first one is written. */
export function createDirectoryDocuments(directory: string): Documents {
  let written = 0;

  const list: Documents['list'] = async (prefix, { after = '', limit = Infinity } = {}) => {
    checkPrefix(prefix);
    return told(`list ${prefix}`, async () => {
      const paths = await filesBelow(directory, prefix);
      return paths
        .filter((path) => path.startsWith(prefix) && path > after)
        .sort()
        .slice(0, limit);
    });
  };

  return {
    async read(path) {
      checkPath(path);
      return told(`read ${path}`, async () => {
        const text = await readIfThere(join(directory, path));
        return text === undefined ? undefined : (JSON.parse(text) as unknown);
      });
    },
    async write(path, value) {
      checkPath(path);
      return told(`write ${path}`, async () => {
        const file = join(directory, path);
        await mkdir(dirname(file), { recursive: true });
        // A "~" is in no document's path, so what a crash leaves behind is never listed.
        await writeWhole(file, `${file}~${process.pid}-${++written}`, JSON.stringify(value));
      });
    },
    list,
    async removeAll(prefix) {
      const paths = await list(prefix);
      await told(`remove ${prefix}`, async () => {
        for (const path of paths) await rm(join(directory, path), { force: true });
        if (prefix.endsWith('/')) {
          await rm(join(directory, prefix), { recursive: true, force: true });
        }
      });
    },
  };
}

/** Renaming is what makes it atomic; without the sync a power cut could leave an empty file. */
async function writeWhole(file: string, temporary: string, text: string): Promise<void> {
  const handle = await open(temporary, 'w');
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
}

async function filesBelow(directory: string, prefix: string): Promise<string[]> {
  const top = join(directory, prefix.slice(0, prefix.lastIndexOf('/') + 1));
  try {
    const entries = await readdir(top, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => relative(directory, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
      .filter(isDocumentPath);
  } catch (error) {
    if (isAbsence(error)) return [];
    throw error;
  }
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  }
}

/** ENOTDIR: a directory of the path is a file, so below it is nothing. */
function isAbsence(error: unknown): boolean {
  return /^ENOENT$|^ENOTDIR$/u.test(failureOf(error).code);
}

async function told<Answer>(asked: string, ask: () => Promise<Answer>): Promise<Answer> {
  try {
    return await ask();
  } catch (error) {
    const { name, message } = failureOf(error);
    const kind = name === 'SyntaxError' ? 'invalid' : 'unreachable';
    throw new TroubleError({ kind, value: forPeople(`${asked}: ${message}`) });
  }
}

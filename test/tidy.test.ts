import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

const root = join(import.meta.dirname, '..');
const product = ['src', 'functions', 'cli', 'local'];
const columns = 100;

interface Source {
  /** Relative to the repository, with forward slashes. */
  path: string;
  text: string;
  lines: string[];
}

function read(path: string): Source {
  const text = readFileSync(join(root, path), 'utf8');
  return { path, text, lines: text.split('\n') };
}

/** The TypeScript files below the folders. */
function sourcesIn(folders: readonly string[]): Source[] {
  return folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => read(`${folder}/${name}`)),
  );
}

/** What the file imports from this repository: `from '…'`, `import '…'` and `import('…')`. */
function importsOf({ path, text }: Source): string[] {
  const specifiers = [...text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'(\.[^']+)'/gu)];
  return specifiers.map(([, specifier = '']) => normalize(join(dirname(path), specifier)));
}

/** Everything that the entries bring along. */
function reachable(entries: readonly string[], sources: readonly Source[]): Set<string> {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const seen = new Set<string>();
  const waiting = [...entries];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const source = byPath.get(path);
    if (source === undefined || seen.has(path)) continue;
    seen.add(path);
    waiting.push(...importsOf(source));
  }
  return seen;
}

/** `path:line` of every line of which `wrong` is true. */
function linesWhere(sources: readonly Source[], wrong: (line: string) => boolean): string[] {
  return sources.flatMap(({ path, lines }) =>
    lines.flatMap((line, index) => (wrong(line) ? [`${path}:${index + 1}`] : [])),
  );
}

describe('the source', () => {
  const app = sourcesIn(['src', 'functions']);
  const sources = sourcesIn(product);

  it(`has no line over ${columns} columns`, () => {
    expect(linesWhere(sources, (line) => line.length > columns)).toEqual([]);
  });

  it('leaves nothing for later', () => {
    expect(linesWhere(sources, (line) => /\b(?:TODO|FIXME|XXX)\b/u.test(line))).toEqual([]);
  });

  it('has no file in src/ or functions/ that the app does not load', () => {
    const loaded = reachable(['functions/main.ts', 'functions/register.ts'], app);
    const dead = app.map(({ path }) => path).filter((path) => !loaded.has(path));
    expect(dead).toEqual([]);
  });

  it('of the app knows nothing of the command line, the local host or the tests', () => {
    const outside = app.flatMap((source) =>
      importsOf(source)
        .filter((path) => /^(?:cli|local|test|bench)\//u.test(path))
        .map((path) => `${source.path} imports ${path}`),
    );
    expect(outside).toEqual([]);
  });

  it('imports only files that there are', () => {
    const paths = new Set(sources.map(({ path }) => path));
    const missing = sources.flatMap((source) =>
      importsOf(source).filter((path) => path.endsWith('.ts') && !paths.has(path)),
    );
    expect(missing).toEqual([]);
  });
});

describe('the repository', () => {
  it('mentions nothing of the place where it was written', () => {
    const skipped = new Set(['node_modules', 'dist', 'coverage', '.git']);
    const texts = readdirSync(root, { withFileTypes: true })
      .filter(({ name }) => !skipped.has(name) && name !== 'package-lock.json')
      .flatMap((entry) =>
        entry.isDirectory()
          ? readdirSync(join(root, entry.name), { recursive: true, withFileTypes: true })
          : [entry],
      )
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
      .filter((path) => /\.(?:ts|cjs|js|json|md|sh|ya?ml|bicep)$|^\.ci\//u.test(path))
      .filter((path) => path !== 'test/tidy.test.ts')
      .map(read);
    expect(texts.length).toBeGreaterThan(50);
    expect(linesWhere(texts, (line) => /\/work\/|shared\/research/u.test(line))).toEqual([]);
  });
});

import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TroubleError } from '../../src/domain/trouble.ts';
import { createDirectoryDocuments } from '../../src/reports/directory.ts';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'directory-'));
});

afterEach(() => rm(directory, { recursive: true }));

describe('a directory of documents', () => {
  it('holds one file a document and nothing else', async () => {
    await createDirectoryDocuments(directory).write('runs/a/report.json', { a: 1 });
    expect(await readdir(directory, { recursive: true })).toEqual([
      'runs',
      'runs/a',
      'runs/a/report.json',
    ]);
  });

  it('does not take for documents what a killed write left behind', async () => {
    await mkdir(join(directory, 'runs', 'a'), { recursive: true });
    await writeFile(join(directory, 'runs', 'a', 'report.json~1-1'), '{"half":');
    const documents = createDirectoryDocuments(directory);
    expect(await documents.list('runs/')).toEqual([]);
    await documents.removeAll('runs/a/');
    expect(await readdir(join(directory, 'runs'))).toEqual([]);
  });

  it('says trouble of a file that is no JSON, and of one that cannot be written', async () => {
    await writeFile(join(directory, 'bad.json'), '{"half":');
    const documents = createDirectoryDocuments(directory);
    await expect(documents.read('bad.json')).rejects.toThrow(/^invalid: read bad\.json: /u);
    await expect(documents.write('bad.json/below', 1)).rejects.toBeInstanceOf(TroubleError);
  });
});

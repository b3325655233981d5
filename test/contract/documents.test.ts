import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import type { Documents } from '../../src/ports.ts';
import { createBlobDocuments } from '../../src/reports/blob.ts';
import { createDirectoryDocuments } from '../../src/reports/directory.ts';
import { credentialOf, troubleOf } from './azureHarness.ts';
import { startBlobStandIn } from './blobStandIn.ts';
import type { BlobStandIn } from './blobStandIn.ts';

/** What every keeper of documents promises, and then what is the blobs' own. */

let blobs: BlobStandIn;
let directory: string;
const trusted = tls.getCACertificates('default');

beforeAll(async () => {
  blobs = await startBlobStandIn();
  tls.setDefaultCACertificates([...trusted, blobs.ca]);
});

afterAll(async () => {
  tls.setDefaultCACertificates(trusted);
  await blobs.stop();
});

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'documents-'));
  blobs.containers.clear();
  blobs.failures.length = 0;
  blobs.requests.length = 0;
});

afterEach(() => rm(directory, { recursive: true }));

const inBlobs = () =>
  createBlobDocuments({
    service: blobs.service,
    credential: credentialOf('controller'),
    container: 'reports',
  });

const keepers: [string, () => Documents][] = [
  ['a directory', () => createDirectoryDocuments(join(directory, 'not', 'there', 'yet'))],
  ['blobs', inBlobs],
];

describe.each(keepers)('documents in %s', (_name, create) => {
  let documents: Documents;

  beforeEach(() => {
    documents = create();
  });

  it('that were never written are undefined, and removed without complaint', async () => {
    expect(await documents.read('runs/a/report.json')).toBeUndefined();
    expect(await documents.list('')).toEqual([]);
    await documents.removeAll('runs/');
  });

  it('are read as they were written, and overwritten whole', async () => {
    const long = { text: 'ä€😀'.repeat(10_000), list: [1, null, { a: true }] };
    await documents.write('runs/a/report.json', long);
    expect(await documents.read('runs/a/report.json')).toEqual(long);
    await documents.write('runs/a/report.json', [1]);
    expect(await documents.read('runs/a/report.json')).toEqual([1]);
  });

  it('are listed by prefix, in order, after one, at most so many', async () => {
    const paths = ['a/1', 'b', 'runs/10/x', 'runs/1/x.json', 'runs/1/y.json', 'runs/2'];
    for (const path of paths) await documents.write(path, path);
    expect(await documents.list('')).toEqual([...paths].sort());
    expect(await documents.list('runs/1')).toEqual(['runs/1/x.json', 'runs/1/y.json', 'runs/10/x']);
    expect(await documents.list('runs/1/')).toEqual(['runs/1/x.json', 'runs/1/y.json']);
    expect(await documents.list('runs/1/x')).toEqual(['runs/1/x.json']);
    expect(await documents.list('runs/', { limit: 2 })).toEqual(['runs/1/x.json', 'runs/1/y.json']);
    expect(await documents.list('runs/', { after: 'runs/1/x.json', limit: 2 })).toEqual([
      'runs/1/y.json',
      'runs/10/x',
    ]);
    expect(await documents.list('nothing')).toEqual([]);
  });

  it('are removed by prefix, and nothing else is', async () => {
    const paths = [
      'runs/1/a',
      'runs/1/b/c',
      'runs/1x',
      'runs/2/a',
      'index/1.json',
      'index/10.json',
    ];
    for (const path of paths) await documents.write(path, 1);
    await documents.removeAll('runs/1/');
    await documents.removeAll('index/1.json');
    expect(await documents.list('')).toEqual(['index/10.json', 'runs/1x', 'runs/2/a']);
  });

  it('are never seen half written, whoever reads meanwhile', async () => {
    const versions = ['a', 'b'].map((letter) => letter.repeat(200_000));
    await documents.write('x', versions[0]);
    const writing = (async () => {
      for (let turn = 0; turn < 10; turn += 1) await documents.write('x', versions[turn % 2]);
    })();
    for (let turn = 0; turn < 10; turn += 1) {
      expect(versions).toContain(await documents.read('x'));
    }
    await writing;
    expect(await documents.list('')).toEqual(['x']);
  });

  it.each(['../x', 'a/../../x', '/etc/passwd', 'a//b', 'a/./b', 'a b', 'a\\b', 'a%2e', 'ä', ''])(
    'are never looked for at %j',
    async (path) => {
      expect(await troubleOf(documents.read(path))).toMatchObject({ kind: 'invalid' });
      expect(await troubleOf(documents.write(path, 1))).toMatchObject({ kind: 'invalid' });
      expect(blobs.requests).toEqual([]);
    },
  );

  it('are never removed above themselves', async () => {
    expect(await troubleOf(documents.removeAll('a/../'))).toMatchObject({ kind: 'invalid' });
  });
});

describe('blobs', () => {
  it('survive a hiccup of the storage, and say when it is more than that', async () => {
    const documents = inBlobs();
    await documents.write('a', 1);
    blobs.failures.push(503);
    expect(await documents.read('a')).toBe(1);
    blobs.failures.push(503, 503, 503);
    expect(await troubleOf(documents.read('a'))).toMatchObject({
      kind: 'unreachable',
      status: 503,
    });
    blobs.failures.push(403);
    expect(await troubleOf(documents.write('a', 1))).toMatchObject({ kind: 'forbidden' });
  });

  it('that hold no JSON are trouble', async () => {
    const documents = inBlobs();
    await documents.write('a', 1);
    blobs.containers.get('reports')?.set('a', '{"half":');
    expect(await troubleOf(documents.read('a'))).toMatchObject({ kind: 'invalid' });
  });
});

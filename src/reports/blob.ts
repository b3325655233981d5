import { text } from 'node:stream/consumers';
import type { TokenCredential } from '@azure/identity';
import type { ContainerClient, StoragePipelineOptions } from '@azure/storage-blob';
import { failureOf, forPeople, kindOfStatus, TroubleError } from '../domain/trouble.ts';
import type { Trouble } from '../domain/trouble.ts';
import type { Documents } from '../ports.ts';
import { checkPath, checkPrefix } from './documentPath.ts';

export type BlobPlace = {
  /** It is made when it is not there. */
  container: string;
} & (
  | {
      /** `https://<account>.blob.core.windows.net`. */
      service: string;
      credential: TokenCredential;
    }
  | { connectionString: string }
);

const deadlineSeconds = 30;

/**
 * All that is asked here may be asked twice, so a hiccup of the storage is worth another try or
 * two.
 */
const pipeline: StoragePipelineOptions = {
  retryOptions: {
    maxTries: 3,
    tryTimeoutInMs: 10_000,
    retryDelayInMs: 500,
    maxRetryDelayInMs: 2_000,
  },
};

/** How many blobs are removed at once. */
const removalsAtOnce = 16;

/** Documents as block blobs of a container. */
export function createBlobDocuments(place: BlobPlace): Documents {
  let opened: Promise<ContainerClient> | undefined;
  const container = () => (opened ??= open(place));

  const list: Documents['list'] = async (prefix, { after = '', limit = Infinity } = {}) => {
    checkPrefix(prefix);
    return told(`list ${prefix}`, async () => listAfter(await container(), prefix, after, limit));
  };

  return {
    async read(path) {
      checkPath(path);
      return told(`read ${path}`, async () => readIfThere(await container(), path));
    },
    async write(path, value) {
      checkPath(path);
      return told(`write ${path}`, async () =>
        writeWhole(await container(), path, JSON.stringify(value)),
      );
    },
    list,
    async removeAll(prefix) {
      const paths = await list(prefix);
      const blobs = await container();
      while (paths.length > 0) {
        const some = paths.splice(0, removalsAtOnce);
        await told(`remove ${prefix}`, () =>
          Promise.all(some.map((path) => blobs.getBlobClient(path).deleteIfExists(deadline()))),
        );
      }
    },
  };
}

/** The client is loaded when it is needed first: the app starts without its 100 ms. */
async function open(place: BlobPlace): Promise<ContainerClient> {
  const { BlobServiceClient } = await import('@azure/storage-blob');
  const service =
    'service' in place
      ? new BlobServiceClient(place.service, place.credential, pipeline)
      : BlobServiceClient.fromConnectionString(place.connectionString, pipeline);
  return service.getContainerClient(place.container);
}

async function readIfThere(blobs: ContainerClient, path: string): Promise<unknown> {
  try {
    const { readableStreamBody: body } = await blobs
      .getBlobClient(path)
      .download(0, undefined, deadline());
    if (body === undefined) throw new Error('an answer without a body');
    return JSON.parse(await text(body)) as unknown;
  } catch (error) {
    if (/^(Blob|Container)NotFound$/u.test(failureOf(error).code)) return undefined;
    throw error;
  }
}

async function writeWhole(blobs: ContainerClient, path: string, document: string): Promise<void> {
  const upload = () =>
    blobs.getBlockBlobClient(path).upload(document, Buffer.byteLength(document), {
      ...deadline(),
      blobHTTPHeaders: { blobContentType: 'application/json' },
    });
  try {
    await upload();
  } catch (error) {
    if (failureOf(error).code !== 'ContainerNotFound') throw error;
    await blobs.createIfNotExists(deadline());
    await upload();
  }
}

/**
 * The service lists in lexicographic order, but knows no "after": what is before is read and
 * dropped.
 */
async function listAfter(
  blobs: ContainerClient,
  prefix: string,
  after: string,
  limit: number,
): Promise<string[]> {
  const paths: string[] = [];
  try {
    for await (const { name } of blobs.listBlobsFlat({ prefix, ...deadline() })) {
      if (paths.length >= limit) break;
      if (name > after) paths.push(name);
    }
  } catch (error) {
    if (failureOf(error).code !== 'ContainerNotFound') throw error;
  }
  return paths;
}

function deadline(): { abortSignal: AbortSignal } {
  return { abortSignal: AbortSignal.timeout(deadlineSeconds * 1000) };
}

async function told<Answer>(asked: string, ask: () => Promise<Answer>): Promise<Answer> {
  try {
    return await ask();
  } catch (error) {
    throw new TroubleError(troubleOf(asked, error));
  }
}

function troubleOf(asked: string, error: unknown): Trouble {
  const { name, message, code, status } = failureOf(error);
  const value = forPeople(`${asked}: ${message}`);
  if (name === 'RestError' && status !== undefined && status >= 400) {
    return { kind: kindOfStatus(status), value: forPeople(`${asked}: ${status} ${code}`), status };
  }
  if (name === 'AbortError' || name === 'TimeoutError') return { kind: 'timeout', value };
  if (name === 'SyntaxError') return { kind: 'invalid', value };
  return /Authentication|Credential/u.test(name)
    ? { kind: 'forbidden', value }
    : { kind: 'unreachable', value };
}

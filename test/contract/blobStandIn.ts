import { createServer } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { createAuthority } from '../../local/azure/certificates.ts';

/**
 * Stands in for Azure Blob Storage: the few REST calls that documents need, over HTTPS, as
 * learn.microsoft.com/rest/api/storageservices describes them.
 */
export interface BlobStandIn {
  /** `https://127.0.0.1:…/account`. */
  service: string;
  /** PEM. */
  ca: string;
  /** Containers and their blobs. */
  containers: Map<string, Map<string, string>>;
  /** Statuses with which the next requests fail instead. */
  failures: number[];
  requests: string[];
  stop(): Promise<void>;
}

/** Small, so that a few documents make several pages. */
const pageSize = 2;

export async function startBlobStandIn(): Promise<BlobStandIn> {
  const authority = await createAuthority('blob stand-in');
  const { certificate, key } = await authority.issueServer();
  const containers = new Map<string, Map<string, string>>();
  const failures: number[] = [];
  const requests: string[] = [];
  const server = createServer({ cert: certificate, key }, (request, response) => {
    requests.push(`${request.method} ${request.url}`);
    void answer(request, response);
  });

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const body = await text(request);
    const failure = failures.shift();
    if (failure !== undefined) return refuse(response, failure, 'ServerBusy');
    if (request.headers.authorization?.startsWith('Bearer ') !== true) {
      return refuse(response, 401, 'NoAuthenticationInformation');
    }
    const url = new URL(request.url ?? '', 'https://storage');
    const [, , container = '', ...names] = decodeURIComponent(url.pathname).split('/');
    if (url.searchParams.get('restype') === 'container' && request.method === 'PUT') {
      if (containers.has(container)) return refuse(response, 409, 'ContainerAlreadyExists');
      containers.set(container, new Map());
      return finish(response, 201);
    }
    const blobs = containers.get(container);
    if (blobs === undefined) return refuse(response, 404, 'ContainerNotFound');
    if (url.searchParams.get('comp') === 'list') return list(response, blobs, url.searchParams);
    return onBlob(request.method ?? '', response, blobs, names.join('/'), body);
  };

  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    service: `https://127.0.0.1:${port}/account`,
    ca: authority.pem,
    containers,
    failures,
    requests,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function onBlob(
  method: string,
  response: ServerResponse,
  blobs: Map<string, string>,
  name: string,
  body: string,
): void {
  const known = blobs.get(name);
  switch (method) {
    case 'PUT':
      blobs.set(name, body);
      return finish(response, 201);
    case 'GET':
      if (known === undefined) return refuse(response, 404, 'BlobNotFound');
      return finish(response, 200, known, 'application/json');
    case 'DELETE':
      if (!blobs.delete(name)) return refuse(response, 404, 'BlobNotFound');
      return finish(response, 202);
    default:
      return refuse(response, 405, 'UnsupportedHttpVerb');
  }
}

function list(response: ServerResponse, blobs: Map<string, string>, query: URLSearchParams): void {
  const names = [...blobs.keys()]
    .sort()
    .filter((name) => name.startsWith(query.get('prefix') ?? ''));
  const begin = Number(query.get('marker') ?? 0);
  const page = names.slice(begin, begin + pageSize);
  const next = begin + pageSize < names.length ? begin + pageSize : '';
  const entries = page.map(
    (name) =>
      `<Blob><Name>${name}</Name><Properties><Last-Modified>${date}</Last-Modified>` +
      '<Etag>0x1</Etag><Content-Length>2</Content-Length></Properties></Blob>',
  );
  const xml =
    '<?xml version="1.0"?><EnumerationResults ServiceEndpoint="https://storage/">' +
    `<Blobs>${entries.join('')}</Blobs><NextMarker>${next}</NextMarker></EnumerationResults>`;
  finish(response, 200, xml, 'application/xml');
}

const date = 'Mon, 05 Jan 2026 22:00:00 GMT';

function finish(response: ServerResponse, status: number, body = '', type = 'text/plain'): void {
  response.writeHead(status, {
    etag: '"0x1"',
    'last-modified': date,
    'x-ms-blob-type': 'BlockBlob',
    'content-type': type,
    'content-length': Buffer.byteLength(body),
  });
  response.end(body);
}

function refuse(response: ServerResponse, status: number, code: string): void {
  const body = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>no</Message></Error>`;
  response.writeHead(status, { 'x-ms-error-code': code, 'content-type': 'application/xml' });
  response.end(body);
}

/** A loopback HTTP server in front of a function from Request to Response. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Listener {
  readonly port: number;
  /** Resolves when the last answer has gone out. */
  close(): Promise<void>;
}

/**
 * Requests with a larger body are refused (the real host's default for HTTP triggers is 100 MB).
 */
const bodyMaxBytes = 100 * 1024 * 1024;

/**
 * Listens on 127.0.0.1 only. Port 0 takes a free one. Rejects when the port is taken.
 * What `answer` throws is told as an empty 500.
 */
export async function listen(
  port: number,
  answer: (request: Request) => Promise<Response>,
): Promise<Listener> {
  let closing = false;
  const server = createServer((incoming, outgoing) => {
    toRequest(incoming)
      .then((request) =>
        request === undefined ? new Response(null, { status: 413 }) : answer(request),
      )
      .catch(() => new Response(null, { status: 500 }))
      .then((response) => {
        // An idle connection that is kept would keep the server from closing.
        if (closing) outgoing.shouldKeepAlive = false;
        return send(response, incoming.method === 'HEAD', outgoing);
      })
      .catch(() => outgoing.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        closing = true;
        server.close(() => resolve());
        server.closeIdleConnections();
      }),
  };
}

async function toRequest(incoming: IncomingMessage): Promise<Request | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > bodyMaxBytes) return undefined;
    chunks.push(chunk);
  }
  const headers = new Headers();
  for (const [name, value] of Object.entries(incoming.headers)) {
    for (const one of [value ?? []].flat()) headers.append(name, one);
  }
  const { method = 'GET', url = '/' } = incoming;
  const hasBody = length > 0 && method !== 'GET' && method !== 'HEAD';
  return new Request(new URL(url, `http://${incoming.headers.host ?? '127.0.0.1'}`), {
    method,
    headers,
    ...(hasBody && { body: Buffer.concat(chunks) }),
  });
}

async function send(response: Response, isHead: boolean, outgoing: ServerResponse): Promise<void> {
  const body = Buffer.from(await response.arrayBuffer());
  const headers = [...response.headers].flatMap(([name, value]) =>
    name === 'set-cookie' ? [] : [name, value],
  );
  for (const cookie of response.headers.getSetCookie()) headers.push('set-cookie', cookie);
  if (response.status !== 204 && response.status !== 304) {
    headers.push('content-length', String(body.length));
  }
  outgoing.writeHead(response.status, headers);
  outgoing.end(isHead ? undefined : body);
}

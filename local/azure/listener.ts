import { createServer as createHttpServer } from 'node:http';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { ServerOptions } from 'node:https';
import { TLSSocket } from 'node:tls';
import type { Clock } from '../clock.ts';

/** A request as it came over the wire, its body read. */
export interface WireRequest {
  method: string;
  /** Path and query. */
  url: string;
  headers: Record<string, string | undefined>;
  body: string;
  /** The CN of a client certificate that our authority signed. */
  certificateUser: string | undefined;
  /** Aborted when the client hangs up. */
  signal: AbortSignal;
}

export type WireAnswer =
  | { kind: 'body'; status: number; headers: Record<string, string>; body: string }
  | {
      kind: 'stream';
      status: number;
      headers: Record<string, string>;
      stream: AsyncIterable<string>;
    }
  /** The connection is cut without a word. */
  | { kind: 'drop' };

export interface Listener {
  readonly port: number;
  close(): Promise<void>;
}

export interface ListenOptions {
  clock: Clock;
  /** 0: any free one. */
  port: number;
  /** Without it, plain HTTP. */
  tls?: ServerOptions;
  answer(request: WireRequest): Promise<WireAnswer>;
  log: (text: string) => void;
}

async function readRequest(incoming: IncomingMessage, signal: AbortSignal): Promise<WireRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const headers: Record<string, string | undefined> = {};
  for (const [name, value] of Object.entries(incoming.headers)) {
    headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  const { socket } = incoming;
  const common =
    socket instanceof TLSSocket && socket.authorized
      ? socket.getPeerCertificate().subject?.CN
      : undefined;
  return {
    method: incoming.method ?? 'GET',
    url: incoming.url ?? '/',
    headers,
    body: Buffer.concat(chunks).toString(isBinary(headers['content-type']) ? 'latin1' : 'utf8'),
    certificateUser: Array.isArray(common) ? common[0] : common,
    signal,
  };
}

/** Kubernetes' protobuf: one character a byte. */
function isBinary(contentType: string | undefined): boolean {
  return contentType?.startsWith('application/vnd.kubernetes.protobuf') === true;
}

async function writeStream(stream: AsyncIterable<string>, response: ServerResponse): Promise<void> {
  response.flushHeaders();
  for await (const chunk of stream) {
    if (response.destroyed) return;
    response.write(chunk);
  }
  response.end();
}

/** Serves on loopback; virtual time stands still while a request is being answered. */
export async function listen(options: ListenOptions): Promise<Listener> {
  const serve = async (incoming: IncomingMessage, response: ServerResponse) => {
    const release = options.clock.busy();
    const hangUp = new AbortController();
    response.on('close', () => hangUp.abort());
    try {
      const answer = await options.answer(await readRequest(incoming, hangUp.signal));
      if (answer.kind === 'drop') {
        incoming.socket.destroy();
        return;
      }
      response.writeHead(answer.status, answer.headers);
      if (answer.kind === 'body') {
        response.end(answer.body);
        return;
      }
      release();
      await writeStream(answer.stream, response);
    } catch (error) {
      if (hangUp.signal.aborted) return;
      options.log(`${incoming.method} ${incoming.url}: ${String(error)}`);
      if (response.headersSent) response.destroy();
      else response.writeHead(500).end(String(error));
    } finally {
      release();
    }
  };
  const onRequest: RequestListener = (incoming, response) => void serve(incoming, response);
  const server =
    options.tls === undefined
      ? createHttpServer(onRequest)
      : createHttpsServer(options.tls, onRequest);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not listening on TCP');
  return {
    port: address.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

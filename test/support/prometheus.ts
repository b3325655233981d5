import { createServer } from 'node:https';
import { createServer as createPlainServer } from 'node:http';
import type { RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAuthority } from '../../local/azure/certificates.ts';

/**
 * Stands in for Prometheus: answers instant queries in the shape that the real one was seen to
 * answer (test/tools/prometheus.test.ts asks that one).
 */
export interface PrometheusStandIn extends AsyncDisposable {
  url: string;
  /** The authority's certificate, PEM; empty over plain HTTP. */
  ca: string;
  /** What was asked, in order. */
  asked: { query: string; authorization: string | undefined }[];
  /** What the next queries are answered. */
  answer: (query: string) => PrometheusReply | Promise<PrometheusReply>;
}

export interface PrometheusReply {
  status?: number;
  headers?: Record<string, string>;
  /** Sent as JSON, unless it is a text. */
  body: unknown;
}

type Labels = Record<string, string>;

export const vector = (...samples: [Labels, string][]): PrometheusReply => ({
  body: {
    status: 'success',
    data: {
      resultType: 'vector',
      result: samples.map(([metric, value]) => ({ metric, value: [1767650400.123, value] })),
    },
  },
});
export const scalar = (value: string): PrometheusReply => ({
  body: { status: 'success', data: { resultType: 'scalar', result: [1767650400.123, value] } },
});
export const alert = (name: string, state: 'firing' | 'pending'): [Labels, string] => [
  { __name__: 'ALERTS', alertname: name, alertstate: state, severity: 'page' },
  '1',
];

export async function prometheusStandIn(
  scheme: 'http' | 'https' = 'http',
): Promise<PrometheusStandIn> {
  const listener: RequestListener = (request, response) => {
    let body = '';
    request.on('data', (piece: Buffer) => (body += piece.toString()));
    request.on('end', () => {
      const query = new URLSearchParams(body).get('query') ?? '';
      standIn.asked.push({ query, authorization: request.headers.authorization });
      void (async () => {
        if (request.method !== 'POST' || request.url !== '/api/v1/query') {
          response.writeHead(404).end();
          return;
        }
        const { status = 200, headers = {}, body } = await standIn.answer(query);
        response.writeHead(status, { 'content-type': 'application/json', ...headers });
        response.end(typeof body === 'string' ? body : JSON.stringify(body));
      })();
    });
  };
  const authority = await createAuthority('Stand-in for Prometheus');
  const { key, certificate: cert } = await authority.issueServer();
  const server =
    scheme === 'https' ? createServer({ key, cert }, listener) : createPlainServer(listener);
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const standIn: PrometheusStandIn = {
    url: `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ca: authority.pem,
    asked: [],
    answer: () => vector(),
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return standIn;
}

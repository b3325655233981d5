import type {
  HttpClient,
  HttpHeaders,
  PipelineRequest,
  PipelineResponse,
} from '@azure/core-rest-pipeline';
import { createHttpHeaders } from '@azure/core-rest-pipeline';
import type { TokenCredential } from '@azure/core-auth';
import { Dispatcher } from 'undici';
import type { Target } from '../../src/kubernetes/kubeconfig.ts';
import { certificateUser, isReachable, kubeconfig, kubelogin } from './apiServer.ts';
import { createCloud } from './cloud.ts';
import type { Answer, Cloud, CloudOptions } from './cloud.ts';
import { issueToken } from './identity.ts';
import type { WireAnswer, WireRequest } from './listener.ts';
import type { Cluster } from './world/world.ts';

/**
 * Simulated Azure in the caller's own process: the SDK and the Kubernetes client build and parse
 * as ever, but what they send is handed over, not sent. Nothing here depends on a socket, a key or
 * a wall clock.
 */
export interface InProcessAzure extends Cloud {
  readonly armEndpoint: string;
  /** How a process that is `actor` reaches it. */
  wayOf(actor: string, carry: Carry): Way;
}

export interface Way {
  credential: TokenCredential;
  httpClient: HttpClient;
  dispatcherFor: (target: Target) => Dispatcher;
}

/** What stands between a request and its answer: may delay either, or throw as a network would. */
export type Carry = (
  service: 'arm' | 'kubernetes',
  request: WireRequest,
  answer: Answer,
) => Promise<WireAnswer>;

const armEndpoint = 'https://management.invalid';
const domain = '.kubernetes.invalid';

export function inProcessAzure(
  options: Omit<CloudOptions, 'origin' | 'kubeconfig'>,
): InProcessAzure {
  const cloud = createCloud({
    ...options,
    origin: () => armEndpoint,
    kubeconfig: (cluster, actor) => Promise.resolve(kubeconfigFor(cluster, actor)),
  });
  const apiServers = new Map(
    cloud.world.clusters.map((cluster) => [hostOf(cluster), cloud.apiServer(cluster)]),
  );
  return {
    ...cloud,
    armEndpoint,
    wayOf: (actor, carry) => ({
      credential: credentialOf(actor),
      httpClient: httpClientOf((request) => carry('arm', request, cloud.arm)),
      dispatcherFor: ({ server, identity }) => {
        const answer = apiServers.get(server.host) ?? nobody;
        const user = identity.kind === 'certificate' ? identity.cert : undefined;
        return new InProcessDispatcher(user, (request) => carry('kubernetes', request, answer));
      },
    }),
  };
}

const hostOf = ({ name }: Cluster) => `${name.toLowerCase()}${domain}`;

const nobody: Answer = () => Promise.resolve({ kind: 'drop' });

function kubeconfigFor(cluster: Cluster, actor: string): string {
  const server = `https://${isReachable(cluster) ? hostOf(cluster) : `nowhere${domain}`}`;
  const user =
    cluster.settings.access === 'local'
      ? certificateUser({ certificate: actor, key: 'none' })
      : kubelogin();
  return kubeconfig(cluster, { server, ca: 'none', user });
}

/** Not before the end of the century: SDKs compare it with the wall clock. */
const expiresAtSeconds = Date.UTC(2100, 0, 1) / 1000;

function credentialOf(actor: string): TokenCredential {
  return {
    getToken(scopes) {
      const [scope = ''] = [scopes].flat();
      const audience = scope.replace(/\/\.default$/u, '');
      const token = issueToken(actor, audience, expiresAtSeconds);
      return Promise.resolve({ token, expiresOnTimestamp: expiresAtSeconds * 1000 });
    },
  };
}

/** The SDKs' ids for their requests are random; here they are counted. */
const requestIdHeader = 'x-ms-client-request-id';

export function httpClientOf(send: Answer): HttpClient {
  let sent = 0;
  return {
    async sendRequest(request): Promise<PipelineResponse> {
      sent += 1;
      request.headers.set(requestIdHeader, `request-${sent}`);
      const answer = await send(wireRequest(request));
      if (answer.kind !== 'body') throw new ConnectionLost();
      return {
        request,
        status: answer.status,
        headers: createHttpHeaders(answer.headers),
        bodyAsText: answer.body,
      };
    },
  };
}

function wireRequest({ method, url, headers, body }: PipelineRequest): WireRequest {
  const { pathname, search } = new URL(url);
  return {
    method,
    url: pathname + search,
    headers: plain(headers),
    body: typeof body === 'string' ? body : '',
    certificateUser: undefined,
    signal: neverAborted,
  };
}

const plain = (headers: HttpHeaders): Record<string, string> => ({ ...headers.toJSON() });
const neverAborted = new AbortController().signal;

/** As Node words it when the other side hangs up. */
class ConnectionLost extends Error {
  override readonly name = 'Error';
  readonly code = 'ECONNRESET';

  constructor() {
    super('socket hang up');
  }
}

export class InProcessDispatcher extends Dispatcher {
  readonly #certificateUser: string | undefined;
  readonly #send: Answer;

  constructor(certificateUser: string | undefined, send: Answer) {
    super();
    this.#certificateUser = certificateUser;
    this.#send = send;
  }

  override dispatch(
    options: Dispatcher.DispatchOptions,
    handler: Dispatcher.DispatchHandler,
  ): boolean {
    void this.#carry(options, handler);
    return true;
  }

  override close(): Promise<void> {
    return Promise.resolve();
  }

  override destroy(): Promise<void> {
    return Promise.resolve();
  }

  async #carry(
    { method, path, headers, body }: Dispatcher.DispatchOptions,
    handler: Dispatcher.DispatchHandler,
  ): Promise<void> {
    handler.onRequestStart?.(controller, {});
    try {
      const answer = await this.#send({
        method,
        url: path,
        headers: lowerCased(headers as Record<string, string>),
        body: typeof body === 'string' ? body : '',
        certificateUser: this.#certificateUser,
        signal: neverAborted,
      });
      if (answer.kind !== 'body') throw new ConnectionLost();
      handler.onResponseStart?.(controller, answer.status, answer.headers, '');
      handler.onResponseData?.(controller, Buffer.from(answer.body));
      handler.onResponseEnd?.(controller, {});
    } catch (error) {
      handler.onResponseError?.(controller, error as Error);
    }
  }
}

const lowerCased = (headers: Record<string, string>) =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));

/** Answers come at once and whole: there is nothing to pause. */
const controller: Dispatcher.DispatchController = {
  aborted: false,
  paused: false,
  reason: null,
  abort() {},
  pause() {},
  resume() {},
};

/**
 * The two ways into a host: the app's own port, and the one that only the SDK's durable client
 * knows.
 */
import { randomUUID } from 'node:crypto';
import { answer, managementUrls } from './client-api.ts';
import type { DurableClientPort } from './client.ts';
import { createHttp } from './http.ts';
import { answerInProcess } from './inProcess.ts';
import type { HostKeys } from './keys.ts';
import { listen, type Listener } from './listener.ts';
import { messageOf, type Runtime } from './runtime.ts';

type Answer = (request: Request) => Promise<Response>;

/** What stands between the durable client and its answer. */
export type ClientCarrier = (request: Request, answer: Answer) => Promise<Response>;

const webhooks = '/runtime/webhooks/durabletask';
const loopback = (port: number) => `http://127.0.0.1:${port}`;

export class Servers {
  /** What a durable client binding holds, as JSON; empty before `start`. */
  clientBinding = '';
  /** The public URL, without a slash at the end. */
  url: string | undefined;
  readonly #runtime: Runtime;
  readonly #client: DurableClientPort;
  readonly #keys: HostKeys;
  readonly #answerCaller: Answer;
  /** Unlike the real one, the port for the client is not open to every process of the machine. */
  readonly #root = `/${randomUUID()}/durabletask/`;
  readonly #inFlight = new Set<Promise<Response>>();
  readonly #inProcessClient: ClientCarrier | undefined;
  #forCallers: Listener | undefined;
  #forClients: { close(): Promise<void> | void } | undefined;
  #closed = false;

  constructor(
    runtime: Runtime,
    client: DurableClientPort,
    keys: HostKeys,
    runTimer: (name: string) => boolean,
    inProcessClient: ClientCarrier | undefined,
  ) {
    this.#inProcessClient = inProcessClient;
    this.#runtime = runtime;
    this.#client = client;
    this.#keys = keys;
    const durableTask = (path: string, request: Request) => this.#answerClient(path, request);
    this.#answerCaller = createHttp(runtime, { keys, durableTask, runTimer });
  }

  async start(port: number | undefined): Promise<void> {
    const own = await this.#openToClients();
    if (port !== undefined) {
      this.#forCallers = await listen(port, (request) => this.fetch(request));
      this.url = loopback(this.#forCallers.port);
    }
    // Without it the SDK writes http://localhost:7071 into the URLs that it shows (getClient.js).
    process.env['WEBSITE_HOSTNAME'] ??= new URL(this.url ?? own).host;
    this.clientBinding = JSON.stringify(this.#binding(this.url ?? own, `${own}${this.#root}`));
  }

  /** Where the durable client finds this host. */
  async #openToClients(): Promise<string> {
    const answer = (request: Request) =>
      this.#track(() => {
        const { pathname } = new URL(request.url);
        const isClient = pathname.startsWith(this.#root);
        return isClient
          ? this.#answerClient(pathname.slice(this.#root.length), request)
          : Promise.resolve(new Response(null, { status: 404 }));
      });
    const carrier = this.#inProcessClient;
    if (carrier !== undefined) {
      const opened = answerInProcess((request) => carrier(request, answer));
      this.#forClients = opened;
      return opened.origin;
    }
    const listener = await listen(0, answer);
    this.#forClients = listener;
    return loopback(listener.port);
  }

  /** Answers a request as the public listener does. */
  fetch(request: Request): Promise<Response> {
    if (this.#closed) return Promise.resolve(new Response(null, { status: 503 }));
    return this.#track(() => this.#answerCaller(request));
  }

  /** Resolves when the last answer has gone out. */
  async closeToCallers(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#inFlight);
    await this.#forCallers?.close();
  }

  async closeToClients(): Promise<void> {
    await this.#forClients?.close();
  }

  /** The clock stands still while a request is being answered. */
  #track(next: () => Promise<Response>): Promise<Response> {
    const release = this.#runtime.clock.busy();
    const answering = next()
      .catch((error: unknown) => {
        const message = `A request failed: ${messageOf(error)}`;
        this.#runtime.log({ level: 'error', category: 'host', message });
        return new Response(null, { status: 500 });
      })
      .finally(() => {
        this.#inFlight.delete(answering);
        release();
      });
    this.#inFlight.add(answering);
    return answering;
  }

  #answerClient(path: string, request: Request): Promise<Response> {
    const base = `${new URL(request.url).origin}${webhooks}`;
    return answer(this.#client, { base, query: `code=${this.#keys.durableTask}` }, path, request);
  }

  /** Source: azure-functions-durable-extension, Bindings/BindingHelper.cs. */
  #binding(origin: string, rpcBaseUrl: string): object {
    const base = `${origin}${webhooks}`;
    const query = `code=${this.#keys.durableTask}`;
    const create = `${base}/orchestrators/{functionName}[/{instanceId}]`;
    const wait = 'timeout={timeoutInSeconds}&pollingInterval={intervalInSeconds}';
    return {
      taskHubName: this.#runtime.settings.durable.hubName,
      connectionName: null,
      creationUrls: {
        createNewInstancePostUri: `${create}?${query}`,
        createAndWaitOnNewInstancePostUri: `${create}?${wait}&${query}`,
      },
      managementUrls: managementUrls({ base, query }, 'INSTANCEID'),
      baseUrl: base,
      requiredQueryStringParameters: query,
      rpcBaseUrl,
      httpBaseUrl: null,
    };
  }
}

import { createHttpHeaders } from '@azure/core-rest-pipeline';
import type { HttpClient } from '@azure/core-rest-pipeline';
import { inProcessAzure, InProcessDispatcher } from '../../local/azure/inProcess.ts';
import type { InProcessAzure } from '../../local/azure/inProcess.ts';
import type { WireAnswer, WireRequest } from '../../local/azure/listener.ts';
import { modelGuest } from '../../local/azure/world/guest.ts';
import type { Dispatcher } from 'undici';
import { virtualClock } from '../../local/clock.ts';
import { createAzure } from '../../src/azure/azure.ts';
import { TroubleError, troubleKinds } from '../../src/domain/trouble.ts';
import type { Trouble } from '../../src/domain/trouble.ts';
import { createCommandKubernetes, createKubernetes } from '../../src/kubernetes/kubernetes.ts';
import type { Azure } from '../../src/ports.ts';
import { controls } from './hostile.ts';
import { fleetOf, shop, usualWorkloads } from '../support/fleets.ts';

/** The real adapters, between which and simulated Azure every answer can be hurt. */

/** A request as it left the adapter: where to, and as whom. */
export interface Sent {
  service: 'arm' | 'kubernetes';
  method: string;
  /** Whole, so that one sees its host. */
  url: URL;
  authorization: string | undefined;
  body: string;
}

type Hurt = (sent: Sent, answer: WireAnswer) => WireAnswer;

export interface Wounded {
  azure: InProcessAzure;
  adapter: Azure;
  /** All that was asked since the last `hurt`. */
  sent: Sent[];
  /** From here on answers come as this makes them. */
  hurt(how: Hurt): void;
  stop(): Promise<void>;
}

export const armHost = 'management.invalid';
export const clusterHost = 'shop.kubernetes.invalid';
export const startedAt = Date.parse('2026-01-05T22:00:00Z');

const pods = [
  ...usualWorkloads,
  { kind: 'StaticPod', namespace: 'kube-system', name: 'proxy', on: { pool: 'web', index: 0 } },
  { kind: 'Deployment', name: 'cart', replicas: 2, maxUnavailable: 1 },
];

export function wounded(): Wounded {
  const clock = virtualClock(startedAt);
  const azure = inProcessAzure({
    fleet: fleetOf(shop({ workloads: pods, fleet: { throttling: false } })),
    clock,
    guest: modelGuest(),
  });
  const sent: Sent[] = [];
  let hurt: Hurt = (_sent, answer) => answer;
  const pass = (one: Sent, answer: WireAnswer) => {
    sent.push(one);
    return hurt(one, answer);
  };
  const { credential } = azure.wayOf('controller', (_service, request, answer) => answer(request));
  const httpClient = woundedClient(azure, pass);
  // Minutes pass between two looks at it: no allowance is ever used up.
  let now = startedAt;
  const adapter = createAzure({
    credential,
    armEndpoint: azure.armEndpoint,
    httpClient,
    clock: { now: () => (now += 3_600_000), sleep: () => Promise.resolve() },
    log: () => {},
    connect: {
      api: (access) =>
        createKubernetes(access, {
          dispatcherFor: () => new WoundedDispatcher(azure, pass),
        }),
      runCommand: createCommandKubernetes,
    },
  });
  return {
    azure,
    adapter,
    sent,
    hurt(how) {
      hurt = how;
      sent.length = 0;
    },
    async stop() {
      clock.stop();
      await azure.stop();
    },
  };
}

type Pass = (sent: Sent, answer: WireAnswer) => WireAnswer;

/** Unlike simulated Azure's own client it knows to which host a request went: it answers for all. */
function woundedClient(azure: InProcessAzure, pass: Pass): HttpClient {
  return {
    async sendRequest(request) {
      const { method, headers } = request;
      const url = new URL(request.url);
      const body = typeof request.body === 'string' ? request.body : '';
      const answer = await azure.arm(wireRequest(method, url, headers.toJSON(), body));
      const authorization = headers.get('authorization');
      const hurt = pass({ service: 'arm', method, url, authorization, body }, answer);
      if (hurt.kind !== 'body') throw new Error('socket hang up');
      return {
        request,
        status: hurt.status,
        headers: createHttpHeaders(hurt.headers),
        bodyAsText: hurt.body,
      };
    },
  };
}

const wireRequest = (
  method: string,
  { pathname, search }: URL,
  headers: Record<string, string>,
  body: string,
): WireRequest => ({
  method,
  url: pathname + search,
  headers,
  body,
  certificateUser: undefined,
  signal: new AbortController().signal,
});

class WoundedDispatcher extends InProcessDispatcher {
  #origin = '';

  constructor(azure: InProcessAzure, pass: Pass) {
    const [cluster] = azure.world.clusters;
    if (cluster === undefined) throw new Error('a fleet without clusters');
    const answer = azure.apiServer(cluster);
    super(undefined, async (request) => {
      const url = new URL(this.#origin + request.url);
      const { method, body } = request;
      const { authorization } = request.headers;
      const sent: Sent = { service: 'kubernetes', method, url, authorization, body };
      return pass(sent, await answer(request));
    });
  }

  override dispatch(
    options: Dispatcher.DispatchOptions,
    handler: Dispatcher.DispatchHandler,
  ): boolean {
    // The request is handed over within this call.
    this.#origin = String(options.origin);
    return super.dispatch(options, handler);
  }
}

/** A call's answer, or the trouble that it ended in; anything else that is thrown is a defect. */
export async function outcomeOf<T>(
  call: Promise<T>,
): Promise<{ kind: 'answer'; value: T } | { kind: 'trouble'; trouble: Trouble }> {
  try {
    return { kind: 'answer', value: await call };
  } catch (error) {
    if (!(error instanceof TroubleError)) throw error;
    const { trouble } = error;
    expect(troubleKinds).toContain(trouble.kind);
    expect(trouble.value.length).toBeLessThanOrEqual(600);
    expect(trouble.value).not.toMatch(controls);
    return { kind: 'trouble', trouble };
  }
}

/** A success with that body, whatever was asked. */
export function answerOf(body: string): WireAnswer {
  return { kind: 'body', status: 200, headers: { 'content-type': 'application/json' }, body };
}

export function bodyOf(answer: WireAnswer): unknown {
  return answer.kind === 'body' ? (JSON.parse(answer.body) as unknown) : undefined;
}

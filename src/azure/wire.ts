import type { PipelinePolicy, PipelineResponse } from '@azure/core-rest-pipeline';
import { TroubleError } from '../domain/trouble.ts';
import type { Clock, Exchange, Log } from '../ports.ts';
import type { Allowance } from './allowance.ts';
import { troubleOfFailure, troubleOfRefusal } from './trouble.ts';

export interface WireOptions {
  /** For the log. */
  service: string;
  subscription: string;
  /** Origin of ARM: no token of ours goes anywhere else. */
  endpoint: URL;
  /** Of the request to that URL. */
  deadlineSeconds: (url: URL) => number;
  allowance: Allowance;
  clock: Clock;
  log: Log;
  /** Told what time ARM has, epoch milliseconds, at each answer that says so. */
  onTime: (time: number) => void;
  onExchange: (exchange: Exchange) => void;
}

/**
 * The one place through which every request to ARM passes, the next pages and the polls included,
 * which the SDK sends without the options of the call that they belong to. It keeps the
 * subscription's pause, sets the deadline, and says everything that is not a success as
 * `TroubleError`.
 */
export function wirePolicy(options: WireOptions): PipelinePolicy {
  const { endpoint, deadlineSeconds, allowance, clock, log, onTime, onExchange } = options;
  return {
    name: 'aksRebootWire',
    async sendRequest(request, next) {
      const url = new URL(request.url);
      const asked = `${request.method} ${resourcePath(url)}`;
      if (!belongsTo(endpoint, url)) {
        throw new TroubleError({
          kind: 'invalid',
          value: `${asked}: ${url.origin} is not ARM`,
          status: 400,
        });
      }
      const waitSeconds = allowance.take();
      if (waitSeconds > 0) {
        const value = `${asked}: not sent, the subscription has to pause for ${waitSeconds} s`;
        throw new TroubleError({ kind: 'throttled', value, retryAfterSeconds: waitSeconds });
      }
      // One signal for all of it: the token, the connection, the answer's last byte.
      request.abortSignal = AbortSignal.timeout(deadlineSeconds(url) * 1000);
      let response: PipelineResponse;
      try {
        response = await next(request);
      } catch (error) {
        throw new TroubleError(troubleOfFailure(asked, error));
      }
      const { status, bodyAsText } = response;
      const path = url.pathname + url.search;
      onExchange({ service: 'arm', method: request.method, path, status, body: bodyAsText ?? '' });
      const time = Date.parse(response.headers.get('date') ?? '');
      if (!Number.isNaN(time)) onTime(time);
      if (status < 400) return response;
      const refusal = refusalOf(response);
      const answer = troubleOfRefusal(asked, refusal, clock.now());
      if (answer.retryAfterSeconds !== undefined) {
        allowance.pause(answer.retryAfterSeconds);
        const { service, subscription } = options;
        log({
          level: 'warn',
          message: 'Azure throttles; the subscription pauses',
          detail: { service, subscription, seconds: answer.retryAfterSeconds },
        });
      }
      throw new TroubleError(answer);
    },
  };
}

function refusalOf({ status, headers, bodyAsText }: PipelineResponse) {
  return { status, retryAfter: headers.get('retry-after'), body: bodyAsText ?? '' };
}

/**
 * ARM's answers may point to its regional hosts (`westeurope.management.azure.com`), but no
 * further.
 */
function belongsTo(endpoint: URL, url: URL): boolean {
  if (url.protocol !== 'https:') return false;
  return url.host === endpoint.host || url.host.endsWith(`.${endpoint.host}`);
}

/** What a URL is about: no origin, no subscription, no (signed) query. */
function resourcePath({ pathname }: URL): string {
  const provider = pathname.lastIndexOf('/providers/');
  return provider < 0 ? pathname : pathname.slice(provider + '/providers/'.length);
}

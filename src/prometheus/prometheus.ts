import type { TokenCredential } from '@azure/identity';
import { Agent, request as send } from 'undici';
import * as z from 'zod';
import type { PrometheusAnswer, PrometheusQuestion } from '../domain/outside.ts';
import { failureOf, forPeople, kindOfStatus, TroubleError } from '../domain/trouble.ts';
import type { Trouble } from '../domain/trouble.ts';
import type { Prometheus } from '../ports.ts';

export interface PrometheusOptions {
  credential: TokenCredential;
  /** What tokens are asked for, and the only host (with what is below it) that gets one. */
  audience?: string;
  /** Trust only this authority (PEM) instead of those that Node trusts. */
  ca?: string;
  deadlineSeconds?: number;
}

/** Of Azure Monitor workspaces in the public cloud: their documentation, "Query API". */
const defaultAudience = 'https://prometheus.monitor.azure.com';
const defaultDeadlineSeconds = 20;
/** An answer is to say yes or no; one that is longer is a mistake in the query. */
const longestAnswerBytes = 1_000_000;

const sample = z.tuple([z.number(), z.string()]);
const labels = z.record(z.string(), z.string());
const answerSchema = z.object({
  status: z.literal('success'),
  warnings: z.array(z.string()).default([]),
  data: z.discriminatedUnion('resultType', [
    z.object({
      resultType: z.literal('vector'),
      result: z.array(z.object({ metric: labels, value: sample })),
    }),
    z.object({ resultType: z.literal('scalar'), result: sample }),
    z.object({
      resultType: z.literal('matrix'),
      result: z.array(z.object({ metric: labels, values: z.array(sample).min(1) })),
    }),
  ]),
});
const errorSchema = z.object({ status: z.literal('error'), error: z.string() });

/** The HTTP API of Prometheus (prometheus.io, "HTTP API", instant queries). */
export function createPrometheus(options: PrometheusOptions): Prometheus {
  const { ca } = options;
  const agent = new Agent({
    connect: { timeout: 10_000, ...(ca === undefined ? {} : { ca }) },
    keepAliveTimeout: 30_000,
  });
  return {
    async query(question) {
      const asked = `POST ${new URL(question.url).host} query`;
      const { status, text } = await exchange(question, asked, agent, options);
      if (status < 200 || status >= 300) throw refused(asked, status, text);
      return readAnswer(asked, text);
    },
  };
}

async function exchange(
  question: PrometheusQuestion,
  asked: string,
  agent: Agent,
  options: PrometheusOptions,
): Promise<{ status: number; text: string }> {
  const { deadlineSeconds = defaultDeadlineSeconds } = options;
  const url = new URL(`${question.url.replace(/\/+$/u, '')}/api/v1/query`);
  const token = question.auth === 'entra' ? await tokenFor(url, asked, options) : undefined;
  try {
    const answer = await send(url, {
      method: 'POST',
      headers: {
        accept: 'application/json',
        'content-type': 'application/x-www-form-urlencoded',
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      body: new URLSearchParams({ query: question.query }).toString(),
      dispatcher: agent,
      signal: AbortSignal.timeout(deadlineSeconds * 1000),
    });
    let text = '';
    for await (const piece of answer.body.setEncoding('utf8')) {
      text += String(piece);
      if (text.length > longestAnswerBytes) throw tooLong(asked);
    }
    return { status: answer.statusCode, text };
  } catch (error) {
    throw error instanceof TroubleError
      ? error
      : new TroubleError(troubleOfFailure(asked, error), { cause: error });
  }
}

/** A token goes to Azure Monitor and nowhere else, whatever the settings say. */
async function tokenFor(
  url: URL,
  asked: string,
  { credential, audience = defaultAudience }: PrometheusOptions,
): Promise<string> {
  const { host } = new URL(audience);
  const isAzures =
    url.protocol === 'https:' && (url.host === host || url.host.endsWith(`.${host}`));
  if (!isAzures) {
    const value = `${asked}: not sent, tokens are for ${host} only (prometheusAuth is "entra")`;
    throw new TroubleError({ kind: 'invalid', value });
  }
  let token;
  try {
    token = await credential.getToken(`${audience}/.default`);
  } catch (error) {
    const { message } = failureOf(error);
    const value = forPeople(`${asked}: no Azure credential: ${message}`);
    throw new TroubleError({ kind: 'forbidden', value }, { cause: error });
  }
  if (token === null) throw new TroubleError({ kind: 'forbidden', value: `${asked}: no token` });
  return token.token;
}

function readAnswer(asked: string, text: string): PrometheusAnswer {
  const parsed = answerSchema.safeParse(json(text));
  if (!parsed.success) {
    const value = `${asked}: the answer is no result of an instant query`;
    throw new TroubleError({ kind: 'invalid', value });
  }
  const { data, warnings } = parsed.data;
  if (warnings.length > 0) {
    // Servers warn when a part of the data could not be asked: the answer says less than it seems.
    const value = forPeople(`${asked}: the answer may be incomplete: ${warnings.join('; ')}`);
    throw new TroubleError({ kind: 'invalid', value });
  }
  switch (data.resultType) {
    case 'vector':
      return {
        kind: 'vector',
        samples: data.result.map(({ metric, value }) => ({ labels: metric, value: value[1] })),
      };
    case 'matrix':
      return {
        kind: 'vector',
        samples: data.result.flatMap(({ metric, values }) =>
          values.slice(-1).map(([, value]) => ({ labels: metric, value })),
        ),
      };
    case 'scalar':
      return { kind: 'scalar', samples: [{ labels: {}, value: data.result[1] }] };
  }
}

function refused(asked: string, status: number, text: string): TroubleError {
  const said = errorSchema.safeParse(json(text));
  const kind = status < 400 ? 'invalid' : kindOfStatus(status);
  const value = forPeople(`${asked}: ${status}${said.success ? ` ${said.data.error}` : ''}`);
  return new TroubleError({ kind, value, status });
}

function tooLong(asked: string): TroubleError {
  const value = `${asked}: the answer has more than ${longestAnswerBytes} characters`;
  return new TroubleError({ kind: 'invalid', value });
}

function troubleOfFailure(asked: string, error: unknown): Trouble {
  const { name, message, code } = failureOf(error);
  return /Timeout|Abort/u.test(name)
    ? { kind: 'timeout', value: forPeople(`${asked}: no answer in time`) }
    : { kind: 'unreachable', value: forPeople(`${asked}: ${message || code}`) };
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

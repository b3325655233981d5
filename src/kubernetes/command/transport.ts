import { wrapHttpLibrary } from '@kubernetes/client-node/dist/gen/http/http.js';
import type {
  HttpLibrary,
  RequestContext,
  ResponseContext,
} from '@kubernetes/client-node/dist/gen/http/http.js';
import { forPeople, TroubleError } from '../../domain/trouble.ts';
import type { ClusterCommands, Kubernetes, Reads } from '../../ports.ts';
import { pageLimit, responseOf } from '../answers.ts';
import { readRefusal, RefusalError } from '../refusal.ts';
import { readAnswers } from './answers.ts';
import type { CommandAnswer } from './answers.ts';
import { readFailure } from './kubectl.ts';
import { commandFor, scriptFor } from './script.ts';
import type { ApiRequest } from './script.ts';

interface Asked {
  request: ApiRequest;
  /** Its answer did not fit beside others: it goes alone now. */
  alone: boolean;
  resolve: (answer: CommandAnswer) => void;
  reject: (error: unknown) => void;
}

/** Requests of one command: with more the script would not get through them in its time. */
const mostRequests = 25;

export interface CommandTransport {
  library: HttpLibrary;
  ahead: Kubernetes['ahead'];
}

/**
 * How client-node's requests travel by AKS run command. Each command costs seconds, so all requests
 * that are made in one turn of the event loop go in one, in that order; what is asked while a
 * command runs waits for the next.
 */
export function createCommandTransport(commands: ClusterCommands): CommandTransport {
  const waiting: Asked[] = [];
  /** How many items of a list fit into an output, as far as is known. */
  let fitting = Infinity;
  let running: Promise<void> | undefined;

  const runAll = async (): Promise<void> => {
    // Whatever else is asked in this turn comes along.
    await new Promise(setImmediate);
    while (waiting.length > 0) await runSome(commands, takeSome(waiting), waiting);
    running = undefined;
  };
  const ask = (request: ApiRequest): Promise<CommandAnswer> =>
    new Promise((resolve, reject) => {
      // What no command can ask throws here, and spoils nobody else's.
      scriptFor([request]);
      waiting.push({ request, alone: false, resolve, reject });
      running ??= runAll();
    });
  /** A page that is too big even alone is asked for again with half as many items. */
  const askFitting = async (request: ApiRequest): Promise<CommandAnswer> => {
    const fitted = withLimit(request, fitting);
    const answer = await ask(fitted);
    const limit = limitOf(fitted);
    if (answer.kind !== 'big' || limit === undefined || limit < 2) return answer;
    fitting = Math.min(fitting, Math.floor(limit / 2));
    return askFitting(request);
  };

  /** Answers to requests that are still to be made, by path. */
  const early = new Map<string, Promise<CommandAnswer>>();
  const answerOf = (request: ApiRequest): Promise<CommandAnswer> => {
    if (request.method !== 'GET') early.clear();
    const answer = early.get(request.path);
    early.delete(request.path);
    return answer ?? askFitting(request);
  };
  const library = wrapHttpLibrary({
    async send(context) {
      const request = requestOf(context);
      return answerTo(request, await answerOf(request));
    },
  });
  return {
    library,
    ahead(reads) {
      for (const path of pathsOf(reads)) {
        const answer = askFitting({ method: 'GET', path, contentType: '', body: '' });
        // Who never makes the request never learns of its trouble, either.
        answer.catch(() => {});
        early.set(path, answer);
      }
    },
  };
}

/** The requests as client-node makes them; one that differs is made again, and that is all. */
function pathsOf({ nodes, node, pods, lease }: Reads): string[] {
  const limit = String(pageLimit);
  const onNode = new URLSearchParams({ fieldSelector: `spec.nodeName=${pods}`, limit });
  const leases = '/apis/coordination.k8s.io/v1/namespaces';
  return [
    ...(nodes === undefined ? [] : [`/api/v1/nodes?limit=${limit}`]),
    ...(node === undefined ? [] : [`/api/v1/nodes/${encodeURIComponent(node)}`]),
    ...(pods === undefined ? [] : [`/api/v1/pods?${onNode.toString()}`]),
    ...(lease === undefined ? [] : [`${leases}/${lease.namespace}/leases/${lease.name}`]),
  ];
}

/** What goes into the next command. */
function takeSome(waiting: Asked[]): Asked[] {
  const others = waiting.findIndex(({ alone }) => alone);
  if (others === 0) return waiting.splice(0, 1);
  return waiting.splice(0, Math.min(mostRequests, others < 0 ? waiting.length : others));
}

/** Runs one command and gives out its answers; what did not fit in waits again, first in line. */
async function runSome(
  commands: ClusterCommands,
  batch: readonly Asked[],
  waiting: Asked[],
): Promise<void> {
  try {
    const script = scriptFor(batch.map(({ request }) => request));
    const answers = readAnswers(await commands.run(commandFor(script)), batch.length);
    for (const [index, asked] of batch.entries()) {
      const answer = answers[index];
      const again = answer?.kind === 'big' && batch.length > 1 && asked.request.method === 'GET';
      if (again) waiting.unshift({ ...asked, alone: true });
      else if (answer !== undefined) asked.resolve(answer);
    }
  } catch (error) {
    for (const { reject } of batch) reject(error);
  }
}

function requestOf(context: RequestContext): ApiRequest {
  const { pathname, search } = new URL(context.getUrl());
  const body = context.getBody();
  return {
    method: context.getHttpMethod(),
    path: pathname + search,
    contentType: context.getHeaders()['Content-Type'] ?? '',
    body: typeof body === 'string' ? body : '',
  };
}

/** Items that a list is asked for at once; none where it is no list, or asked for as a whole. */
function limitOf({ method, path }: ApiRequest): number | undefined {
  const limit = new URL(path, 'https://cluster').searchParams.get('limit');
  return method === 'GET' && limit !== null ? Number(limit) : undefined;
}

function withLimit(request: ApiRequest, most: number): ApiRequest {
  const limit = limitOf(request);
  if (limit === undefined || limit <= most) return request;
  const url = new URL(request.path, 'https://cluster');
  url.searchParams.set('limit', String(most));
  return { ...request, path: url.pathname + url.search };
}

function answerTo(request: ApiRequest, answer: CommandAnswer): ResponseContext {
  const asked = `${request.method} ${request.path.split('?')[0]}`;
  const trouble = (kind: 'invalid' | 'unreachable' | 'timeout', value: string) =>
    new TroubleError({ kind, value: forPeople(`${asked}: ${value}`) });
  switch (answer.kind) {
    case 'ok':
      return responseOf(200, {}, answer.json);
    case 'big': {
      const value = `the answer has ${answer.bytes} bytes, and did not fit into a command's output`;
      // Another time a write's answer may have the output to itself.
      throw trouble(request.method === 'GET' ? 'invalid' : 'timeout', value);
    }
    case 'late':
      throw trouble('timeout', 'the AKS command had no time left for it');
    case 'no': {
      const failure = readFailure(answer.stderr, request);
      if (failure.kind === 'unanswered') throw trouble('unreachable', failure.value);
      const { status, retryAfter, body } = failure;
      throw new RefusalError(asked, readRefusal(status, retryAfter, body));
    }
  }
}

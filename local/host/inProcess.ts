/**
 * The SDK's durable client without a socket: its requests go from its HTTP library to the host in
 * the same process, so that nothing depends on when a kernel delivers what.
 */
import { createRequire } from 'node:module';
import type { AxiosInstance, AxiosResponse, InternalAxiosRequestConfig } from 'axios';

export type AnswerRequest = (request: Request) => Promise<Response>;

const answers = new Map<string, AnswerRequest>();
let hosts = 0;
let installed = false;

/**
 * Has requests to an origin of its own answered here until it is closed.
 *
 * @returns the origin, without a slash at the end
 */
export function answerInProcess(answer: AnswerRequest): { origin: string; close(): void } {
  install();
  hosts += 1;
  const origin = `http://host-${hosts}.invalid`;
  answers.set(origin, answer);
  return { origin, close: () => void answers.delete(origin) };
}

function install(): void {
  if (installed) return;
  installed = true;
  // The library's own copy for `durable-functions`: settings of another copy would not be seen.
  // Looked for only here: in the bundled command line, which never comes here, there is none to be
  // found.
  const requireAsSdk = createRequire(createRequire(import.meta.url).resolve('durable-functions'));
  const axios = requireAsSdk('axios') as AxiosInstance & {
    getAdapter(adapters: InternalAxiosRequestConfig['adapter']): NetworkAdapter;
  };
  const network = axios.getAdapter(axios.defaults.adapter);
  axios.defaults.adapter = async (config) => {
    const url = axios.getUri(config);
    const answer = answers.get(new URL(url).origin);
    return answer === undefined ? network(config) : carry(config, url, answer);
  };
}

type NetworkAdapter = (config: InternalAxiosRequestConfig) => Promise<AxiosResponse>;

async function carry(
  config: InternalAxiosRequestConfig,
  url: string,
  answer: AnswerRequest,
): Promise<AxiosResponse> {
  const method = (config.method ?? 'get').toUpperCase();
  const body = config.data as string | undefined;
  const headers = Object.fromEntries(
    Object.entries(config.headers.toJSON()).map(([name, value]) => [name, String(value)]),
  );
  const request = new Request(url, { method, headers, ...(body === undefined ? {} : { body }) });
  const response = await answer(request);
  return {
    data: await response.text(),
    status: response.status,
    statusText: response.statusText,
    headers: Object.fromEntries(response.headers),
    config,
  };
}

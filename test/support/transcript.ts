import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { kubeconfig, kubelogin } from '../../local/azure/apiServer.ts';
import { systemClock } from '../../local/clock.ts';
import type { Answer } from '../../local/azure/cloud.ts';
import { httpClientOf, InProcessDispatcher } from '../../local/azure/inProcess.ts';
import type { WireAnswer } from '../../local/azure/listener.ts';
import { createAzure } from '../../src/azure/azure.ts';
import { createKubernetes } from '../../src/kubernetes/kubernetes.ts';
import type { Azure } from '../../src/ports.ts';

const exchangeSchema = z.strictObject({
  service: z.enum(['arm', 'kubernetes']),
  method: z.string(),
  path: z.string(),
  status: z.int(),
  body: z.unknown(),
});
const transcriptSchema = z.strictObject({
  version: z.literal(1),
  exchanges: z.array(exchangeSchema).min(1),
});
export type Transcript = z.infer<typeof transcriptSchema>;

/** What `aks-reboot preflight --record` wrote. */
export function readTranscript(file: string): Transcript {
  return transcriptSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
}

/** The adapters, with a transcript in the place of Azure: each request gets the answer it got then. */
export function play({ exchanges }: Transcript): Azure {
  const answer =
    (service: 'arm' | 'kubernetes'): Answer =>
    ({ method, url }) => {
      const found = exchanges.find(
        (one) => one.service === service && one.method === method && samePlace(one.path, url),
      );
      if (found === undefined)
        throw new Error(`not in the transcript: ${service} ${method} ${url}`);
      return Promise.resolve(found.path.includes('Credential') ? credential() : wire(found));
    };
  return createAzure({
    credential: {
      getToken: () =>
        Promise.resolve({ token: 'none', expiresOnTimestamp: Date.now() + 3_600_000 }),
    },
    armEndpoint: 'https://management.invalid',
    httpClient: httpClientOf(answer('arm')),
    connect: {
      api: (access) =>
        createKubernetes(access, {
          dispatcherFor: () => new InProcessDispatcher(undefined, answer('kubernetes')),
        }),
      runCommand: () => {
        throw new Error('no commands are in a transcript');
      },
    },
    clock: systemClock(),
    log: () => {},
  });
}

/** Queries hold page sizes and the like, of which not all are recorded. */
const samePlace = (a: string, b: string) =>
  a.split('?')[0]?.toLowerCase() === b.split('?')[0]?.toLowerCase();

const json = { 'content-type': 'application/json' };

const wire = ({ status, body }: Transcript['exchanges'][number]): WireAnswer => {
  return { kind: 'body', status, headers: json, body: JSON.stringify(body) };
};

/** Never recorded: it may hold a key to everything. */
function credential(): WireAnswer {
  const names = { name: 'recorded', resourceGroup: 'recorded' };
  const place = { server: 'https://recorded.invalid', ca: 'none', user: kubelogin() };
  const value = Buffer.from(kubeconfig(names, place)).toString('base64');
  const body = JSON.stringify({ kubeconfigs: [{ name: 'clusterUser', value }] });
  return { kind: 'body', status: 200, headers: json, body };
}

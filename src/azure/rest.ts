import {
  bearerTokenAuthenticationPolicy,
  createDefaultHttpClient,
  createEmptyPipeline,
  createPipelineRequest,
  tlsPolicy,
} from '@azure/core-rest-pipeline';
import type { HttpClient, PipelinePolicy } from '@azure/core-rest-pipeline';
import type { TokenCredential } from '@azure/identity';
import * as z from 'zod';
import { mostPages } from './pages.ts';

export interface RestOptions {
  credential: TokenCredential;
  /** What the token is asked for. */
  scopes: string[];
  /** Origin of ARM. */
  endpoint: string;
  ca?: string | undefined;
  httpClient?: HttpClient;
  /** Deadline, pause, and trouble: the wire of the SDKs' clients. */
  wire: PipelinePolicy;
}

/** Reads lists of ARM for which no SDK of ours has an operation. */
export interface Rest {
  /**
   * All pages of a list. Throws `TroubleError` for what is no success, and whatever the schema
   * throws for what is no such list.
   *
   * @param path from the origin on, the query with its api-version included
   */
  list<Item>(path: string, item: z.ZodType<Item>): Promise<Item[]>;
}

export function createRest(options: RestOptions): Rest {
  const { credential, scopes, endpoint, ca, wire } = options;
  const pipeline = createEmptyPipeline();
  if (ca !== undefined) pipeline.addPolicy(tlsPolicy({ ca }));
  pipeline.addPolicy(wire, { phase: 'Serialize' });
  pipeline.addPolicy(bearerTokenAuthenticationPolicy({ credential, scopes }), { phase: 'Sign' });
  const client = options.httpClient ?? createDefaultHttpClient();
  return {
    async list(path, item) {
      const page = z.object({ value: z.array(item), nextLink: z.string().nullish() });
      const items: z.infer<typeof item>[] = [];
      let next: string | undefined = new URL(path, endpoint).href;
      for (let pages = 0; next !== undefined; pages += 1) {
        if (pages === mostPages) throw new Error(`more than ${mostPages} pages`);
        const request = createPipelineRequest({ url: next });
        const { bodyAsText } = await pipeline.sendRequest(client, request);
        const { value, nextLink } = page.parse(JSON.parse(bodyAsText ?? ''));
        items.push(...value);
        next = nextLink ?? undefined;
      }
      return items;
    },
  };
}

import * as z from 'zod';
import type { Vouching } from '../domain/approval.ts';

/**
 * Whom App Service authentication says a request is from: `X-MS-CLIENT-PRINCIPAL`, JSON in base64
 * (learn.microsoft.com/azure/app-service/configure-authentication-user-identities). It takes that
 * header from nobody else, and only while it is turned on.
 */
const principalSchema = z.object({
  auth_typ: z.literal('aad'),
  claims: z.array(z.object({ typ: z.string(), val: z.string() })).max(1000),
});

const idClaims = ['http://schemas.microsoft.com/identity/claims/objectidentifier', 'oid'];
/** The first that is there names a person; an app has none of them. */
const nameClaims = [
  'preferred_username',
  'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn',
  'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress',
  'name',
];
const longestWho = 200;

/** Who asks, as far as anybody vouches for it; `undefined` when nobody does. */
export function callerOf(vouching: Vouching, header: string | undefined): string | undefined {
  switch (vouching.kind) {
    case 'local':
      return vouching.who;
    case 'easyAuth':
      return principalName(header);
    case 'nobody':
      return undefined;
  }
}

/** Name and object id; `undefined` when the header names nobody of Entra. */
function principalName(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const parsed = principalSchema.safeParse(json(header));
  if (!parsed.success) return undefined;
  const { claims } = parsed.data;
  const valueOf = (types: readonly string[]) =>
    types
      .map((type) => claims.find(({ typ, val }) => typ === type && val !== '')?.val)
      .find((value) => value !== undefined);
  const id = valueOf(idClaims);
  if (id === undefined) return undefined;
  return `${valueOf(nameClaims) ?? 'an app'} (${id})`.slice(0, longestWho);
}

function json(header: string): unknown {
  try {
    return JSON.parse(Buffer.from(header, 'base64').toString('utf8'));
  } catch {
    return undefined;
  }
}

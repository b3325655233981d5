import type { Clock } from '../../clock.ts';

/**
 * Token buckets, as Azure documents them: ARM per subscription and principal
 * ("request-limits-and-throttling"), compute per subscription and per resource
 * ("compute-throttling-limits"), the AKS resource provider ("quotas-skus-regions").
 */
export interface Bucket {
  /** The policy's name, as the headers say it. */
  policy: string;
  /** Whose bucket: a subscription, a resource, a principal. */
  owner: string;
  size: number;
  perSecond: number;
  answer: 'arm' | 'compute' | 'aks';
}

export type Taken =
  | { kind: 'taken'; remaining: { bucket: Bucket; tokens: number }[] }
  | { kind: 'empty'; bucket: Bucket; retryAfterSeconds: number };

export interface Throttle {
  /** Takes one token of each bucket, or of none when one is empty. */
  take(buckets: readonly Bucket[]): Taken;
}

export function createThrottle(clock: Clock, enabled: boolean): Throttle {
  const levels = new Map<string, { tokens: number; at: number }>();

  const level = (bucket: Bucket) => {
    const key = `${bucket.policy} ${bucket.owner.toLowerCase()}`;
    const now = clock.now();
    const known = levels.get(key) ?? { tokens: bucket.size, at: now };
    const refill = ((now - known.at) / 1000) * bucket.perSecond;
    const fresh = { tokens: Math.min(bucket.size, known.tokens + refill), at: now };
    levels.set(key, fresh);
    return fresh;
  };

  return {
    take(buckets) {
      if (!enabled) return { kind: 'taken', remaining: [] };
      const all = buckets.map((bucket) => ({ bucket, level: level(bucket) }));
      for (const { bucket, level } of all) {
        if (level.tokens < 1) {
          const retryAfterSeconds = Math.ceil((1 - level.tokens) / bucket.perSecond);
          return { kind: 'empty', bucket, retryAfterSeconds };
        }
      }
      const remaining = all.map(({ bucket, level }) => {
        level.tokens -= 1;
        return { bucket, tokens: Math.floor(level.tokens) };
      });
      return { kind: 'taken', remaining };
    },
  };
}

const perMinute = (perMinute: number) => ({ size: perMinute * 3, perSecond: perMinute / 60 });

/**
 * Compute: so many a minute for one resource and for the subscription, three minutes' worth at
 * once.
 */
export function computeBuckets(
  policy: string,
  limits: { resource?: number; subscription: number },
  resource: string,
  subscription: string,
): Bucket[] {
  const buckets: Bucket[] = [
    {
      policy: `${policy}Subscription`,
      owner: subscription,
      answer: 'compute',
      ...perMinute(limits.subscription),
    },
  ];
  if (limits.resource !== undefined) {
    buckets.push({
      policy: `${policy}Resource`,
      owner: resource,
      answer: 'compute',
      ...perMinute(limits.resource),
    });
  }
  return buckets;
}

export const aksBucket = (policy: string, owner: string, size: number): Bucket => ({
  policy,
  owner,
  size,
  perSecond: 1,
  answer: 'aks',
});

export function armBucket(method: string, subscription: string, principal: string): Bucket {
  const owner = `${subscription} ${principal}`;
  return method === 'GET'
    ? { policy: 'subscription-reads', owner, size: 250, perSecond: 25, answer: 'arm' }
    : { policy: 'subscription-writes', owner, size: 200, perSecond: 10, answer: 'arm' };
}

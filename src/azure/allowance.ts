import type { Clock } from '../ports.ts';

/** When the next request to one service of one subscription may be sent. */
export interface Allowance {
  /** 0: send now, it is counted. Else the seconds to wait before asking again. */
  take(): number;
  /** The service said 429: nothing more is sent for so many seconds. */
  pause(seconds: number): void;
}

/** A token bucket: `burst` requests at once, then `perSecond`. */
export interface Rate {
  burst: number;
  perSecond: number;
}

/**
 * AKS grants a subscription (and region) 60 requests at once and 1 a second after that, for
 * everything but reads of clusters: learn.microsoft.com/azure/aks/quotas-skus-regions. People use
 * the same bucket, so we leave two thirds of it to them.
 */
export const aksRate: Rate = { burst: 20, perSecond: 1 };

/** Who finds the bucket empty comes back when it holds enough for all that one activity asks. */
const enoughForOneActivity = 4;

/** A server's Retry-After is honoured up to an hour: beyond it is a mistake, not a limit. */
export const longestPauseSeconds = 3600;

export function createAllowance(clock: Clock, rate?: Rate): Allowance {
  let pausedUntil = 0;
  let tokens = rate?.burst ?? 0;
  let refilledAt = clock.now();

  const takeToken = ({ burst, perSecond }: Rate): number => {
    const now = clock.now();
    tokens = Math.min(burst, tokens + (Math.max(0, now - refilledAt) / 1000) * perSecond);
    refilledAt = now;
    if (tokens < 1) return Math.ceil((Math.min(burst, enoughForOneActivity) - tokens) / perSecond);
    tokens -= 1;
    return 0;
  };

  return {
    take() {
      const pauseMs = pausedUntil - clock.now();
      if (pauseMs > 0) return Math.ceil(pauseMs / 1000);
      return rate === undefined ? 0 : takeToken(rate);
    },
    pause(seconds) {
      const until = clock.now() + Math.min(seconds, longestPauseSeconds) * 1000;
      pausedUntil = Math.max(pausedUntil, until);
    },
  };
}

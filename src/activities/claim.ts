import type { Reason } from '../domain/reason.ts';
import { isoInstant } from '../domain/instant.ts';
import type { Kubernetes, LeaseView } from '../ports.ts';

/**
 * The claim: a Lease in the cluster that names the one controller that may act on it. It has no end
 * of its own: clocks of different machines are never compared, so only its holder releases it, or a
 * person's take-over moves it.
 */
export const claimNamespace = 'kube-system';
export const claimName = 'aks-reboot-orchestrator';
/** For reading it ahead. */
export const claimLease = { namespace: claimNamespace, name: claimName };
const takeOverAnnotation = 'aks-reboot-orchestrator/take-over';

export interface Claim {
  /** Empty when nobody holds it. */
  holder: string;
  since: string;
  lease: LeaseView | undefined;
}

export async function readClaim(kubernetes: Kubernetes): Promise<Claim> {
  const lease = await kubernetes.lease(claimNamespace, claimName);
  return { holder: lease?.holder ?? '', since: lease?.acquiredAt ?? '', lease };
}

const renewAfterMs = 60 * 60_000;

/**
 * Takes the claim, or finds out who holds it.
 *
 * @param now epoch milliseconds
 * @param takeOver a person's reason for taking it from another controller
 */
export async function takeClaim(
  kubernetes: Kubernetes,
  controller: string,
  now: number,
  takeOver: string | undefined,
): Promise<{ kind: 'claimed' } | { kind: 'stale' } | { kind: 'refused'; reasons: Reason[] }> {
  const { holder, since, lease } = await readClaim(kubernetes);
  const at = isoInstant(now);
  if (lease !== undefined && holder === controller) {
    const renewed = Date.parse(lease.renewedAt);
    if (now - renewed < renewAfterMs) return { kind: 'claimed' };
    return written(await kubernetes.writeLease({ ...lease, renewedAt: at }, lease.resourceVersion));
  }
  if (holder !== '' && takeOver === undefined) {
    const value =
      `controller "${holder}" has claimed this cluster since ${since}; ` +
      'let it finish and release, or take over with a reason';
    return { kind: 'refused', reasons: [{ kind: 'claim', value }] };
  }
  const note = holder === '' ? {} : { [takeOverAnnotation]: `${at} from ${holder}: ${takeOver}` };
  const claim = {
    namespace: claimNamespace,
    name: claimName,
    holder: controller,
    acquiredAt: at,
    renewedAt: at,
    annotations: { ...lease?.annotations, ...note },
  };
  return written(await kubernetes.writeLease(claim, lease?.resourceVersion));
}

/** Gives the claim up, if it is ours. */
export async function dropClaim(kubernetes: Kubernetes, controller: string, now: number) {
  const { holder, lease } = await readClaim(kubernetes);
  if (lease === undefined || holder !== controller) return;
  await kubernetes.writeLease(
    { ...lease, holder: '', renewedAt: isoInstant(now) },
    lease.resourceVersion,
  );
}

function written(answer: 'written' | 'stale'): { kind: 'claimed' } | { kind: 'stale' } {
  return answer === 'written' ? { kind: 'claimed' } : { kind: 'stale' };
}

import type { Access, WantedAccess } from '../domain/access.ts';
import type { ClusterFacts } from '../domain/cluster.ts';
import type { Trouble } from '../domain/trouble.ts';

export type AccessChoice =
  | { kind: 'chosen'; access: Access }
  /** That depends on whether the API server answers from here. */
  | { kind: 'try' }
  | { kind: 'none'; trouble: Trouble };

/**
 * How to get to a cluster's API server, as far as settings and ARM say. `auto` prefers the API
 * server: run command is slow, and Microsoft means it for people.
 */
export function chooseAccess(wanted: WantedAccess, cluster: ClusterFacts): AccessChoice {
  const { privateCluster, restrictedAddresses, runCommandDisabled } = cluster;
  switch (wanted) {
    case 'api':
      return { kind: 'chosen', access: { way: 'api', why: 'the settings say so' } };
    case 'runCommand':
      return runCommandDisabled
        ? { kind: 'none', trouble: disabled }
        : { kind: 'chosen', access: { way: 'runCommand', why: 'the settings say so' } };
    case 'auto':
      if (!privateCluster && !restrictedAddresses) {
        return { kind: 'chosen', access: { way: 'api', why: 'its API server is public' } };
      }
      return runCommandDisabled
        ? { kind: 'chosen', access: { way: 'api', why: 'its run command is disabled' } }
        : { kind: 'try' };
  }
}

const disabled: Trouble = {
  kind: 'forbidden',
  value: 'its run command is disabled (apiServerAccessProfile.disableRunCommand)',
};

/** Once it was tried: the trouble with which the API server did not answer, if it did not. */
export function accessAfterTry(cluster: ClusterFacts, trouble: Trouble | undefined): Access {
  const place = cluster.privateCluster ? 'private API server' : 'API server';
  return trouble === undefined
    ? { way: 'api', why: `its ${place} answers from here` }
    : { way: 'runCommand', why: `its ${place} does not answer from here: ${trouble.value}` };
}

import type { Documents } from '../ports.ts';

/** A node that is out of service because of us. */
export interface OutOfService {
  cluster: string;
  node: string;
}

/** One document for each of them: listing them counts them. */
export function outOfService(documents: Documents) {
  const path = ({ cluster, node }: OutOfService) => `out/${cluster}/${node}.json`;
  return {
    /** Of one cluster, or of all. */
    async outOfService(cluster?: string): Promise<OutOfService[]> {
      const paths = await documents.list(cluster === undefined ? 'out/' : `out/${cluster}/`);
      return paths.flatMap((found) => {
        const [, key, node] = /^out\/([^/]+)\/([^/]+)\.json$/u.exec(found) ?? [];
        return key === undefined || node === undefined ? [] : [{ cluster: key, node }];
      });
    },
    writeOutOfService: (out: OutOfService): Promise<void> => documents.write(path(out), out),
    removeOutOfService: (out: OutOfService): Promise<void> => documents.removeAll(path(out)),
  };
}

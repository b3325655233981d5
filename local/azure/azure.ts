import type { Clock } from '../clock.ts';
import { startApiServer } from './apiServer.ts';
import type { ApiServer } from './apiServer.ts';
import type { Audit, AuditLine } from './audit.ts';
import { createAuthority } from './certificates.ts';
import { createCloud } from './cloud.ts';
import type { Faults, RequestHook } from './faults.ts';
import type { Fleet } from './fleet.ts';
import { startIdentity } from './identity.ts';
import { listen } from './listener.ts';
import type { Person } from './person.ts';
import type { Rights } from './rights.ts';
import { realShell } from './world/commandShell.ts';
import { modelGuest } from './world/guest.ts';
import { shellGuest } from './world/shellGuest.ts';
import type { World } from './world/world.ts';

export interface SimulatedAzureOptions {
  fleet: Fleet;
  clock: Clock;
  /** Instead of the fleet's own. */
  seed?: number;
  /** `model` (the default) knows our probe and is quick; `shell` runs any script with /bin/sh. */
  guest?: 'model' | 'shell';
  /** AKS commands: `model` (the default) knows our scripts, `shell` has this machine's kubectl. */
  commands?: 'model' | 'shell';
  /** Port of ARM; identity and the API servers take those after it. Without it, any free ones. */
  port?: number;
  /** Called with each audit line as it is written. */
  onAudit?: (line: AuditLine) => void;
  /** Who may do what, on top of what the fleet denies. */
  rights?: Rights;
  /** Asked before and after each request takes effect. */
  onRequest?: RequestHook;
  log?: (text: string) => void;
}

export interface SimulatedAzure {
  /** `https://127.0.0.1:…`: the origin of ARM. */
  readonly armEndpoint: string;
  /** The certificate, PEM, by which clients verify ARM. */
  readonly ca: string;
  readonly audit: Audit;
  readonly world: World;
  readonly faults: Faults;
  /** What people and other programs do. */
  readonly person: Person;
  /** Environment by which a process finds this Azure, and is `actor` there. */
  environment(actor: string): Record<string, string>;
  /**
   * A kubeconfig for kubectl, its client certificate made out to `actor`; throws for other
   * clusters.
   */
  kubeconfig(clusterId: string, actor?: string): Promise<string>;
  stop(): Promise<void>;
}

/** Starts simulated Azure: ARM, identity, and an API server for each cluster, all on loopback. */
export async function startAzure(options: SimulatedAzureOptions): Promise<SimulatedAzure> {
  const { fleet, clock, seed, onAudit, onRequest, rights, log = () => {} } = options;
  const port = (offset: number) => (options.port === undefined ? 0 : options.port + offset);
  const apiServers = new Map<string, ApiServer>();
  const apiServer = (clusterId: string) => {
    const found = apiServers.get(cloud.world.cluster(clusterId)?.id ?? '');
    if (found === undefined) throw new Error(`no such cluster: ${clusterId}`);
    return found;
  };

  let armEndpoint = '';
  const cloud = createCloud({
    fleet,
    clock,
    seed,
    guest: options.guest === 'shell' ? await shellGuest() : modelGuest(),
    shell:
      options.commands === 'shell'
        ? realShell((cluster, user) => apiServer(cluster.id).commandKubeconfig(user))
        : undefined,
    onAudit,
    onRequest,
    rights,
    origin: () => armEndpoint,
    kubeconfig: (cluster, actor) => apiServer(cluster.id).userKubeconfig(actor),
  });
  for (const [index, cluster] of cloud.world.clusters.entries()) {
    const answer = cloud.apiServer(cluster);
    const started = await startApiServer({ cluster, clock, answer, port: port(2 + index), log });
    apiServers.set(cluster.id, started);
  }
  const authority = await createAuthority('Simulated Azure, a throwaway CA');
  const own = await authority.issueServer();
  const tls = { key: own.key, cert: own.certificate };
  const armListener = await listen({ clock, port: port(0), tls, answer: cloud.arm, log });
  armEndpoint = `https://127.0.0.1:${armListener.port}`;
  const identityPort = options.port === undefined ? undefined : port(1);
  const identity = await startIdentity({ clock, port: identityPort, log });

  return {
    armEndpoint,
    ca: authority.pem,
    audit: cloud.audit,
    world: cloud.world,
    faults: cloud.faults,
    person: cloud.person,
    environment: (actor) => ({
      ...identity.environment(actor),
      REBOOT_ARM_ENDPOINT: armEndpoint,
    }),
    kubeconfig: (clusterId, actor = 'person') => apiServer(clusterId).adminKubeconfig(actor),
    async stop() {
      // Watches end with their cluster, and only then listeners do.
      await cloud.stop();
      await Promise.all([...apiServers.values(), armListener, identity].map((one) => one.close()));
    },
  };
}

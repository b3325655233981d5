import type { Clock } from '../clock.ts';
import { startApiServer } from './apiServer.ts';
import type { ApiServer } from './apiServer.ts';
import { createArm } from './arm/arm.ts';
import { authorizationRoutes } from './arm/authorization.ts';
import type { AuthorizationOptions } from './arm/authorization.ts';
import { computeRoutes } from './arm/compute.ts';
import { containerServiceRoutes } from './arm/containerService.ts';
import { createOperations } from './arm/operations.ts';
import { createRunCommand } from './arm/runCommand.ts';
import { createThrottle } from './arm/throttle.ts';
import { createAudit } from './audit.ts';
import type { Audit, AuditLine } from './audit.ts';
import { createAuthority } from './certificates.ts';
import { createFaults } from './faults.ts';
import type { Faults, RequestHook } from './faults.ts';
import type { Fleet } from './fleet.ts';
import { armAudience, startIdentity } from './identity.ts';
import { listen } from './listener.ts';
import { createPerson } from './person.ts';
import type { Person } from './person.ts';
import { seededRandom } from './random.ts';
import { everybodyMay } from './rights.ts';
import type { Rights } from './rights.ts';
import { modelGuest } from './world/guest.ts';
import type { Guest } from './world/guest.ts';
import { createLifecycle } from './world/lifecycle.ts';
import type { Lifecycle } from './world/lifecycle.ts';
import { shellGuest } from './world/shellGuest.ts';
import { createWorld } from './world/world.ts';
import type { Cluster, World } from './world/world.ts';

export interface SimulatedAzureOptions {
  fleet: Fleet;
  clock: Clock;
  /** Instead of the fleet's own. */
  seed?: number;
  /** `model` (the default) knows our probe and is quick; `shell` runs any script with /bin/sh. */
  guest?: 'model' | 'shell';
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
  const { fleet, clock, log = () => {} } = options;
  const seed = options.seed ?? fleet.seed;
  const audit = createAudit(() => clock.now(), options.onAudit);
  const faults = createFaults(fleet.faults, options.onRequest);
  const lifecycle = createLifecycle({ clock, audit, timings: fleet.timings });
  const rights = options.rights ?? everybodyMay;
  const world = createWorld({
    fleet,
    clock,
    audit,
    seed,
    authorize: (cluster, access) =>
      rights({ service: 'kubernetes', actor: access.user, cluster, access }),
  });
  const isAllowed = (action: string, scope: string, actor: string) =>
    !faults.isDenied(action, scope, actor) && rights({ service: 'arm', actor, action, scope });
  const guest = options.guest === 'shell' ? await shellGuest() : modelGuest();
  const port = (offset: number) => (options.port === undefined ? 0 : options.port + offset);

  const apiServers = new Map<string, ApiServer>();
  for (const [index, cluster] of world.clusters.entries()) {
    const started = await startApiServer({ cluster, clock, faults, port: port(2 + index), log });
    apiServers.set(cluster.id, started);
  }
  const apiServer = (clusterId: string) => {
    const found = apiServers.get(world.cluster(clusterId)?.id ?? '');
    if (found === undefined) throw new Error(`no such cluster: ${clusterId}`);
    return found;
  };

  let armEndpoint = '';
  const origin = () => armEndpoint;
  const audiences = () => [armAudience, armEndpoint];
  const arm = createArm({
    world,
    audit,
    faults,
    throttle: createThrottle(clock, fleet.throttling),
    random: seededRandom(seed, 'requests'),
    audiences,
    isAllowed,
    routes: routes({ fleet, clock, lifecycle, world, guest, seed, apiServer, origin, isAllowed }),
  });
  const authority = await createAuthority('Simulated Azure, a throwaway CA');
  const own = await authority.issueServer();
  const tls = { key: own.key, cert: own.certificate };
  const armListener = await listen({ clock, port: port(0), tls, answer: arm, log });
  armEndpoint = `https://127.0.0.1:${armListener.port}`;
  const identityPort = options.port === undefined ? undefined : port(1);
  const identity = await startIdentity({ clock, port: identityPort, log });

  return {
    armEndpoint,
    ca: authority.pem,
    audit,
    world,
    faults,
    person: createPerson({ world, lifecycle, audit }),
    environment: (actor) => ({
      ...identity.environment(actor),
      REBOOT_ARM_ENDPOINT: armEndpoint,
    }),
    kubeconfig: (clusterId, actor = 'person') => apiServer(clusterId).adminKubeconfig(actor),
    async stop() {
      for (const cluster of world.clusters) cluster.kubernetes.close();
      await Promise.all([...apiServers.values(), armListener, identity].map((one) => one.close()));
      await guest.stop();
    },
  };
}

interface Parts {
  fleet: Fleet;
  clock: Clock;
  lifecycle: Lifecycle;
  world: World;
  guest: Guest;
  seed: number;
  apiServer: (clusterId: string) => ApiServer;
  origin: () => string;
  isAllowed: AuthorizationOptions['isAllowed'];
}

/** Every operation of the resource providers. */
function routes(parts: Parts) {
  const { fleet, clock, lifecycle, world, guest, seed, apiServer, origin, isAllowed } = parts;
  const operations = createOperations({
    clock,
    random: seededRandom(seed, 'operations'),
    keepMinutes: fleet.timings.operationKeepMinutes,
    headers: fleet.faults.operationHeaders,
    origin,
  });
  const runCommand = createRunCommand({ clock, timings: fleet.timings, guest, operations });
  const credential = (cluster: Cluster, actor: string) =>
    apiServer(cluster.id).userKubeconfig(actor);
  const providers = [
    ...computeRoutes({ world, fleet, lifecycle, operations, runCommand, origin }),
    ...containerServiceRoutes({ world, fleet, origin, credential }),
  ];
  const actions = [...new Set(providers.map(({ action }) => action))];
  return [...providers, ...authorizationRoutes({ world, actions, isAllowed })];
}

import type { Clock } from '../clock.ts';
import { createApiServer } from './apiServer.ts';
import { alertRoutes } from './arm/alerts.ts';
import { createArm } from './arm/arm.ts';
import { authorizationRoutes } from './arm/authorization.ts';
import type { AuthorizationOptions } from './arm/authorization.ts';
import { createClusterCommands } from './arm/clusterCommand.ts';
import { computeRoutes } from './arm/compute.ts';
import { containerServiceRoutes } from './arm/containerService.ts';
import { createOperations } from './arm/operations.ts';
import { createRunCommand } from './arm/runCommand.ts';
import { createThrottle } from './arm/throttle.ts';
import { createAudit } from './audit.ts';
import type { Audit, AuditLine } from './audit.ts';
import { createFaults } from './faults.ts';
import type { Faults, RequestHook } from './faults.ts';
import type { Fleet } from './fleet.ts';
import { armAudience } from './identity.ts';
import type { WireAnswer, WireRequest } from './listener.ts';
import { createPerson } from './person.ts';
import type { Person } from './person.ts';
import { seededRandom } from './random.ts';
import { everybodyMay } from './rights.ts';
import type { Rights } from './rights.ts';
import { bareShell, modelShell } from './world/commandModel.ts';
import type { CommandShell } from './world/commandShell.ts';
import type { Guest } from './world/guest.ts';
import { createLifecycle } from './world/lifecycle.ts';
import type { Lifecycle } from './world/lifecycle.ts';
import { createWorld } from './world/world.ts';
import type { Cluster, World } from './world/world.ts';

export interface CloudOptions {
  fleet: Fleet;
  clock: Clock;
  /** Instead of the fleet's own. */
  seed?: number | undefined;
  /** What runs scripts on machines. */
  guest: Guest;
  /** What runs AKS commands; without it, a model that knows our own. */
  shell?: CommandShell | undefined;
  /** Called with each audit line as it is written. */
  onAudit?: ((line: AuditLine) => void) | undefined;
  /** Who may do what, on top of what the fleet denies. */
  rights?: Rights | undefined;
  /** Asked before and after each request takes effect. */
  onRequest?: RequestHook | undefined;
  /** Where ARM is reached, known once it listens. */
  origin: () => string;
  /** What listClusterUserCredential hands out. */
  kubeconfig: (cluster: Cluster, actor: string) => Promise<string>;
}

export type Answer = (request: WireRequest) => Promise<WireAnswer>;

/** All of simulated Azure but the sockets: what there is, and how its APIs answer. */
export interface Cloud {
  readonly audit: Audit;
  readonly world: World;
  readonly faults: Faults;
  /** What people and other programs do. */
  readonly person: Person;
  /** Azure Resource Manager. */
  readonly arm: Answer;
  /** The API server of a cluster. */
  apiServer(cluster: Cluster): Answer;
  stop(): Promise<void>;
}

export function createCloud(options: CloudOptions): Cloud {
  const { fleet, clock, guest } = options;
  const seed = options.seed ?? fleet.seed;
  const audit = createAudit(() => clock.now(), options.onAudit);
  const faults = createFaults(fleet.faults, options.onRequest);
  const lifecycle = createLifecycle({
    clock,
    audit,
    timings: fleet.timings,
    otherwise: fleet.faults.otherwise,
  });
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
  const apiServer = (cluster: Cluster) => createApiServer(cluster, faults);
  const arm = createArm({
    world,
    audit,
    faults,
    throttle: createThrottle(clock, fleet.throttling),
    random: seededRandom(seed, 'requests'),
    now: () => clock.now(),
    texts: fleet.faults.otherwise.includes('otherTexts') ? 'others' : 'known',
    audiences: () => [armAudience, options.origin()],
    isAllowed,
    routes: routes({
      ...options,
      shell: options.shell ?? modelShell(apiServer),
      lifecycle,
      world,
      seed,
      isAllowed,
    }),
  });
  return {
    audit,
    world,
    faults,
    person: createPerson({ world, lifecycle, audit, clock }),
    arm,
    apiServer,
    async stop() {
      for (const cluster of world.clusters) cluster.kubernetes.close();
      await guest.stop();
    },
  };
}

interface Parts extends CloudOptions {
  shell: CommandShell;
  lifecycle: Lifecycle;
  world: World;
  seed: number;
  isAllowed: AuthorizationOptions['isAllowed'];
}

/** Every operation of the resource providers. */
function routes(parts: Parts) {
  const { fleet, clock, lifecycle, world, guest, shell, seed, kubeconfig, origin, isAllowed } =
    parts;
  const { otherwise } = fleet.faults;
  const operations = createOperations({
    clock,
    random: seededRandom(seed, 'operations'),
    keepMinutes: fleet.timings.operationKeepMinutes,
    headers: fleet.faults.operationHeaders,
    failedStatus: otherwise.includes('failedLocation200') ? 200 : 409,
    origin,
  });
  const { timings } = fleet;
  const runCommand = createRunCommand({
    clock,
    timings,
    guest,
    lifecycle,
    operations,
    otherwise,
  });
  const commands = createClusterCommands({
    clock,
    timings,
    random: seededRandom(seed, 'commands'),
    shell: otherwise.includes('noCoreutils') ? bareShell : shell,
    origin,
    otherwise,
  });
  const providers = [
    ...computeRoutes({ world, fleet, lifecycle, operations, runCommand, origin }),
    ...containerServiceRoutes({ world, fleet, origin, credential: kubeconfig, commands }),
    ...alertRoutes({ world, clock, origin }),
  ];
  const actions = [...new Set(providers.map(({ action }) => action))];
  return [...providers, ...authorizationRoutes({ world, actions, isAllowed })];
}

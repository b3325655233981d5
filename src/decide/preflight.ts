import type { Access } from '../domain/access.ts';
import { channelMeaning } from '../domain/note.ts';
import type { ClusterFacts } from '../domain/cluster.ts';
import type { KubernetesRight } from '../domain/kubernetesRight.ts';
import { rightText } from '../domain/kubernetesRight.ts';
import type { NodeView } from '../domain/node.ts';
import { missingActions } from '../domain/permission.ts';
import type { Permission } from '../domain/permission.ts';
import { checkNames } from '../domain/preflight.ts';
import type { CheckName, ClusterPreflight, Finding } from '../domain/preflight.ts';
import type { Trouble } from '../domain/trouble.ts';
import type { Match } from './identity.ts';

/** Something that was asked for: what was answered, or the trouble there was instead. */
export type Seen<T> = { kind: 'seen'; value: T } | { kind: 'trouble'; trouble: Trouble };

/** Actions that a run needs at a scope, and what is granted there. */
export interface Grant {
  scope: string;
  role: string;
  required: readonly string[];
  granted: Seen<readonly Permission[]>;
}

/** What was read of one cluster; nothing of it was changed. */
export interface PreflightFacts {
  cluster: Seen<ClusterFacts>;
  grants: readonly Grant[];
  /** The way to its API server, and why it is that one. */
  access: Seen<Access>;
  nodes: Seen<readonly { node: NodeView; match: Match }[]>;
  /** Of the rights that a run needs, those that the cluster does not grant us. */
  deniedRights: Seen<readonly KubernetesRight[]>;
  claimedBy: Seen<string | undefined>;
  /** The DaemonSet by which kured runs in the cluster, if it does. */
  kured: Seen<string | undefined>;
  controller: string;
  /** A person has to approve, and whether anybody can tell who it is. */
  approval: 'off' | 'vouched' | 'unvouched';
  /** Their clock over ours, seconds; `undefined` where no answer told the time. */
  skewSeconds: number | undefined;
  /** Of the Node.js that this runs on, e.g. `v24.21.0`. */
  runtime: string;
}

/** A check of a cluster that can be read. */
type Check = (facts: PreflightFacts, cluster: ClusterFacts) => Finding;

/** Judges what was found; pure. */
export function judgePreflight(
  facts: PreflightFacts,
): Pick<ClusterPreflight, 'findings' | 'restartMethod'> {
  const { cluster: seen } = facts;
  if (seen.kind === 'trouble') {
    const others = checkNames.filter((name) => name !== 'cluster' && name !== 'clock');
    const unchecked = others.map((name) => unknown(name, 'the cluster can not be read'));
    return { findings: [unreadable(seen.trouble), ...unchecked, clock(facts)] };
  }
  const findings = checks.map((check) => check(facts, seen.value));
  const method = facts.nodes.kind === 'seen' ? restartMethod(facts.nodes.value) : undefined;
  return { findings, ...(method === undefined ? {} : { restartMethod: method }) };
}

const ok = (check: CheckName, found: string): Finding => ({
  check,
  verdict: 'ok',
  found,
  todo: '',
});
const bad = (check: CheckName, found: string, todo: string): Finding => {
  return { check, verdict: 'bad', found, todo };
};
const warn = (check: CheckName, found: string, todo: string): Finding => {
  return { check, verdict: 'warn', found, todo };
};
const unknown = (check: CheckName, why: string): Finding => {
  return { check, verdict: 'unknown', found: `not checked: ${why}`, todo: '' };
};

function unreadable({ kind, value }: Trouble): Finding {
  const todo =
    kind === 'forbidden'
      ? 'grant the action that is named, by the role at the cluster'
      : 'check the ARM id in the settings, and that Azure can be reached';
  return bad('cluster', value, todo);
}

function cluster(_facts: PreflightFacts, facts: ClusterFacts): Finding {
  const { provisioningState, powerState, location, kubernetesVersion } = facts;
  if (powerState !== 'Running') {
    return warn('cluster', `it is ${powerState || 'unknown'}`, 'start it; runs leave it alone');
  }
  if (provisioningState !== 'Succeeded') {
    const found = `it is ${provisioningState || 'unknown'}`;
    return warn('cluster', found, 'let AKS finish, or mend the operation that failed; runs wait');
  }
  return ok('cluster', `Running and Succeeded, Kubernetes ${kubernetesVersion}, in ${location}`);
}

function lockdown(_facts: PreflightFacts, cluster: ClusterFacts): Finding {
  const { nodeResourceGroup, nodeResourceGroupLocked } = cluster;
  return nodeResourceGroupLocked
    ? bad(
        'lockdown',
        `node resource group ${nodeResourceGroup} is locked down (ReadOnly): nobody but AKS may ` +
          'run a command on its machines, or restart them',
        'lift the lockdown where AKS lets you (not on AKS Automatic), or leave the cluster out',
      )
    : ok('lockdown', `node resource group ${nodeResourceGroup} is not locked down`);
}

function rights({ grants }: PreflightFacts): Finding {
  const unread = grants.flatMap(({ scope, granted }) =>
    granted.kind === 'trouble' ? [`${scope}: ${granted.trouble.value}`] : [],
  );
  const missing = grants.flatMap(({ scope, role, required, granted }) => {
    const actions = granted.kind === 'seen' ? missingActions(required, granted.value) : [];
    return actions.length === 0 ? [] : [{ scope, role, actions }];
  });
  if (missing.length > 0) {
    const found = missing.map(({ scope, actions }) => `${actions.join(', ')} on ${scope}`);
    const todo = missing.map(
      ({ scope, role }) => `assign the app's custom role "${role}" at ${scope}`,
    );
    return bad('rights', `missing: ${found.join('; ')}`, todo.join('; '));
  }
  if (unread.length > 0) {
    const finding = unknown('rights', unread.join('; '));
    return { ...finding, todo: 'grant Microsoft.Authorization/permissions/read at that scope' };
  }
  const scopes = grants.map(({ scope }) => scope).join(' and ');
  return ok('rights', `every action that a run needs is granted, at ${scopes}`);
}

function access({ access, nodes }: PreflightFacts): Finding {
  if (nodes.kind === 'seen') {
    const listed = `the API server lists ${nodes.value.length} nodes`;
    return ok('access', access.kind === 'seen' ? `${wayText(access.value)}; ${listed}` : listed);
  }
  const { kind, value } = nodes.trouble;
  switch (kind) {
    case 'forbidden':
      return bad('access', value, 'apply the ClusterRole and its binding for this identity');
    case 'unreachable':
    case 'timeout':
      return bad(
        'access',
        value,
        'open a network path to the API server (authorized IP ranges, private endpoint, virtual ' +
          'network integration), or set access to "runCommand"',
      );
    case 'throttled':
    case 'notFound':
    case 'conflict':
    case 'invalid':
      return bad('access', value, 'see what the API server says');
  }
}

function wayText({ way, why }: Access): string {
  switch (way) {
    case 'api':
      return `over HTTPS (${why})`;
    case 'runCommand':
      return `by AKS run command (${why})`;
  }
}

function kubernetesRights({ deniedRights }: PreflightFacts): Finding {
  if (deniedRights.kind === 'trouble') {
    return unknown('kubernetesRights', deniedRights.trouble.value);
  }
  const denied = deniedRights.value.map(rightText);
  return denied.length === 0
    ? ok('kubernetesRights', 'every right that a run needs is granted in the cluster')
    : bad(
        'kubernetesRights',
        `missing: ${denied.join(', ')}`,
        'apply the ClusterRole and its binding for this identity',
      );
}

function claim({ claimedBy, controller }: PreflightFacts): Finding {
  if (claimedBy.kind === 'trouble') return unknown('claim', claimedBy.trouble.value);
  const holder = claimedBy.value;
  if (holder === undefined) return ok('claim', 'nobody has claimed the cluster');
  return holder === controller
    ? ok('claim', 'this controller has claimed the cluster')
    : warn(
        'claim',
        `controller "${holder}" has claimed the cluster: this one leaves it alone`,
        'take it out of the other one, or take over with a reason',
      );
}

function approval({ approval }: PreflightFacts): Finding {
  switch (approval) {
    case 'off':
      return ok('approval', 'nobody has to approve');
    case 'vouched':
      return ok('approval', 'a person has to approve, and can be told from another one');
    case 'unvouched':
      return bad(
        'approval',
        'a person has to approve, and nobody can tell who it is: nothing is begun',
        'turn on App Service authentication with Entra, or set approval to "off"',
      );
  }
}

const namedAtMost = 5;

function named(names: readonly string[]): string {
  const rest = names.length - namedAtMost;
  return names.slice(0, namedAtMost).join(', ') + (rest > 0 ? ` and ${rest} more` : '');
}

function nodes({ nodes: seen }: PreflightFacts): Finding {
  if (seen.kind === 'trouble') return unknown('nodes', seen.trouble.value);
  const mismatched = seen.value.flatMap(({ node, match }) =>
    match.kind === 'mismatch' ? [`${node.name} (${match.value})`] : [],
  );
  const foreign = seen.value.filter(({ match }) => match.kind === 'foreign');
  if (mismatched.length > 0) {
    const found = `${mismatched.length} nodes do not prove to be their machines: `;
    const todo = 'look at them: they are never touched, and each run says unknown of them';
    return warn('nodes', found + named(mismatched), todo);
  }
  const alone = foreign.length === 0 ? '' : `; ${foreign.length} are not ours to restart`;
  return ok('nodes', `${seen.value.length - foreign.length} nodes match their machines${alone}`);
}

function agents({ nodes: seen }: PreflightFacts): Finding {
  if (seen.kind === 'trouble') return unknown('agents', seen.trouble.value);
  const machines = seen.value.flatMap(({ node, match }) =>
    match.kind === 'matched' ? [{ name: node.name, agent: match.instance.agent }] : [],
  );
  const silent = machines.filter(({ agent }) => agent === 'notReady').map(({ name }) => name);
  if (silent.length > 0) {
    return warn(
      'agents',
      `the VM agent is not ready on ${silent.length} of ${machines.length}: ${named(silent)}`,
      'mend the agent: without it nobody can ask whether the node needs a reboot',
    );
  }
  const told = machines.filter(({ agent }) => agent === 'ready').length;
  return told === machines.length
    ? ok('agents', `the VM agents of all ${told} machines are ready`)
    : ok('agents', `of ${machines.length} machines ${told} say that their VM agent is ready`);
}

function channel(_facts: PreflightFacts, { nodeOsChannel }: ClusterFacts): Finding {
  const meaning = channelMeaning(nodeOsChannel);
  switch (nodeOsChannel.toLowerCase()) {
    case 'unmanaged':
      return ok('channel', meaning);
    case 'securitypatch':
      return warn('channel', meaning, 'expect few needs; keep the windows of both apart');
    case 'none':
      return warn('channel', meaning, 'nothing, if you patch them yourself; else choose a channel');
    default:
      return warn(
        'channel',
        meaning,
        'nothing is wrong, and there is nothing to do here; Unmanaged is what this program is for',
      );
  }
}

function kured({ kured: seen }: PreflightFacts): Finding {
  if (seen.kind === 'trouble') return unknown('kured', seen.trouble.value);
  return seen.value === undefined
    ? ok('kured', 'kured does not run in the cluster')
    : warn(
        'kured',
        `kured runs in the cluster (DaemonSet ${seen.value})`,
        'remove it: as long as it runs no node is begun, unless settings say kured: "ignore"',
      );
}

function entra(_facts: PreflightFacts, cluster: ClusterFacts): Finding {
  return cluster.entra
    ? ok('entra', 'the API server knows this identity by its Entra token')
    : warn(
        'entra',
        'without Entra integration the credential that Azure hands out may do everything there',
        'turn Entra integration on, and bind the ClusterRole to this identity',
      );
}

/** More than that and tokens are not valid yet, or not any more. */
const badSkewSeconds = 300;
const doubtfulSkewSeconds = 30;

function clock({ skewSeconds }: PreflightFacts): Finding {
  if (skewSeconds === undefined) return unknown('clock', 'no answer told the time');
  const size = Math.abs(skewSeconds);
  const side = skewSeconds < 0 ? 'behind' : 'ahead of';
  const found = size < 2 ? 'the clocks agree' : `Azure's clock is ${size} s ${side} ours`;
  const todo = 'set the clock of the machine that this runs on';
  if (size > badSkewSeconds) return bad('clock', found, todo);
  return size > doubtfulSkewSeconds ? warn('clock', found, todo) : ok('clock', found);
}

/** The first one whose API servers evict by policy/v1. */
const oldestMinor = 22;
const oldestRuntime = 22;

function versions({ nodes: seen, runtime }: PreflightFacts, cluster: ClusterFacts): Finding {
  if (Number(/^v(\d+)\./u.exec(runtime)?.[1] ?? 0) < oldestRuntime) {
    return bad('versions', `Node.js ${runtime}`, `run it on Node.js ${oldestRuntime} or later`);
  }
  const { kubernetesVersion } = cluster;
  const [, major, minor] = /^(\d+)\.(\d+)/u.exec(kubernetesVersion) ?? [];
  if (major === undefined) return unknown('versions', `Kubernetes "${kubernetesVersion}"`);
  if (Number(major) === 1 && Number(minor) < oldestMinor) {
    const todo = `upgrade to 1.${oldestMinor} or later`;
    return bad('versions', `Kubernetes ${kubernetesVersion} can not evict by policy/v1`, todo);
  }
  const kubelets = seen.kind === 'seen' ? seen.value.map(({ node }) => node.kubeletVersion) : [];
  const others = [...new Set(kubelets)].sort().join(', ');
  return ok('versions', `Kubernetes ${kubernetesVersion}, kubelets ${others}, Node.js ${runtime}`);
}

const checks: readonly Check[] = [
  cluster,
  lockdown,
  rights,
  access,
  kubernetesRights,
  claim,
  approval,
  nodes,
  agents,
  channel,
  kured,
  entra,
  clock,
  versions,
];

/** What AKS's node-problem-detector sets where it watches Scheduled Events. */
const watchedEvent = /^(VMEventScheduled|RebootScheduled)$/u;

/**
 * Where Scheduled Events are watched, Azure lets a restart that it is asked for wait for up to 15
 * minutes; a reboot from inside the guest is no event.
 */
function restartMethod(
  seen: readonly { node: NodeView; match: Match }[],
): ClusterPreflight['restartMethod'] {
  const ours = seen.filter(({ match }) => match.kind === 'matched');
  if (ours.length === 0) return undefined;
  const watched = ours.filter(({ node }) =>
    node.conditions.some(({ type }) => watchedEvent.test(type)),
  );
  return watched.length > 0
    ? {
        method: 'guest',
        why:
          `Scheduled Events are watched on ${watched.length} of ${ours.length} nodes: a restart ` +
          'through Azure may begin 15 minutes late there',
      }
    : { method: 'arm', why: 'no node shows that Scheduled Events are watched' };
}

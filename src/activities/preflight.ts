import { instanceFinder, openSite, readSettings } from './scene.ts';
import type { Desk, Site } from './scene.ts';
import { readClaim } from './claim.ts';
import { instanceRefId } from '../domain/arm.ts';
import type { Access } from '../domain/access.ts';
import type { ClusterFacts } from '../domain/cluster.ts';
import { isoInstant } from '../domain/instant.ts';
import type { ClusterPreflight } from '../domain/preflight.ts';
import { TroubleError } from '../domain/trouble.ts';
import { matchNode } from '../decide/identity.ts';
import { kuredQuestions } from '../decide/questions.ts';
import { judgePreflight } from '../decide/preflight.ts';
import type { Grant, PreflightFacts, Seen } from '../decide/preflight.ts';
import { needsApproval } from '../policy/approval.ts';
import { azureRights, kubernetesRights } from '../policy/rights.ts';
import type { Kubernetes } from '../ports.ts';
import type { StepInput, StepOutputs } from '../steps.ts';

/** Checks one cluster with our own identity; changes nothing, and starts nothing on a machine. */
export async function checkCluster(
  desk: Desk,
  { run, cluster }: StepInput<'checkCluster'>,
): Promise<StepOutputs['checkCluster']> {
  const site = await openSite(desk, cluster);
  const facts = await readPreflight(desk, site);
  const checked: ClusterPreflight = {
    cluster,
    id: site.cluster.id.id,
    at: isoInstant(desk.clock.now()),
    ...judgePreflight(facts),
  };
  await desk.reports.writeChecked(run, checked);
  for (const { check, verdict, found } of checked.findings) {
    const level = verdict === 'bad' ? 'error' : verdict === 'warn' ? 'warn' : 'info';
    desk.log({ level, message: `preflight ${verdict}`, run, cluster, detail: { check, found } });
  }
  return { kind: 'done' };
}

/** Puts together what was checked; it is what `GET /api/preflight` shows from then on. */
export async function closePreflight(
  desk: Desk,
  { run }: StepInput<'closePreflight'>,
): Promise<StepOutputs['closePreflight']> {
  const { controller } = await readSettings(desk);
  const clusters = await desk.reports.checked(run);
  await desk.reports.writePreflight({
    run,
    at: isoInstant(desk.clock.now()),
    controller,
    clusters: clusters.sort((a, b) => (a.cluster < b.cluster ? -1 : 1)),
  });
  return { kind: 'done' };
}

async function readPreflight(desk: Desk, site: Site): Promise<PreflightFacts> {
  const cluster = await seen(() => desk.azure.cluster(site.cluster.id));
  const within = {
    controller: site.settings.controller,
    runtime: desk.runtime,
    approval: approvalIn(desk, site),
  };
  if (cluster.kind === 'trouble') {
    return {
      cluster,
      grants: [],
      access: cluster,
      nodes: cluster,
      deniedRights: cluster,
      claimedBy: cluster,
      kured: cluster,
      skewSeconds: await desk.azure.skewSeconds(),
      ...within,
    };
  }
  const wanted = site.policy.access;
  const access = await seen(() => desk.azure.access(cluster.value, wanted));
  const kubernetes: Seen<Kubernetes> =
    access.kind === 'trouble'
      ? access
      : await seen(() => desk.azure.kubernetes(cluster.value, access.value.way));
  return {
    cluster,
    grants: await readGrants(desk, site, cluster.value, wayOf(access)),
    access,
    ...(await readCluster(desk, site, cluster.value, kubernetes)),
    skewSeconds: await desk.azure.skewSeconds(),
    ...within,
  };
}

function approvalIn({ vouching }: Desk, site: Site): PreflightFacts['approval'] {
  if (!needsApproval(site.cluster)) return 'off';
  return vouching.kind === 'nobody' ? 'unvouched' : 'vouched';
}

async function readGrants(
  desk: Desk,
  site: Site,
  cluster: ClusterFacts,
  way: Access['way'],
): Promise<Grant[]> {
  const { subscription, id } = site.cluster.id;
  const scopes = {
    subscription: `/subscriptions/${subscription}`,
    cluster: id,
    nodeResourceGroup: `/subscriptions/${subscription}/resourceGroups/${cluster.nodeResourceGroup}`,
  };
  const grants = azureRights(site.cluster, way).map(
    async ({ role, at, actions }): Promise<Grant> => {
      const scope = scopes[at];
      const granted = await seen(() => desk.azure.permissions(subscription, scope));
      return { scope, role, required: actions, granted };
    },
  );
  return Promise.all(grants);
}

async function readCluster(
  desk: Desk,
  site: Site,
  facts: ClusterFacts,
  kubernetes: Seen<Kubernetes>,
) {
  if (kubernetes.kind === 'trouble') {
    const { trouble } = kubernetes;
    const unread = { kind: 'trouble' as const, trouble };
    return { nodes: unread, deniedRights: unread, claimedBy: unread, kured: unread };
  }
  const api = kubernetes.value;
  return {
    nodes: await seen(async () => {
      const nodes = await api.nodes();
      const at = instanceFinder(await desk.azure.instances(facts), instanceRefId);
      return nodes.map((node) => ({ node, match: matchNode(node, facts, at) }));
    }),
    deniedRights: await seen(() => api.denied(kubernetesRights(site.cluster))),
    claimedBy: await seen(async () => (await readClaim(api)).holder || undefined),
    kured: await seen(async () => {
      const pods = await Promise.all(kuredQuestions.map((question) => api.pods(question)));
      return pods.flat().find(({ daemonSet }) => daemonSet !== '')?.daemonSet;
    }),
  };
}

/** Which way the rights are needed for when none was found: the one that asks for less. */
function wayOf(access: Seen<Access>): Access['way'] {
  return access.kind === 'seen' ? access.value.way : 'api';
}

/** What was answered, or the trouble there was instead: a check that can't be made is a finding. */
async function seen<T>(ask: () => Promise<T>): Promise<Seen<T>> {
  try {
    return { kind: 'seen', value: await ask() };
  } catch (error) {
    if (!(error instanceof TroubleError)) throw error;
    return { kind: 'trouble', trouble: error.trouble };
  }
}

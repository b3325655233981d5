/**
 * Takes everything out of Azure's and Kubernetes' answers but their shape and the words that this
 * program branches on: what is not on a list is dropped or renamed, never the other way round. The
 * same name gets the same new one everywhere, so that what belonged together still does.
 */
export interface Redactor {
  /** A path with its query. */
  path(path: string): string;
  /** A JSON body; what is no JSON becomes null. */
  body(text: string): unknown;
}

/** Members that are kept; all others are dropped. */
const kept = new Set(
  [
    'value nextLink id name type location tags properties kind sku tier error code message details',
    // Clusters and pools.
    'provisioningState powerState kubernetesVersion currentKubernetesVersion nodeResourceGroup',
    'nodeResourceGroupProfile restrictionLevel aadProfile managed enableAzureRBAC',
    'disableLocalAccounts enableRBAC autoUpgradeProfile nodeOSUpgradeChannel upgradeChannel',
    'agentPoolProfiles mode osType osSKU count scaleSetPriority orchestratorVersion',
    'currentOrchestratorVersion apiServerAccessProfile enablePrivateCluster disableRunCommand',
    'privateFQDN fqdn nodeProvisioningProfile kubeconfigs availabilityZones',
    // Machines.
    'instanceId vmId osProfile computerName instanceView statuses displayStatus level vmAgent',
    'vmAgentVersion orchestrationMode',
    // Rights.
    'actions notActions dataActions notDataActions status allowed spec resourceAttributes verb',
    'group',
    'resource subresource namespace reason',
    // Kubernetes.
    'apiVersion items metadata uid resourceVersion creationTimestamp labels annotations continue',
    'providerID unschedulable taints key effect conditions lastTransitionTime nodeInfo bootID',
    'kernelVersion osImage operatingSystem kubeletVersion architecture holderIdentity acquireTime',
    'renewTime',
  ].flatMap((line) => line.split(' ')),
);

/** Members whose texts are words of an API, and are kept as they are. */
const verbatim = new Set(
  [
    'type location kind tier code provisioningState kubernetesVersion currentKubernetesVersion',
    'restrictionLevel nodeOSUpgradeChannel upgradeChannel mode osType osSKU scaleSetPriority',
    'orchestratorVersion currentOrchestratorVersion displayStatus level vmAgentVersion',
    'orchestrationMode verb group resource subresource status apiVersion effect osImage',
    'kernelVersion operatingSystem kubeletVersion architecture creationTimestamp',
    'lastTransitionTime acquireTime renewTime key reason instanceId availabilityZones',
    'actions notActions dataActions notDataActions',
  ].flatMap((line) => line.split(' ')),
);

/** Labels, annotations and tags of AKS and Kubernetes that are read somewhere. */
const known = oneOf([
  'aks-managed-(poolName|orchestrator|creationSource)',
  'agentpool',
  'kubernetes\\.azure\\.com/.*',
  'topology\\.kubernetes\\.io/zone',
  'kubernetes\\.io/os',
  'karpenter\\.sh/nodepool',
  'cluster-autoscaler\\.kubernetes\\.io/scale-down-disabled',
]);

/** Words of a path that are the API's own. */
const pathWord = oneOf([
  '',
  'subscriptions|resourceGroups|providers|Microsoft\\..*|azure:',
  'managedClusters|agentPools|machines|permissions|maintenanceConfigurations',
  'listClusterUserCredential|virtualMachines|virtualMachineScaleSets|instanceView',
  'api|apis|v1|nodes|pods|namespaces|kube-system|leases|[a-z]+\\.k8s\\.io',
  'selfsubjectaccessreviews|aks-reboot-orchestrator',
]);

function oneOf(patterns: readonly string[]): RegExp {
  return new RegExp(`^(?:${patterns.join('|')})$`, 'iu');
}

const guid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/iu;

export function createRedactor(): Redactor {
  const names = new Map<string, string>();
  /** The new name of a name; the same for any case, as ARM compares. */
  const renamed = (name: string): string => {
    const known = names.get(name.toLowerCase());
    if (known !== undefined) return known;
    const number = names.size + 1;
    const fresh = guid.test(name)
      ? `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`
      : `name${number}`;
    names.set(name.toLowerCase(), fresh);
    return fresh;
  };
  const segments = (path: string) =>
    path
      .split('/')
      .map((part) => (pathWord.test(part) || /^\d+$/u.test(part) ? part : renamed(part)))
      .join('/');
  const path = (text: string) => {
    const [place = '', query] = text.split('?');
    const asked = [...new URLSearchParams(query)].filter(([name]) =>
      /^(api-version|\$expand|format|limit)$/u.test(name),
    );
    const words = new URLSearchParams(asked).toString();
    return words === '' ? segments(place) : `${segments(place)}?${words}`;
  };
  const text = (key: string, value: string): string => {
    if (key === 'nextLink') return path(new URL(value).pathname + new URL(value).search);
    if (verbatim.has(key) && !value.includes('/subscriptions/')) return value;
    if (key === 'message') return 'redacted';
    return value.includes('/') ? segments(value) : renamed(value);
  };
  const redact = (key: string, value: unknown): unknown => {
    if (Array.isArray(value)) return value.map((item: unknown) => redact(key, item));
    if (typeof value === 'string') return text(key, value);
    if (typeof value !== 'object' || value === null) return value;
    const keys = ['labels', 'annotations', 'tags'].includes(key) ? known : undefined;
    const members = Object.entries(value)
      .filter(([name]) => (keys === undefined ? kept.has(name) : keys.test(name)))
      .map(([name, member]) => [name, key === 'kubeconfigs' ? 'redacted' : redact(name, member)]);
    return Object.fromEntries(members) as unknown;
  };
  return {
    path,
    body(json) {
      try {
        return redact('', JSON.parse(json));
      } catch {
        return null;
      }
    },
  };
}

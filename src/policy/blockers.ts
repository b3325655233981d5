import * as z from 'zod';
import { isSelector } from '../domain/selector.ts';

/** Settings of what may block: pods, Prometheus, alerts of Azure Monitor. */

const pattern = z
  .string()
  .max(1000)
  .refine(isRegularExpression, { error: 'is not a regular expression' });

export const severities = ['Sev0', 'Sev1', 'Sev2', 'Sev3', 'Sev4'] as const;

const blockingPod = z.strictObject({
  selector: z
    .string()
    .max(1000)
    .refine(isSelector, { error: 'is not a label selector, e.g. "app=migration"' })
    .describe('Label selector.'),
  namespace: z.string().max(63).default('').describe('Only in this namespace; empty means all.'),
  where: z
    .enum(['node', 'cluster'])
    .default('node')
    .describe('Such a pod blocks the node it is on, or every node of the cluster.'),
});

const prometheusQuery = z.strictObject({
  name: z.string().min(1).max(100).describe('What reasons call it.'),
  query: z.string().min(1).max(10_000).describe('PromQL, asked as an instant query.'),
  blocksOn: z
    .enum(['any', 'nonZero'])
    .default('any')
    .describe('Any series in the answer blocks, or only one whose value is not 0.'),
});

/** An ARM id below a subscription: `/subscriptions/<id>/resourceGroups/<name>[/providers/…]`. */
export const armTargetPattern =
  /^\/subscriptions\/([0-9a-f-]{36})\/resourceGroups\/([^/?#%]{1,90})(\/providers\/[^?#%]+)?$/iu;

export const blockerShape = {
  blockingPods: z.array(blockingPod).max(50).describe('Pods that block while they run.'),
  prometheusUrl: z
    .string()
    .max(1000)
    .refine(isServerUrl, {
      error: 'is not the URL of a Prometheus server, e.g. "https://prometheus.example.com"',
    })
    .describe('Where Prometheus answers; what stands before /api/v1.'),
  prometheusAuth: z
    .enum(['none', 'entra'])
    .describe('`entra`: a token for Azure Monitor workspaces (managed Prometheus).'),
  prometheusAllowHttp: z
    .boolean()
    .describe('Take an answer that anybody between here and there may have changed.'),
  prometheusQueries: z.array(prometheusQuery).max(50).describe('Queries whose answers may block.'),
  prometheusAlerts: z
    .enum(['off', 'firing', 'firingOrPending'])
    .describe('Whether alerts of Prometheus block, and which.'),
  prometheusAlertsOnly: pattern.describe('Only alerts with such a name block; empty means all.'),
  prometheusAlertsExcept: pattern.describe('Alerts with such a name do not block.'),
  azureAlerts: z
    .enum(['off', 'fired'])
    .describe('Whether alerts of Azure Monitor on the cluster and its node group block.'),
  azureAlertTargets: z
    .array(
      z.string().regex(armTargetPattern, 'is not the ARM id of a resource or a resource group'),
    )
    .max(20)
    .describe('ARM ids of resources and resource groups whose alerts block as well.'),
  azureAlertSeverities: z.array(z.enum(severities)).min(1).describe('Severities that block.'),
  azureAlertsOnly: pattern.describe('Only alerts with such a name block; empty means all.'),
  azureAlertsExcept: pattern.describe('Alerts with such a name do not block.'),
} as const;

export const blockerDefaults = {
  blockingPods: [],
  prometheusUrl: '',
  prometheusAuth: 'none',
  prometheusAllowHttp: false,
  prometheusQueries: [],
  prometheusAlerts: 'off',
  prometheusAlertsOnly: '',
  prometheusAlertsExcept: '',
  azureAlerts: 'off',
  azureAlertTargets: [],
  azureAlertSeverities: ['Sev0', 'Sev1', 'Sev2', 'Sev3', 'Sev4'],
  azureAlertsOnly: '',
  azureAlertsExcept: '',
} as const satisfies z.infer<z.ZodObject<typeof blockerShape>>;

function isRegularExpression(text: string): boolean {
  try {
    return new RegExp(text, 'u') instanceof RegExp;
  } catch {
    return false;
  }
}

function isServerUrl(text: string): boolean {
  if (text === '') return true;
  try {
    const { protocol, search, hash, username } = new URL(text);
    return /^https?:$/u.test(protocol) && search + hash + username === '';
  } catch {
    return false;
  }
}

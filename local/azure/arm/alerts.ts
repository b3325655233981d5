import type { Clock } from '../../clock.ts';
import type { Alert, Cluster, World } from '../world/world.ts';
import { failure, subscriptionNotFound } from './answer.ts';
import type { ArmAnswer } from './answer.ts';
import { named, page } from './route.ts';
import type { Call, Route } from './route.ts';

export interface AlertsOptions {
  world: World;
  clock: Clock;
  origin: () => string;
}

const type = 'Microsoft.AlertsManagement/alerts';
const hourMs = 3_600_000;
const timeRanges: Record<string, number> = {
  '1h': hourMs,
  '1d': 24 * hourMs,
  '7d': 7 * 24 * hourMs,
  '30d': 30 * 24 * hourMs,
};

/**
 * The list of Azure Monitor's alerts (azure-rest-api-specs, Microsoft.AlertsManagement). It looks
 * back one day unless it is told otherwise, also for alerts that still stand.
 */
export function alertRoutes({ world, clock, origin }: AlertsOptions): Route[] {
  const list = (call: Call): ArmAnswer => {
    const subscription = named(call, 'subscription');
    const clusters = world.clusters.filter((one) => same(one.subscription, subscription));
    if (clusters.length === 0) return subscriptionNotFound(subscription);
    const rangeMs = timeRanges[call.query.get('timeRange') ?? '1d'];
    const size = Number(call.query.get('pageCount') ?? '25');
    if (rangeMs === undefined || !(size >= 1 && size <= 250)) {
      return failure(400, { code: 'BadRequest', message: 'timeRange or pageCount is not right' });
    }
    const since = clock.now() - rangeMs;
    const found = clusters
      .flatMap((cluster) => cluster.alerts.map((alert) => ({ cluster, alert })))
      .filter(({ alert }) => alert.firedAt >= since && asksFor(call, alert));
    return page(
      call,
      found.map(({ cluster, alert }) => shapeOf(cluster, alert)),
      size,
      origin(),
    );
  };
  return [
    {
      method: 'GET',
      template: `/subscriptions/{subscription}/providers/${type}`,
      type,
      action: `${type}/read`,
      apiVersions: ['2018-05-05', '2019-03-01', '2019-05-05-preview', '2025-05-25-preview'],
      buckets: () => [],
      answer: list,
    },
  ];
}

const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();

const groupOf = (resource: string) =>
  /\/resourceGroups\/([^/]+)/iu.exec(resource)?.[1]?.toLowerCase() ?? '';

function asksFor(call: Call, alert: Alert): boolean {
  const filters: [string, string][] = [
    ['targetResource', alert.resource],
    ['targetResourceGroup', groupOf(alert.resource)],
    ['monitorCondition', alert.condition],
    ['severity', alert.severity],
    ['alertState', alert.state],
  ];
  return filters.every(([name, value]) => {
    const wanted = call.query.get(name);
    return wanted === null || same(wanted, value);
  });
}

function shapeOf(cluster: Cluster, alert: Alert) {
  const at = new Date(alert.firedAt).toISOString();
  const id = `${alert.resource}/providers/${type}/${alert.name.replaceAll(/\W/gu, '-')}`;
  return {
    id,
    name: alert.name,
    type,
    properties: {
      essentials: {
        severity: alert.severity,
        signalType: 'Metric',
        alertState: alert.state,
        monitorCondition: alert.condition,
        targetResource: alert.resource.toLowerCase(),
        targetResourceName: alert.resource.split('/').at(-1) ?? '',
        targetResourceGroup: groupOf(alert.resource),
        targetResourceType: 'managedclusters',
        monitorService: 'Platform',
        alertRule: `${cluster.id}/providers/Microsoft.Insights/metricAlerts/${alert.name}`,
        startDateTime: at,
        lastModifiedDateTime: at,
        lastModifiedUserName: 'System',
        actionStatus: { isSuppressed: alert.suppressed },
      },
    },
  };
}

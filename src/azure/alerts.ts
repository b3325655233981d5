import * as z from 'zod';
import type { AlertSeen, AlertsQuestion } from '../domain/outside.ts';
import type { Rest } from './rest.ts';

/** Of Microsoft.AlertsManagement. */
const apiVersion = '2019-05-05-preview';
/** As far back as the API looks; its default is one day, whether an alert still stands or not. */
const timeRange = '30d';
const pageCount = 250;

/** The service leaves out what has no value, or writes null. */
const text = z
  .string()
  .nullish()
  .transform((value) => value ?? '');
const alertSchema = z.object({
  name: text,
  properties: z.object({
    essentials: z.object({
      severity: text,
      alertState: text,
      monitorCondition: text,
      targetResource: text,
      alertRule: text,
      actionStatus: z.object({ isSuppressed: z.boolean().nullish() }).nullish(),
    }),
  }),
});

/**
 * Reads what has fired on one resource or in one group. The list is one of the subscription, so the
 * right to read it is needed there.
 */
export async function firedAlerts(rest: Rest, question: AlertsQuestion): Promise<AlertSeen[]> {
  const query = new URLSearchParams({
    'api-version': apiVersion,
    ...(question.target === 'resource'
      ? { targetResource: question.id }
      : { targetResourceGroup: question.name }),
    monitorCondition: 'Fired',
    timeRange,
    pageCount: String(pageCount),
  });
  const { subscription } = question;
  const path = `/subscriptions/${subscription}/providers/Microsoft.AlertsManagement/alerts`;
  const alerts = await rest.list(`${path}?${query.toString()}`, alertSchema);
  return alerts
    .map(({ name, properties }) => ({ name, ...properties.essentials }))
    .filter(({ monitorCondition }) => monitorCondition !== 'Resolved')
    .map(({ name, severity, targetResource, alertRule, alertState, actionStatus }) => ({
      name: name || alertRule,
      severity,
      resource: targetResource,
      silenced: alertState === 'Closed' || actionStatus?.isSuppressed === true,
    }));
}

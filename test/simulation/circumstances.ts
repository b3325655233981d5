import type { AuditLine } from '../../local/azure/audit.ts';
import type { SettingsDocument } from '../../src/policy/settings.ts';
import type { Circumstances, Look, Rules } from '../support/evidence.ts';
import type { Approval, Installation } from './installation.ts';
import { fitsInto } from './openHours.ts';
import type { WeeklyWindow } from './openHours.ts';
import type { AksSchedule, AppPlan } from './scenario.ts';

const secondMs = 1000;
const minuteMs = 60 * secondMs;

/** From a step's first look at its settings and the world to its effect, with slow answers. */
const stepMs = 3 * minuteMs;
/** What others do to a node by themselves is seen or not within so much. */
const selfMs = 30 * secondMs;

export interface CircumstancesOptions {
  installations: readonly Installation[];
  lines: readonly AuditLine[];
  actors: ReadonlySet<string>;
  looks: readonly Look[];
  /** When somebody changed something, epoch milliseconds. */
  disturbances: readonly number[];
}

export function createCircumstances(options: CircumstancesOptions): Circumstances {
  const { installations, lines, actors, looks, disturbances } = options;
  const others = lines.filter(({ actor }) => !actors.has(actor));
  return {
    looks,
    rules(actor, at) {
      const controller = actor.slice(0, actor.lastIndexOf('-'));
      const installation = installations.find(({ plan }) => plan.controller === controller);
      if (installation === undefined) throw new Error(`nobody has installed ${controller}`);
      const rules = kindest(installation, at);
      // Each installation counts its own nodes, and what it has forgotten it can't count.
      const counts = installations.length === 1 && !installation.forgot;
      return counts ? rules : { ...rules, fleetConcurrency: Infinity };
    },
    disturbed({ t, node }) {
      const at = Date.parse(t);
      return (
        disturbances.some((instant) => instant <= at && instant > at - stepMs) ||
        others.some((line) => line.node === node && isJustBefore(Date.parse(line.t), at))
      );
    },
  };
}

const isJustBefore = (instant: number, at: number) => instant <= at && instant > at - selfMs;

/** The kindest of what held in the moments before. */
function kindest({ settings, plan, approvals }: Installation, at: number): Rules {
  const documents = settings.history
    .filter((entry, index, all) => entry.at <= at && (all[index + 1]?.at ?? at) >= at - stepMs)
    .map(({ document }) => document);
  const each = <K extends keyof Defaults>(name: K, otherwise: number) =>
    documents.map(({ defaults }) => Number(defaults?.[name] ?? otherwise));
  const skewMs = (Math.abs(plan.skew.activities) + Math.abs(plan.skew.host) + 5) * secondMs;
  return {
    concurrency: Math.max(...each('concurrency', 1)),
    maxUnavailable: Math.max(...each('maxUnavailable', 50)),
    fleetConcurrency: Math.max(...documents.map((one) => one.fleetConcurrency ?? 500)),
    readyForSeconds: Math.max(0, Math.min(...each('readyForSeconds', 60)) - 1),
    bootTimeoutMinutes: Math.min(...each('bootTimeoutMinutes', 30)) - (2 * skewMs) / minuteMs,
    // So long an answer may take, and so long it serves.
    probeMinutes: 2 * 30 + 2 + skewMs / minuteMs,
    isApproved: (run, node, instant) =>
      documents.some(({ defaults: { approval = 'off' } = {} }) => {
        if (approval === 'off') return true;
        const covers = (yes: Approval) =>
          yes.node === node || (approval === 'perRun' && yes.node === '');
        return approvals.some((yes) => yes.run === run && yes.at <= instant && covers(yes));
      }),
    mayBegin: (instant) => documents.some((document) => fits(document, plan, instant, skewMs)),
  };
}

type Defaults = NonNullable<SettingsDocument['defaults']>;

function fits(
  { defaults = {} }: SettingsDocument,
  { aks }: AppPlan,
  at: number,
  skewMs: number,
): boolean {
  const { windows = [], expectedDrainMinutes = 10, expectedRestartMinutes = 20 } = defaults;
  const needed = expectedDrainMinutes + expectedRestartMinutes;
  const weekly = windows.flatMap((window) => weeklyOf(window, aks) ?? []);
  return fitsInto(weekly, at, needed, skewMs + stepMs / 3);
}

/** A window of any of the kinds that are drawn, as a weekly one. */
function weeklyOf(
  window: NonNullable<Defaults['windows']>[number],
  aks: AksSchedule | undefined,
): WeeklyWindow | undefined {
  if (window === 'aks') return aks;
  if (!('cron' in window)) return window as WeeklyWindow;
  const { cron, durationMinutes, timeZone = 'UTC' } = window;
  const [minute = '', hour = '', , , days = ''] = cron.split(' ');
  const two = (text: string) => text.padStart(2, '0');
  return { days: daysOf(days), start: `${two(hour)}:${two(minute)}`, durationMinutes, timeZone };
}

const week = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

/** Of cron's day of week: all, a range, or a list. */
function daysOf(text: string): string[] {
  if (text === '*') return week;
  const [from, to] = text.split('-').map(Number);
  if (to !== undefined) return week.slice(from, to + 1);
  return text.split(',').flatMap((number) => week[Number(number)] ?? []);
}

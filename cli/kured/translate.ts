import { isSelector } from '../../src/domain/selector.ts';
import { defaultPolicy } from '../../src/policy/settings.ts';
import type { SettingsDocument } from '../../src/policy/settings.ts';
import { durationOf, isOn, listOf, numberOf, textOf } from './flags.ts';
import type { KuredFlag, Told } from './flags.ts';
import { translateWindow } from './window.ts';

/** What kured was told, as our settings, with what differs and what has no counterpart. */

type Defaults = NonNullable<SettingsDocument['defaults']>;

/** Some settings, because of some flags, and what has to be said about them. */
export interface Entry {
  flags: readonly KuredFlag[];
  settings: Defaults;
  remarks: readonly string[];
}

export interface Translation {
  entries: Entry[];
  /** Flags that were given and that nothing here stands for, with the reason. */
  missing: { flag: KuredFlag; why: string }[];
}

/** Flags of which nothing comes, and why. */
const without = {
  'node-id': 'nothing runs on the node',
  'metrics-host': 'nothing listens in the cluster; the reports and the log tell',
  'metrics-port': 'nothing listens in the cluster; the reports and the log tell',
  'drain-delay': 'there is no pause before the cordon',
  'reboot-delay': 'there is no pause between drain and restart',
  'reboot-method':
    'restartMethod "guest" has nodes restart themselves; "arm", the default, asks Azure',
  'reboot-command': 'restartMethod "guest" has nodes restart themselves, by systemctl reboot',
  'reboot-signal': 'restartMethod "guest" has nodes restart themselves, by systemctl reboot',
  'ds-namespace': 'the lock is not in the cluster, and the claim is a Lease in kube-system',
  'ds-name': 'the lock is not in the cluster, and the claim is a Lease in kube-system',
  'lock-annotation': 'the lock is not in the cluster, and the claim is a Lease in kube-system',
  'lock-ttl': 'a lock never goes to somebody else while its node is not proved',
  'prefer-no-schedule-taint': 'nodes that wait for their turn are not tainted',
  'slack-hook-url': 'nobody is notified: alert on the log or the reports',
  'slack-username': 'kured itself does not use it',
  'slack-channel': 'kured itself does not use it',
  'notify-url': 'nobody is notified: alert on the log or the reports',
  'message-template-uncordon': 'nobody is notified: alert on the log or the reports',
  'message-template-drain': 'nobody is notified: alert on the log or the reports',
  'message-template-reboot': 'nobody is notified: alert on the log or the reports',
  'annotate-nodes': 'nodes always carry a mark while they are worked on, and last-reboot after it',
  'log-format': 'the log is JSON',
  'pre-reboot-node-labels': 'nodes are not labelled',
  'post-reboot-node-labels': 'nodes are not labelled',
} as const satisfies Partial<Record<KuredFlag, string>>;

/**
 * Translates what kured was told.
 *
 * @param mounts directories of the node, by where kured's container has them
 */
export function translate(told: Told, mounts: ReadonlyMap<string, string>): Translation {
  const entries = [
    hours(told),
    sentinel(told, mounts),
    sentinelCommand(told),
    concurrency(told),
    soak(told),
    drain(told),
    blockingPods(told),
    prometheus(told),
    period(told),
    customs(),
  ].flatMap((entry) => entry ?? []);
  const missing = [...told.keys()].flatMap((flag) => {
    const why = Object.hasOwn(without, flag) ? without[flag as keyof typeof without] : undefined;
    return why === undefined ? [] : [{ flag, why }];
  });
  return { entries, missing };
}

/** What kured does without being told. */
function customs(): Entry {
  return {
    flags: [],
    settings: { cordonedByPerson: 'reboot', evictUnmanaged: true },
    remarks: [
      'kured reboots nodes that somebody has cordoned, and leaves them cordoned; "skip", the ' +
        'default here, leaves them alone',
      'kured drains with --force: pods that no controller re-creates are evicted as well, and ' +
        'lost; false, the default here, has them stop the drain',
    ],
  };
}

function hours(told: Told): Entry | undefined {
  const flags = ['reboot-days', 'start-time', 'end-time', 'time-zone'] as const;
  if (!flags.some((flag) => told.has(flag))) return undefined;
  const zone = textOf(told, 'time-zone') ?? 'UTC';
  const named = zone === '' || zone === 'Local' ? 'UTC' : zone;
  const local =
    zone === 'Local' ? ["Local is the container's own zone, which is UTC as a rule"] : [];
  const window = translateWindow({
    days: listOf(told, 'reboot-days'),
    start: textOf(told, 'start-time') ?? '0:00',
    end: textOf(told, 'end-time') ?? '23:59:59',
  });
  const late =
    'kured begins anything until the last moment; here a node is begun only if it can be done ' +
    'before the window closes';
  switch (window.kind) {
    case 'always':
      return { flags, settings: { timeZone: named }, remarks: [...local, 'always open'] };
    case 'never':
      return {
        flags,
        // There is no 31st of February.
        settings: { timeZone: named, windows: [{ cron: '0 0 31 2 *', durationMinutes: 30 }] },
        remarks: [...local, `kured never reboots: ${window.why}`],
      };
    case 'windows':
      return {
        flags,
        settings: { timeZone: named, windows: window.windows },
        remarks: [...local, ...window.remarks, late],
      };
  }
}

const usualMounts: ReadonlyMap<string, string> = new Map([['/sentinel', '/var/run']]);

function sentinel(told: Told, mounts: ReadonlyMap<string, string>): Entry | undefined {
  const path = textOf(told, 'reboot-sentinel');
  if (path === undefined) return undefined;
  const all = mounts.size > 0 ? mounts : usualMounts;
  const [mount, directory] =
    [...all].find(([inside]) => path.startsWith(`${inside.replace(/\/$/u, '')}/`)) ?? [];
  const onNode =
    mount === undefined || directory === undefined
      ? path
      : directory.replace(/\/$/u, '') + path.slice(mount.replace(/\/$/u, '').length);
  const remark = `${path} in kured's container is ${onNode} on the node`;
  return {
    flags: ['reboot-sentinel'],
    settings: { sentinelPath: onNode },
    remarks: onNode === path ? [] : [remark],
  };
}

const longestCommand = 4000;

function sentinelCommand(told: Told): Entry | undefined {
  const command = textOf(told, 'reboot-sentinel-command');
  if (command === undefined) return undefined;
  const flags = ['reboot-sentinel-command'] as const;
  if (command.length > longestCommand) {
    return { flags, settings: {}, remarks: [`it is longer than ${longestCommand} characters`] };
  }
  return {
    flags,
    settings: { sentinelCommand: command },
    remarks: [
      'kured takes any exit code but 0 for "not required"; here those but 0 and 1 are unknown, ' +
        'and need a person (sentinelNotRequiredCodes)',
      'it is read by a shell here, and by none in kured',
    ],
  };
}

const mostConcurrent = 50;

function concurrency(told: Told): Entry | undefined {
  const nodes = numberOf(told, 'concurrency');
  if (nodes === undefined) return undefined;
  const taken = Math.min(Math.max(nodes, 1), mostConcurrent);
  const remarks = taken === nodes ? [] : [`${nodes} is not possible: 1 to ${mostConcurrent}`];
  return { flags: ['concurrency'], settings: { concurrency: taken }, remarks };
}

const secondsOfDay = 86_400;

function soak(told: Told): Entry | undefined {
  const seconds = durationOf(told, 'lock-release-delay');
  if (seconds === undefined) return undefined;
  return {
    flags: ['lock-release-delay'],
    settings: { soakSeconds: Math.min(Math.max(0, Math.ceil(seconds)), secondsOfDay) },
    remarks: [
      'a pause after each proved node; kured holds its lock for so long, also after a drain that ' +
        'failed',
    ],
  };
}

const longestDrainMinutes = 1440;
const longestGraceSeconds = 3600;

function drain(told: Told): Entry | undefined {
  const settings: Defaults = {};
  const remarks: string[] = [];
  const timeout = durationOf(told, 'drain-timeout') ?? 0;
  if (timeout > 0) {
    const minutes = Math.ceil(timeout / 60);
    settings.drainTimeoutMinutes = Math.min(minutes, longestDrainMinutes);
    remarks.push('the deadline counts from the cordon');
  } else if (told.has('drain-timeout')) {
    remarks.push(
      `kured waits without end; here a drain is over after ${defaultPolicy.drainTimeoutMinutes} ` +
        `minutes, or drainTimeoutMinutes, at most ${longestDrainMinutes}`,
    );
  }
  const grace = numberOf(told, 'drain-grace-period');
  if (grace !== undefined) {
    settings.gracePeriodSeconds = Math.min(Math.max(grace, -1), longestGraceSeconds);
  }
  const selector = textOf(told, 'drain-pod-selector');
  if (selector !== undefined) {
    if (selector === '' || isSelector(selector)) settings.podSelector = selector;
    else remarks.push(`drain-pod-selector ${selector} is not a selector that is read here`);
  }
  const skip = numberOf(told, 'skip-wait-for-delete-timeout');
  if (skip !== undefined) {
    settings.skipWaitForDeleteSeconds = Math.min(Math.max(skip, 0), secondsOfDay);
  }
  if (isOn(told, 'force-reboot')) {
    settings.atDrainDeadline = 'restart';
    remarks.push(
      'kured also reboots when the cordon failed; here an unmarked node is never restarted',
    );
  }
  const flags = drainFlags.filter((flag) => told.has(flag));
  return flags.length === 0 ? undefined : { flags, settings, remarks };
}

const drainFlags = [
  'drain-timeout',
  'drain-grace-period',
  'drain-pod-selector',
  'skip-wait-for-delete-timeout',
  'force-reboot',
] as const satisfies KuredFlag[];

function blockingPods(told: Told): Entry | undefined {
  const selectors = told.get('blocking-pod-selector');
  if (selectors === undefined) return undefined;
  const good = selectors.filter(isSelector);
  const bad = selectors.filter((selector) => !isSelector(selector));
  return {
    flags: ['blocking-pod-selector'],
    settings: { blockingPods: good.map((selector) => ({ selector })) },
    remarks: bad.map((selector) => `${selector} is not a selector that is read here`),
  };
}

const alertFlags = [
  'prometheus-url',
  'alert-filter-regexp',
  'alert-filter-match-only',
  'alert-firing-only',
] as const satisfies KuredFlag[];

function prometheus(told: Told): Entry | undefined {
  const flags = alertFlags.filter((flag) => told.has(flag));
  if (flags.length === 0) return undefined;
  const url = textOf(told, 'prometheus-url') ?? '';
  if (url === '') {
    return { flags, settings: {}, remarks: ['without prometheus-url kured asks for no alerts'] };
  }
  const remarks: string[] = [];
  const open = url.replace(/^(https?:\/\/)[^/@]*@/u, '$1');
  if (open !== url) remarks.push('a name and password in the address are not taken along');
  const settings: Defaults = {
    prometheusUrl: open,
    prometheusAlerts: isOn(told, 'alert-firing-only') ? 'firing' : 'firingOrPending',
  };
  if (url.startsWith('http:')) {
    settings.prometheusAllowHttp = true;
    remarks.push(
      'whoever is between here and there can change what Prometheus says: better https:',
    );
  }
  if (/\.svc(\.|:|\/|$)|\.local(:|\/|$)/u.test(url)) {
    remarks.push('this address is known in the cluster only: the app has to have a way to it');
  }
  const filter = textOf(told, 'alert-filter-regexp') ?? '';
  if (filter === '') return { flags, settings, remarks };
  if (!isRegularExpression(filter)) {
    remarks.push(`alert-filter-regexp ${filter} is Go's notation: write it as JavaScript reads it`);
  } else if (isOn(told, 'alert-filter-match-only')) settings.prometheusAlertsOnly = filter;
  else settings.prometheusAlertsExcept = filter;
  return { flags, settings, remarks };
}

function isRegularExpression(text: string): boolean {
  try {
    return new RegExp(text, 'u') instanceof RegExp;
  } catch {
    return false;
  }
}

const longestProbeAgeHours = 168;

function period(told: Told): Entry | undefined {
  const seconds = durationOf(told, 'period');
  if (seconds === undefined) return undefined;
  const hours = Math.round((seconds / 3600) * 100) / 100;
  return {
    flags: ['period'],
    settings: { probeMaxAgeHours: Math.min(hours, longestProbeAgeHours) },
    remarks: [
      `when runs begin is the app setting REBOOT_SCHEDULE: "${scheduleOf(seconds)}" comes nearest`,
      'asking a node takes a run-command of some 30 seconds each, so an answer serves for so long',
    ],
  };
}

/** NCRONTAB, with seconds. */
function scheduleOf(seconds: number): string {
  const minutes = Math.max(1, Math.round(seconds / 60));
  if (minutes < 60) return `0 */${minutes} * * * *`;
  const hours = Math.round(minutes / 60);
  return hours < 24 ? `0 0 */${hours} * * *` : '0 0 0 * * *';
}

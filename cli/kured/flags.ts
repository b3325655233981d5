import { BadInput } from '../badInput.ts';

/** kured's flags, as its `cmd/kured/main.go` (1.23) declares them. */

type Kind = 'text' | 'number' | 'flag' | 'duration' | 'regexp' | 'slice' | 'array';

export const kuredFlags = {
  'node-id': 'text',
  'force-reboot': 'flag',
  'metrics-host': 'text',
  'metrics-port': 'number',
  'drain-grace-period': 'number',
  'drain-pod-selector': 'text',
  'skip-wait-for-delete-timeout': 'number',
  'drain-delay': 'duration',
  'drain-timeout': 'duration',
  'reboot-delay': 'duration',
  'reboot-method': 'text',
  period: 'duration',
  'ds-namespace': 'text',
  'ds-name': 'text',
  'lock-annotation': 'text',
  'lock-ttl': 'duration',
  'lock-release-delay': 'duration',
  'prometheus-url': 'text',
  'alert-filter-regexp': 'regexp',
  'alert-filter-match-only': 'flag',
  'alert-firing-only': 'flag',
  'reboot-sentinel': 'text',
  'prefer-no-schedule-taint': 'text',
  'reboot-sentinel-command': 'text',
  'reboot-command': 'text',
  concurrency: 'number',
  'reboot-signal': 'number',
  'slack-hook-url': 'text',
  'slack-username': 'text',
  'slack-channel': 'text',
  'notify-url': 'text',
  'message-template-uncordon': 'text',
  'message-template-drain': 'text',
  'message-template-reboot': 'text',
  'blocking-pod-selector': 'array',
  'reboot-days': 'slice',
  'start-time': 'text',
  'end-time': 'text',
  'time-zone': 'text',
  'annotate-nodes': 'flag',
  'log-format': 'text',
  'pre-reboot-node-labels': 'slice',
  'post-reboot-node-labels': 'slice',
} as const satisfies Record<string, Kind>;
export type KuredFlag = keyof typeof kuredFlags;

/** What kured was told: the values of each flag, in the order in which they count. */
export type Told = ReadonlyMap<KuredFlag, readonly string[]>;

/**
 * Reads kured's command line and environment as kured does: what the environment says comes last,
 * and so it wins. Throws `BadInput` for what kured itself would refuse.
 */
export function readFlags(
  words: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): { told: Told; remarks: string[] } {
  const told = new Map<KuredFlag, string[]>();
  const remarks: string[] = [];
  const tell = (flag: KuredFlag, value: string, where: string) => {
    check(flag, value, where);
    told.set(flag, [...(told.get(flag) ?? []), value]);
  };
  const queue = [...words];
  for (let word = queue.shift(); word !== undefined; word = queue.shift()) {
    const [, name, value] = /^--([a-z-]+)(?:=([\s\S]*))?$/u.exec(word) ?? [];
    if (name === undefined) throw new BadInput(`"${word}" is not a flag of kured's: --name=value`);
    if (!isKuredFlag(name)) throw new BadInput(`kured has no flag --${name}`);
    const alone = kuredFlags[name] === 'flag' ? 'true' : undefined;
    const given = value ?? alone ?? queue.shift();
    if (given === undefined) throw new BadInput(`--${name} needs a value`);
    tell(name, given, `--${name}`);
  }
  for (const name of Object.keys(kuredFlags).filter(isKuredFlag)) {
    const variable = variableOf(name);
    const value = environment[variable];
    if (value === undefined) continue;
    if (kuredFlags[name] === 'array') {
      remarks.push(
        `${variable}: kured reads this flag from its command line only, and so it is left out`,
      );
    } else {
      tell(name, value, variable);
    }
  }
  return { told, remarks };
}

/** The environment's name of a flag: `KURED_START_TIME`. */
export function variableOf(flag: KuredFlag): string {
  return `KURED_${flag.toUpperCase().replaceAll('-', '_')}`;
}

function isKuredFlag(name: string): name is KuredFlag {
  return Object.hasOwn(kuredFlags, name);
}

function check(flag: KuredFlag, value: string, where: string): void {
  const refuse = (what: string) => new BadInput(`${where} is "${value}", which is not ${what}`);
  switch (kuredFlags[flag]) {
    case 'number':
      if (!/^[+-]?\d+$/u.test(value)) throw refuse('a whole number');
      return;
    case 'flag':
      if (!isTrue(value) && !/^(0|f|F|false|FALSE|False)$/u.test(value)) {
        throw refuse('true or false');
      }
      return;
    case 'duration':
      if (secondsIn(value) === undefined) throw refuse('a duration, e.g. "1h30m"');
      return;
    case 'text':
    case 'regexp':
    case 'slice':
    case 'array':
      return;
  }
}

/** The last one counts. */
export function textOf(told: Told, flag: KuredFlag): string | undefined {
  return told.get(flag)?.at(-1);
}

export function numberOf(told: Told, flag: KuredFlag): number | undefined {
  const text = textOf(told, flag);
  return text === undefined ? undefined : Number(text);
}

export function isOn(told: Told, flag: KuredFlag): boolean {
  return isTrue(textOf(told, flag) ?? 'false');
}

export function durationOf(told: Told, flag: KuredFlag): number | undefined {
  const text = textOf(told, flag);
  return text === undefined ? undefined : secondsIn(text);
}

/** Entries of all mentions, one list. */
export function listOf(told: Told, flag: KuredFlag): string[] | undefined {
  return told.get(flag)?.flatMap((text) => (text === '' ? [] : text.split(',')));
}

function isTrue(value: string): boolean {
  return /^(1|t|T|true|TRUE|True)$/u.test(value);
}

const unitSeconds: Readonly<Record<string, number>> = {
  ns: 1e-9,
  us: 1e-6,
  µs: 1e-6,
  ms: 1e-3,
  s: 1,
  m: 60,
  h: 3600,
};

/** Go's notation of durations, in seconds; `undefined` when it is none. */
export function secondsIn(text: string): number | undefined {
  const [, sign = '', rest = ''] = /^([+-]?)(.*)$/u.exec(text) ?? [];
  if (rest === '0') return 0;
  if (!/^(\d+(\.\d*)?(ns|us|µs|ms|s|m|h))+$/u.test(rest)) return undefined;
  const parts = rest.matchAll(/(\d+(?:\.\d*)?)(ns|us|µs|ms|s|m|h)/gu);
  const seconds = [...parts].reduce(
    (sum, [, count = '', unit = '']) => sum + Number(count) * (unitSeconds[unit] ?? 0),
    0,
  );
  return sign === '-' ? -seconds : seconds;
}

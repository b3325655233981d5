import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { Temporal } from 'temporal-polyfill';
import { kuredFlags, readFlags, secondsIn } from '../../cli/kured/flags.ts';
import { readManifest } from '../../cli/kured/manifest.ts';
import { translateWindow } from '../../cli/kured/window.ts';
import type { KuredWindow } from '../../cli/kured/window.ts';
import { fromKured } from '../../cli/settings/fromKured.ts';
import { parseSettings } from '../../src/policy/settings.ts';
import type { Policy } from '../../src/policy/settings.ts';
import { viewWindows } from '../../src/policy/window.ts';

/** `aks-reboot settings from-kured`, against what kured 1.23 does. */

const id =
  '/subscriptions/8d2f1b64-3c1e-4b0a-9f57-6a1c2e9d4b10/resourceGroups/shop/providers' +
  '/Microsoft.ContainerService/managedClusters/shop';
const options = { cluster: [id], controller: 'platform' };

/** What comes of flags, and what is said. Throws when the settings are not right. */
function translated(words: readonly string[], environment: Record<string, string> = {}) {
  const { yaml, said } = fromKured(words, options, environment);
  return { policy: policyIn(yaml), said, yaml };
}

function policyIn(yaml: string): Policy {
  const parsed = parseSettings(yaml);
  if (parsed.kind === 'bad') throw new Error(`${JSON.stringify(parsed.problems)}\n${yaml}`);
  const [cluster] = parsed.value.clusters;
  if (cluster === undefined) throw new Error('no cluster');
  return cluster.policy;
}

const closed = { kind: 'unknown', value: 'nobody asked for it' } as const;
const isOpen = (policy: Policy, at: number) => viewWindows(policy, closed, at).kind === 'open';
const windowFlags = (days: string, start: string, end: string, zone: string) => [
  `--reboot-days=${days}`,
  `--start-time=${start}`,
  `--end-time=${end}`,
  `--time-zone=${zone}`,
];

describe("kured's window", () => {
  // kured: pkg/timewindow/timewindow_test.go, TestTimeWindows, case by case.
  const zone = 'America/Los_Angeles';
  const inOffice = 'mon,tue,wed,thu,fri';
  it.each<[string, string, string, string, [string, boolean][]]>([
    [
      inOffice,
      '9am',
      '5pm',
      zone,
      [
        ['2019-03-31 10:00 -07:00', false],
        ['2019-04-04 00:49 -07:00', false],
        ['2019-04-04 12:00 -07:00', true],
        ['2019-04-04 11:59 +00:00', false],
        ['2019-04-05 08:59 -07:00', false],
        ['2019-04-05 09:01 -07:00', true],
      ],
    ],
    [
      'mon,we,fri',
      '10:01',
      '11:30am',
      zone,
      [
        ['2019-04-05 10:30 -07:00', true],
        ['2019-04-06 10:30 -07:00', false],
        ['2019-04-07 10:30 -07:00', false],
        ['2019-04-08 10:30 -07:00', true],
        ['2019-04-09 10:30 -07:00', false],
        ['2019-04-10 10:30 -07:00', true],
        ['2019-04-11 10:30 -07:00', false],
      ],
    ],
    [
      'mo,tu,we,th,fr',
      '00:00',
      '23:59:59',
      'UTC',
      [
        ['2019-04-18 00:00 +00:00', true],
        ['2019-04-18 23:59 +00:00', true],
      ],
    ],
    [
      inOffice,
      '9pm',
      '5am',
      zone,
      [
        ['2019-03-30 04:00 -07:00', false],
        ['2019-03-31 10:00 -07:00', false],
        ['2019-03-31 22:00 -07:00', false],
        ['2019-04-04 00:49 -07:00', true],
        ['2019-04-04 12:00 -07:00', false],
        ['2019-04-04 22:49 -07:00', true],
        ['2019-04-05 00:49 -07:00', true],
        ['2019-04-05 08:59 -07:00', false],
        ['2019-04-05 09:01 -07:00', false],
      ],
    ],
    [
      inOffice,
      '11:59pm',
      '00:01am',
      zone,
      [
        ['2019-04-04 23:58 -07:00', false],
        ['2019-04-04 23:59 -07:00', true],
        ['2019-04-05 00:00 -07:00', true],
        ['2019-04-05 00:02 -07:00', false],
      ],
    ],
    [
      'mon,tue,wed,fri',
      '11:59pm',
      '00:01am',
      zone,
      [
        ['2019-04-04 23:58 -07:00', false],
        ['2019-04-04 23:59 -07:00', false],
        ['2019-04-05 00:00 -07:00', true],
        ['2019-04-05 00:02 -07:00', false],
      ],
    ],
    [
      'mon,tue,wed,thu',
      '11:59pm',
      '00:01am',
      zone,
      [
        ['2019-04-04 23:58 -07:00', false],
        ['2019-04-04 23:59 -07:00', true],
        ['2019-04-05 00:00 -07:00', false],
        ['2019-04-05 00:02 -07:00', false],
      ],
    ],
    [
      inOffice,
      '11:59pm',
      '00:01am',
      'UTC',
      [
        ['2019-04-04 23:58 +00:00', false],
        ['2019-04-04 23:59 +00:00', true],
        ['2019-04-05 00:00 +00:00', true],
        ['2019-04-05 00:02 +00:00', false],
      ],
    ],
  ])('%s from %s to %s in %s is open when kured says so', (days, start, end, where, cases) => {
    const { policy } = translated(windowFlags(days, start, end, where));
    for (const [text, expected] of cases) {
      const at = Date.parse(text.replace(' ', 'T').replace(' ', ''));
      expect({ text, open: isOpen(policy, at) }).toEqual({ text, open: expected });
    }
  });

  it('ends with the end, and not a second after it as kured does', () => {
    // kured's remaining two cases: at 00:01 sharp it is still open there.
    const { policy } = translated(windowFlags(inOffice, '11:59pm', '00:01am', 'UTC'));
    expect(isOpen(policy, Date.UTC(2019, 3, 5, 0, 0, 59))).toBe(true);
    expect(isOpen(policy, Date.UTC(2019, 3, 5, 0, 1))).toBe(false);
  });

  it('over midnight says what it means, and how to mean whole nights', () => {
    const { policy, said } = translated(windowFlags('fri', '22:00', '02:00', 'UTC'));
    expect(policy.windows).toMatchObject([
      { kind: 'weekly', days: [5], start: '22:00', ends: { kind: 'at', time: '00:00' } },
      { kind: 'weekly', days: [5], start: '00:00', ends: { kind: 'at', time: '02:00' } },
    ]);
    expect(said.join('\n')).toContain('{ days: [fri], start: 22:00, end: 02:00 }');
  });

  it.each<[string, KuredWindow, object]>([
    [
      'all days from 0:00 to 23:59:59',
      { days: undefined, start: '0:00', end: '23:59:59' },
      { kind: 'always' },
    ],
    ['no day', { days: [], start: '0:00', end: '23:59:59' }, { kind: 'never' }],
    ['a moment', { days: undefined, start: '5:00', end: '5:00' }, { kind: 'never' }],
    [
      'each night',
      { days: undefined, start: '22', end: '4am' },
      { kind: 'windows', windows: [{ start: '22:00', end: '04:00' }], remarks: [] },
    ],
    [
      'seconds',
      { days: ['0', 'MONDAY', 'tu'], start: '08:00:30', end: '17:30:20' },
      { kind: 'windows', windows: [{ days: ['mon', 'tue', 'sun'], start: '08:01', end: '17:30' }] },
    ],
  ])('may be %s', (_what, window, expected) => {
    expect(translateWindow(window)).toMatchObject(expected);
  });

  it('that never opens has none that opens', () => {
    const { policy, said } = translated(['--reboot-days=']);
    expect(viewWindows(policy, closed, 0)).toEqual({ kind: 'closed', opensAt: undefined });
    expect(said.join('\n')).toContain('kured never reboots: reboot-days is empty');
  });

  it.each([
    [{ days: ['someday'], start: '0:00', end: '1:00' }, /"someday" is not a day/u],
    [{ days: ['7'], start: '0:00', end: '1:00' }, /"7" is not a day/u],
    [{ days: undefined, start: '5:00pm', end: '23:00' }, /"5:00pm" is not a time of day/u],
    [{ days: undefined, start: '24:00', end: '23:00' }, /"24:00" is not a time of day/u],
    [{ days: undefined, start: '10:60', end: '23:00' }, /"10:60" is not a time of day/u],
    [{ days: undefined, start: '13pm', end: '23:00' }, /"13pm" is not a time of day/u],
    [{ days: undefined, start: '', end: '23:00' }, /"" is not a time of day/u],
  ])('that kured would not start with is refused: %j', (window, message) => {
    expect(() => translateWindow(window)).toThrow(message);
  });

  /** As `Contains` has it, in whole minutes and on days without a clock change. */
  function kuredContains(days: readonly number[], from: number, to: number, at: number): boolean {
    const { dayOfWeek, hour, minute } =
      Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO('UTC');
    const now = hour * 60 + minute;
    if (!days.includes(dayOfWeek % 7)) return false;
    return from <= to ? from <= now && now < to : now >= from || now < to;
  }

  it('is open exactly when kured is, whatever it is', () => {
    const clock = (minutes: number) =>
      `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}`;
    const minutes = fc.nat({ max: 1439 });
    const days = fc.uniqueArray(fc.nat({ max: 6 }), { minLength: 1 });
    const instant = fc.integer({ min: Date.UTC(2026, 0, 1), max: Date.UTC(2027, 0, 1) });
    fc.assert(
      fc.property(days, minutes, minutes, instant, (named, from, to, at) => {
        const { policy } = translated(windowFlags(named.join(','), clock(from), clock(to), 'UTC'));
        expect(isOpen(policy, at)).toBe(kuredContains(named, from, to, at));
      }),
      { numRuns: 200 },
    );
  });
});

describe("kured's flags", () => {
  it('become settings', () => {
    const { policy } = translated([
      '--concurrency=3',
      '--drain-grace-period=120',
      '--drain-pod-selector=app!=longhorn',
      '--drain-timeout=1h30m20s',
      '--skip-wait-for-delete-timeout=60',
      '--force-reboot',
      '--lock-release-delay',
      '30m',
      '--prometheus-url=https://prometheus.example.com',
      '--alert-filter-regexp=^(RebootRequired|Watchdog)$',
      '--alert-firing-only',
      '--blocking-pod-selector=runtime=long,cost=expensive',
      '--blocking-pod-selector=name=temperamental',
      '--period=2h',
      '--reboot-sentinel=/run/reboot-required',
      '--reboot-sentinel-command=sh -c "! needs-restarting -r"',
    ]);
    expect(policy).toMatchObject({
      concurrency: 3,
      gracePeriodSeconds: 120,
      podSelector: 'app!=longhorn',
      drainTimeoutMinutes: 91,
      skipWaitForDeleteSeconds: 60,
      atDrainDeadline: 'restart',
      soakSeconds: 1800,
      prometheusUrl: 'https://prometheus.example.com',
      prometheusAllowHttp: false,
      prometheusAlerts: 'firing',
      prometheusAlertsExcept: '^(RebootRequired|Watchdog)$',
      prometheusAlertsOnly: '',
      blockingPods: [
        { selector: 'runtime=long,cost=expensive', where: 'node' },
        { selector: 'name=temperamental', where: 'node' },
      ],
      probeMaxAgeHours: 2,
      sentinelPath: '/run/reboot-required',
      sentinelCommand: 'sh -c "! needs-restarting -r"',
      windows: [],
    });
  });

  it('are taken to mean what kured does untold: cordoned nodes and unmanaged pods go too', () => {
    expect(translated([]).policy).toMatchObject({
      cordonedByPerson: 'reboot',
      evictUnmanaged: true,
    });
  });

  it('that turn the filter of alerts around name those that block', () => {
    const { policy, said } = translated([
      '--prometheus-url=http://user:secret@prometheus.monitoring.svc:9090',
      '--alert-filter-regexp=^Page',
      '--alert-filter-match-only=true',
    ]);
    expect(policy).toMatchObject({
      prometheusUrl: 'http://prometheus.monitoring.svc:9090',
      prometheusAllowHttp: true,
      prometheusAlerts: 'firingOrPending',
      prometheusAlertsOnly: '^Page',
      prometheusAlertsExcept: '',
    });
    expect(said.join('\n')).toMatch(/in the cluster only/u);
    expect(said.join('\n')).not.toContain('secret');
  });

  it('that can not be kept are said, and nothing is made up', () => {
    const { policy, said } = translated([
      '--concurrency=99',
      '--drain-timeout=0',
      '--drain-pod-selector=!!',
      '--prometheus-url=https://p.example.com',
      '--alert-filter-regexp=(?i)reboot',
    ]);
    expect(policy).toMatchObject({
      concurrency: 50,
      drainTimeoutMinutes: 30,
      podSelector: '',
      prometheusAlertsExcept: '',
    });
    const words = said.join('\n');
    for (const what of ['99 is not possible', 'waits without end', '!!', "Go's notation"]) {
      expect(words).toContain(what);
    }
  });

  it('without a counterpart are named with the reason, and no secret is repeated', () => {
    const { said, yaml } = translated([
      '--notify-url=slack://token@channel',
      '--slack-hook-url=https://hooks.slack.com/services/a/b/c',
      '--pre-reboot-node-labels=a=b,c=d',
      '--lock-ttl=30m',
    ]);
    for (const flag of ['notify-url', 'slack-hook-url', 'pre-reboot-node-labels', 'lock-ttl']) {
      expect(said.join('\n')).toContain(`--${flag} has no counterpart: `);
      expect(yaml).toContain(`# - --${flag}: `);
    }
    expect(yaml + said.join('\n')).not.toMatch(/token@|a\/b\/c/u);
  });

  it('all lead to settings, or to a word on why not', () => {
    const samples = {
      text: '/x/y',
      number: '5',
      flag: 'true',
      duration: '5m',
      regexp: 'x',
      slice: 'a=b',
      array: 'a=b',
    };
    const values: Record<string, string> = {
      'start-time': '1:00',
      'end-time': '2:00',
      'reboot-days': 'mon',
      'time-zone': 'UTC',
      'drain-pod-selector': 'a=b',
      'prometheus-url': 'https://p.example.com',
    };
    for (const [flag, kind] of Object.entries(kuredFlags)) {
      const value = values[flag] ?? samples[kind];
      const others = flag.startsWith('alert-') ? ['--prometheus-url=https://p.example.com'] : [];
      const { yaml } = translated([`--${flag}=${value}`, ...others]);
      expect({ flag, named: yaml.includes(`--${flag}`) }).toEqual({ flag, named: true });
    }
  });

  it('may come from the environment, which wins as it does in kured', () => {
    const { policy, said } = translated(['--concurrency=2', '--reboot-days=mon'], {
      KURED_CONCURRENCY: '4',
      KURED_REBOOT_DAYS: 'tue,wed',
      KURED_BLOCKING_POD_SELECTOR: 'app=x',
      KURED_NODE_ID: 'here',
    });
    expect(policy.concurrency).toBe(4);
    // Lists grow, as in kured.
    expect(policy.windows).toMatchObject([{ days: [1, 2, 3] }]);
    expect(policy.blockingPods).toEqual([]);
    expect(said.join('\n')).toContain(
      'KURED_BLOCKING_POD_SELECTOR: kured reads this flag from its',
    );
    expect(translated(['KURED_CONCURRENCY=5']).policy.concurrency).toBe(5);
  });

  it.each([
    [['--colour=red'], /^kured has no flag --colour$/u],
    [['concurrency=2'], /is not a flag of kured's/u],
    [['--concurrency'], /^--concurrency needs a value$/u],
    [['--concurrency=two'], /^--concurrency is "two", which is not a whole number$/u],
    [['--force-reboot=maybe'], /^--force-reboot is "maybe", which is not true or false$/u],
    [['--period=1d'], /^--period is "1d", which is not a duration/u],
  ])('that kured would refuse are refused: %j', (words, message) => {
    expect(() => readFlags(words, {})).toThrow(message);
  });

  it.each([
    ['0', 0],
    ['90s', 90],
    ['1h30m', 5400],
    ['1.5h', 5400],
    ['500ms', 0.5],
    ['-5m', -300],
    ['5', undefined],
    ['', undefined],
    ['h', undefined],
  ])('have durations as Go writes them: %j', (text, seconds) => {
    expect(secondsIn(text)).toBe(seconds);
  });
});

describe("kured's DaemonSet", () => {
  const manifest = (container: string, pod = '') => `apiVersion: v1
kind: ServiceAccount
metadata: { name: kured, namespace: kube-system }
---
apiVersion: apps/v1
kind: DaemonSet
metadata: { name: kured, namespace: kube-system }
spec:
  selector: { matchLabels: { name: kured } }
  template:
    spec:
${pod}
      containers:
        - name: kured
          image: ghcr.io/kubereboot/kured:1.23.0
${container}
`;
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'aks-reboot-kured-'));
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  const from = (text: string, environment: Record<string, string> = {}) => {
    const file = join(directory, 'kured.yaml');
    writeFileSync(file, text);
    const { yaml, said } = fromKured([], { ...options, file }, environment);
    return { policy: policyIn(yaml), said, yaml };
  };

  it('is read with its environment, and its paths are those of the node', () => {
    const { policy, yaml } = from(
      manifest(
        `          env:
            - { name: KURED_NODE_ID, valueFrom: { fieldRef: { fieldPath: spec.nodeName } } }
            - { name: KURED_END_TIME, value: "5:00" }
            - { name: ZONE, value: Europe/Berlin }
          volumeMounts: [{ mountPath: /watched, name: run }]
          command:
            - /usr/bin/kured
            - --reboot-sentinel=/watched/needs-a-reboot
            - --start-time=1:00
          args: ["--time-zone=$(ZONE)", --reboot-days, "mon,tue"]`,
        '      volumes: [{ name: run, hostPath: { path: /var/run/, type: Directory } }]',
      ),
      // This process's own environment is not the container's.
      { KURED_START_TIME: '9:00' },
    );
    expect(policy).toMatchObject({
      sentinelPath: '/var/run/needs-a-reboot',
      windows: [
        {
          days: [1, 2],
          start: '01:00',
          ends: { kind: 'at', time: '05:00' },
          timeZone: 'Europe/Berlin',
        },
      ],
    });
    expect(yaml).toContain('# What kured was told (DaemonSet kube-system/kured)');
  });

  it('is found in a list of JSON, and what it does not hold itself is said', () => {
    const set = {
      kind: 'DaemonSet',
      metadata: { name: 'reboots', namespace: 'ops' },
      spec: {
        template: {
          spec: {
            nodeSelector: { 'kubernetes.io/os': 'linux' },
            containers: [
              { name: 'proxy', image: 'envoy', args: ['--concurrency=9'] },
              {
                name: 'main',
                image: 'registry/kured:1.23',
                args: ['--concurrency=2'],
                env: [{ name: 'KURED_PERIOD', valueFrom: {} }],
                envFrom: [{ configMapRef: { name: 'kured' } }],
              },
            ],
          },
        },
      },
    };
    const { policy, said } = from(JSON.stringify({ kind: 'List', items: [{ kind: 'Pod' }, set] }));
    expect(policy.concurrency).toBe(2);
    expect(said.join('\n')).toContain('KURED_PERIOD, envFrom: not in the manifest');
    expect(said.join('\n')).toContain('includeLabels: ["kubernetes.io/os=linux"]');
  });

  it('without any flag is kured as it comes', () => {
    expect(from(manifest('          command: [/usr/bin/kured]')).policy.windows).toEqual([]);
  });

  it.each([
    ['kind: Deployment', /holds no DaemonSet with a container of kured$/u],
    [`${manifest('')}---\n${manifest('')}`, /holds several DaemonSets of kured: /u],
    ['a: [', /is neither YAML nor JSON: /u],
  ])('has to be there, once', (text, message) => {
    expect(() => readManifest(text, 'kured.yaml')).toThrow(message);
  });

  it('or flags, not both', () => {
    expect(() => fromKured(['--concurrency=2'], { ...options, file: 'x' }, {})).toThrow(
      /not both$/u,
    );
  });
});

describe('settings made from kured', () => {
  it('are right whatever kured was told, but for clusters that somebody has to name', () => {
    const anyText = fc.oneof(fc.string(), fc.constantFrom('a=b', '/var/run/x', 'https://p'));
    const anyFlag = fc.oneof(
      fc.record({
        flag: fc.constantFrom('concurrency', 'drain-grace-period', 'skip-wait-for-delete-timeout'),
        value: fc.integer({ min: -9999, max: 99_999 }).map(String),
      }),
      fc.record({
        flag: fc.constantFrom('drain-timeout', 'lock-release-delay', 'period', 'lock-ttl'),
        value: fc.integer({ min: 0, max: 9999 }).map((minutes) => `${minutes}m`),
      }),
      fc.record({
        flag: fc.constantFrom('drain-pod-selector', 'blocking-pod-selector', 'alert-filter-regexp'),
        value: anyText,
      }),
    );
    fc.assert(
      fc.property(fc.array(anyFlag, { maxLength: 6 }), (flags) => {
        translated(flags.map(({ flag, value }) => `--${flag}=${value}`));
      }),
    );
    const unnamed = fromKured([], { cluster: [], controller: 'platform' }, {});
    const parsed = parseSettings(unnamed.yaml);
    expect(parsed).toMatchObject({ kind: 'bad', problems: [{ path: 'clusters[0].id' }] });
  });

  it('read as a person would have written them', () => {
    const { yaml } = translated([
      ...windowFlags('fri,sat', '22:00', '02:00', 'Europe/Berlin'),
      '--concurrency=2',
      '--metrics-port=9090',
    ]);
    expect(yaml).toBe(`# What kured was told (its flags), as settings of aks-reboot-orchestrator.
# kured has to be gone from the cluster before nodes are rebooted (setting kured).

controller: platform # The name of this installation: choose one, and keep it.

defaults:
  # --reboot-days --start-time --end-time --time-zone
  # - kured takes the early and the late hours of each named day, and that is what stands here;
  #   for whole nights, which belong to the day on which they begin, write { days: [fri, sat],
  #   start: 22:00, end: 02:00 }
  # - kured begins anything until the last moment; here a node is begun only if it can be done
  #   before the window closes
  timeZone: Europe/Berlin
  windows:
    - {days: [fri, sat], start: "22:00", end: "00:00"}
    - {days: [fri, sat], start: "00:00", end: "02:00"}

  # --concurrency
  concurrency: 2

  # What kured does untold
  # - kured reboots nodes that somebody has cordoned, and leaves them cordoned; "skip", the
  #   default here, leaves them alone
  # - kured drains with --force: pods that no controller re-creates are evicted as well, and lost;
  #   false, the default here, has them stop the drain
  cordonedByPerson: reboot
  evictUnmanaged: true

clusters:
  - id: ${id}

# Without a counterpart:
# - --metrics-port: nothing listens in the cluster; the reports and the log tell
`);
  });
});

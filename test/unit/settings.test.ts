import fc from 'fast-check';
import { chooseClusters } from '../../src/policy/choice.ts';
import {
  defaultPolicy,
  parseSettings,
  policyOf as policyOfPool,
  settingsJsonSchema,
} from '../../src/policy/settings.ts';
import type { Settings, SettingsDocument } from '../../src/policy/settings.ts';
import { viewWindows } from '../../src/policy/window.ts';

const subscription = '11111111-2222-4333-8444-555555555555';
const idOf = (name: string, group = 'rg') =>
  `/subscriptions/${subscription}/resourceGroups/${group}/providers` +
  `/Microsoft.ContainerService/managedClusters/${name}`;

const smallest: SettingsDocument = { controller: 'night-shift', clusters: [{ id: idOf('one') }] };

function parsed(document: SettingsDocument): Settings {
  const result = parseSettings(JSON.stringify(document));
  if (result.kind === 'bad') throw new Error(JSON.stringify(result.problems));
  return result.value;
}

function problems(document: unknown): Record<string, string> {
  const result = parseSettings(typeof document === 'string' ? document : JSON.stringify(document));
  if (result.kind === 'ok') throw new Error('expected problems');
  return Object.fromEntries(result.problems.map(({ path, problem }) => [path, problem]));
}

const policyOf = (document: SettingsDocument, index = 0) =>
  parsed(document).clusters[index]?.policy;

describe('settings that are right', () => {
  it('need a controller and one cluster, everything else has a default', () => {
    const settings = parsed(smallest);
    expect(settings).toMatchObject({ controller: 'night-shift', claim: 'keep', keepRunsDays: 30 });
    expect(settings.clusters).toHaveLength(1);
    expect(settings.clusters[0]?.policy).toEqual(defaultPolicy);
  });

  it('start from the safe side: one node at a time, hands off what a person cordoned', () => {
    expect(policyOf(smallest)).toMatchObject({
      concurrency: 1,
      cordonedByPerson: 'skip',
      bootTimeoutMinutes: 30,
      evictUnmanaged: false,
      minDaysBetweenReboots: 1,
    });
  });

  it("let a cluster's own value win over the defaults, and the defaults over ours", () => {
    const document: SettingsDocument = {
      ...smallest,
      defaults: { concurrency: 3, soakSeconds: 5, excludePools: ['gpu'] },
      clusters: [{ id: idOf('one'), concurrency: 2, excludePools: [] }, { id: idOf('two') }],
    };
    expect(policyOf(document, 0)).toEqual({
      ...defaultPolicy,
      concurrency: 2,
      soakSeconds: 5,
      excludePools: [],
    });
    expect(policyOf(document, 1)).toEqual({
      ...defaultPolicy,
      concurrency: 3,
      soakSeconds: 5,
      excludePools: ['gpu'],
    });
  });

  it("let a pool's own value win over its cluster's, whatever the case of its name", () => {
    const document: SettingsDocument = {
      ...smallest,
      defaults: { soakSeconds: 5 },
      clusters: [
        { id: idOf('one'), drainTimeoutMinutes: 45, pools: { web: { drainTimeoutMinutes: 90 } } },
      ],
    };
    const [cluster] = parsed(document).clusters;
    if (cluster === undefined) throw new Error('no cluster');
    const minutes = (pool: string) => policyOfPool(cluster, pool).drainTimeoutMinutes;
    expect([minutes('web'), minutes('WEB'), minutes('system')]).toEqual([90, 90, 45]);
    expect(policyOfPool(cluster, 'web').soakSeconds).toBe(5);
  });

  it("refuse a pool a setting that only a cluster has, and what is no pool's name", () => {
    expect(
      problems({
        ...smallest,
        clusters: [{ id: idOf('one'), pools: { web: { concurrency: 2 }, 'Web-1': {} } }],
      }),
    ).toEqual({
      'clusters[0].pools.web.concurrency':
        'is not read here: it belongs into defaults or clusters[…]',
      'clusters[0].pools.Web-1': 'is not a pool name: lower-case letters and digits, at most 12',
    });
  });

  it('count the days of a window as ISO 8601 does and give it UTC when it names no zone', () => {
    const windows: SettingsDocument['defaults'] = {
      windows: [{ days: ['mon', 'sun'], start: '22:30', durationMinutes: 90 }],
    };
    expect(policyOf({ ...smallest, defaults: windows })?.windows).toEqual([
      {
        kind: 'weekly',
        days: [1, 7],
        start: '22:30',
        ends: { kind: 'after', minutes: 90 },
        timeZone: 'UTC',
      },
    ]);
  });

  it('give clusters of one name in two resource groups different, safe keys', () => {
    const { clusters } = parsed({
      ...smallest,
      clusters: [{ id: idOf('Prod', 'a') }, { id: idOf('Prod', 'b') }],
    });
    const keys = clusters.map(({ key }) => key);
    expect(new Set(keys).size).toBe(2);
    for (const key of keys) expect(key).toMatch(/^prod-[a-z0-9]{10,11}$/u);
  });

  it('keep the hash of the document, which changes with it', () => {
    const { hash } = parsed(smallest);
    expect(parsed(smallest).hash).toBe(hash);
    expect(parsed({ ...smallest, keepRunsDays: 31 }).hash).not.toBe(hash);
  });

  it('may name their JSON Schema, and have one', () => {
    expect(parsed({ ...smallest, $schema: './settings.json' }).controller).toBe('night-shift');
    expect(settingsJsonSchema()).toMatchObject({
      type: 'object',
      required: ['controller', 'clusters'],
      additionalProperties: false,
    });
  });
});

describe('windows of any settings', () => {
  const time = fc
    .tuple(fc.nat({ max: 23 }), fc.nat({ max: 59 }))
    .map((parts) => parts.map((part) => String(part).padStart(2, '0')).join(':'));
  const timeZone = fc.option(fc.constantFrom('Asia/Tokyo', 'America/New_York'), { nil: undefined });
  const ends = fc.oneof(
    fc.record({ end: time }),
    fc.record({ durationMinutes: fc.integer({ min: 30, max: 10_080 }) }),
  );
  const days = fc.uniqueArray(fc.constantFrom('mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'), {
    minLength: 1,
  });
  const on = fc.oneof(
    fc.record({ days }),
    fc.record({ days, weeks: fc.constantFrom(['first'], ['second', 'last']) }),
    fc.record({ daysOfMonth: fc.constantFrom([1], [31], ['last', 15]) }),
  );
  const dated = fc.tuple(on, ends, time, timeZone).map(([which, end, start, zone]) => {
    return { ...which, ...end, start, ...(zone === undefined ? {} : { timeZone: zone }) };
  });
  const cron = fc.constant({ cron: '30 22 * * 1-5', durationMinutes: 90 });
  const window = fc.oneof({ weight: 3, arbitrary: dated }, cron, fc.constant('aks'));
  const dates = fc.constantFrom('12-24', '2026-11-23', { from: '12-20', to: '01-06' });
  const instant = fc.integer({ min: Date.UTC(2026, 0, 1), max: Date.UTC(2027, 0, 1) });

  it('are read, and what they say of now agrees with what they say of next', () => {
    fc.assert(
      fc.property(
        fc.array(window, { maxLength: 3 }),
        fc.array(dates, { maxLength: 2 }),
        instant,
        (windows, excludedDates, now) => {
          const defaults = { windows, excludedDates, timeZone: 'Europe/Berlin' };
          const result = parseSettings(JSON.stringify({ ...smallest, defaults }));
          if (result.kind === 'bad') throw new Error(JSON.stringify(result.problems));
          const policy = result.value.clusters[0]?.policy ?? { windows: [], excludedDates: [] };
          const unknown = { kind: 'unknown', value: 'nobody asked' } as const;
          const at = (moment: number) => viewWindows(policy, unknown, moment).kind;
          const view = viewWindows(policy, unknown, now);
          const [change, other] =
            view.kind === 'open' ? [view.closesAt, 'closed'] : [view.opensAt ?? Infinity, 'open'];
          expect(change).toBeGreaterThan(now);
          fc.pre(change - now < 7 * 86_400_000);
          expect([at(change - 1), at(change)]).toEqual([view.kind, other]);
        },
      ),
      { numRuns: 50 },
    );
  });
});

describe('settings that are wrong', () => {
  it('tell every problem at once, each with its place, what was found and what is expected', () => {
    expect(
      problems({
        controller: 'night shift',
        claim: 'lose',
        keepRunsDays: 0.5,
        defaults: {
          concurrency: '2',
          drainTimeoutMinutes: 100_000,
          bootTimeoutMinutes: 29,
          deleteEmptyDirData: 'yes',
          cordonedByPerson: 'reboots',
          sentinelPath: '/var/run/$(reboot)',
          excludePools: 'gpu',
        },
        clusters: [
          { id: 'my-cluster' },
          { concurrency: 0 },
          {
            id: idOf('three'),
            windows: [
              { days: ['mon', 'someday'], start: '25:00', durationMinutes: 60, timeZone: 'Mars' },
              { days: [], durationMinutes: 29, start: 2230 },
            ],
          },
        ],
      }),
    ).toEqual({
      controller: '"night shift" is not a name of at most 100 letters, digits and . _ : @ -',
      claim: 'is "lose": it has to be "keep" or "release"',
      keepRunsDays: 'is 0.5: it has to be a whole number',
      'defaults.concurrency': 'is "2": it has to be a number',
      'defaults.drainTimeoutMinutes': 'is 100000: it has to be at most 1440',
      'defaults.bootTimeoutMinutes': 'is 29: it has to be at least 30',
      'defaults.deleteEmptyDirData': 'is "yes": it has to be true or false',
      'defaults.cordonedByPerson': 'is "reboots": it has to be "skip" or "reboot"',
      'defaults.sentinelPath':
        '"/var/run/$(reboot)" is not an absolute path of letters, digits and . _ / -',
      'defaults.excludePools': 'is "gpu": it has to be a list',
      'clusters[0].id': `"my-cluster" is not a cluster's ARM id: "${idOf('<name>', '<name>').replace(subscription, '<guid>')}"`,
      'clusters[1].id': 'is missing: it has to be a text',
      'clusters[1].concurrency': 'is 0: it has to be at least 1',
      'clusters[2].windows[0].days[1]':
        'is "someday": it has to be "mon" or "tue" or "wed" or "thu" or "fri" or "sat" or "sun"',
      'clusters[2].windows[0].start': '"25:00" is not a time of day, e.g. "22:30"',
      'clusters[2].windows[0].timeZone':
        '"Mars" is not an IANA time zone, e.g. "Europe/Berlin" or "UTC"',
      'clusters[2].windows[1].days': 'is []: it has to have at least 1 entry',
      'clusters[2].windows[1].start': 'is 2230: it has to be a text',
      'clusters[2].windows[1].durationMinutes': 'is 29: it has to be at least 30',
    });
  });

  it('name a setting that nothing reads, so that a slip of the pen has no silent default', () => {
    expect(
      problems({ ...smallest, defaults: { concurency: 2, window: [] }, clusterz: [] }),
    ).toEqual({
      clusterz: 'is not read by anything: did you mean "clusters"?',
      'defaults.concurency': 'is not read by anything: did you mean "concurrency"?',
      'defaults.window': 'is not read by anything: did you mean "windows"?',
    });
  });

  it('name the twin of a cluster that is listed twice, also when only the case differs', () => {
    const clusters = [{ id: idOf('one') }, { id: idOf('two') }, { id: idOf('ONE').toUpperCase() }];
    expect(problems({ ...smallest, clusters })).toEqual({
      'clusters[2].id': 'is the same as clusters[0].id',
    });
  });

  it.each([
    ['neither YAML nor JSON', '{"a": 1', '(document)', /^is neither YAML nor JSON: /u],
    ['an empty text', '', '(document)', /^is empty$/u],
    ['JSON of another kind', '[]', '(document)', /^is \[\]: it has to be an object$/u],
    ['null', 'null', '(document)', /^is null: it has to be an object$/u],
    ['no clusters', '{"controller":"a","clusters":[]}', 'clusters', /at least 1 entry$/u],
  ])('are refused as a whole when they are %s', (_what, text, path, problem) => {
    expect(problems(text)[path]).toMatch(problem);
  });

  it.each([
    ['no guid for a subscription', idOf('one').replace(subscription, 'my-subscription')],
    ['another kind of resource', idOf('one').replace('managedClusters', 'fleets')],
    ['something below the cluster', `${idOf('one')}/agentPools/system`],
    ['a name with a slash escaped', idOf('a%2Fb')],
    ['another host before it', `https://evil.example${idOf('one')}`],
  ])('refuse an ARM id with %s', (_what, id) => {
    expect(Object.keys(problems({ ...smallest, clusters: [{ id }] }))).toEqual(['clusters[0].id']);
  });

  it('show a long value cut short', () => {
    const problem = problems({ ...smallest, controller: 'x'.repeat(5_000) })['controller'] ?? '';
    expect(problem).toContain('xxx… is not a name');
    expect(problem.length).toBeLessThan(200);
  });

  it('whatever the text, parsing says ok or bad and never throws', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), fc.jsonValue().map(mixed)), (text) => {
        const result = parseSettings(text);
        expect(result.kind === 'ok' || result.problems.length > 0).toBe(true);
      }),
    );
  });
});

/** Settings with one value of any kind where it should not be. */
function mixed(value: unknown): string {
  return JSON.stringify({ ...smallest, defaults: value, clusters: [value, smallest.clusters[0]] });
}

describe('the clusters that a request names', () => {
  const settings = parsed({
    ...smallest,
    clusters: [{ id: idOf('one') }, { id: idOf('two') }, { id: idOf('two', 'other') }],
  });
  const [one, two, other] = settings.clusters;
  const chosen = (...named: string[]) => chooseClusters(settings, named);

  it('are all of them when it names none', () => {
    expect(chosen()).toEqual({ kind: 'chosen', clusters: settings.clusters });
  });

  it.each([
    ['key', one?.key ?? ''],
    ['name, whatever its case', 'ONE'],
    ['ARM id, whatever its case', idOf('One').toUpperCase()],
  ])('may be called by %s', (_what, name) => {
    expect(chosen(name)).toEqual({ kind: 'chosen', clusters: [one] });
  });

  it('are each chosen once, and all that share a name', () => {
    expect(chosen('two', 'one', two?.key ?? '')).toEqual({
      kind: 'chosen',
      clusters: [one, two, other],
    });
  });

  it('are refused together when one is not in the settings', () => {
    expect(chosen('one', 'three')).toEqual({
      kind: 'refused',
      reasons: [{ kind: 'notFound', value: 'cluster "three" is not in the settings' }],
    });
  });
});

describe('settings that contradict each other', () => {
  const inDefaults = (defaults: SettingsDocument['defaults']) =>
    problems({ ...smallest, defaults: { ...defaults } });

  it('name the setting to change, in its cluster', () => {
    expect(inDefaults({ prometheusAlerts: 'firing' })).toEqual({
      'clusters[0].prometheusUrl': 'is missing: prometheusQueries and prometheusAlerts need it',
    });
  });

  it('name it in its pool', () => {
    const pools = { gpu: { prometheusUrl: 'http://prometheus' } };
    expect(problems({ ...smallest, clusters: [{ id: idOf('one'), pools }] })).toEqual({
      'clusters[0].pools.gpu.prometheusUrl':
        'has to begin with https:, or prometheusAllowHttp has to be true',
    });
  });

  it('never send a token over plain HTTP', () => {
    const url = { prometheusUrl: 'http://prometheus', prometheusAllowHttp: true };
    expect(inDefaults({ ...url, prometheusAuth: 'entra' })).toEqual({
      'clusters[0].prometheusUrl': 'has to begin with https: where prometheusAuth is "entra"',
    });
    expect(policyOf({ ...smallest, defaults: url })).toMatchObject(url);
  });
});

describe('settings of gates', () => {
  it.each<[string, unknown, string]>([
    ['excludeLabels', ['tier=(x)'], '[0]'],
    ['excludeTaints', ['a=b=c'], '[0]'],
    ['blockingPods', [{ selector: '' }], '[0].selector'],
    ['prometheusUrl', 'prometheus.example.com', ''],
    ['prometheusUrl', 'https://user@prometheus.example.com', ''],
    ['prometheusUrl', 'https://prometheus.example.com/?q=1', ''],
    ['prometheusAlertsOnly', '(', ''],
    ['azureAlertTargets', ['/subscriptions/x'], '[0]'],
    ['azureAlertSeverities', [], ''],
  ])('refuse %s: %j', (name, value, place) => {
    expect(Object.keys(problems({ ...smallest, defaults: { [name]: value } }))).toEqual([
      `defaults.${name}${place}`,
    ]);
  });
});

import * as z from 'zod';
import { wantedAccesses } from '../domain/access.ts';
import { clusterKey, parseClusterId, shortHash } from '../domain/arm.ts';
import type { ClusterId } from '../domain/arm.ts';
import { drainDefaults, drainShape } from './drain.ts';
import { orderDefaults, orderFleetShape, orderPoolShape, orderShape } from './order.ts';
import { parseDocument, wholeSentence } from './problem.ts';
import type { Parsed, Relation } from './problem.ts';
import { ringProblems, ringsShape } from './rings.ts';
import type { Rings } from './rings.ts';
import { approvalDefaults, approvalShape } from './approval.ts';
import { blockerDefaults, blockerShape } from './blockers.ts';
import { contradictions } from './contradictions.ts';
import { sentinelDefaults, sentinelShape } from './sentinel.ts';
import { whichDefaults, whichPoolShape, whichShape } from './which.ts';
import type { OpenHours } from './window.ts';
import {
  excludedDatesOf,
  excludedDatesSchema,
  timeZoneSchema,
  windowOf,
  windowSchema,
} from './windowSettings.ts';

/**
 * Settings: one document, YAML or JSON, `defaults` overlaid by each cluster's own values, parsed
 * once into `Settings`. Only `Settings` reaches the rest of the program.
 */

/** What may differ from pool to pool. */
const poolShape = {
  windows: z
    .array(windowSchema)
    .max(20)
    .describe('When nodes may be taken out of service; none means always.'),
  excludedDates: z
    .array(excludedDatesSchema)
    .max(100)
    .describe('Days on which no window opens, and none stays open.'),
  timeZone: timeZoneSchema.describe('IANA zone of windows and excluded dates that name none.'),
  ...whichPoolShape,
  ...orderPoolShape,
  cordonedByPerson: z
    .enum(['skip', 'reboot'])
    .describe('Nodes that a person cordoned: leave them alone, or reboot and leave cordoned.'),
  ...sentinelShape,
  probeMaxAgeHours: z.number().min(0).max(168).describe('How long a probe answer serves.'),
  probeTimeoutSeconds: z.int().min(5).max(600).describe("The probe script's own timeout."),
  pollSeconds: z.int().min(5).max(300).describe('Between two looks at anything that takes time.'),
  ...drainShape,
  restartMethod: z
    .enum(['arm', 'guest'])
    .describe('Who restarts nodes: Azure, or they themselves, asked by run-command.'),
  bootTimeoutMinutes: z
    .int()
    .min(30)
    .max(240)
    .describe('From the restart asked for to a new boot id. Azure itself may wait 15 minutes.'),
  readyForSeconds: z.int().min(0).max(3600).describe('How long a booted node has to stay Ready.'),
  readyTimeoutMinutes: z.int().min(1).max(240).describe('From the new boot to everything proved.'),
  soakSeconds: z.int().min(0).max(86_400).describe('Pause after a node before the next one.'),
  minDaysBetweenReboots: z
    .number()
    .min(0)
    .max(365)
    .describe('Loop guard: no second reboot of a node before that.'),
  expectedDrainMinutes: z
    .int()
    .min(0)
    .max(1440)
    .describe('What a drain usually takes; judges whether a node still fits into the window.'),
  expectedRestartMinutes: z
    .int()
    .min(0)
    .max(240)
    .describe('What restart and proof usually take; judges the fit as well.'),
  fitBy: z
    .enum(['longer', 'history', 'settings'])
    .describe(
      'What a node is expected to take: what earlier ones of its pool took (`history`, once ' +
        'there are five), what the two settings above say, or the longer of both.',
    ),
  fitPercentile: z
    .int()
    .min(50)
    .max(100)
    .describe('So many percent of the earlier nodes took no longer than what is expected.'),
  ...blockerShape,
  ...approvalShape,
} as const;

/** What holds for a cluster as a whole, and the rest. */
const policyShape = {
  ...orderShape,
  access: z
    .enum(wantedAccesses)
    .describe(
      'How the API server is reached: over HTTPS, by AKS run command, or by the latter where the ' +
        'former has no way.',
    ),
  ...whichShape,
  probeConcurrency: z
    .int()
    .min(1)
    .max(20)
    .describe('Probes in flight in a subscription, shared by the clusters that run at once.'),
  ...poolShape,
} as const;

/** Names of the settings that may differ from pool to pool. */
export const poolSettings: ReadonlySet<string> = new Set(Object.keys(poolShape));

/** What every setting is when nobody says anything. */
export const defaultPolicy = {
  ...orderDefaults,
  access: 'auto',
  ...whichDefaults,
  probeConcurrency: 20,
  windows: [],
  excludedDates: [],
  timeZone: 'UTC',
  cordonedByPerson: 'skip',
  ...sentinelDefaults,
  probeMaxAgeHours: 6,
  probeTimeoutSeconds: 60,
  pollSeconds: 15,
  ...drainDefaults,
  restartMethod: 'arm',
  bootTimeoutMinutes: 30,
  readyForSeconds: 60,
  readyTimeoutMinutes: 20,
  soakSeconds: 60,
  minDaysBetweenReboots: 1,
  expectedDrainMinutes: 10,
  expectedRestartMinutes: 20,
  fitBy: 'longer',
  fitPercentile: 90,
  ...blockerDefaults,
  ...approvalDefaults,
} as const satisfies z.infer<z.ZodObject<typeof policyShape>>;

const overridesSchema = z.strictObject(policyShape).partial();
const poolOverridesSchema = z.strictObject(poolShape).partial();

const documentSchema = z.strictObject({
  $schema: z.string().optional(),
  controller: z
    .string()
    .regex(
      /^[A-Za-z0-9][A-Za-z0-9._:@-]{0,99}$/u,
      'is not a name of at most 100 letters, digits and . _ : @ -',
    )
    .describe('Stable name of this installation; its claims and marks carry it.'),
  claim: z
    .enum(['keep', 'release'])
    .default('keep')
    .describe('Keep the claim on a cluster between runs, or release it when nothing is left open.'),
  ...orderFleetShape,
  ...ringsShape,
  scheduledRuns: z
    .enum(['reboot', 'dryRun'])
    .default('reboot')
    .describe('What the timer starts: runs that reboot, or runs that only say what they would do.'),
  keepRunsDays: z.int().min(1).max(3650).default(30).describe('How long reports are kept.'),
  defaults: overridesSchema.default({}).describe('What holds for every cluster.'),
  clusters: z
    .array(
      overridesSchema.extend({
        id: z
          .string()
          .refine((id) => parseClusterId(id) !== undefined, {
            error:
              'is not a cluster\'s ARM id: "/subscriptions/<guid>/resourceGroups/<name>' +
              '/providers/Microsoft.ContainerService/managedClusters/<name>"',
          })
          .describe("The cluster's ARM id."),
        pools: z
          .record(
            z
              .string()
              .regex(
                /^[a-z][a-z0-9]{0,11}$/u,
                'is not a pool name: lower-case letters and digits, at most 12',
              ),
            poolOverridesSchema,
          )
          .default({})
          .describe("By pool name, what differs from the cluster's settings."),
      }),
    )
    .min(1)
    .max(1000)
    .describe('The clusters to look after, with what differs from the defaults.'),
});

/** The document; what is wrong between settings that are right by themselves is told as well. */
export const settingsSchema = documentSchema.superRefine((document, context) => {
  const relations = [
    ...twinProblems(document),
    ...ringProblems(document),
    ...contradictionsIn(document),
  ];
  for (const { path, problem } of relations) {
    context.addIssue({ code: 'custom', path: [...path], message: problem, params: wholeSentence });
  }
});
export type SettingsDocument = z.input<typeof settingsSchema>;

/** A cluster's effective settings. */
export type Policy = Omit<z.infer<z.ZodObject<typeof policyShape>>, keyof OpenHours> & OpenHours;

export interface ClusterSettings {
  /** Short, safe name: instance ids, entity keys, URLs, document paths. */
  key: string;
  id: ClusterId;
  /** What holds for the cluster, and for nodes of pools that say nothing of their own. */
  policy: Policy;
  /** What holds for nodes of the pools that do. */
  pools: ReadonlyMap<string, Policy>;
}

/** What holds for a node of this pool. */
export function policyOf({ policy, pools }: ClusterSettings, pool: string): Policy {
  return pools.get(pool.toLowerCase()) ?? policy;
}

export interface Settings extends Rings {
  /** Nodes of all clusters out of service at once. */
  fleetConcurrency: number;
  controller: string;
  claim: 'keep' | 'release';
  scheduledRuns: 'reboot' | 'dryRun';
  keepRunsDays: number;
  clusters: ClusterSettings[];
  /** Of the document; reports carry it. */
  hash: string;
}

function twinProblems({ clusters }: { clusters: readonly { id: string }[] }): Relation[] {
  const first = new Map<string, number>();
  return clusters.flatMap(({ id }, index): Relation[] => {
    const twin = first.get(id.toLowerCase());
    if (twin === undefined) first.set(id.toLowerCase(), index);
    const problem = `is the same as clusters[${twin}].id`;
    return twin === undefined ? [] : [{ path: ['clusters', index, 'id'], problem }];
  });
}

/** In what holds for each cluster, and for each of its pools that differs. */
function contradictionsIn({ defaults, clusters }: z.output<typeof documentSchema>): Relation[] {
  return clusters.flatMap(({ id: _id, pools, ...own }, index) => {
    const policies: [PropertyKey[], Policy][] = [
      [[], overlay(defaults, own)],
      ...Object.entries(pools).map(([pool, differs]): [PropertyKey[], Policy] => {
        return [['pools', pool], overlay(defaults, own, differs)];
      }),
    ];
    return policies.flatMap(([place, policy]) =>
      contradictions(policy).map(({ path, problem }): Relation => {
        return { path: ['clusters', index, ...place, ...path], problem };
      }),
    );
  });
}

/** Parses the settings document; tells every problem at once. */
export function parseSettings(text: string): Parsed<Settings> {
  const parsed = parseDocument(text, settingsSchema, '(document)');
  if (parsed.kind === 'bad') return parsed;
  const { $schema: _schema, defaults, clusters, ...rest } = parsed.value;
  const settings = clusters.flatMap(({ id: text, pools, ...own }): ClusterSettings[] => {
    const id = parseClusterId(text);
    if (id === undefined) return [];
    const key = clusterKey(id);
    const ofPools = Object.entries(pools).map(
      ([pool, differs]) => [pool, overlay(defaults, own, differs)] as const,
    );
    return [{ key, id, policy: overlay(defaults, own), pools: new Map(ofPools) }];
  });
  return {
    kind: 'ok',
    value: { ...rest, clusters: settings, hash: shortHash(text) },
  };
}

/** JSON Schema of the settings document, for editors. */
export function settingsJsonSchema(): unknown {
  return z.toJSONSchema(settingsSchema, { io: 'input', unrepresentable: 'any' });
}

type Overrides = z.infer<typeof overridesSchema>;

/** Later layers win; lists are replaced, not merged. */
function overlay(...layers: Overrides[]): Policy {
  const { windows, excludedDates, ...rest } = layers.reduce<
    z.infer<z.ZodObject<typeof policyShape>>
  >((policy, layer) => ({ ...policy, ...present(layer) }), {
    ...defaultPolicy,
    windows: [],
    excludedDates: [],
  });
  return {
    ...rest,
    windows: windows.map((window) => windowOf(window, rest.timeZone)),
    excludedDates: excludedDates.map((dates) => excludedDatesOf(dates, rest.timeZone)),
  };
}

/**
 * Drops keys that are there with the value `undefined`, so that they don't hide what they overlay.
 */
function present<T extends object>(object: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(object).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

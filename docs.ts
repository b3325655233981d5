import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format } from 'prettier';
import type { Options } from 'prettier';
import * as z from 'zod';
import { kubernetesManifests } from './infra/generate/kubernetes.ts';
import { readRoles, rightsTable } from './infra/generate/roles.ts';
import { settingsTypes } from './infra/generate/settingsTypes.ts';
import { auditActions } from './local/azure/audit.ts';
import { fleetReference } from './local/fleets/reference.ts';
import type { AuditLine } from './local/azure/audit.ts';
import { planSchema } from './src/domain/plan.ts';
import { runReportSchema } from './src/domain/run.ts';
import { defaultPolicy, poolSettings, settingsJsonSchema } from './src/policy/settings.ts';

/**
 * Writes what schemas and lists say better than people: tables (between markers in docs/), docs/schemas,
 * the type of the settings document for Bicep, and the manifests of infra/kubernetes. `npm run docs` runs it; test/docs.test.ts fails when what it would write is not there.
 */

const auditLineSchema = z.strictObject({
  t: z.iso.datetime().describe("When, UTC, on the simulation's clock."),
  seq: z.int().min(1).describe('1, 2, 3 … over the whole log.'),
  actor: z
    .string()
    .describe('Who asked; azure, kubelet or controller for what happened by itself.'),
  cluster: z.string().describe("The managed cluster's ARM id, as the fleet file spells it."),
  node: z.string().describe("The Kubernetes node's name; empty where no node is concerned."),
  action: z.enum(auditActions),
  status: z.int().describe('HTTP status answered to the asker; 0 for what happened by itself.'),
  detail: z.record(z.string(), z.unknown()).describe('Depends on the action.'),
}) satisfies z.ZodType<AuditLine>;

/** As much of a JSON Schema as a table shows. */
const propertySchema = z.object({
  type: z.string().default(''),
  enum: z.array(z.string()).optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  maxItems: z.number().optional(),
  default: z.unknown().optional(),
  title: z.string().default(''),
  description: z.string().default(''),
  const: z.unknown().optional(),
  get oneOf() {
    return z.array(propertySchema).optional();
  },
  get items() {
    return propertySchema.optional();
  },
  get properties() {
    return propertiesSchema;
  },
});
const propertiesSchema = z.record(z.string(), propertySchema).default({});
type Property = z.infer<typeof propertySchema>;

/** Every generated file, by its path from the repository's root. Throws when a marker is missing. */
export async function generate(root: string): Promise<Map<string, string>> {
  const style: Options = { singleQuote: true, printWidth: 100 };
  const json = (title: string, schema: unknown) =>
    format(JSON.stringify({ title, ...(schema as object) }), { ...style, parser: 'json' });
  const settings = settingsJsonSchema();
  const page = async (path: string, tables: Map<string, string>) => {
    const before = readFileSync(`${root}/${path}`, 'utf8');
    const text = [...tables].reduce((text, [name, table]) => between(text, name, table), before);
    return [path, await format(text, { ...style, parser: 'markdown' })] as const;
  };
  const roles = readRoles(root);
  const manifests = [...kubernetesManifests(roles.kubernetes)].map(
    async ([name, text]) =>
      [`infra/kubernetes/${name}`, await format(text, { ...style, parser: 'yaml' })] as const,
  );
  return new Map([
    await page('docs/settings.md', settingsTables(settings)),
    await page('docs/fleets.md', new Map([['reference', fleetReference()]])),
    await page('docs/security.md', new Map([['rights', rightsTable(roles)]])),
    ['docs/schemas/settings.schema.json', await json('Settings', settings)],
    ['docs/schemas/report.schema.json', await json('Report', z.toJSONSchema(runReportSchema))],
    ['docs/schemas/plan.schema.json', await json('Plan', z.toJSONSchema(planSchema))],
    ['docs/schemas/audit.schema.json', await json('Audit line', z.toJSONSchema(auditLineSchema))],
    ['infra/settings.types.bicep', settingsTypes(settings)],
    ...(await Promise.all(manifests)),
  ]);
}

function settingsTables(schema: unknown): Map<string, string> {
  const document = propertySchema.parse(schema).properties;
  const policy = document['defaults']?.properties ?? {};
  const entry = (name: string) => policy[name]?.items?.properties ?? {};
  const known: Record<string, unknown> = defaultPolicy;
  return new Map([
    ['document', table(document, (_name, property) => property.default)],
    [
      'pool',
      table(
        only(policy, (name) => poolSettings.has(name)),
        (name) => known[name],
      ),
    ],
    [
      'policy',
      table(
        only(policy, (name) => !poolSettings.has(name)),
        (name) => known[name],
      ),
    ],
    ['window', keysTable(policy['windows']?.items?.oneOf ?? [])],
    ['excluded', keysTable(policy['excludedDates']?.items?.oneOf ?? [])],
    ['blockingPod', table(entry('blockingPods'), (_name, property) => property.default)],
    ['prometheusQuery', table(entry('prometheusQueries'), (_name, property) => property.default)],
  ]);
}

/** The keys of objects that may stand in each other's place. */
function keysTable(variants: readonly Property[]): string {
  const objects = variants.filter(({ type }) => type === 'object');
  const keys = new Map(objects.flatMap(({ properties }) => Object.entries(properties)));
  const rows = [...keys].map(([name, property]) => {
    const kinds = objects.filter(({ properties }) => name in properties).map(({ title }) => title);
    const where = kinds.length === objects.length ? 'all' : kinds.join(', ');
    return [`\`${name}\``, typeOf(property), where, property.description];
  });
  const head = ['key', 'value', 'kinds', 'meaning'];
  return [head, head.map(() => '---'), ...rows]
    .map((cells) => cells.filter((_cell, index) => objects.length > 1 || index !== 2))
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}

function only(properties: Record<string, Property>, holds: (name: string) => boolean) {
  return Object.fromEntries(Object.entries(properties).filter(([name]) => holds(name)));
}

function table(
  properties: Record<string, Property>,
  defaultOf: (name: string, property: Property) => unknown,
): string {
  const rows = Object.entries(properties)
    .filter(([name]) => name !== '$schema')
    .map(([name, property]) => {
      const value = defaultOf(name, property);
      const shown = value === undefined ? 'required' : `\`${JSON.stringify(value)}\``;
      return `| \`${name}\` | ${typeOf(property)} | ${shown} | ${property.description} |`;
    });
  return ['| setting | value | default | meaning |', '|---|---|---|---|', ...rows].join('\n');
}

function typeOf(property: Property): string {
  const { type, items, minimum, maximum, maxItems } = property;
  const names = namesOf(property);
  if (names !== undefined) return names;
  switch (type) {
    case 'array': {
      const what = items === undefined ? 'list' : `list of ${manyOf(items)}`;
      return maxItems === undefined ? what : `${what}, at most ${maxItems}`;
    }
    case 'integer':
      return `whole number, ${minimum} to ${maximum}`;
    case 'number':
      return `number, ${minimum} to ${maximum}`;
    case 'boolean':
      return '`true` or `false`';
    case 'string':
      return 'text';
    default:
      return type;
  }
}

function manyOf(items: Property): string {
  if (items.oneOf !== undefined) return [...new Set(items.oneOf.map(manyOf))].join(' and ');
  if (items.const !== undefined) return `\`${JSON.stringify(items.const)}\``;
  switch (items.type) {
    case 'string':
      return namesOf(items) ?? 'texts';
    case 'integer':
      return `whole numbers, ${items.minimum} to ${items.maximum}`;
    default:
      return `${items.type}s`;
  }
}

function namesOf({ enum: names }: Property): string | undefined {
  return names?.map((name) => `\`"${name}"\``).join(' or ');
}

/** Puts a table between `<!-- begin name -->` and `<!-- end name -->`. */
function between(text: string, name: string, table: string): string {
  const [begin, end] = [`<!-- begin ${name} -->`, `<!-- end ${name} -->`];
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`there is no ${begin} … ${end}`);
  return `${text.slice(0, from + begin.length)}\n\n${table}\n\n${text.slice(to)}`;
}

if (import.meta.main) {
  const root = fileURLToPath(new URL('.', import.meta.url)).replace(/\/$/u, '');
  for (const [path, text] of await generate(root)) {
    const file = `${root}/${path}`;
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    console.log(relative(root, file));
  }
}

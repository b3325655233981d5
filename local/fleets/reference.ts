import { readFileSync } from 'node:fs';

/** As much of the fleet files' JSON Schema as their reference shows. */
interface Schema {
  title?: string;
  description?: string;
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  $ref?: string;
  items?: Schema;
  required?: string[];
  properties?: Record<string, Schema>;
  oneOf?: Schema[];
  $defs?: Record<string, Schema>;
}

const code = (value: unknown) => `\`${JSON.stringify(value).replaceAll('"', '')}\``;

function typeOf(schema: Schema, all: Schema): string {
  const reference = schema.$ref ?? schema.items?.$ref;
  if (reference !== undefined) {
    const { title = '' } = all.$defs?.[reference.split('/').at(-1) ?? ''] ?? {};
    return schema.items === undefined ? title : `list of ${title}`;
  }
  if (schema.const !== undefined) return code(schema.const);
  if (schema.enum !== undefined) return schema.enum.map(code).join(' ');
  if (schema.items?.type !== undefined) return `list of ${String(schema.items.type)}`;
  return [schema.type ?? 'any'].flat().join(' or ');
}

/** What may stand in a fleet file, as Markdown tables, from its schema. */
export function fleetReference(): string {
  const text = readFileSync(new URL('schema.json', import.meta.url), 'utf8');
  const all = JSON.parse(text) as Schema;
  const table = (schema: Schema) =>
    [
      '| field | type | default | meaning |',
      '|---|---|---|---|',
      ...Object.entries(schema.properties ?? {}).map(([name, field]) => {
        const required = schema.required?.includes(name) === true;
        const fallback = field.default === undefined ? '' : code(field.default);
        const preset = required ? 'required' : fallback;
        const meaning = field.description ?? '';
        return `| \`${name}\` | ${typeOf(field, all)} | ${preset} | ${meaning} |`;
      }),
    ].join('\n');
  return [all, ...Object.values(all.$defs ?? {})]
    .map((schema) => {
      const tables = (schema.oneOf ?? [schema]).map(table);
      return `### ${schema.title ?? ''}\n\n${tables.join('\n\n')}`;
    })
    .join('\n\n');
}

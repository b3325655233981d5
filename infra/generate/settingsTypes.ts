import * as z from 'zod';

/** As much of a JSON Schema as settings use. */
interface Schema {
  type?: string;
  description?: string;
  const?: string | number | boolean;
  enum?: (string | number | boolean)[];
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  required?: string[];
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  items?: Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
}

const schemaSchema: z.ZodType<Schema> = z.custom<Schema>(
  (value) => typeof value === 'object' && value !== null,
);

/**
 * The settings document as a type of Bicep, so that a wrong setting is told before anything is
 * deployed. What Bicep has no word for (patterns, fractions, a choice between kinds of value) is left
 * to the app, which parses the document anyway.
 *
 * @param schema JSON Schema of the document
 */
export function settingsTypes(schema: unknown): string {
  const document = typeOf(schemaSchema.parse(schema), '');
  return [
    '// Written by `npm run docs` from the schema in src/policy/settings.ts.',
    '// docs/settings.md explains each setting.',
    '',
    '@export()',
    "@description('The settings document.')",
    ...decorators(schemaSchema.parse(schema)).filter((line) => line === '@sealed()'),
    `type settingsDocument = ${document}`,
    '',
  ].join('\n');
}

function typeOf(schema: Schema, indent: string): string {
  const { type, items, enum: names, const: only, anyOf, oneOf } = schema;
  if (only !== undefined) return literal(only);
  if (names !== undefined) return names.map(literal).join(' | ');
  const options = anyOf ?? oneOf;
  if (options !== undefined) return choice(options, indent);
  switch (type) {
    case 'string':
      return 'string';
    case 'boolean':
      return 'bool';
    // Bicep has no fractions.
    case 'integer':
    case 'number':
      return 'int';
    case 'array':
      return items === undefined ? 'array' : arrayOf(items, indent);
    case 'object':
      return objectOf(schema, indent);
    case undefined:
    default:
      return 'any';
  }
}

/** Bicep unites literals only; other choices are left open. */
function choice(options: readonly Schema[], indent: string): string {
  const literals = options.every(({ const: only, enum: names }) => only ?? names);
  return literals ? options.map((option) => typeOf(option, indent)).join(' | ') : 'any';
}

function arrayOf(items: Schema, indent: string): string {
  const type = typeOf(items, indent);
  return / \| /u.test(type) && !type.startsWith('{') ? `(${type})[]` : `${type}[]`;
}

function objectOf(schema: Schema, indent: string): string {
  const { properties = {}, required = [], additionalProperties } = schema;
  const inner = `${indent}  `;
  const lines = Object.entries(properties).flatMap(([name, property]) => {
    const key = /^[A-Za-z_]\w*$/u.test(name) ? name : `'${name}'`;
    const type = typeOf(property, inner);
    const united = / \| /u.test(type) && !/^[{(]/u.test(type);
    const optional = required.includes(name) ? type : united ? `(${type})?` : `${type}?`;
    const open = /^any\b/u.test(type) ? ['#disable-next-line no-explicit-any'] : [];
    return [...decorators(property), ...open, `${key}: ${optional}`];
  });
  if (typeof additionalProperties === 'object') {
    lines.push(...decorators(additionalProperties), `*: ${typeOf(additionalProperties, inner)}`);
  }
  return ['{', ...lines.map((line) => `${inner}${line}`), `${indent}}`].join('\n');
}

/** What Bicep checks beside the type. */
function decorators(schema: Schema): string[] {
  const { type, description, minimum, maximum, enum: names } = schema;
  const [least, most] =
    type === 'array' ? [schema.minItems, schema.maxItems] : [schema.minLength, schema.maxLength];
  const isNumber = (type === 'integer' || type === 'number') && names === undefined;
  const isLong = (type === 'array' || type === 'string') && names === undefined;
  const lines = [
    description === undefined ? undefined : `@description(${literal(description)})`,
    isNumber && minimum !== undefined ? `@minValue(${Math.ceil(minimum)})` : undefined,
    isNumber && maximum !== undefined ? `@maxValue(${Math.floor(maximum)})` : undefined,
    isLong && least !== undefined ? `@minLength(${least})` : undefined,
    isLong && most !== undefined ? `@maxLength(${most})` : undefined,
    schema.additionalProperties === false ? '@sealed()' : undefined,
  ];
  return lines.filter((line) => line !== undefined);
}

function literal(value: string | number | boolean): string {
  if (typeof value !== 'string') return String(value);
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('${', '\\${')}'`;
}

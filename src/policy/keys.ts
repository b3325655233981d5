import * as z from 'zod';

/** The keys that a schema knows, and what somebody meant who wrote another one. */

/** An object that the schema knows: its place, e.g. `['clusters', anyIndex]`, and its keys. */
interface Level {
  place: readonly string[];
  keys: ReadonlySet<string>;
}

const anyIndex = '[…]';
const anyName = '<name>';

/** As much of a JSON Schema as tells keys. */
const nodeSchema = z.object({
  get properties() {
    return z.record(z.string(), nodeSchema).default({});
  },
  get items() {
    return nodeSchema.optional();
  },
  get additionalProperties() {
    return z.union([z.boolean(), nodeSchema]).optional();
  },
  get anyOf() {
    return z.array(nodeSchema).default([]);
  },
  get oneOf() {
    return z.array(nodeSchema).default([]);
  },
});
type Node = z.infer<typeof nodeSchema>;

const levels = new WeakMap<z.ZodType, Level[]>();

/** Of a schema; walked through once, and only when somebody wrote a wrong key. */
function levelsOf(schema: z.ZodType): Level[] {
  const known = levels.get(schema) ?? walked(schema);
  levels.set(schema, known);
  return known;
}

function walked(schema: z.ZodType): Level[] {
  const json = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  const keys = new Map<string, Level & { keys: Set<string> }>();
  const walk = (node: Node, place: readonly string[]) => {
    const named = Object.entries(node.properties);
    for (const [key, child] of named) {
      const id = place.join('.');
      const level = keys.get(id) ?? { place, keys: new Set() };
      keys.set(id, level);
      if (!key.startsWith('$')) level.keys.add(key);
      walk(child, [...place, key]);
    }
    if (node.items !== undefined) walk(node.items, [...place, anyIndex]);
    if (typeof node.additionalProperties === 'object') {
      walk(node.additionalProperties, [...place, anyName]);
    }
    for (const variant of [...node.anyOf, ...node.oneOf]) walk(variant, place);
  };
  walk(nodeSchema.parse(json), []);
  return [...keys.values()];
}

/**
 * What to do about a key that nothing reads where it stands: where it belongs, or which one was
 * probably meant. Reads on from the key's path.
 */
export function adviceOn(schema: z.ZodType, path: readonly PropertyKey[], key: string): string {
  const levels = levelsOf(schema);
  const here = levels.find(({ place }) => stands(place, path));
  if (here?.keys.has(key)) return 'does not go together with the other keys that stand here';
  const exact = levels.filter(({ keys }) => keys.has(key));
  // Deeper within what stands here, if it is known there.
  const inner = exact.filter(({ place }) => isWithin(place, here?.place ?? []));
  const belongs = inner.length > 0 ? inner : exact;
  if (belongs.length > 0) return `is not read here: it belongs into ${placesOf(belongs)}`;
  const meant = nearest(key, here?.keys ?? []);
  if (meant !== undefined) return `is not read by anything: did you mean "${meant}"?`;
  const elsewhere = nearest(key, new Set(levels.flatMap(({ keys }) => [...keys])));
  if (elsewhere === undefined) return 'is not read by anything';
  const places = placesOf(levels.filter(({ keys }) => keys.has(elsewhere)));
  return `is not read by anything: did you mean "${elsewhere}", which belongs into ${places}?`;
}

/** Whether a path leads to this place. */
function stands(place: readonly string[], path: readonly PropertyKey[]): boolean {
  return (
    place.length === path.length &&
    place.every((part, index) => {
      const found = path[index];
      if (part === anyIndex) return typeof found === 'number';
      return part === anyName || part === found;
    })
  );
}

function isWithin(place: readonly string[], other: readonly string[]): boolean {
  return other.every((part, index) => place[index] === part);
}

const mostPlaces = 3;

/** Without the entries of lists that stand in a place which is named already. */
function placesOf(levels: readonly Level[]): string {
  const outer = levels.filter(
    ({ place }) =>
      place.at(-1) !== anyIndex ||
      !levels.some((other) => other.place.length < place.length && isWithin(place, other.place)),
  );
  const names = [...outer]
    .sort((a, b) => a.place.length - b.place.length)
    .slice(0, mostPlaces)
    .map(
      ({ place }) => place.join('.').replaceAll(`.${anyIndex}`, anyIndex) || 'the document itself',
    );
  const last = names.pop() ?? '';
  return names.length > 0 ? `${names.join(', ')} or ${last}` : last;
}

/** The known key that looks most like this one, if any looks so at all. */
function nearest(key: string, known: Iterable<string>): string | undefined {
  const [best] = [...known]
    .map((candidate) => ({ candidate, distance: distanceOf(key, candidate) }))
    .filter(({ candidate, distance }) => distance <= farthest(candidate, key))
    .sort((a, b) => a.distance - b.distance);
  return best?.candidate;
}

/** What differs in more letters looks like something else. */
function farthest(a: string, b: string): number {
  return Math.max(a.length, b.length) / 3;
}

const shortestBeginning = 4;

/** Edits from one to the other, case and separators left out; a beginning of it is near, too. */
function distanceOf(one: string, other: string): number {
  const [a, b] = [one, other].map((text) => text.toLowerCase().replaceAll(/[^a-z0-9]/gu, ''));
  if (a === undefined || b === undefined) return Number.POSITIVE_INFINITY;
  const shorter = Math.min(a.length, b.length);
  if (shorter >= shortestBeginning && (a.startsWith(b) || b.startsWith(a))) {
    // The shorter the rest, the more probable.
    return a === b ? 0 : 1 + Math.abs(a.length - b.length) / 100;
  }
  const tooFar = Math.abs(a.length - b.length) > farthest(one, other);
  return tooFar ? Number.POSITIVE_INFINITY : edits(a, b);
}

/** Optimal string alignment: letters put in, left out, changed, or two swapped. */
function edits(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const line = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const same = a[row - 1] === b[column - 1];
      const swapped = a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      line.push(
        Math.min(
          (last[column] ?? 0) + 1,
          (line[column - 1] ?? 0) + 1,
          (last[column - 1] ?? 0) + (same ? 0 : 1),
          swapped ? (before[column - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
        ),
      );
    }
    [before, last] = [last, line];
  }
  return last[b.length] ?? 0;
}

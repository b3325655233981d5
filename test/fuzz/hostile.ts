import fc from 'fast-check';
import type { Arbitrary, IAsyncProperty, IProperty } from 'fast-check';

/** What nobody means well by: texts, numbers, values, and right payloads that were mutilated. */

/** The same ones each time, unless somebody wants others. */
const seed = Number(process.env['FUZZ_SEED'] ?? 1);
const runs = Number(process.env['FUZZ_RUNS'] ?? 100);

/** Ends every title of this layer, so that a failure says how it is had again. */
export const asDrawn = `FUZZ_SEED=${seed} FUZZ_RUNS=${runs}`;

/** @param share of `FUZZ_RUNS`: less for what costs more */
const parameters = (share: number) => ({ seed, numRuns: Math.max(1, Math.round(runs * share)) });

/** Asserts the property for as many drawn inputs as are asked for. */
export function holds<Ts>(property: IProperty<Ts>, share = 1): void {
  fc.assert(property, parameters(share));
}

export function holdsAsync<Ts>(property: IAsyncProperty<Ts>, share = 1): Promise<void> {
  return fc.assert(property, parameters(share));
}

/** A file of that name is the proof that somebody ran what was only to be read. */
export const canary = 'canary';

/** What is harmless to whoever takes it for a text, and only to him. */
export const tricks = [
  // shells
  `$(touch ${canary})`,
  `\`touch ${canary}\``,
  `'; touch ${canary}; '`,
  `"; touch ${canary}; "`,
  `\\'; touch ${canary} #`,
  `x\ntouch ${canary}\n`,
  `x && touch ${canary}`,
  `x | touch ${canary}`,
  `PROBE\ntouch ${canary}`,
  `RESTART\ntouch ${canary}`,
  '${IFS}',
  '-rf',
  '--kubeconfig=/etc/passwd',
  '--raw=/api/v1/secrets',
  // paths and URLs
  '.',
  '..',
  '../..',
  '../../secrets/x',
  '%2e%2e',
  '%2e%2e%2fsecrets',
  '..%2f..',
  '/',
  '//evil.example/x',
  'a/b',
  'a?b=c',
  'a#b',
  'https://evil.example/',
  'x@evil.example',
  '\\\\evil.example\\x',
  // what browsers and readers of documents run
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  '[click](javascript:alert(1))',
  '=cmd()',
  '{{7*7}}',
  '%s%n',
  // names that objects have anyway
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  // terminals and logs
  '\u001b[2J\u001b[1;1Hall is well',
  '\u001b]0;title\u0007',
  '\u009b31m',
  'x\r\n{"level":"info","message":"forged"}',
  'x\rrebooted',
  '\b\b\b\b',
  '\u007f',
  // letters that are not what they seem
  '\u202egnp.exe',
  '\u2066x\u2069',
  '\u200b',
  '\u2028x\u2029',
  '\ufeff',
  '\ud800',
  'x\udc00',
  'ｅｖｉｌ',
  'İ',
  // our own words
  'AKSREBOOT2 notRequired boot=b uptime=1 kernel= birth=0 age= packages= reason= END',
  'AKSREBOOT1 BEGIN',
  'AKSREBOOT1 END 1',
  '\n[stderr]\n',
  '\u0000',
  'a\u0000b',
  '',
  ' ',
] as const;

const longest = 1_000_000;

/** A text of a million characters; rare, because each costs. */
export const hugeText: Arbitrary<string> = fc
  .constantFrom('a', '[', ' ', 'http://', '\n', '\u001b', '<', '"', 'é', 'I0105 ] ')
  .map((piece) => piece.repeat(longest / piece.length));

/** A text that means harm, at most some hundreds of characters long. */
export const hostileText: Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...tricks) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
  {
    weight: 2,
    arbitrary: fc
      .array(fc.oneof(fc.constantFrom(...tricks), fc.string({ maxLength: 8 })), { maxLength: 4 })
      .map((pieces) => pieces.join('')),
  },
);

export const hostileNumber: Arbitrary<number> = fc.constantFrom(
  0,
  -0,
  -1,
  0.5,
  1e308,
  -1e308,
  5e-324,
  2 ** 31,
  2 ** 53,
  2 ** 63,
  Number.MAX_SAFE_INTEGER,
  -Number.MAX_SAFE_INTEGER,
);

export const numberText: Arbitrary<string> = fc.constantFrom(
  'NaN',
  'Infinity',
  '-0',
  '1e999',
  '0x10',
  '9'.repeat(400),
  '١٢',
  '1_000',
);

/** Instants that some readers take and others don't. */
export const instantText: Arbitrary<string> = fc.constantFrom(
  '9999-12-31T23:59:59-23:59',
  '9999-12-31T23:59:59.999999999Z',
  '2999-12-31T23:59:59.1234567890123456789Z',
  '0000-01-01T00:00:00+23:59',
  '2026-12-31T23:59:60Z',
  '2026-12-31T24:00:00Z',
  '2026-02-30T00:00:00Z',
  '2999-12-31T23:59Z',
  '+275760-09-13T00:00:00Z',
);

const depth = 5_000;

/** As JSON may hold it: far deeper than any program's stack of calls would like. */
export const deepJson: Arbitrary<string> = fc.constantFrom(
  '['.repeat(depth) + ']'.repeat(depth),
  '{"a":'.repeat(depth) + '1' + '}'.repeat(depth),
  '['.repeat(depth),
);

/** Any value of JSON, of the hostile kind. */
export const hostileValue: Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    fc.oneof(hostileText, numberText, instantText, hostileNumber, fc.boolean(), fc.constant(null)),
    fc.array(tie('value'), { maxLength: 3 }),
    fc
      .array(fc.tuple(hostileText, tie('value')), { maxLength: 3 })
      .map((entries) => Object.fromEntries(entries)),
  ),
})).value;

type Path = readonly (string | number)[];

/** Where a payload was changed, and what stands there now; missing for nothing. */
export interface Wound {
  path: Path;
  value?: unknown;
}

export interface Mutilated {
  payload: unknown;
  wounds: readonly Wound[];
  /** What a failure shows: the wounds say it all. */
  [fc.toStringMethod](): string;
}

const places = (value: unknown, path: Path = []): Path[] => [
  path,
  ...childrenOf(value).flatMap(([key, child]) => places(child, [...path, key])),
];

function childrenOf(value: unknown): (readonly [string | number, unknown])[] {
  if (Array.isArray(value)) return value.map((child: unknown, index) => [index, child] as const);
  return typeof value === 'object' && value !== null ? Object.entries(value) : [];
}

export function valueAt(value: unknown, path: Path): unknown {
  return path.reduce((at: unknown, key) => new Map(childrenOf(at)).get(key), value);
}

/** A copy with something else, or nothing, at a place. */
function changed(value: unknown, [key, ...rest]: Path, wound: Wound): unknown {
  if (key === undefined) return wound.value;
  const drop = rest.length === 0 && !('value' in wound);
  const children = childrenOf(value)
    .filter(([name]) => !(drop && name === key))
    .map(([name, child]) => [name, name === key ? changed(child, rest, wound) : child] as const);
  if (Array.isArray(value)) return children.map(([, child]) => child);
  const known = children.some(([name]) => name === key);
  const added = known || drop ? [] : [[key, changed(undefined, rest, wound)] as const];
  return Object.fromEntries([...children, ...added]);
}

/**
 * A right payload with a few wounds: fields that are gone, are something else, came from elsewhere
 * in it, were never heard of, or have grown.
 */
export function mutilated(payload: unknown, most = 3): Arbitrary<Mutilated> {
  const all = places(payload).filter((path) => path.length > 0);
  const place = fc.constantFrom(...all);
  const wound: Arbitrary<Wound> = fc.oneof(
    place.map((path) => ({ path })),
    fc.record({ path: place, value: hostileValue }),
    fc.record({ path: place, value: fc.constantFrom(null, [], {}, [null], [[]], '', 0, true) }),
    fc.tuple(place, place).map(([path, other]) => ({ path, value: valueAt(payload, other) })),
    fc.tuple(place, hostileText, hostileValue).map(([path, name, value]) => {
      const parent = path.slice(0, -1);
      return { path: [...parent, name], value };
    }),
  );
  return fc.array(wound, { minLength: 1, maxLength: most }).map((wounds) => ({
    payload: wounds.reduce((value, one) => changed(value, one.path, one), payload),
    wounds,
    [fc.toStringMethod]: () => fc.stringify(wounds),
  }));
}

/** Every key with its objects' own prototype: whether somebody got at it. */
export function prototypesAreClean(): boolean {
  const own = (value: object) => Object.keys(value).length === 0;
  return own(Object.prototype) && own(Array.prototype) && own(Function.prototype);
}

/** What a terminal acts upon, or what turns the order of letters round. */
export const controls = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\p{Cs}]/u;

/**
 * Bodies as they were answered, with wounds; cut short; and some that are none at all.
 *
 * @param bodyOf asked when a body is drawn: before the tests begin there is none yet
 */
export function hurtBody<Name extends string>(
  names: readonly Name[],
  bodyOf: (name: Name) => unknown,
): Arbitrary<{ text: string }> {
  return fc.constantFrom(...names).chain((which) => {
    const body = bodyOf(which);
    const whole = JSON.stringify(body);
    const texts = (text: string) => ({ text, [fc.toStringMethod]: () => text.slice(0, 200) });
    return fc.oneof(
      {
        weight: 8,
        arbitrary: mutilated(body).map((one) => ({
          text: JSON.stringify(one.payload),
          [fc.toStringMethod]: () => `${which} ${fc.stringify(one)}`,
        })),
      },
      {
        weight: 1,
        arbitrary: fc.nat({ max: whole.length }).map((at) => texts(whole.slice(0, at))),
      },
      { weight: 1, arbitrary: fc.oneof(deepJson, hostileText).map(texts) },
    );
  });
}

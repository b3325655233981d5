/**
 * Route templates of HTTP triggers: `things/{id:int?}/{*rest}`. Literals match without regard to
 * case (source: ASP.NET Core routing, as azure-functions-host uses it in
 * WebScriptHostHttpRoutesManager.cs).
 */

/** The parameters of a path that matches; an optional one that is missing has no entry. */
export type Match = Readonly<Record<string, string>>;

/** Matches a path that is still percent-encoded. Throws when the encoding is wrong. */
export type Route = (path: string) => Match | undefined;

type Segment =
  | { readonly kind: 'literal'; readonly text: string }
  | {
      readonly kind: 'parameter';
      readonly name: string;
      readonly rest: boolean;
      readonly optional: boolean;
      readonly fallback: string | undefined;
      readonly fits: (text: string) => boolean;
    };

/** Reads a template. Throws an error that names what it cannot play. */
export function readRoute(template: string): Route {
  const segments = template
    .split('/')
    .filter((part) => part !== '')
    .map(readSegment);
  return (path) => {
    const parts = path
      .split('/')
      .filter((part) => part !== '')
      .map(decodeURIComponent);
    const match: Record<string, string> = {};
    for (const [at, segment] of segments.entries()) {
      const part = parts[at];
      if (segment.kind === 'literal') {
        if (part?.toLowerCase() !== segment.text) return undefined;
        continue;
      }
      const text = segment.rest ? parts.slice(at).join('/') || undefined : part;
      const value = text ?? segment.fallback;
      if (value === undefined && !segment.optional) return undefined;
      if (value !== undefined && !segment.fits(value)) return undefined;
      if (value !== undefined) match[segment.name] = value;
    }
    const takesRest = segments.some((segment) => segment.kind === 'parameter' && segment.rest);
    return parts.length > segments.length && !takesRest ? undefined : match;
  };
}

function readSegment(part: string): Segment {
  if (!part.includes('{')) return { kind: 'literal', text: part.toLowerCase() };
  const match = /^\{(\*{0,2})(\w+)((?::[^:=]+)*?)(\?)?(?:=(.*))?\}$/.exec(part);
  if (match === null) throw new Error(`The local host does not play the route segment '${part}'.`);
  const [, star = '', name = '', constraints = '', optional, fallback] = match;
  const checks = constraints.split(':').slice(1).map(readConstraint);
  return {
    kind: 'parameter',
    name,
    rest: star !== '',
    // A rest may be empty.
    optional: optional !== undefined || star !== '',
    fallback,
    fits: (text) => checks.every((check) => check(text)),
  };
}

function readConstraint(constraint: string): (text: string) => boolean {
  const [, name = '', inner = ''] = /^(\w+)(?:\((.*)\))?$/.exec(constraint) ?? [];
  const [first = Number.NaN, second = first] = inner.split(',').map(Number);
  const isWhole = (text: string) => /^-?\d+$/.test(text);
  const patterns: Record<string, RegExp> = {
    int: /^-?\d{1,10}$/,
    long: /^-?\d{1,19}$/,
    bool: /^(true|false)$/i,
    alpha: /^[a-z]*$/i,
    guid: /^\{?[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}\}?$/i,
    regex: new RegExp(name === 'regex' ? inner : '', 'i'),
  };
  const pattern = patterns[name];
  if (pattern !== undefined) return (text) => pattern.test(text);
  switch (name) {
    case 'length':
      return ({ length }) => length >= first && length <= second;
    case 'minlength':
      return ({ length }) => length >= first;
    case 'maxlength':
      return ({ length }) => length <= first;
    case 'min':
      return (text) => isWhole(text) && Number(text) >= first;
    case 'max':
      return (text) => isWhole(text) && Number(text) <= first;
    case 'range':
      return (text) => isWhole(text) && Number(text) >= first && Number(text) <= second;
    default:
      throw new Error(`The local host does not play the route constraint '${constraint}'.`);
  }
}

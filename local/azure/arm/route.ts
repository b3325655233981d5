import type { AuditAction } from '../audit.ts';
import type { Cluster, Machine } from '../world/world.ts';
import type { ArmAnswer } from './answer.ts';
import type { Bucket } from './throttle.ts';

/** One operation of ARM: where it is, which right it needs, what it costs, what it does. */
export interface Route {
  method: 'GET' | 'POST';
  /** Path with `{name}` segments; compared upper and lower case alike. */
  template: string;
  /** The name under which Azure RBAC knows it. */
  action: string;
  /** Its resource type, as errors spell it. */
  type: string;
  apiVersions: readonly string[];
  buckets(call: Call): Bucket[];
  /** Written to the audit log, refused or not. */
  audit?: {
    action(call: Call): AuditAction;
    machine(call: Call): Machine | undefined;
    /** Where no machine is concerned, and the path does not lie in a node resource group. */
    cluster?(call: Call): Cluster | undefined;
  };
  answer(call: Call): ArmAnswer | Promise<ArmAnswer>;
}

export interface Call {
  /** The values of the template's `{name}`s. */
  names: Record<string, string>;
  query: URLSearchParams;
  body: string;
  /** Path and query. */
  url: string;
  apiVersion: string;
  /** Who asks, as the audit log names them. */
  actor: string;
  /** Collects what the audit line shall say beside the rest. */
  detail: Record<string, unknown>;
}

/** Values of `{name}` segments, or undefined where the path is another one. */
export function matchTemplate(template: string, path: string): Record<string, string> | undefined {
  const wanted = template.split('/');
  const given = path.split('/');
  if (wanted.length !== given.length) return undefined;
  const names: Record<string, string> = {};
  for (const [index, segment] of wanted.entries()) {
    const value = decodeURIComponent(given[index] ?? '');
    if (segment.startsWith('{')) names[segment.slice(1, -1)] = value;
    else if (segment.toLowerCase() !== value.toLowerCase()) return undefined;
  }
  return names;
}

/** The name of a path parameter that the template is known to have. */
export function named(call: Call, name: string): string {
  const value = call.names[name];
  if (value === undefined) throw new Error(`the route has no {${name}}`);
  return value;
}

/** What the right must hold over: the resource itself, or the parent of a list. */
export function scopeOf(template: string, path: string): string {
  const last = template.split('/').at(-1) ?? '';
  const cut = last.startsWith('{') ? path : path.slice(0, path.lastIndexOf('/'));
  return cut.replace(/\/providers\/[^/]+$/i, '');
}

/** One page of a list; the rest is behind nextLink, an absolute URL. */
export function page(
  call: Call,
  items: readonly unknown[],
  size: number,
  origin: string,
): ArmAnswer {
  const from = Number(call.query.get('$skiptoken') ?? '0');
  const body: Record<string, unknown> = { value: items.slice(from, from + size) };
  if (from + size < items.length) {
    const next = new URL(call.url, origin);
    next.searchParams.set('$skiptoken', String(from + size));
    body['nextLink'] = next.href;
  }
  return { status: 200, headers: {}, body };
}

/** Label and field selectors: parsed once a request, matched against every candidate. */
import type { LabelSelector } from './objects.ts';

export type Labels = Readonly<Record<string, string>>;
export type LabelMatcher = (labels: Labels | undefined) => boolean;

interface Requirement {
  key: string;
  holds(value: string | undefined): boolean;
}

const everything: LabelMatcher = () => true;
const nothing: LabelMatcher = () => false;

function allOf(requirements: readonly Requirement[]): LabelMatcher {
  if (requirements.length === 0) return everything;
  return (labels) => requirements.every((one) => one.holds(labels?.[one.key]));
}

/**
 * `a=b,c!=d,e in (f,g),h notin (i),j,!k`. A `!=` or `notin` also holds where the label is missing
 * (k8s.io/apimachinery/pkg/labels/selector.go).
 *
 * @returns undefined when the text is no selector
 */
export function parseLabelSelector(text: string): LabelMatcher | undefined {
  const requirements: Requirement[] = [];
  for (const part of splitOutsideParentheses(text)) {
    const requirement = parseRequirement(part.trim());
    if (requirement === undefined) return undefined;
    requirements.push(requirement);
  }
  return allOf(requirements);
}

function splitOutsideParentheses(text: string): string[] {
  return text.trim() === '' ? [] : text.split(/,(?![^(]*\))/);
}

function parseRequirement(text: string): Requirement | undefined {
  const set = /^([\w./-]+)\s+(in|notin)\s*\(([^()]*)\)$/.exec(text);
  if (set !== null) {
    const [, key = '', operator, values = ''] = set;
    const list = values.split(',').map((value) => value.trim());
    return requirement(key, operator === 'in' ? 'In' : 'NotIn', list);
  }
  const equality = /^([\w./-]+)\s*(==|=|!=)\s*([\w.-]*)$/.exec(text);
  if (equality !== null) {
    const [, key = '', operator, value = ''] = equality;
    return requirement(key, operator === '!=' ? 'NotIn' : 'In', [value]);
  }
  const exists = /^(!?)\s*([\w./-]+)$/.exec(text);
  if (exists === null) return undefined;
  const [, negated, key = ''] = exists;
  return requirement(key, negated === '!' ? 'DoesNotExist' : 'Exists', []);
}

type Operator = 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';

function requirement(key: string, operator: Operator, values: readonly string[]): Requirement {
  switch (operator) {
    case 'In':
      return { key, holds: (value) => value !== undefined && values.includes(value) };
    case 'NotIn':
      return { key, holds: (value) => value === undefined || !values.includes(value) };
    case 'Exists':
      return { key, holds: (value) => value !== undefined };
    case 'DoesNotExist':
      return { key, holds: (value) => value === undefined };
  }
}

/** A selector in an object: a missing one matches nothing, an empty one everything. */
export function labelSelectorMatcher(selector: LabelSelector | undefined): LabelMatcher {
  if (selector === undefined) return nothing;
  const equalities = Object.entries(selector.matchLabels ?? {}).map(([key, value]) =>
    requirement(key, 'In', [value]),
  );
  const expressions = (selector.matchExpressions ?? []).map(({ key, operator, values }) =>
    requirement(key, operator, values ?? []),
  );
  return allOf([...equalities, ...expressions]);
}

export interface FieldTerm {
  field: string;
  equal: boolean;
  value: string;
}

/** `metadata.name=a,spec.nodeName!=b`; undefined when the text is no selector. */
export function parseFieldSelector(text: string): FieldTerm[] | undefined {
  const terms: FieldTerm[] = [];
  for (const part of text.split(',').filter((term) => term !== '')) {
    const match = /^([^=!]+)(==|=|!=)(.*)$/.exec(part);
    if (match === null) return undefined;
    const [, field = '', operator, value = ''] = match;
    terms.push({ field, equal: operator !== '!=', value });
  }
  return terms;
}

/**
 * Label selectors as Kubernetes writes them: `tier=db,env!=test,zone in (a, b),gpu,!spot`. A comma
 * means and. The rules are those of k8s.io/apimachinery pkg/labels/selector.go: `!=` and `notin`
 * hold where the label is missing as well.
 */
interface Requirement {
  key: string;
  holds(value: string | undefined): boolean;
}

const name = '[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?';
const key = `(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?/)?${name}`;
const value = `(?:${name})?`;
const values = `${value}(?:\\s*,\\s*${value})*`;
const setPattern = new RegExp(`^(${key})\\s+(in|notin)\\s*\\(\\s*(${values})\\s*\\)$`, 'u');
const equalityPattern = new RegExp(`^(${key})\\s*(==|=|!=)\\s*(${value})$`, 'u');
const orderPattern = new RegExp(`^(${key})\\s*([<>])\\s*(-?[0-9]{1,15})$`, 'u');
const presencePattern = new RegExp(`^(!?)\\s*(${key})$`, 'u');

/** Whether the text is a selector that says something: the empty one would mean everything. */
export function isSelector(text: string): boolean {
  return parse(text) !== undefined;
}

/** Whether labels meet a selector, which `isSelector` has been asked about. Throws for others. */
export function selects(text: string, labels: Readonly<Record<string, string>>): boolean {
  const requirements = parse(text);
  if (requirements === undefined) throw new Error(`not a label selector: ${text}`);
  return requirements.every((one) => one.holds(labels[one.key]));
}

/** `undefined` when it is none. Commas within parentheses belong to a list of values. */
function parse(text: string): Requirement[] | undefined {
  const parts = text.split(/,(?![^(]*\))/u).map((part) => parseRequirement(part.trim()));
  const requirements = parts.filter((part) => part !== undefined);
  return requirements.length === parts.length ? requirements : undefined;
}

function parseRequirement(text: string): Requirement | undefined {
  const [, setKey, setOperator, listed = ''] = setPattern.exec(text) ?? [];
  if (setKey !== undefined) return among(setKey, setOperator === 'in', listed.split(/\s*,\s*/u));
  const [, equalKey, operator, wanted = ''] = equalityPattern.exec(text) ?? [];
  if (equalKey !== undefined) return among(equalKey, operator !== '!=', [wanted]);
  const [, orderKey, order, bound] = orderPattern.exec(text) ?? [];
  if (orderKey !== undefined) return compared(orderKey, order === '>', Number(bound));
  const [, negated, presentKey] = presencePattern.exec(text) ?? [];
  if (presentKey === undefined) return undefined;
  return { key: presentKey, holds: (value) => (value === undefined) === (negated === '!') };
}

function among(key: string, wanted: boolean, values: readonly string[]): Requirement {
  return {
    key,
    holds: (value) => (value !== undefined && values.includes(value)) === wanted,
  };
}

function compared(key: string, above: boolean, bound: number): Requirement {
  return {
    key,
    holds: (value) =>
      value !== undefined &&
      /^-?[0-9]+$/u.test(value) &&
      (above ? Number(value) > bound : Number(value) < bound),
  };
}

const taintPattern = new RegExp(
  `^(${key})(?:=(${value}))?(?::(NoSchedule|PreferNoSchedule|NoExecute))?$`,
  'u',
);

/** Whether the text names taints as kubectl does: `key`, `key=value`, `key:Effect` or both. */
export function isTaintPattern(text: string): boolean {
  return taintPattern.test(text);
}

/** Whether a taint is one of those that the pattern names; what the pattern leaves open fits. */
export function namesTaint(
  pattern: string,
  taint: { key: string; value: string; effect: string },
): boolean {
  const [, key, value, effect] = taintPattern.exec(pattern) ?? [];
  if (key === undefined) throw new Error(`not a taint: ${pattern}`);
  return (
    taint.key === key &&
    (value === undefined || taint.value === value) &&
    (effect === undefined || taint.effect === effect)
  );
}

import { readFileSync } from 'node:fs';
import { faultKinds } from './scenario.ts';
import { otherAzures } from './otherAzures.ts';

/** The rows of docs/fidelity.md about a belief that nobody could check; nothing is said of deploying. */
function unverified(): { belief: string; fault: string }[] {
  const page = readFileSync(new URL('../../docs/fidelity.md', import.meta.url), 'utf8');
  const simulated = page.slice(0, page.indexOf('## Deployment'));
  return simulated
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .filter(([, , , status = '']) => status.includes('unverified'))
    .map(([, belief = '', , , , fault = '']) => ({ belief, fault }));
}

const drawn = otherAzures.flatMap(({ faults, timings }) => [
  ...Object.entries((faults ?? {}) as Record<string, unknown>).map(
    ([name, value]) => `${name}: ${[value].flat().join()}`,
  ),
  ...Object.entries((timings ?? {}) as Record<string, unknown>).map(
    ([name, value]) => `${name}: ${String(value)}`,
  ),
]);
const named = (fault: string) => [...fault.matchAll(/`(\w+: \w+)`/gu)].map(([, name = '']) => name);
/** Machines behave so in seeds without anything else. */
const byMachines = /^(?:probe|restart): /u;

describe('beliefs that nobody could check', () => {
  it.each(unverified())('has an opposite, or a reason for none: $belief', ({ fault }) => {
    const isDrawn = named(fault).some((name) => drawn.includes(name) || byMachines.test(name));
    expect(isDrawn || fault.startsWith('not simulated: ')).toBe(true);
  });

  it('are all that seeds invert', () => {
    const told = unverified().flatMap(({ fault }) => named(fault));
    const inverted = drawn.filter((name) => name.startsWith('otherwise: '));
    expect(inverted.filter((name) => !told.includes(name))).toEqual([]);
    expect(faultKinds).toContain('otherAzure');
  });
});

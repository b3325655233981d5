import { readdirSync, readFileSync } from 'node:fs';
import type { Scenario } from './scenario.ts';

/**
 * Scenarios that once broke a promise, reduced to what it takes, each named after its bug; and a few
 * in which a break shows that seeds seldom come upon.
 */
const folder = new URL('regressions/', import.meta.url);

export function regressionNames(): string[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .map((file) => file.slice(0, -'.json'.length))
    .sort();
}

export function readRegression(name: string): Scenario {
  return JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8')) as Scenario;
}

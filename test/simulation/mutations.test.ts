import { readFileSync } from 'node:fs';
import { mutated, mutations } from './mutations.ts';

it.each(mutations)('still applies: $name', (mutation) => {
  for (const file of new Set(mutation.changes.map((change) => change.file))) {
    const text = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
    expect(mutated(text, file, mutation)).not.toBe(text);
  }
});

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Verdict } from './mutant.ts';
import { mutants } from './mutants.ts';

/** Replay has to notice what a change does to orchestrations that are running. */
describe('a change to the orchestrators', () => {
  const verdicts = new Map<string, Verdict>();
  beforeAll(async () => {
    const script = fileURLToPath(new URL('mutant.ts', import.meta.url));
    const given = ['--disable-warning=ExperimentalWarning', script];
    const { stdout } = await promisify(execFile)(process.execPath, given);
    for (const verdict of JSON.parse(stdout) as Verdict[]) verdicts.set(verdict.name, verdict);
  });

  it.each(mutants.filter(({ expected }) => expected !== 'step'))(
    'is noticed: $name ($expected)',
    ({ name, expected }) => {
      const { kind, text, unreleased } = verdicts.get(name) ?? {};
      expect({ kind, text }).toEqual({ kind: expected, text: expect.any(String) as string });
      expect(text).toMatch(/recorded in +test\/fixtures\/histories\/1\.0\/\w+\.jsonl:\d+ /u);
      expect(text).toMatch(expected === 'breaks' ? /isSince\(flow, '1\.1'\)/u : /nobody notices/u);
      expect(unreleased).toMatch(/no release has .* record again \(npm run record-histories\)/u);
    },
  );

  it.each(mutants.filter(({ expected }) => expected === 'step'))(
    'does no harm to what began before it: $name',
    ({ name }) => {
      expect(verdicts.get(name)).toMatchObject({ kind: 'none', later: 'breaks' });
    },
  );
});

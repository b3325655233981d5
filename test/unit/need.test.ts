import { decide } from '../../src/decide/gates.ts';
import { lastRebootAnnotation, writeLastReboot } from '../../src/domain/mark.ts';
import type { ProbeRecord } from '../../src/domain/need.ts';
import { unnamedNeed } from '../../src/domain/need.ts';
import type { Policy } from '../../src/policy/settings.ts';
import { dayMs, instant, now, required, sceneOf, sightOf } from '../support/sights.ts';

/** How old a need is, and whether it is the one that was served. */

const hourMs = dayMs / 24;

function decided(record: Partial<ProbeRecord>, policy: Partial<Policy>) {
  const sight = sightOf({ policy });
  const probe = { probe: required, vmId: 'vm-0', at: instant(now), ...record };
  const { outcome } = decide({ ...sight, probe }, sceneOf());
  return outcome.reasons.map(({ kind, value }) => `${kind}: ${value}`).join();
}
const due = (hours: number) => ({ bootId: 'boot-0', since: instant(now - hours * hourMs) });

describe('a need', () => {
  const day = { minNeedAgeHours: 24 };

  it.each<[string, Partial<ProbeRecord>, RegExp]>([
    [
      'whose file is too young',
      { probe: { ...required, ageSeconds: 3600 } },
      /^needAge: the need is 1\.0 hours old, 24 are asked for$/u,
    ],
    [
      'whose file was written anew since we first heard of it',
      { probe: { ...required, ageSeconds: 3600 }, due: due(90) },
      /^needAge: the need is 1\.0 hours/u,
    ],
    ['of which we heard lately', { due: due(23.9) }, /^needAge: the need is 23\.9 hours/u],
    ['of unknown age', {}, /^needAge: it can't be told how old the need is$/u],
  ])('%s waits', (_says, record, value) => {
    expect(decided(record, day)).toMatch(value);
  });

  it.each<[string, Partial<ProbeRecord>]>([
    ['whose file is old enough', { probe: { ...required, ageSeconds: 24 * 3600 } }],
    [
      'whose file was old enough by the time that has passed since the answer',
      { probe: { ...required, ageSeconds: 20 * 3600 }, at: instant(now - 4 * hourMs) },
    ],
    ['of which we have known for long', { due: due(24) }],
  ])('%s is served', (_says, record) => {
    expect(decided(record, day)).toMatch(/^turn/u);
  });

  it('of any age is served where settings ask for none', () => {
    expect(decided({}, {})).toMatch(/^turn/u);
  });
});

describe('a need that names nothing', () => {
  const rebooted = (need: string) => {
    const note = { bootIdBefore: 'a', bootIdAfter: 'boot-0', kernel: '6.8.0-1021-azure', run: 'r' };
    const text = writeLastReboot({ ...note, at: instant(now - 90 * dayMs), need });
    const probe = { ...required, packages: [] };
    return decide(
      sightOf({ node: { annotations: { [lastRebootAnnotation]: text } }, probe }),
      sceneOf(),
    );
  };

  it('is not taken for one that was served: its file was seen gone', () => {
    expect(rebooted('').decision.kind).toBe('reboot');
  });

  it('is the same when its file was there again right after the reboot', () => {
    const { outcome } = rebooted(unnamedNeed);
    expect(outcome.kind).toBe('stillRequired');
    expect(outcome.reasons).toEqual([expect.objectContaining({ kind: 'loopGuard' })]);
  });
});

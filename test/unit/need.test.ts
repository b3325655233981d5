import { decide } from '../../src/decide/gates.ts';
import { lastRebootAnnotation, writeLastReboot } from '../../src/domain/mark.ts';
import type { ProbeRecord } from '../../src/domain/need.ts';
import { unnamedNeed } from '../../src/domain/need.ts';
import type { Policy } from '../../src/policy/settings.ts';
import {
  dayMs,
  hold,
  instant,
  notRequired,
  now,
  rebootedAt,
  required,
  sameNeed,
  sceneOf,
  sightOf,
} from '../support/sights.ts';
import type { SceneOver, SightOver } from '../support/sights.ts';

/** How old a need is, whether it is the one that was served, and whether there has to be one. */

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

describe('a node that a person forces', () => {
  const force = { who: 'ann', reason: 'CVE-2026-1', nodes: [] };
  const forced = (over: SightOver = {}, scene: SceneOver = {}) => {
    const { decision } = decide(sightOf(over), sceneOf({ force, ...scene }));
    return `${decision.kind}: ${decision.reasons.map(({ value }) => value).join('; ')}`;
  };
  const { bootId, kernel, uptimeSeconds, birth } = required;
  const facts = { bootId, kernel, uptimeSeconds, birth };
  const unknown = { kind: 'unknown' as const, reason: 'sentinelCommand ended with 9' };

  it.each<[string, SightOver]>([
    ['needs a reboot anyway', {}],
    ['needs none', { probe: notRequired }],
    ['does not know whether it needs one', { probe: { ...unknown, facts } }],
    ['has a need that is too young', { policy: { minNeedAgeHours: 24 } }],
    [
      'was rebooted for the same packages long ago',
      { node: { annotations: rebootedAt(now - 90 * dayMs, { need: sameNeed }) } },
    ],
  ])('is rebooted when it %s', (_says, over) => {
    expect(forced(over)).toBe('reboot: forced by ann: CVE-2026-1');
  });

  it.each<[string, SightOver, SceneOver, RegExp]>([
    [
      'is another one than those named',
      { probe: notRequired },
      { force: { ...force, nodes: ['x'] } },
      /^skip: no reboot/u,
    ],
    ['was not asked', { probe: null }, {}, /^wait: the node was not asked$/u],
    ['said nothing of itself', { probe: unknown }, {}, /^wait: sentinelCommand ended with 9$/u],
    [
      'answered on another boot',
      { probe: { ...unknown, facts: { ...facts, bootId: 'boot-9' } } },
      {},
      /^wait: the probe answered on boot boot-9/u,
    ],
    ['is held', {}, { holds: [hold] }, /^wait: ada holds fleet/u],
    [
      'was rebooted today',
      { node: { annotations: rebootedAt(now - 3600_000) } },
      {},
      /less than 1 days ago$/u,
    ],
  ])('is not when it %s', (_says, over, scene, value) => {
    expect(forced(over, scene)).toMatch(value);
  });
});

import { readFileSync } from 'node:fs';
import { isFrom } from '../../src/workflow/flow.ts';
import { isReleased, nextVersion, presentVersions, problemsOf, releasesIn } from './versions.ts';
import type { Versions } from './versions.ts';

describe('the versions of orchestrations', () => {
  it('agree: host.json, the code, the change log, and what is recorded', () => {
    expect(problemsOf(presentVersions())).toEqual([]);
  });

  it('that are newer than the app are left waiting, and older ones are gone on with', () => {
    const text = readFileSync(new URL('../../host.json', import.meta.url), 'utf8');
    const { extensions } = JSON.parse(text) as { extensions: { durableTask: object } };
    expect(extensions.durableTask).toMatchObject({
      versionMatchStrategy: 'CurrentOrOlder',
      versionFailureStrategy: 'Reject',
    });
  });
});

const right: Versions = {
  begun: '1.1',
  served: ['1.0', '1.1'],
  recorded: ['1.0', '1.1'],
  releases: [{ title: '0.1.0, orchestrations 1.0', orchestrations: '1.0' }],
  overriding: [],
};

describe('what is said when they do not agree', () => {
  it('is nothing when they do', () => {
    expect(problemsOf(right)).toEqual([]);
  });

  it.each<[string, Partial<Versions>, RegExp]>([
    [
      'host.json is raised, and nothing else',
      { begun: '1.2' },
      /host\.json begins .* 1\.2, .* is 1\.1: .*npm run record-histories/u,
    ],
    [
      'nothing is recorded of the new version',
      { recorded: ['1.0'] },
      /no recorded histories of version 1\.1: npm run record-histories\.$/u,
    ],
    [
      'nothing was recorded of the version before',
      { recorded: ['1.1'] },
      /of version 1\.0, .*check out the last commit .* npm run record-histories, and commit/u,
    ],
    [
      'the code does not go on with what is recorded',
      { served: ['1.1'], releases: [] },
      /histories\/1\.0 is of a version that is not in orchestrationVersions/u,
    ],
    [
      'the code does not go on with what the latest release begins',
      { served: ['1.1'], recorded: ['1.1'] },
      /latest release begins orchestrations of version 1\.0/u,
    ],
    [
      'a release does not say what it begins',
      { releases: releasesIn('# Changes\n\n## Unreleased\n\n## 0.2.0\n') },
      /"## 0\.2\.0" has to end with ", orchestrations 1\.1"/u,
    ],
    ['they are not in order', { served: ['1.10', '1.9', '1.1'] }, /oldest first/u],
    [
      'an app setting would win over host.json',
      { overriding: ['infra/main.bicep'] },
      /infra\/main\.bicep sets the version/u,
    ],
  ])('is what to do, when %s', (_case, wrong, sentence) => {
    const problems = problemsOf({ ...right, ...wrong });
    expect(problems).toContainEqual(expect.stringMatching(sentence));
  });
});

describe('a release in the change log', () => {
  it('tells which orchestrations may be running somewhere', () => {
    const releases = releasesIn('## Unreleased\n\n## 0.2.0 - 2027-01-02, orchestrations 1.0\n');
    expect(isReleased({ releases }, '1.0')).toBe(true);
    expect(isReleased({ releases }, '1.1')).toBe(false);
    expect(nextVersion(right)).toBe('1.2');
  });
});

describe('a version step', () => {
  it.each([
    ['0.9', false],
    ['1.2', true],
    ['1.10', true],
    ['2.0', true],
    ['', false],
  ])('to 1.2 is taken by orchestrations of version "%s": %s', (version, isTaken) => {
    expect(isFrom('1.2', version)).toBe(isTaken);
  });
});

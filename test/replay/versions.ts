import { readFileSync, readdirSync } from 'node:fs';
import { orchestrationVersions } from '../../src/workflow/flow.ts';
import { folderOf, readHistories, recordedVersions } from './histories.ts';

/** What is said in different places of the versions of orchestrations. */
export interface Versions {
  /** host.json's: what is begun. */
  begun: string;
  /** What the code can go on with, oldest first. */
  served: readonly string[];
  /** Of which there are recorded histories. */
  recorded: readonly string[];
  releases: readonly Release[];
  /** Files that set a version beside host.json. */
  overriding: readonly string[];
}

/** A release of the program, newest first in lists, and the orchestrations that it begins. */
export interface Release {
  title: string;
  orchestrations: string | undefined;
}

const root = new URL('../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');

export function presentVersions(): Versions {
  const host = JSON.parse(read('host.json')) as {
    extensions: { durableTask: { defaultVersion: string } };
  };
  return {
    begun: host.extensions.durableTask.defaultVersion,
    served: orchestrationVersions,
    recorded: recordedVersions().filter((version) => readHistories(version).length > 0),
    releases: releasesIn(read('CHANGELOG.md')),
    overriding: ['infra', 'packaging', 'azure.yaml'].flatMap(filesThatSetOne),
  };
}

/** Every `## ` of the change log but the one of what is not released. */
export function releasesIn(changes: string): Release[] {
  return [...changes.matchAll(/^## (.+)$/gmu)]
    .map(([, title = '']) => title)
    .filter((title) => title !== 'Unreleased')
    .map((title) => ({ title, orchestrations: /, orchestrations (\S+)$/u.exec(title)?.[1] }));
}

/** The host lets app settings of this name win over host.json. */
const override = /AzureFunctionsJobHost__extensions__durableTask__defaultVersion/iu;

function filesThatSetOne(path: string): string[] {
  const files = path.includes('.')
    ? [path]
    : readdirSync(new URL(path, root), { recursive: true, encoding: 'utf8' })
        .filter((name) => /\.(?:bicep|json|ts|sh|yaml)$/u.test(name))
        .map((name) => `${path}/${name}`);
  return files.filter((file) => override.test(read(file)));
}

/** What has to be done so that all places agree, a sentence each. */
export function problemsOf(versions: Versions): string[] {
  return [...problemsOfNumbers(versions), ...problemsOfRecords(versions)];
}

function problemsOfNumbers({ begun, served, releases, overriding }: Versions): string[] {
  const newest = served.at(-1);
  const unnamed = releases.filter(({ orchestrations }) => orchestrations === undefined);
  const [latest] = releases.flatMap(({ orchestrations }) => orchestrations ?? []);
  return [
    ...(served.every((version) => /^\d+\.\d+$/u.test(version)) && isAscending(served)
      ? []
      : [`orchestrationVersions are two numbers each, oldest first: not ${served.join(', ')}.`]),
    ...(begun === newest
      ? []
      : [
          `host.json begins orchestrations of version ${begun}, and the last one of ` +
            `orchestrationVersions in src/workflow/flow.ts is ${newest}: make them the same, ` +
            'then npm run record-histories.',
        ]),
    ...unnamed.map(
      ({ title }) =>
        `CHANGELOG.md: "## ${title}" has to end with ", orchestrations ${begun}", so that it is ` +
        'known which ones may be running somewhere.',
    ),
    ...(latest === undefined || served.includes(latest)
      ? []
      : [
          `The latest release begins orchestrations of version ${latest}, which ` +
            'orchestrationVersions has not: they could not go on after an update.',
        ]),
    ...overriding.map(
      (file) => `${file} sets the version of orchestrations: only host.json may, so remove it.`,
    ),
  ];
}

function problemsOfRecords({ begun, served, recorded }: Versions): string[] {
  const missing = served.filter((version) => !recorded.includes(version));
  const needless = recorded.filter((version) => !served.includes(version) && version !== begun);
  return [
    ...missing.map((version) =>
      version === served.at(-1)
        ? `There are no recorded histories of version ${version}: npm run record-histories.`
        : `There are no recorded histories of version ${version}, which this code has to go on ` +
          'with: check out the last commit whose host.json has that version, ' +
          `npm run record-histories, and commit ${folderOf(version)} here.`,
    ),
    ...needless.map(
      (version) =>
        `${folderOf(version)} is of a version that is not in orchestrationVersions: add it ` +
        'there, or delete the folder when no orchestration of it can be running any more.',
    ),
  ];
}

function isAscending(versions: readonly string[]): boolean {
  const sorted = versions.toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  return versions.join() === sorted.join() && new Set(versions).size === versions.length;
}

/** The version after the last one. */
export function nextVersion({ served }: Pick<Versions, 'served'>): string {
  const [major = 1, minor = 0] = (served.at(-1) ?? '1.0').split('.').map(Number);
  return `${major}.${minor + 1}`;
}

export function isReleased({ releases }: Pick<Versions, 'releases'>, version: string): boolean {
  return releases.some(({ orchestrations }) => orchestrations === version);
}

import type { ClusterFacts } from '../../src/domain/cluster.ts';
import { isoInstant } from '../../src/domain/instant.ts';
import type { Maintenance } from '../../src/domain/maintenance.ts';
import { dayAt, isYearly } from '../../src/policy/calendar.ts';
import { readDocument } from '../../src/policy/document.ts';
import { explain, placeOf } from './explained.ts';
import { parseDocument, pathOf } from '../../src/policy/problem.ts';
import type { Problem } from '../../src/policy/problem.ts';
import { defaultPolicy, policyOf, settingsSchema } from '../../src/policy/settings.ts';
import type { ClusterSettings, Policy, Settings } from '../../src/policy/settings.ts';
import { asksForMaintenance, nextOpenings } from '../../src/policy/window.ts';

/** Settings that are legal and yet probably not what somebody wants. */

/** One of them: said of a setting, or of the cluster or pool as a whole. */
interface Doubt {
  setting: string;
  problem: string;
}

/** A policy, and what is known of its cluster. */
interface Case {
  policy: Policy;
  cluster: ClusterSettings;
  /** `undefined`: nobody asked ARM. */
  facts: ClusterFacts | undefined;
  now: number;
}

/**
 * Everything doubtful about settings that are right.
 *
 * @param text the document; it has been parsed to `settings`
 * @param facts what ARM says of clusters, by key, as far as it was asked
 */
export function doubtsOf(
  text: string,
  settings: Settings,
  facts: ReadonlyMap<string, ClusterFacts>,
  now: number,
): Problem[] {
  const read = readDocument(text);
  const parsed = parseDocument(text, settingsSchema, '');
  if (read.kind !== 'read' || parsed.kind === 'bad') return [];
  const found = new Map<string, Problem>();
  const add = (path: PropertyKey[], problem: string) => {
    // What is written once in the defaults is said once, and not for each cluster.
    const known = { path: pathOf(path), problem, position: read.positionOf(path) };
    found.set(`${known.path} ${problem}`, known);
  };
  for (const [index, cluster] of settings.clusters.entries()) {
    const about = { cluster, facts: facts.get(cluster.key), now };
    const judge = (policy: Policy, pool: string | undefined, judges: readonly Judge[]) => {
      const explained = explain(parsed.value, index, pool);
      for (const { setting, problem } of judges.flatMap((one) => one({ policy, ...about }))) {
        const from = explained.find(({ name }) => name === setting)?.from ?? 'built-in';
        add(placeOf({ name: setting, from }, index, pool), problem);
      }
    };
    judge(cluster.policy, undefined, [...poolJudges, ...clusterJudges]);
    for (const [pool, policy] of cluster.pools) judge(policy, pool, poolJudges);
    for (const { path, problem } of poolDoubts(cluster, about.facts)) {
      add(['clusters', index, ...path], problem);
    }
  }
  return [...found.values()];
}

type Judge = (about: Case) => Doubt[];

const poolJudges: readonly Judge[] = [windows, excludedDates, deadlines, unused];
const clusterJudges: readonly Judge[] = [concurrency, poolNames];

const manyOpenings = 30;
const minuteMs = 60_000;

function windows({ policy, facts, now }: Case): Doubt[] {
  const say = (problem: string): Doubt[] => [{ setting: 'windows', problem }];
  const notAsked: Maintenance = { kind: 'unknown', value: 'ARM was not asked' };
  const maintenance = facts?.maintenance ?? notAsked;
  if (asksForMaintenance(policy)) {
    if (facts === undefined) return [];
    if (maintenance.kind === 'unknown') return say(`is closed: ${maintenance.value}`);
  }
  const openings = nextOpenings(policy, maintenance, now, manyOpenings);
  if (openings.length === 0) return say('never opens: no node is ever rebooted');
  const needed = policy.expectedDrainMinutes + policy.expectedRestartMinutes;
  const lengths = openings
    // Of the present one only what is left of it is known.
    .filter(({ opensAt }) => opensAt > now)
    .map(({ opensAt, closesAt }) => ({ opensAt, minutes: (closesAt - opensAt) / minuteMs }));
  const short = lengths.filter(({ minutes }) => minutes < needed);
  const [first] = short;
  if (first === undefined) return [];
  const expected = `one node is expected to take ${needed}`;
  if (short.length < lengths.length) {
    const when = `${Math.floor(first.minutes)} minutes from ${isoInstant(first.opensAt)} on`;
    return say(`is too short now and then: ${when}, and ${expected}`);
  }
  const longest = Math.max(...short.map(({ minutes }) => minutes));
  return say(`is never long enough: at most ${Math.floor(longest)} minutes, and ${expected}`);
}

function excludedDates({ policy, now }: Case): Doubt[] {
  return policy.excludedDates
    .filter(({ to, timeZone }) => !isYearly(to) && to < dayAt(now, timeZone).toString())
    .map(({ to }) => ({ setting: 'excludedDates', problem: `has days that are over: ${to}` }));
}

function deadlines({ policy }: Case): Doubt[] {
  const { expectedDrainMinutes, drainTimeoutMinutes, expectedRestartMinutes } = policy;
  const { readyForSeconds, readyTimeoutMinutes } = policy;
  const doubts: Doubt[] = [];
  if (expectedDrainMinutes > drainTimeoutMinutes) {
    const problem =
      `is ${drainTimeoutMinutes}: drains are undone before they took what they are expected ` +
      `to take, ${expectedDrainMinutes} minutes`;
    doubts.push({ setting: 'drainTimeoutMinutes', problem });
  }
  if (readyForSeconds >= readyTimeoutMinutes * 60) {
    const problem =
      `is ${readyTimeoutMinutes}: no node can stay Ready for ${readyForSeconds} seconds ` +
      'within that time, so none is ever proved';
    doubts.push({ setting: 'readyTimeoutMinutes', problem });
  }
  if (expectedRestartMinutes * 60 < readyForSeconds) {
    const problem =
      `is ${expectedRestartMinutes}: the proof alone takes ${readyForSeconds} seconds ` +
      '(readyForSeconds)';
    doubts.push({ setting: 'expectedRestartMinutes', problem });
  }
  return doubts;
}

/** What is written and not read, because something else is. */
function unused({ policy }: Case): Doubt[] {
  const { deleteAfterMinutes, drainTimeoutMinutes, sentinelCommand, sentinelPath } = policy;
  const doubts: Doubt[] = [];
  if (deleteAfterMinutes >= drainTimeoutMinutes) {
    const problem =
      `is ${deleteAfterMinutes}: nothing is ever deleted, the drain is over after ` +
      `${drainTimeoutMinutes} minutes`;
    doubts.push({ setting: 'deleteAfterMinutes', problem });
  }
  if (sentinelCommand !== '' && sentinelPath !== defaultPolicy.sentinelPath) {
    const problem = 'counts for nothing: sentinelCommand is asked instead';
    doubts.push({ setting: 'sentinelPath', problem });
  }
  return doubts;
}

function concurrency({ policy, cluster, facts }: Case): Doubt[] {
  const atOnce = (pool: string) =>
    Math.min(policy.concurrency, policyOf(cluster, pool).maxUnavailable);
  return (facts?.pools ?? [])
    .filter(({ name }) => !policy.excludePools.includes(name))
    .filter(({ name, count }) => count > 1 && count <= atOnce(name))
    .map(({ name, count }) => ({
      setting: 'concurrency',
      problem:
        `is ${policy.concurrency}: all ${count} nodes of pool ${name} may be out of service ` +
        'at once',
    }));
}

/** Lists of pools that name one which the cluster has not. */
function poolNames({ policy, facts }: Case): Doubt[] {
  const { includePools, excludePools, poolOrder } = policy;
  return Object.entries({ includePools, excludePools, poolOrder }).flatMap(([setting, names]) =>
    names
      .filter((name) => facts !== undefined && !hasPool(facts, name))
      .map((name) => ({ setting, problem: `names pool ${name}, which the cluster has not` })),
  );
}

function hasPool({ pools }: ClusterFacts, name: string): boolean {
  return pools.some((pool) => pool.name.toLowerCase() === name.toLowerCase());
}

/** Entries of `pools` that nothing comes of. */
function poolDoubts({ policy, pools }: ClusterSettings, facts: ClusterFacts | undefined) {
  return [...pools.keys()].flatMap((pool) => {
    const path = ['pools', pool];
    if (policy.excludePools.includes(pool)) {
      return [{ path, problem: 'counts for nothing: excludePools names the pool' }];
    }
    return facts === undefined || hasPool(facts, pool)
      ? []
      : [{ path, problem: 'counts for nothing: the cluster has no such pool' }];
  });
}

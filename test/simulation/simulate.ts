import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { readFleet } from '../../local/azure/fleet.ts';
import { campaign } from './campaign.ts';
import { drawScenario } from './draw.ts';
import type { DrawOptions } from './draw.ts';
import { judge } from './judge.ts';
import type { Breach } from './judge.ts';
import { play } from './play.ts';
import type { Result } from './result.ts';
import { faultKinds } from './scenario.ts';
import type { FaultKind, Scenario } from './scenario.ts';
import { shrink } from './shrink.ts';
import { tryMutants } from './mutants.ts';
import { mutations } from './mutations.ts';
import type { Mutation } from './mutations.ts';
import { coverageOf, gapsOf, summaryOf } from './tables.ts';
import { traceOf } from './trace.ts';

const usage = `npm run simulate -- [options]

  --seed N          the first seed (1)
  --runs M          how many seeds (1)
  --minutes M       begin no seed after so many minutes
  --faults a,b      only these kinds: ${faultKinds.join(' ')}
  --fleet FILE      a fleet file, or the name of one that ships, instead of drawn ones
  --keep 0,3        of the seed's faults only these, by number
  --replay FILE     a scenario that --write has written, instead of a seed's
  --write FILE      write the scenario, reduced if it fails
  --trace           print what happened, line by line
  --coverage        print which edges of the machine were taken, and where faults struck
  --mutations       let it loose on deliberate breaks of the promises: each has to be noticed
  --only TEXT       of those only the ones whose name has this text
  --own             of those only the ones that have a scenario of their own
  --workers N       processes (as many as cores)
`;

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    runs: { type: 'string', default: '1' },
    minutes: { type: 'string', default: '100000' },
    faults: { type: 'string' },
    fleet: { type: 'string' },
    keep: { type: 'string' },
    replay: { type: 'string' },
    write: { type: 'string' },
    trace: { type: 'boolean', default: false },
    coverage: { type: 'boolean', default: false },
    mutations: { type: 'boolean', default: false },
    only: { type: 'string' },
    own: { type: 'boolean', default: false },
    workers: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

const chosen: DrawOptions = {
  faults: values.faults?.split(',').map(kindOf),
  fleet: values.fleet === undefined ? undefined : fleetIn(values.fleet),
};

const workers = values.workers === undefined ? undefined : Number(values.workers);
/** Seeds after which a campaign shows that it goes on. */
const toldEvery = 500;
/** Lines of a trace that a failure prints. */
const longestTrace = 60;

process.exitCode = await main();

async function main(): Promise<number> {
  if (values.help) {
    console.log(usage);
    return 0;
  }
  if (values.mutations) return mutants();
  const runs = Number(values.runs);
  const one = values.replay !== undefined || values.keep !== undefined || runs === 1;
  return one ? playOne(givenScenario()) : playMany(runs);
}

async function mutants(): Promise<number> {
  const { only = '', own, seed } = values;
  const isChosen = ({ name, regression }: Mutation) =>
    name.includes(only) && (!own || regression !== undefined);
  const chosen = mutations.filter(isChosen);
  return (await tryMutants(chosen, Number(seed), workers)) ? 0 : 1;
}

function givenScenario(): Scenario {
  if (values.replay !== undefined) {
    return JSON.parse(readFileSync(values.replay, 'utf8')) as Scenario;
  }
  const scenario = drawScenario(Number(values.seed), chosen);
  const kept = values.keep?.split(',').filter(Boolean).map(Number);
  const faults = scenario.faults.filter((_, index) => kept?.includes(index) ?? true);
  return { ...scenario, faults };
}

async function playOne(scenario: Scenario): Promise<number> {
  const played = await play(scenario);
  const breaches = judge(played);
  if (values.trace) console.log(traceOf(played));
  scenario.faults.forEach((fault, index) => console.log(`${index}: ${JSON.stringify(fault)}`));
  console.log(`digest ${played.digest}, ${played.hours.toFixed(1)} virtual hours`);
  for (const { promise, text } of breaches) console.log(`BROKEN ${promise}: ${text}`);
  if (values.write !== undefined) {
    const kept = breaches.length > 0 ? await shrink(scenario, breaches) : scenario;
    writeFileSync(values.write, `${JSON.stringify(kept, null, 2)}\n`);
  }
  return breaches.length > 0 ? 1 : 0;
}

async function playMany(runs: number): Promise<number> {
  const begun = performance.now();
  const seconds = () => (performance.now() - begun) / 1000;
  let played = 0;
  const results = await campaign({
    ...chosen,
    from: Number(values.seed),
    count: runs,
    limitSeconds: Number(values.minutes) * 60,
    workers,
    onResult(result) {
      tellFailure(result);
      played += 1;
      if (played % toldEvery === 0) console.log(`${played} seeds, ${seconds().toFixed(0)} s`);
    },
  });
  if (values.coverage) console.log(coverageOf(results));
  const gaps = values.coverage ? gapsOf(results) : [];
  for (const gap of gaps) console.log(`GAP ${gap}`);
  console.log(summaryOf(results, seconds()));
  const failed = results.filter(({ breaches }) => breaches.length > 0);
  const [first] = failed;
  if (first !== undefined) await explain(first);
  return failed.length > 0 || gaps.length > 0 ? 1 : 0;
}

function tellFailure({ seed, breaches }: Result): void {
  for (const { promise, text } of breaches.slice(0, 3)) {
    console.log(`seed ${seed} BROKEN ${promise}: ${text.split('\n')[0]}`);
  }
}

/** The smallest form of a failure, its trace, and how to see it again. */
async function explain(result: Result): Promise<void> {
  const scenario = drawScenario(result.seed, chosen);
  const smallest = await shrink(scenario, result.breaches);
  const kept = smallest.faults.map((fault) => scenario.faults.indexOf(fault));
  const played = await play(smallest);
  console.log(`\nSeed ${result.seed} needs only these faults:`);
  smallest.faults.forEach((fault, at) => console.log(`  ${kept[at]}: ${JSON.stringify(fault)}`));
  const breaches = judge(played);
  console.log(endOf(traceOf(played), breaches));
  for (const { promise, text } of breaches) console.log(`BROKEN ${promise}: ${text}`);
  if (values.write !== undefined) {
    writeFileSync(values.write, `${JSON.stringify(smallest, null, 2)}\n`);
  }
  console.log(
    `\nSee it again: npm run simulate -- --seed ${result.seed} --keep ${kept.join(',') || '""'} --trace`,
  );
}

/** The lines before the first breach that says when it was; else the last ones. */
function endOf(trace: string, breaches: readonly Breach[]): string {
  const lines = trace.split('\n');
  const numbers = breaches.flatMap(({ text }) => /#(\d+)/u.exec(text)?.[1] ?? []);
  const at = lines.findIndex((line) => numbers.some((number) => line.endsWith(`#${number}`)));
  const end = at < 0 ? lines.length : at + 1;
  const begin = Math.max(1, end - longestTrace);
  return [lines[0], ...(begin > 1 ? ['…'] : []), ...lines.slice(begin, end)].join('\n');
}

function kindOf(name: string): FaultKind {
  const kind = faultKinds.find((known) => known === name);
  if (kind === undefined) throw new Error(`no kind of fault: ${name}`);
  return kind;
}

function fleetIn(file: string): Scenario['fleet'] {
  const read = readFleet(file);
  if (read.kind === 'problems') throw new Error(JSON.stringify(read.value));
  return structuredClone(read.value) as unknown as Scenario['fleet'];
}

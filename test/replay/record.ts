import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { registerOrchestrations } from '../../functions/orchestrations.ts';
import { drawScenario } from '../simulation/draw.ts';
import { play } from '../simulation/play.ts';
import { choose, cover, shortestOfEach } from './choose.ts';
import type { Choice } from './choose.ts';
import { gather } from './gather.ts';
import { folderOf, lineOf, readHistories } from './histories.ts';
import type { Heading, History } from './histories.ts';
import { createReplayer } from './replayer.ts';
import { scenes } from './scenes.ts';
import { seeds } from './seeds.ts';
import { coverageOf, shownIn } from './shape.ts';
import { tell } from './tell.ts';
import { isReleased, nextVersion, presentVersions } from './versions.ts';

const usage = `npm run record-histories -- [options]

Plays the app in simulated Azure and writes histories of its orchestrations, of the version in
host.json, to test/fixtures/histories/<version>: few and short ones that show all that was seen.

  --search N    records nothing: finds few seeds, from 1 to N, that show all that N of them show,
                to be written into test/replay/seeds.ts
`;

const { values } = parseArgs({
  options: {
    search: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

process.exitCode = await main();
// What simulated Azure still keeps alive is of no use to anybody.
process.exit();

async function main(): Promise<number> {
  if (values.help) {
    console.log(usage);
    return 0;
  }
  if (values.search !== undefined) {
    console.log((await search(Number(values.search))).join(', '));
    return 0;
  }
  const versions = presentVersions();
  const version = versions.begun;
  if (isReleased(versions, version)) {
    const broken = await firstBroken(version);
    if (broken !== undefined) {
      console.error(`${broken}\n\nNothing was recorded.`);
      return 1;
    }
  }
  const chosen = choose([...(await playScenes(version)), ...(await playSeeds(version))]);
  write(version, chosen);
  const histories = chosen.map(({ history }) => history);
  const events = histories.reduce((sum, history) => sum + history.events.length, 0);
  console.log(`${chosen.length} histories, ${events} events in ${folderOf(version)}`);
  console.log(coverageOf(histories));
  return 0;
}

/** What was released stays recorded: only what replays may be recorded anew. */
async function firstBroken(version: string): Promise<string | undefined> {
  const replayer = await createReplayer(registerOrchestrations);
  const next = nextVersion(presentVersions());
  for (const history of readHistories(version)) {
    const difference = await replayer.replay(history);
    if (difference?.kind !== 'breaks') continue;
    return tell(history, difference, { kind: 'step', version, next });
  }
  return undefined;
}

async function playScenes(version: string): Promise<History[]> {
  const histories: History[] = [];
  for (const { name, scenario, beside } of scenes) {
    const gathering = gather(`scene: ${name}`);
    await play(scenario, { ...beside, onEpisode: gathering.onEpisode });
    histories.push(...shortestOfEach(gathering.histories(version)));
  }
  return histories;
}

async function playSeeds(version: string): Promise<History[]> {
  const histories: History[] = [];
  for (const seed of seeds) histories.push(...(await playSeed(seed, version)));
  return histories;
}

async function playSeed(seed: number, version: string): Promise<History[]> {
  const gathering = gather(`seed ${seed}`);
  await play(drawScenario(seed), gathering);
  return shortestOfEach(gathering.histories(version));
}

async function search(last: number): Promise<number[]> {
  const candidates: { seed: number; shown: Set<string> }[] = [];
  for (let seed = 1; seed <= last; seed += 1) {
    const histories = await playSeed(seed, presentVersions().begun);
    candidates.push({ seed, shown: new Set(histories.flatMap((one) => [...shownIn(one)])) });
  }
  return cover(candidates, () => 1).map(({ seed }) => seed);
}

/** A file for each orchestrator; in it a line above each history, and one for each event. */
function write(version: string, choices: readonly Choice[]): void {
  const folder = new URL(`../../${folderOf(version)}/`, import.meta.url);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const [name, own] of Map.groupBy(choices, ({ history }) => history.orchestrator)) {
    const lines = own.flatMap(({ history: { orchestrator, from, events }, shows }) => {
      const heading: Heading = { orchestrator, from, shows };
      return [JSON.stringify(heading), ...events.map(lineOf)];
    });
    writeFileSync(new URL(`${name}.jsonl`, folder), `${lines.join('\n')}\n`);
  }
}

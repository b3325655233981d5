import type { AuditLine } from '../../local/azure/audit.ts';
import { shop, slowOn, usualWorkloads } from '../support/fleets.ts';
import { createKiller, effects } from '../support/killer.ts';
import type { Death, Effect } from '../support/killer.ts';
import { brokenOrLeft } from '../support/promises.ts';
import { bootOf, downOf, outcomesOf } from '../support/reading.ts';
import { rehearse } from '../support/rehearsal.ts';
import type { Rehearsal } from '../support/rehearsal.ts';

/**
 * An app that is killed for good, on either side of each of its effects, and another one with empty
 * storage: no history, no lock, no reports. There are the marks, and nothing else.
 */

const fleet = shop({ count: 1, workloads: [...usualWorkloads, slowOn(0, 20)] });
const sides = ['before', 'after'] as const;

/** Starts a process that works until it is killed; whether it was. */
async function workUntilKilled(
  rehearsal: Rehearsal,
  arm: (kill: () => void) => void,
  settings: object = {},
): Promise<boolean> {
  const app = await rehearsal.start({ settings: { defaults: settings } });
  const killed = Promise.withResolvers<true>();
  arm(() => {
    app.crash();
    killed.resolve(true);
  });
  await app.begin();
  const rest = app.app.host.idle().then(() => false);
  const wasKilled = await rehearsal.flow(() => Promise.race([killed.promise, rest]));
  await app.stop();
  return wasKilled;
}

/** Every node was rebooted once, whoever asked for it, and is as it was found. */
function endedWell(rehearsal: Rehearsal): void {
  const evidence = rehearsal.evidence();
  expect(brokenOrLeft(evidence)).toEqual([]);
  for (const name of rehearsal.nodes()) {
    expect(rehearsal.azure.world.node(name).packages).toBeUndefined();
    expect(rehearsal.lines.filter(bootOf(name))).toHaveLength(1);
  }
  expect(evidence.after.map(({ unschedulable }) => unschedulable)).not.toContain(true);
}

/** Another process recovers, and is looked at; then it does what is left to do. */
async function recoverAndGoOn(rehearsal: Rehearsal, settings: object = {}): Promise<void> {
  const app = await rehearsal.start({ settings: { defaults: settings } });
  const recovered = await app.recover();
  expect(Object.values(outcomesOf(recovered))).toEqual([
    expect.stringMatching(/^(deferred|rebooted|skipped)$/u),
  ]);
  const { after } = rehearsal.evidence();
  expect(after.filter(({ marked, unschedulable }) => marked || unschedulable)).toEqual([]);
  await app.run();
  endedWell(rehearsal);
}

/** Deaths that are still to come when all is over: none. */
async function killAt(death: Death, settings: object = {}): Promise<readonly Death[]> {
  await using rehearsal = await rehearse(fleet);
  let kill = () => {};
  const killer = createKiller([death], () => kill());
  rehearsal.interfere(killer.hook);
  expect(await workUntilKilled(rehearsal, (given) => (kill = given), settings)).toBe(true);
  await recoverAndGoOn(rehearsal, settings);
  return killer.left();
}

/** Lease and probe change no node. */
const onNodes = effects.filter((effect) => !['lease write', 'probe start'].includes(effect));
const deaths = onNodes.flatMap((effect) => sides.map((side) => [side, effect] as const));

describe('an app that is killed for good', () => {
  it.each(deaths)('%s its %s is followed by one that ends what it began', async (side, effect) => {
    expect(await killAt({ kind: 'effect', effect, side })).toEqual([]);
  });

  it.each<[string, (line: AuditLine) => boolean]>([
    ['the machine goes down', downOf()],
    ['the machine boots', bootOf()],
  ])('when %s is followed by one that ends what it began', async (_name, moment) => {
    await using rehearsal = await rehearse(fleet);
    const arm = (kill: () => void) => rehearsal.when(moment, kill);
    expect(await workUntilKilled(rehearsal, arm)).toBe(true);
    await recoverAndGoOn(rehearsal);
  });

  it.each<[(typeof sides)[number], Effect]>([
    ['before', 'restart'],
    ['after', 'restart'],
  ])('%s its %s from inside is followed by one that ends what it began', async (side, effect) => {
    const death: Death = { kind: 'effect', effect, side };
    expect(await killAt(death, { restartMethod: 'guest' })).toEqual([]);
  });
});

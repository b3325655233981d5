import type { AuditLine } from '../../local/azure/audit.ts';
import { scaleDownAnnotation } from '../support/evidence.ts';
import { shop, slowOn, usualWorkloads } from '../support/fleets.ts';
import { brokenOrLeft } from '../support/promises.ts';
import type { Process } from '../support/process.ts';
import { answered, attemptOn, cordonOf, evictionOn, outcomeOf } from '../support/reading.ts';
import { rehearse } from '../support/rehearsal.ts';
import type { Rehearsal } from '../support/rehearsal.ts';

/** What the cluster autoscaler is told about a node: not to delete it while it is empty because of us. */

const words = [null, 'true', 'false', 'until friday'] as const;
const fleet = (count: number) => shop({ count, workloads: [...usualWorkloads, slowOn(0)] });

const wordNow = (rehearsal: Rehearsal, name = '') =>
  rehearsal.evidence().after.find(({ node }) => node === name)?.scaleDown;

const say = (rehearsal: Rehearsal, name: string, word: string | null) =>
  rehearsal.person.annotate(name, { [scaleDownAnnotation]: word });

function keptAll(rehearsal: Rehearsal): void {
  expect(brokenOrLeft(rehearsal.evidence())).toEqual([]);
}

describe('the word for the autoscaler', () => {
  it('is "leave it" from the cordon on, and afterwards what it was', async () => {
    await using rehearsal = await rehearse(fleet(words.length));
    const names = rehearsal.nodes();
    for (const [index, word] of words.entries()) await say(rehearsal, names[index] ?? '', word);
    const app = await rehearsal.start();
    const during: unknown[] = [];
    for (const name of names) {
      rehearsal.when(attemptOn(name), () => during.push(wordNow(rehearsal, name)));
    }
    const report = await app.run();
    for (const name of names) expect(outcomeOf(report, name)).toBe('rebooted: probe');
    expect(during).toEqual(words.map(() => 'true'));
    expect(names.map((name) => wordNow(rehearsal, name))).toEqual(words);
    keptAll(rehearsal);
  });

  it.each<[string, string | null]>([
    ['another word', 'false'],
    ['nothing any more', null],
  ])('stays what somebody says meanwhile: %s', async (_name, said) => {
    await using rehearsal = await rehearse(fleet(1));
    const [name = ''] = rehearsal.nodes();
    await say(rehearsal, name, 'until friday');
    const app = await rehearsal.start();
    rehearsal.when(answered(evictionOn(name), 201), () => say(rehearsal, name, said));
    expect(outcomeOf(await app.run(), name)).toBe('rebooted: probe');
    expect(wordNow(rehearsal, name)).toBe(said);
    keptAll(rehearsal);
  });

  const hold = ({ app }: Stage) => app.hold('shop');
  const cancel = ({ app, run }: Stage) => app.cancel(run);
  const uncordon = ({ rehearsal, name }: Stage) => rehearsal.person.uncordon(name);
  it.each<[string, (stage: Stage) => Promise<void>, string]>([
    ['a hold', hold, 'deferred: hold'],
    ['a cancel', cancel, 'canceled: canceled'],
    ["a person's uncordon", uncordon, 'deferred: uncordoned'],
  ])('is what it was when the drain is undone after %s', async (_name, stop, outcome) => {
    await using rehearsal = await rehearse(fleet(1));
    const [name = ''] = rehearsal.nodes();
    await say(rehearsal, name, 'false');
    const app = await rehearsal.start();
    const run = await app.begin();
    rehearsal.when(answered(evictionOn(name), 201), () => stop({ rehearsal, app, run, name }));
    await app.rest();
    expect(outcomeOf(await app.report(run), name)).toBe(outcome);
    expect(wordNow(rehearsal, name)).toBe('false');
    keptAll(rehearsal);
  });

  it.each<[string, (line: AuditLine) => boolean]>([
    ['undone', answered(cordonOf(), 200)],
    ['finished', attemptOn()],
  ])('is what it was when another process finds the mark, and it is %s', async (_name, moment) => {
    await using rehearsal = await rehearse(fleet(1));
    const [name = ''] = rehearsal.nodes();
    await say(rehearsal, name, 'false');
    const first = await rehearsal.start();
    await first.begin();
    await rehearsal.until(moment);
    first.crash();
    await (await rehearsal.start()).run({ pools: ['none'] });
    expect(wordNow(rehearsal, name)).toBe('false');
    keptAll(rehearsal);
  });
});

interface Stage {
  rehearsal: Rehearsal;
  app: Process;
  run: string;
  name: string;
}

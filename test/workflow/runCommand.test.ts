import { brokenPromises } from '../support/promises.ts';
import { shop } from '../support/fleets.ts';
import { rehearse } from '../support/rehearsal.ts';

/** Whole runs on a private cluster, reached by AKS run command. */

const privately = { private: true };

it('reboots the nodes of a private cluster, and says how it got there', async () => {
  await using rehearsal = await rehearse(shop({ count: 3, cluster: privately }));
  const process = await rehearsal.start();
  const report = await process.run();
  const [cluster] = report.clusters;
  expect(cluster?.nodes.map(({ outcome }) => outcome.kind)).toEqual([
    'rebooted',
    'rebooted',
    'rebooted',
  ]);
  expect(cluster).toMatchObject({ access: { way: 'runCommand' } });
  expect(rehearsal.lines.filter(({ action }) => action === 'runCommand').length).toBeGreaterThan(
    20,
  );
  expect(brokenPromises(rehearsal.evidence())).toEqual([]);
});

import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { clusterId, needsReboot, usualWorkloads } from '../support/fleets.ts';
import { brokenPromises } from '../support/promises.ts';
import { rehearse } from '../support/rehearsal.ts';

/** The plan, as a dry run makes it and the API tells it. It is Monday, 2026-01-05, 22:00 UTC. */

const schemaOf = (name: string) =>
  JSON.parse(
    readFileSync(new URL(`../../docs/schemas/${name}.schema.json`, import.meta.url), 'utf8'),
  ) as object;

const pools = [{ name: 'web', mode: 'User', count: 3, each: needsReboot, zones: ['1', '2'] }];
const workloads = [
  ...usualWorkloads,
  // Nothing re-creates it: the drain of its node would be refused.
  { kind: 'Pod', name: 'lonely', on: { pool: 'web', index: 0 } },
];
const cluster = (name: string) => ({ id: clusterId(name), pools, workloads });

interface Told {
  cluster: string;
  ageSeconds?: number;
  outlook?: object;
}

it('is one value in the report and in GET /api/plan, with its age', async () => {
  await using rehearsal = await rehearse({
    name: 'plans',
    clusters: [cluster('shop'), cluster('spare')],
  });
  const windows = [{ days: ['mon' as const, 'tue' as const], start: '23:00', durationMinutes: 70 }];
  const app = await rehearsal.start({ settings: { defaults: { windows } } });
  const get = (path: string) => app.app.call('GET', path);
  const { clusters } = await app.run({ dryRun: true, clusters: ['shop'] });
  await rehearsal.pass({ minutes: 30 });

  const { plans } = (await get('/api/plan')) as { plans: Told[] };
  expect(plans).toHaveLength(2);
  const [shop, spare] = plans;
  expect(spare).not.toHaveProperty('ageSeconds');
  expect(shop).toMatchObject({
    id: clusterId('shop'),
    dryRun: true,
    decisions: { wait: 3 },
    outlook: {
      due: 3,
      kept: 0,
      // 30 minutes each into 70; the third in the next one.
      fit: 2,
      window: { opensAt: '2026-01-05T23:00:00.000Z', closesAt: '2026-01-06T00:10:00.000Z' },
      doneBy: '2026-01-06T23:30:00.000Z',
      lookedAt: 3,
    },
  });
  expect(shop?.ageSeconds).toBeGreaterThanOrEqual(30 * 60);
  expect(shop).not.toHaveProperty('nodes');

  const plan = (await get('/api/plan?cluster=shop')) as { nodes: { node: string; turn: object }[] };
  const { ageSeconds: _age, ...rest } = plan as object as Record<string, unknown>;
  const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(schemaOf('plan'));
  expect([validate(rest), validate.errors]).toEqual([true, null]);
  const [first = ''] = rehearsal.nodes('web', 'shop');
  const planned = plan.nodes.find(({ node }) => node === first);
  expect(planned).toMatchObject({
    decision: { kind: 'wait', reasons: [{ kind: 'window' }] },
    turn: {
      zone: 'westeurope-1',
      moves: {
        pods: expect.arrayContaining([
          expect.objectContaining({ pod: 'default/lonely', state: 'refused' }),
        ]) as unknown,
        hopeless: [expect.objectContaining({ kind: 'undrainable' })],
      },
      window: { opensAt: '2026-01-05T23:00:00.000Z' },
    },
  });
  // The report of the dry run shows the very same.
  const reported = clusters[0]?.nodes.find(({ node }) => node === first);
  expect(reported).toMatchObject({ turn: planned?.turn });

  // A run that is limited to some nodes is no plan of the cluster.
  await app.run({ dryRun: true, clusters: ['shop'], nodes: [first] });
  expect(await get('/api/plan?cluster=shop')).toMatchObject({ outlook: { due: 3 } });
  await expect(get('/api/plan?cluster=spare')).rejects.toThrow('no plan was made');
  await expect(get('/api/plan?cluster=ship')).rejects.toThrow('not in the settings');
  await expect(get('/api/plan?clusters=shop')).rejects.toThrow('query');
  expect(brokenPromises(rehearsal.evidence())).toEqual([]);
});

import { clusterId, shop } from '../support/fleets.ts';
import { brokenOrLeft, brokenPromises } from '../support/promises.ts';
import {
  answered,
  evictionOn,
  outcomeOf,
  probeOf,
  restartOf,
  wordsOf,
} from '../support/reading.ts';
import { rehearse } from '../support/rehearsal.ts';
import type { Rehearsal } from '../support/rehearsal.ts';

/** What Azure and Kubernetes answer when they don't do as they are asked. */

const restartAction = 'Microsoft.Compute/virtualMachineScaleSets/virtualMachines/restart/action';
const restartPath = '/restart\\?';

const kept = (rehearsal: Rehearsal) => brokenOrLeft(rehearsal.evidence());

describe('a restart', () => {
  it('that is forbidden is undone, and the missing right is named', async () => {
    await using rehearsal = await rehearse(
      shop({ count: 2, fleet: { faults: { denied: [{ action: restartAction }] } } }),
    );
    const app = await rehearsal.start();
    const report = await app.run();
    const { node } = rehearsal.lines.find(restartOf()) ?? { node: '' };
    expect(outcomeOf(report, node)).toBe('failed: restartRefused, forbidden');
    expect(wordsOf(report, node)).toContain(restartAction);
    // The next one would fare no better.
    expect(rehearsal.lines.filter(restartOf())).toHaveLength(1);
    expect(kept(rehearsal)).toEqual([]);
  });

  it('that is in the way of another operation is asked for again', async () => {
    await using rehearsal = await rehearse(
      shop({
        count: 1,
        fleet: {
          faults: {
            requests: [
              {
                method: 'POST',
                path: restartPath,
                times: 2,
                fault: {
                  kind: 'answer',
                  status: 409,
                  body: { error: { code: 'Conflict', message: 'busy' } },
                },
              },
            ],
          },
        },
      }),
    );
    const app = await rehearsal.start();
    const [node] = rehearsal.nodes();
    expect(outcomeOf(await app.run(), node)).toBe('rebooted: probe');
    expect(rehearsal.lines.filter(restartOf(node)).map(({ status }) => status)).toEqual([
      409, 409, 202,
    ]);
    expect(kept(rehearsal)).toEqual([]);
  });

  it.each([
    ['answered with a 500', { kind: 'answer', status: 500 }],
    ['never answered', { kind: 'drop' }],
  ])('that took effect and was %s is not sent again', async (_name, fault) => {
    const requests = [{ method: 'POST', path: restartPath, when: 'after', times: 9, fault }];
    await using rehearsal = await rehearse(shop({ count: 1, fleet: { faults: { requests } } }));
    const app = await rehearsal.start();
    const [node] = rehearsal.nodes();
    expect(outcomeOf(await app.run(), node)).toBe('rebooted: probe');
    expect(rehearsal.lines.filter(restartOf(node))).toHaveLength(1);
    expect(kept(rehearsal)).toEqual([]);
  });

  it('that never arrived is sent once more, when the boot deadline has passed', async () => {
    const requests = [{ method: 'POST', path: restartPath, fault: { kind: 'drop' } }];
    await using rehearsal = await rehearse(shop({ count: 1, fleet: { faults: { requests } } }));
    const app = await rehearsal.start();
    const [node] = rehearsal.nodes();
    expect(outcomeOf(await app.run(), node)).toBe('rebooted: probe');
    expect(rehearsal.lines.filter(restartOf(node))).toHaveLength(2);
    expect(kept(rehearsal)).toEqual([]);
  });

  it('that changes nothing is asked for twice, and leaves the node to a person', async () => {
    await using rehearsal = await rehearse(
      shop({ count: 2, nodes: { 0: { restart: 'changesNothing' } } }),
    );
    const app = await rehearsal.start({ settings: { defaults: { pollSeconds: 120 } } });
    const [node, other] = rehearsal.nodes();
    expect(outcomeOf(await app.run({ nodes: [node] }), node)).toBe('notRebooted: sameBoot');
    expect(rehearsal.lines.filter(restartOf(node))).toHaveLength(2);
    expect(outcomeOf(await app.run(), other)).toContain('halted');
    expect(brokenPromises(rehearsal.evidence())).toEqual([]);
  });
});

describe('throttling', () => {
  const throttled = (path: string, method: string) => ({
    method,
    path,
    fault: { kind: 'answer', status: 429, headers: { 'retry-after': '1200' } },
  });

  it('of a restart is waited for, as long as it says', async () => {
    const requests = [throttled(restartPath, 'POST')];
    await using rehearsal = await rehearse(shop({ count: 1, fleet: { faults: { requests } } }));
    const app = await rehearsal.start();
    const [node] = rehearsal.nodes();
    expect(outcomeOf(await app.run(), node)).toBe('rebooted: probe');
    const [refused, taken] = rehearsal.lines.filter(restartOf(node));
    expect(refused?.status).toBe(429);
    expect(Date.parse(taken?.t ?? '') - Date.parse(refused?.t ?? '')).toBeGreaterThanOrEqual(
      1_200_000,
    );
    expect(kept(rehearsal)).toEqual([]);
  });

  it('of a look at the cluster is waited for, and costs nothing but time', async () => {
    const requests = [throttled('/managedClusters/shop\\?', 'GET')];
    await using rehearsal = await rehearse(shop({ count: 1, fleet: { faults: { requests } } }));
    const app = await rehearsal.start();
    const [node] = rehearsal.nodes();
    const before = rehearsal.now();
    expect(outcomeOf(await app.run(), node)).toBe('rebooted: probe');
    expect(rehearsal.now() - before).toBeGreaterThanOrEqual(1_200_000);
    expect(kept(rehearsal)).toEqual([]);
  });
});

describe('a probe', () => {
  it.each(['agentDead', 'hangs', 'conflict', 'fails', 'garbled', 'silent', 'noBootId'])(
    'that gets no answer (%s) is a reason to leave the node alone',
    async (probe) => {
      await using rehearsal = await rehearse(shop({ count: 1, nodes: { 0: { probe } } }));
      const app = await rehearsal.start();
      const [node] = rehearsal.nodes();
      expect(outcomeOf(await app.run(), node)).toBe('unknown: probe');
      expect(
        rehearsal.lines.filter(({ action }) => action !== 'probe' && action !== 'lease'),
      ).toEqual([]);
      expect(kept(rehearsal)).toEqual([]);
    },
  );

  it('that nobody can ask after the boot leaves the node to a person until one can', async () => {
    await using rehearsal = await rehearse(shop({ count: 1 }));
    const app = await rehearsal.start();
    const [node = ''] = rehearsal.nodes();
    rehearsal.when(answered(restartOf(node), 202), () =>
      rehearsal.person.behave(node, { probe: 'agentDead' }),
    );
    expect(outcomeOf(await app.run(), node)).toBe('unknown: probe');
    expect(brokenPromises(rehearsal.evidence())).toEqual([]);
    rehearsal.person.behave(node, { probe: 'healthy' });
    expect(outcomeOf(await app.run(), node)).toBe('rebooted: probe');
    expect(kept(rehearsal)).toEqual([]);
    expect(rehearsal.lines.filter(restartOf(node))).toHaveLength(1);
    expect(rehearsal.lines.filter(probeOf(node)).length).toBeGreaterThan(3);
  });
});

describe('the API server', () => {
  const patches = { service: 'kubernetes', method: 'PATCH', path: '^/api/v1/nodes/' };

  it.each([
    ['cordon', 0],
    ['attempt', 1],
    ['uncordon', 2],
  ])('that takes a patch and does not answer (%s) is asked what it did', async (_name, skip) => {
    const requests = [{ ...patches, skip, when: 'after', fault: { kind: 'drop' } }];
    await using rehearsal = await rehearse(shop({ count: 1, fleet: { faults: { requests } } }));
    const app = await rehearsal.start();
    const [node] = rehearsal.nodes();
    expect(outcomeOf(await app.run(), node)).toBe('rebooted: probe');
    expect(kept(rehearsal)).toEqual([]);
  });

  it.each([
    ['when it is about to be cordoned', probeOf()],
    ['during the drain', answered(evictionOn(), 201)],
    ['after the restart', answered(restartOf(), 202)],
  ])('that is away for a quarter of an hour %s costs nothing but time', async (_name, moment) => {
    await using rehearsal = await rehearse(shop({ count: 1 }));
    const app = await rehearsal.start();
    const [node] = rehearsal.nodes();
    const run = await app.begin();
    await rehearsal.until(moment);
    const back = rehearsal.azure.faults.add({
      service: 'kubernetes',
      path: '.',
      skip: 0,
      times: Number.MAX_SAFE_INTEGER,
      when: 'before',
      fault: { kind: 'answer', status: 503 },
    });
    await rehearsal.pass({ minutes: 15 });
    back();
    await app.rest();
    expect(outcomeOf(await app.report(run), node)).toBe('rebooted: probe');
    expect(kept(rehearsal)).toEqual([]);
  });
});

describe('a cluster', () => {
  it('that nobody may read is reported with what has to be granted', async () => {
    const action = 'Microsoft.ContainerService/managedClusters/read';
    await using rehearsal = await rehearse(shop({ fleet: { faults: { denied: [{ action }] } } }));
    const app = await rehearsal.start();
    const { clusters } = await app.run();
    expect(clusters[0]?.reasons[0]?.kind).toBe('forbidden');
    expect(clusters[0]?.reasons[0]?.value).toContain(action);
    expect(rehearsal.lines).toEqual([]);
  });

  it('that AKS is updating is left alone', async () => {
    await using rehearsal = await rehearse(shop({ cluster: { state: 'Updating' } }));
    const app = await rehearsal.start();
    const report = await app.run();
    for (const node of rehearsal.nodes()) expect(outcomeOf(report, node)).toContain('clusterState');
    expect(kept(rehearsal)).toEqual([]);
    expect(rehearsal.azure.world.cluster(clusterId('shop'))?.state).toBe('Updating');
  });
});

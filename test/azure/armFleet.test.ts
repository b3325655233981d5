import { parseFleet, readFleet } from '../../local/azure/fleet.ts';
import { generateFleet } from '../../local/azure/generateFleet.ts';

const id =
  '/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg/providers' +
  '/Microsoft.ContainerService/managedClusters/one';

describe('a fleet file', () => {
  it.each([
    ['default', [13]],
    ['fleet', [14, 9, 8, 9]],
  ])('%s ships and is right', (name, nodes) => {
    const read = readFleet(name);
    if (read.kind !== 'fleet') throw new Error(JSON.stringify(read.value));
    const counts = read.value.clusters.map(({ pools }) =>
      pools.reduce((sum, pool) => sum + pool.count, 0),
    );
    expect(counts).toEqual(nodes);
  });

  it('gets its defaults from the schema', () => {
    const read = parseFleet({ name: 'x', clusters: [{ id, pools: [{ name: 'a', count: 1 }] }] });
    expect(read).toMatchObject({
      kind: 'fleet',
      value: {
        throttling: true,
        timings: { bootSeconds: 90 },
        clusters: [{ access: 'entra', pools: [{ type: 'VirtualMachineScaleSets', nodes: {} }] }],
        faults: { denied: [], operationHeaders: 'both' },
      },
    });
  });

  it('that is wrong in many places has every one of them told at once', () => {
    const read = parseFleet({
      name: '',
      bogus: 1,
      clusters: [{ id: 'x', pools: [{ name: 'a', count: 1, nodes: { 0: { probe: 'bad' } } }] }],
      faults: { requests: [{ path: '(', fault: { kind: 'boom' } }] },
    });
    expect(read.kind).toBe('problems');
    const paths = (read.value as { path: string }[]).map(({ path }) => path);
    expect(new Set(paths)).toEqual(
      new Set([
        '/name',
        '/bogus',
        '/clusters/0/id',
        '/clusters/0/pools/0/nodes/0/probe',
        '/faults/requests/0/path',
        '/faults/requests/0/fault',
      ]),
    );
  });

  it.each<[string, object, string]>([
    ['a node beyond count', { nodes: { 7: {} } }, '/clusters/0/pools/0/nodes/7'],
    [
      'a machine that is nowhere',
      { nodes: { 0: { providerIdOf: { cluster: id, pool: 'a', index: 9 } } } },
      '/clusters/0/pools/0/nodes/0/providerIdOf',
    ],
  ])('that names %s is refused', (_, pool, path) => {
    const read = parseFleet({
      name: 'x',
      clusters: [{ id, pools: [{ name: 'a', count: 1, ...pool }] }],
    });
    expect(read).toMatchObject({ kind: 'problems', value: [{ path }] });
  });

  it('of a workload in a pool that is nowhere is refused', () => {
    const workloads = [
      { kind: 'Deployment', name: 'web', pools: ['b'], minAvailable: 1, maxUnavailable: 1 },
    ];
    const read = parseFleet({
      name: 'x',
      clusters: [{ id, pools: [{ name: 'a', count: 1 }], workloads }],
    });
    expect(read).toMatchObject({
      kind: 'problems',
      value: [
        { path: '/clusters/0/workloads/0/pools' },
        { path: '/clusters/0/workloads/0/minAvailable' },
      ],
    });
  });

  it('that cannot be read says why', () => {
    expect(readFleet('/nowhere/fleet.json')).toMatchObject({
      kind: 'problems',
      value: [{ found: '/nowhere/fleet.json' }],
    });
  });
});

describe('a generated fleet', () => {
  it('is the same for the same seed and has as many nodes as asked for', () => {
    const wanted = { clusters: 2, nodesPerCluster: 250, seed: 3, needShare: 0.5 };
    const fleet = generateFleet(wanted);
    expect(generateFleet(wanted)).toEqual(fleet);
    expect(generateFleet({ ...wanted, seed: 4 })).not.toEqual(fleet);
    expect(fleet.clusters.map(({ pools }) => pools.map(({ count }) => count))).toEqual([
      [100, 100, 50],
      [100, 100, 50],
    ]);
  });
});

import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readAnswers } from '../../src/kubernetes/command/answers.ts';
import { readFailure } from '../../src/kubernetes/command/kubectl.ts';
import { commandFor, scriptFor } from '../../src/kubernetes/command/script.ts';
import type { ApiRequest } from '../../src/kubernetes/command/script.ts';
import { clusterId, simulate } from '../contract/azureHarness.ts';
import type { Simulation } from '../contract/azureHarness.ts';
import { kubectlFailures, understood } from '../support/kubectlFailures.ts';

/**
 * What the real kubectl says of refusals, as our scripts bring it, is understood. RECORD=1.33 writes
 * it down for the tests that have no kubectl.
 */

const id = clusterId('one').id;
const record = process.env['RECORD'];

let simulation: Simulation;
let home: string;

beforeAll(async () => {
  simulation = await simulate({
    name: 'k',
    clusters: [{ id, pools: [{ name: 'web', count: 1 }] }],
  });
  home = await mkdtemp(join(tmpdir(), 'kubectl-'));
  await writeFile(join(home, 'config'), await simulation.azure.kubeconfig(id));
});

afterAll(async () => {
  await simulation.stop();
  await rm(home, { recursive: true, force: true });
});

function run(requests: readonly ApiRequest[]): Promise<string> {
  const env = { PATH: process.env['PATH'], HOME: home, KUBECONFIG: join(home, 'config') };
  return new Promise((resolve, reject) => {
    execFile('/bin/sh', ['-c', commandFor(scriptFor(requests))], { env }, (error, stdout) =>
      error === null ? resolve(stdout) : reject(error),
    );
  });
}

it.each(kubectlFailures)('$name', async ({ name, request, answer, expected }) => {
  const path = `^${request.path.split('?')[0]?.replaceAll('.', '\\.')}([?]|$)`;
  const fault = answer === 'drop' ? { kind: 'drop' } : { kind: 'answer', ...answer };
  const remove = simulation.azure.faults.add({
    service: 'kubernetes',
    path,
    // `kubectl patch` may read before.
    ...(request.method === 'PATCH' ? { method: 'PATCH' } : {}),
    skip: 0,
    times: 99,
    when: 'before',
    fault: fault as never,
  });
  const node = simulation.azure.world.clusters[0]?.pools[0]?.machines[0]?.nodeName ?? '';
  const real = { ...request, path: request.path.replace('/nodes/a', `/nodes/${node}`) };
  try {
    const [said] = readAnswers(await run([request.method === 'PATCH' ? real : request]), 1);
    if (said?.kind !== 'no') throw new Error(`kubectl did not fail: ${JSON.stringify(said)}`);
    if (record !== undefined) {
      const directory = new URL(`../fixtures/kubectl/${record}/`, import.meta.url);
      await mkdir(directory, { recursive: true });
      await writeFile(new URL(`${name}.txt`, directory), said.stderr.replaceAll(node, 'a'));
    }
    const stderr = said.stderr.replaceAll(node, 'a');
    expect(understood(readFailure(stderr, request))).toEqual(understood(expected));
  } finally {
    remove();
  }
});

/** The real kubectl, with the kubeconfig that `aks-reboot azure` prints. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { smallFleet } from '../e2e/stage.ts';
import { standalone } from '../e2e/standalone.ts';

const execute = promisify(execFile);

describe('kubectl and simulated Azure standing alone', () => {
  it('gets, drains and uncordons a node, and the audit tells who did', async () => {
    await using azure = await standalone(smallFleet(2), 20);
    const kubectl = async (...words: string[]) => {
      const cache = join(azure.directory, 'cache');
      const own = ['--kubeconfig', azure.kubeconfig, '--cache-dir', cache];
      const { stdout } = await execute('kubectl', [...own, ...words]);
      return stdout;
    };
    const [, node = ''] = /^(aks-web-\S+) +Ready /mu.exec(await kubectl('get', 'nodes')) ?? [];
    expect(await kubectl('get', 'nodes', '-o', 'wide')).toContain('5.15.0-1092-azure');
    const drained = await kubectl('drain', node, '--ignore-daemonsets', '--timeout=60s');
    // Clients before 1.23 say evicted.
    expect(drained).toMatch(new RegExp(`node/${node} (drained|evicted)`, 'u'));
    expect(await kubectl('get', 'nodes')).toMatch(new RegExp(`${node} +Ready,Sched`, 'u'));
    await kubectl('uncordon', node);
    expect(await kubectl('get', 'nodes')).not.toContain('SchedulingDisabled');

    await azure.stop();
    const person = azure.audit().filter(({ actor }) => actor === 'person');
    const actions = new Set(person.map(({ action }) => action));
    expect(actions).toEqual(new Set(['cordon', 'evict', 'uncordon']));
  });
});

/** `aks-reboot azure` in one process, `run` in another: they know only what the first one prints. */
import { join } from 'node:path';
import { smallFleet, startCommand, clusterId } from './stage.ts';
import { standalone } from './standalone.ts';

describe('aks-reboot azure', () => {
  it('is found by a run in another process, which is killed and started again', async () => {
    await using azure = await standalone(smallFleet(2), 360);
    const words = ['run', '--state', join(azure.directory, 'state'), '--cluster', clusterId];
    const killed = startCommand(words, azure.environment);
    await killed.printed(/restart asked/u);
    killed.kill('SIGKILL');
    expect((await killed.ended).code).toBeUndefined();

    const { code, output } = await startCommand(words, azure.environment).ended;
    expect(output).toMatch(/Going on with run .*[^]* 2 rebooted/u);
    expect(code).toBe(0);
    expect(await azure.stop()).toBe(0);
    const actions = azure.audit().map(({ action }) => action);
    expect(actions.filter((action) => action === 'restart')).toHaveLength(2);
    expect(actions).toEqual(expect.arrayContaining(['cordon', 'booted', 'uncordon']));
  });

  it('exits with 2 for a speed without an end', async () => {
    const { code, output } = await startCommand(['azure', '--speed', 'max']).ended;
    expect(output).toContain('simulated Azure alone needs a speed in numbers');
    expect(code).toBe(2);
  });
});

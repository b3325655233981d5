import { createCommandKubernetes } from '../../src/kubernetes/kubernetes.ts';
import { troubleOf } from '../contract/azureHarness.ts';

/** How requests come to be commands. */

interface Asked {
  verb: string;
  path: string;
}

/** A cluster that answers each line of a script as the test says. */
function commandsThat(answer: (asked: Asked, alone: boolean) => string) {
  const commands: Asked[][] = [];
  const run = (command: string): Promise<string> => {
    const script = Buffer.from(command.split(' ')[1] ?? '', 'base64').toString('utf8');
    const asks = [...script.matchAll(/^ask \d+ '[^']*' '[^']*' (\w+) (?:--raw )?'([^']*)'/gmu)];
    const asked = asks.map(([, verb = '', path = '']) => ({ verb, path }));
    commands.push(asked);
    const lines = asked.map((one, index) => `${index} ${answer(one, asked.length === 1)}`);
    const output = ['AKSREBOOT1 BEGIN', ...lines, `AKSREBOOT1 END ${asked.length}`];
    return Promise.resolve(output.join('\n'));
  };
  return { kubernetes: createCommandKubernetes({ run }), commands };
}

const ok = (value: unknown) => {
  const json = JSON.stringify(value);
  return `ok plain ${json.length} ${json}`;
};
const node = (name: string) => ({ metadata: { name, uid: `uid of ${name}` } });
const limitOf = ({ path }: Asked) => Number(/limit=(\d+)/u.exec(path)?.[1]);

it('asks in one command for what one moment asks for, and in the next for what comes meanwhile', async () => {
  let second: Promise<unknown> | undefined;
  const { kubernetes, commands } = commandsThat(({ path }) => {
    // While the first command runs.
    second ??= Promise.all(['d', 'e'].map((name) => kubernetes.node(name)));
    return ok(node(path));
  });
  const first = await Promise.all(['a', 'b', 'c'].map((name) => kubernetes.node(name)));
  expect(first.map((found) => found?.name)).toEqual(
    ['a', 'b', 'c'].map((name) => `/api/v1/nodes/${name}`),
  );
  await second;
  expect(commands.map(({ length }) => length)).toEqual([3, 2]);
});

it('divides what is too much for one command', async () => {
  const { kubernetes, commands } = commandsThat(({ path }) => ok(node(path)));
  await Promise.all(Array.from({ length: 60 }, (_, index) => kubernetes.node(`n${index}`)));
  expect(commands.map(({ length }) => length)).toEqual([25, 25, 10]);
});

it('asks alone for what did not fit beside others, and for less where even that is too much', async () => {
  const { kubernetes, commands } = commandsThat((asked, alone) => {
    if (!asked.path.startsWith('/api/v1/nodes?')) return ok(node('a'));
    if (!alone || limitOf(asked) > 125) return 'big 900000';
    const more = /continue=/u.test(asked.path) ? {} : { continue: 'more' };
    return ok({ items: [node('a')], metadata: more });
  });
  const [nodes] = await Promise.all([kubernetes.nodes(), kubernetes.node('a')]);
  expect(nodes).toHaveLength(2);
  expect(commands.map((asked) => asked.map(limitOf).filter(Boolean).join())).toEqual([
    '500', // beside the other
    '500', // alone
    '250',
    '125',
    '125', // the next page, which knows by now
  ]);
});

it('makes no write again whose answer did not fit: nobody knows', async () => {
  const { kubernetes, commands } = commandsThat(({ verb }) =>
    verb === 'patch' ? 'big 900000' : ok(node('a')),
  );
  const patch = kubernetes.patchNode('a', [{ op: 'test', path: '/metadata/uid', value: 'x' }]);
  const [trouble] = await Promise.all([troubleOf(patch), kubernetes.node('a')]);
  expect(trouble).toMatchObject({ kind: 'timeout' });
  expect(commands.flat().filter(({ verb }) => verb === 'patch')).toHaveLength(1);
});

it('is in trouble for what is too big at its smallest, and for what came too late', async () => {
  const { kubernetes } = commandsThat(({ path }) =>
    path.startsWith('/api/v1/nodes') ? 'big 900000' : 'late',
  );
  expect(await troubleOf(kubernetes.nodes())).toMatchObject({ kind: 'invalid' });
  expect(await troubleOf(kubernetes.node('a'))).toMatchObject({ kind: 'invalid' });
  expect(await troubleOf(kubernetes.lease('kube-system', 'x'))).toMatchObject({ kind: 'timeout' });
});

it('spoils nobody else’s answer when one can not be asked for', async () => {
  const { kubernetes } = commandsThat(() => ok(node('a')));
  const event = { name: "it's", node: 'a', uid: 'u', at: '2026-01-05T22:00:00Z' };
  const [found, trouble] = await Promise.all([
    kubernetes.node('a'),
    troubleOf(kubernetes.lease('kube-system', "it's")),
    kubernetes.recordEvent({ ...event, reason: 'Drained', type: 'Normal', message: "it's" }),
  ]);
  expect(found?.name).toBe('a');
  expect(trouble).toMatchObject({ kind: 'invalid' });
});

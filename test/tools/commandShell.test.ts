import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readAnswers } from '../../src/kubernetes/command/answers.ts';
import type { CommandAnswer } from '../../src/kubernetes/command/answers.ts';
import { readFailure } from '../../src/kubernetes/command/kubectl.ts';
import { commandFor, scriptFor } from '../../src/kubernetes/command/script.ts';
import type { ApiRequest } from '../../src/kubernetes/command/script.ts';
import type { ClusterCommands } from '../../src/ports.ts';
import { clusterId, simulate } from '../contract/azureHarness.ts';
import { understood } from '../support/kubectlFailures.ts';

/** Our scripts in the real sh, with the real jq. */

const get = (path: string): ApiRequest => ({ method: 'GET', path, contentType: '', body: '' });

describe('the model shell', () => {
  const id = clusterId('one');
  const fleet = {
    name: 'shells',
    clusters: [
      {
        id: id.id,
        private: true,
        pools: [{ name: 'web', count: 2 }],
        workloads: [
          { kind: 'DaemonSet', namespace: 'kube-system', name: 'kube-proxy' },
          { kind: 'Deployment', name: 'shop', replicas: 2, minAvailable: 2, emptyDir: true },
        ],
      },
    ],
  };

  /** What becomes of requests, with one of the shells, in a cluster made from the same seed. */
  async function answersBy(commands: 'model' | 'shell') {
    const simulation = await simulate(fleet, { commands });
    let given: ClusterCommands | undefined;
    const adapter = simulation.adapter({
      connect: {
        api: () => undefined as never,
        runCommand: (commands) => {
          given = commands;
          return undefined as never;
        },
      },
    });
    await adapter.kubernetes(await adapter.cluster(id), 'runCommand');
    const items = (path: string) => {
      const list: unknown = simulation.azure.world.clusters[0]?.kubernetes.object(path);
      return (list as { items: { metadata: { name: string } }[] }).items;
    };
    const pod = items('/api/v1/namespaces/default/pods')[0]?.metadata.name ?? '';
    const node = items('/api/v1/nodes')[0]?.metadata.name ?? '';
    const requests = requestsOn(node, pod);
    try {
      const output = (await given?.run(commandFor(scriptFor(requests)))) ?? '';
      return readAnswers(output, requests.length).map((answer, index) => ({
        request: requests[index],
        answer,
      }));
    } finally {
      await simulation.stop();
    }
  }

  const leases = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases';
  const lease = (name: string) =>
    JSON.stringify({
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name, annotations: { 'a/b': 'ümläut "quoted" \\ \u2028' } },
      spec: { holderIdentity: 'us' },
    });
  const requestsOn = (node: string, pod: string): ApiRequest[] => [
    get('/api/v1/nodes?limit=1'),
    get(`/api/v1/nodes/${node}`),
    get('/api/v1/nodes/nobody'),
    get(`/api/v1/pods?fieldSelector=spec.nodeName%3D${node}&limit=500`),
    get('/apis/apps/v1/namespaces/kube-system/daemonsets/kube-proxy'),
    { method: 'POST', path: leases, contentType: 'application/json', body: lease('x') },
    { method: 'POST', path: leases, contentType: 'application/json', body: lease('x') },
    { method: 'PUT', path: `${leases}/y`, contentType: 'application/json', body: lease('y') },
    get(`${leases}/x`),
    {
      method: 'POST',
      path: `/api/v1/namespaces/default/pods/${pod}/eviction`,
      contentType: 'application/json',
      body: JSON.stringify({
        apiVersion: 'policy/v1',
        kind: 'Eviction',
        metadata: { name: pod, namespace: 'default' },
      }),
    },
    {
      method: 'PATCH',
      path: `/api/v1/nodes/${node}`,
      contentType: 'application/json-patch+json',
      body: '[{"op":"test","path":"/metadata/resourceVersion","value":"1"}]',
    },
    {
      method: 'PATCH',
      path: `/api/v1/nodes/${node}`,
      contentType: 'application/json-patch+json',
      body: '[{"op":"add","path":"/spec/unschedulable","value":true}]',
    },
    { method: 'DELETE', path: `${leases}/x`, contentType: 'application/json', body: '{}' },
  ];

  it('answers as the real one does', async () => {
    const [model, real] = [await answersBy('model'), await answersBy('shell')];
    for (const [index, { request, answer }] of real.entries()) {
      const other = model[index]?.answer;
      expect([request, outline(other, request)]).toEqual([request, outline(answer, request)]);
      if (answer.kind !== 'ok' || other?.kind !== 'ok') continue;
      // The model leaves nothing out.
      expect(JSON.parse(other.json)).toMatchObject(meant(JSON.parse(answer.json)));
    }
  });

  function outline(answer: CommandAnswer | undefined, request: ApiRequest | undefined) {
    if (answer?.kind !== 'no' || request === undefined) return answer?.kind;
    return understood(readFailure(answer.stderr, request));
  }

  /** Without what differs from moment to moment, and what jq writes as null. */
  function meant(value: unknown): object {
    const text = JSON.stringify(value, (key, field: unknown) =>
      field === null || /^(uid|creationTimestamp|lastHeartbeatTime|resourceVersion)$/u.test(key)
        ? undefined
        : field,
    );
    return JSON.parse(text) as object;
  }
});

describe('a script with hostile values', () => {
  let home: string;

  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'hostile-'));
    // Tells its arguments, and keeps the body that it was given.
    const kubectl = [
      '#!/bin/sh',
      'for a; do case $a in -f) : ;; --patch-file=*) cp "${a#--patch-file=}" "$HOME/body" ;; esac; done',
      'p=""; for a; do [ "$p" = -f ] && cp "$a" "$HOME/body"; p=$a; done',
      'jq -nc --args \'$ARGS.positional|{arguments:.}\' -- "$@"',
    ].join('\n');
    await writeFile(join(home, 'kubectl'), kubectl);
    await chmod(join(home, 'kubectl'), 0o755);
  });

  afterEach(() => rm(home, { recursive: true, force: true }));

  async function run(request: ApiRequest): Promise<CommandAnswer | undefined> {
    const env = { PATH: `${home}:${process.env['PATH']}`, HOME: home };
    const command = commandFor(scriptFor([request]));
    const output = await new Promise<string>((resolve, reject) => {
      execFile('/bin/sh', ['-c', command], { env, cwd: home }, (error, stdout) =>
        error === null ? resolve(stdout) : reject(error),
      );
    });
    return readAnswers(output, 1)[0];
  }

  const hostile = `'; touch "$HOME/pwned"; $(touch pwned) \`touch pwned\` \\ " \u00fc\n'EOF'\n`;

  it.each(['POST', 'PUT', 'DELETE', 'PATCH'])(
    'hands the body of a %s over as it is',
    async (method) => {
      const path = '/api/v1/nodes/a';
      const contentType = 'application/json-patch+json';
      expect(await run({ method, path, contentType, body: hostile })).toMatchObject({ kind: 'ok' });
      expect(await readFile(join(home, 'body'), 'utf8')).toBe(hostile);
      await expect(readFile(join(home, 'pwned'))).rejects.toThrow('ENOENT');
    },
  );

  it('takes what looks like an expansion for what it is', async () => {
    const path = '/api/v1/nodes/*?a=~&b=%24(id)&c=!x';
    const answer = await run(get(path));
    if (answer?.kind !== 'ok') throw new Error(JSON.stringify(answer));
    const { arguments: given } = JSON.parse(answer.json) as { arguments: string[] };
    expect(given.slice(-3)).toEqual(['get', '--raw', path]);
  });

  it.each(["/api/v1/nodes/a'b", '/api/v1/nodes/$(id)', '/api/v1/nodes/a b'])(
    'does not come about for %s',
    (path) => {
      expect(() => scriptFor([get(path)])).toThrow('not a path for a command');
    },
  );

  it('says what did not fit, and asks for nothing late', async () => {
    const big = ['#!/bin/sh', 'head -c 400000 /dev/urandom | base64 | tr -d "\\n" | jq -R .'].join(
      '\n',
    );
    await writeFile(join(home, 'kubectl'), big);
    expect(await run(get('/version'))).toMatchObject({ kind: 'big' });
    await writeFile(
      join(home, 'date'),
      '#!/bin/sh\nn=$(cat "$HOME/n" 2>/dev/null || echo 0)\necho $((n + 46)) | tee "$HOME/n"\n',
    );
    await chmod(join(home, 'date'), 0o755);
    expect(await run(get('/version'))).toEqual({ kind: 'late' });
  });
});

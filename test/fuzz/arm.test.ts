import fc from 'fast-check';
import { parseClusterId, parseInstanceRef } from '../../src/domain/arm.ts';
import type { InstanceRef } from '../../src/domain/arm.ts';
import type { ClusterFacts } from '../../src/domain/cluster.ts';
import { readScriptResult } from '../../src/azure/script.ts';
import { clusterId, subscription } from '../support/fleets.ts';
import { asDrawn, holds, holdsAsync, hostileText, hurtBody, mutilated } from './hostile.ts';
import { answerOf, armHost, bodyOf, outcomeOf, wounded } from './wounded.ts';
import type { Sent, Wounded } from './wounded.ts';

/** What ARM answers, hurt in every way, through the real SDK clients. */

const id = parseClusterId(clusterId('shop'));
if (id === undefined) throw new Error('no cluster');

let azure: Wounded;
let cluster: ClusterFacts;
let ref: InstanceRef;
let bodies: { cluster: unknown; sets: unknown; machines: unknown; machine: unknown };

const scope = `/subscriptions/${subscription}`;
const question = { target: 'resource', subscription, id: clusterId('shop') } as const;

beforeAll(async () => {
  azure = wounded();
  const seen: unknown[] = [];
  azure.hurt((_sent, answer) => {
    seen.push(bodyOf(answer));
    return answer;
  });
  cluster = await azure.adapter.cluster(id);
  const [instance] = await azure.adapter.instances(cluster);
  const found = parseInstanceRef(instance?.id ?? '');
  if (found === undefined) throw new Error('no instance');
  ref = found;
  const [clusterBody, sets, machines] = seen;
  await azure.adapter.instance(ref);
  bodies = { cluster: clusterBody, sets, machines, machine: seen.at(-1) };
});

afterAll(() => azure.stop());

const calls: Record<string, () => Promise<unknown>> = {
  cluster: () => azure.adapter.cluster(id, 'maintenance'),
  instances: () => azure.adapter.instances(cluster),
  instance: () => azure.adapter.instance(ref),
  permissions: () => azure.adapter.permissions(subscription, scope),
  alerts: () => azure.adapter.alerts(question),
  script: () => azure.adapter.startScript(ref, 'true'),
  restart: () => azure.adapter.startRestart(ref),
};

/** Where requests may go: ARM, and there no further than what was asked about. */
function expectWithinBounds(sent: readonly Sent[]): void {
  for (const { url, authorization } of sent) {
    expect(url.protocol).toBe('https:');
    expect(url.host === armHost || url.host.endsWith(`.${armHost}`)).toBe(true);
    expect(url.pathname.startsWith(`${scope}/`)).toBe(true);
    expect(authorization).toMatch(/^Bearer /u);
  }
}

const body = hurtBody(['cluster', 'sets', 'machines', 'machine'], (name) => bodies[name]);

/** Types of all that is in it, however deep; lists by their first entry. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? [] : [shapeOf(value[0])];
  if (typeof value !== 'object' || value === null) return typeof value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, shapeOf(one)]));
}

describe(`an answer of ARM (${asDrawn})`, () => {
  it('is data or trouble, however it was hurt, and leads nowhere else', async () => {
    const anything = fc.asyncProperty(
      fc.constantFrom(...Object.keys(calls)),
      body,
      fc.nat({ max: 2 }),
      async (call, { text }, from) => {
        let answers = 0;
        azure.hurt((_sent, answer) => (answers++ < from ? answer : answerOf(text)));
        await outcomeOf(calls[call]?.() ?? Promise.resolve());
        expectWithinBounds(azure.sent);
      },
    );
    await holdsAsync(anything, 3);
  });

  it('is told as facts of the types that decisions were written for', async () => {
    const shape = shapeOf({ ...cluster, pools: [] });
    const poolShape = shapeOf(cluster.pools[0]);
    const hurt = fc.asyncProperty(mutilated(bodies.cluster), async ({ payload }) => {
      azure.hurt(() => answerOf(JSON.stringify(payload)));
      const outcome = await outcomeOf(azure.adapter.cluster(id));
      if (outcome.kind === 'trouble') return;
      expect(shapeOf({ ...outcome.value, pools: [] })).toEqual(shape);
      for (const pool of outcome.value.pools) expect(shapeOf(pool)).toEqual(poolShape);
    });
    await holdsAsync(hurt, 2);
  });

  it('makes no machine of another type, however it was hurt', async () => {
    azure.hurt((_sent, answer) => answer);
    const shape = shapeOf(await azure.adapter.instance(ref));
    const hurt = fc.asyncProperty(mutilated(bodies.machine), async ({ payload }) => {
      azure.hurt(() => answerOf(JSON.stringify(payload)));
      const outcome = await outcomeOf(azure.adapter.instance(ref));
      if (outcome.kind === 'answer') expect(shapeOf(outcome.value)).toEqual(shape);
    });
    await holdsAsync(hurt, 2);
  });
});

const pathOfInstances = new RegExp(
  `^${scope}/resourceGroups/([^/]+)/providers/Microsoft.Compute` +
    '/(?:virtualMachines|virtualMachineScaleSets(?:/([^/]+)/virtualMachines)?)$',
  'u',
);

describe(`a name that ARM tells (${asDrawn})`, () => {
  it('of a scale set or a group leads to no other group, whatever it is', async () => {
    const named = fc.asyncProperty(hostileText, hostileText, async (nodeResourceGroup, name) => {
      const told = { location: 'here', properties: { nodeResourceGroup } };
      azure.hurt(() => answerOf(JSON.stringify(told)));
      const facts = await outcomeOf(azure.adapter.cluster(id));
      azure.hurt(() => answerOf(JSON.stringify({ value: [{ name }] })));
      for (const about of [cluster, facts.kind === 'answer' ? facts.value : cluster]) {
        await outcomeOf(azure.adapter.instances(about));
        for (const { url } of azure.sent) {
          const [, group = '', set] = pathOfInstances.exec(url.pathname) ?? [];
          expect(decodeURIComponent(group)).toBe(about.nodeResourceGroup);
          if (set !== undefined) expect(decodeURIComponent(set)).toBe(name);
        }
        azure.sent.length = 0;
      }
    });
    await holdsAsync(named, 2);
  });
});

const foreign = [
  'https://evil.example/next',
  'http://management.invalid/next',
  'https://management.invalid.evil.example/next',
  'https://evilmanagement.invalid/next',
  'https://management.invalid@evil.example/next',
  'https://management.invalid:8443/next',
  '//evil.example/next',
  '\\\\evil.example\\next',
  'https:evil.example',
  'file:///etc/passwd',
  'data:application/json,{}',
] as const;

describe('a way that ARM points out', () => {
  /** Nobody but ARM sees the token, whatever header or field it was that pointed elsewhere. */
  const expectOnlyArm = () => {
    for (const { url, authorization } of azure.sent) {
      const isArm = url.protocol === 'https:' && url.host === armHost;
      if (!isArm) throw new Error(`${url.href} was asked, with ${authorization ?? 'no token'}`);
    }
  };

  it.each(foreign)('to the next page is not gone: %s', async (nextLink) => {
    for (const call of ['instances', 'permissions', 'alerts'] as const) {
      azure.hurt(() => answerOf(JSON.stringify({ value: [], nextLink })));
      await outcomeOf(calls[call]?.() ?? Promise.resolve());
      expectOnlyArm();
    }
  });

  it.each(foreign)('to an operation is not gone: %s', async (target) => {
    for (const header of ['azure-asyncoperation', 'location', 'operation-location']) {
      azure.hurt((_sent, answer) => {
        if (answer.kind !== 'body') return answer;
        return { ...answer, status: 202, body: '', headers: { [header]: target } };
      });
      for (const start of [
        azure.adapter.startRestart(ref),
        azure.adapter.startScript(ref, 'true'),
      ]) {
        const started = await start;
        if (started.kind !== 'started') continue;
        await outcomeOf(azure.adapter.pollRestart(ref, started.token));
        await outcomeOf(azure.adapter.pollScript(ref, started.token));
      }
      expectOnlyArm();
    }
  });

  it.each(foreign)('by a redirect is not gone: %s', async (location) => {
    for (const status of [300, 301, 302, 303, 307, 308]) {
      azure.hurt(() => ({ kind: 'body', status, headers: { location }, body: '' }));
      for (const call of Object.values(calls)) await outcomeOf(call());
      expectOnlyArm();
    }
  });

  it('in a circle comes to an end', async () => {
    const page = { value: [], nextLink: `https://${armHost}${scope}/again` };
    azure.hurt(() => answerOf(JSON.stringify(page)));
    for (const call of ['instances', 'permissions', 'alerts', 'cluster'] as const) {
      await outcomeOf(calls[call]?.() ?? Promise.resolve());
    }
    expect(azure.sent.length).toBeLessThan(10_000);
  });
});

describe(`the result of a run-command (${asDrawn})`, () => {
  it('is a failure, or two texts, whatever it is', () => {
    const whole = {
      code: 'ProvisioningState/succeeded',
      level: 'Info',
      displayStatus: 'Provisioning succeeded',
      message: 'Enable succeeded: \n[stdout]\nout\n[stderr]\nerr',
    };
    const hurt = fc.asyncProperty(mutilated({ value: [whole] }), async ({ payload }) => {
      azure.hurt((sent, answer) => {
        if (sent.method !== 'POST') return answerOf(JSON.stringify(payload));
        return answer;
      });
      const started = await azure.adapter.startScript(ref, 'true');
      if (started.kind !== 'started') return;
      const poll = await outcomeOf(azure.adapter.pollScript(ref, started.token));
      if (poll.kind === 'answer' && poll.value.kind === 'ended') {
        expect([typeof poll.value.stdout, typeof poll.value.stderr]).toEqual(['string', 'string']);
      }
    });
    return holdsAsync(hurt);
  });

  it('has no more in its streams than the message had', () => {
    const message = fc.array(
      fc.oneof(fc.constantFrom('[stdout]\n', '\n[stderr]\n', '[stderr]', '\n'), hostileText),
    );
    holds(
      fc.property(message, (pieces) => {
        const text = pieces.join('');
        const result = readScriptResult([{ code: 'ProvisioningState/succeeded', message: text }]);
        if (result.kind === 'failed') return;
        expect(text).toContain(result.stdout);
        expect(text).toContain(result.stderr);
      }),
    );
  });
});

/**
 * `aks-reboot run` is killed without warning and started again, until it ends by itself. Azure
 * lives on meanwhile, on a clock that never stops.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { seededRandom } from '../../local/azure/random.ts';
import {
  drainedFirst,
  leftAsFound,
  neverTwice,
  nothingLeft,
  oneAtATime,
} from '../support/promises.ts';
import { createKiller, effects } from '../support/killer.ts';
import type { Death, Killer } from '../support/killer.ts';
import { restarted, smallFleet, stage, stillDue } from './stage.ts';
import type { Command, Ended, Stage } from './stage.ts';

/** The 30 minutes of the boot deadline take five seconds. */
const speed = 360;

interface Deaths extends Stage, AsyncDisposable {
  killer: Killer;
  /** Does a command on this storage, until it ends or is killed. */
  once(command: 'run' | 'recover'): Promise<Ended>;
  /** Deletes the storage. */
  forget(): void;
  /** Starts it again after each death, until it ends by itself. */
  untilItEnds(between?: () => void): Promise<Ended>;
}

async function dying(nodes: number, deaths: readonly Death[]): Promise<Deaths> {
  let running: Command | undefined;
  const killer = createKiller(deaths, () => running?.kill('SIGKILL'));
  const on = await stage({ fleet: smallFleet(nodes), speed, onRequest: killer.hook });
  const state = join(on.directory, 'state');
  const once = (command: string) => {
    running = on.start([command, '--state', state, '--settings', on.settings]);
    return running.ended;
  };
  return {
    ...on,
    killer,
    once,
    forget: () => rmSync(state, { recursive: true, force: true }),
    async untilItEnds(between = () => {}) {
      for (;;) {
        const ended = await once('run');
        if (ended.code !== undefined) return ended;
        between();
      }
    },
    [Symbol.asyncDispose]: () => on.stop(),
  };
}

/** What a promise, a node or the exit code says against it; nothing when all went well. */
function wrong(on: Deaths, { code, output }: Ended): string[] {
  const { azure, killer } = on;
  const seen = on.evidence();
  return [
    ...oneAtATime(seen),
    ...drainedFirst(seen),
    ...neverTwice(seen),
    ...leftAsFound(seen),
    ...nothingLeft(seen),
    ...stillDue(azure).map((node) => `${node} was not rebooted`),
    ...killer.left().map((death) => `never came to ${JSON.stringify(death)}`),
    ...(code === 0 ? [] : [`exit code ${code}:\n${output}`]),
  ];
}

// Side by side, because each spends its time waiting for processes to start.
jest.setTimeout(300_000);

describe('a run that is killed and started again', () => {
  it.concurrent('finishes, killed just after each of its effects', async () => {
    const deaths = effects.map((effect): Death => ({ kind: 'effect', effect, side: 'after' }));
    await using on = await dying(3, deaths);
    expect(wrong(on, await on.untilItEnds())).toEqual([]);
    // Whatever became of the answers, Azure was asked once for each boot.
    expect(restarted(on.azure.audit)).toHaveLength(3);
  });

  it.concurrent('finishes, killed just before each of its effects', async () => {
    const deaths = effects.map((effect): Death => ({ kind: 'effect', effect, side: 'before' }));
    await using on = await dying(3, deaths);
    expect(wrong(on, await on.untilItEnds())).toEqual([]);
    // The restart that Azure never heard of was written as asked for: the boot deadline ran out.
    const asked = on.azure.audit.lines.filter(({ action }) => action === 'restart');
    expect(asked.map(({ detail }) => detail['taken'])).toEqual([false, true, true, true]);
    const [lost, second] = asked;
    expect(second?.node).toBe(lost?.node);
    const waitedMs = Date.parse(second?.t ?? '') - Date.parse(lost?.t ?? '');
    expect(waitedMs).toBeGreaterThanOrEqual(30 * 60_000);
  });

  it.concurrent('finishes, killed at ten random moments', async () => {
    const random = seededRandom(20_260_105, 'kills');
    const deaths = Array.from({ length: 10 }, (): Death => ({
      kind: 'moment',
      request: 1 + Math.floor(random() * 40),
      side: random() < 0.5 ? 'before' : 'after',
    }));
    await using on = await dying(4, deaths);
    expect(wrong(on, await on.untilItEnds())).toEqual([]);
  });

  it.concurrent('finishes from the marks alone, its storage deleted after each kill', async () => {
    const deaths = (['cordon', 'attempt', 'restart', 'uncordon'] as const).map((effect): Death => ({
      kind: 'effect',
      effect,
      side: 'after',
    }));
    await using on = await dying(3, deaths);
    const ended = await on.untilItEnds(() => on.forget());
    expect(wrong(on, ended)).toEqual([]);
  });

  it.concurrent(
    'is put in order by `recover`, its storage deleted, and nothing else is done',
    async () => {
      const death: Death = { kind: 'effect', effect: 'restart', side: 'after' };
      await using on = await dying(2, [death]);
      expect((await on.once('run')).code).toBeUndefined();
      on.forget();
      const ended = await on.once('recover');
      const [node] = restarted(on.azure.audit);
      expect(restarted(on.azure.audit)).toEqual([node]);
      // One is finished; the other one was not touched, and is still due.
      expect(stillDue(on.azure)).toHaveLength(1);
      expect(stillDue(on.azure)).not.toContain(node);
      expect(ended.output).toMatch(new RegExp(`${node}.* rebooted`, 'u'));
      expect(ended.output).toContain('this run only recovers');
      const seen = on.evidence();
      const kept = [...oneAtATime(seen), ...neverTwice(seen), ...leftAsFound(seen)];
      expect({ kept, left: nothingLeft(seen), code: ended.code }).toEqual({
        kept: [],
        left: [],
        code: 0,
      });
    },
  );
});

/** What survives a process that dies at any instant: what was committed, exactly once. */
/* oxlint-disable require-yield -- an orchestrator is a generator even if it waits for nothing */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as df from 'durable-functions';
import { compressedClock } from '../../local/clock.ts';
import { dayMs, directory, midnight, rig, run, start } from './harness.ts';

/** Runs the process; kills it some time after it began to work. The last line that it wrote. */
function runAndKill(store: string, trace: string, afterMs: number | undefined): Promise<string> {
  const program = join(import.meta.dirname, 'recovery-process.ts');
  const child = spawn(process.execPath, [program, store], {
    env: { ...process.env, TRACE: trace },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    if (output === '' && afterMs !== undefined) setTimeout(() => child.kill('SIGKILL'), afterMs);
    output += chunk.toString();
  });
  return new Promise((resolve) => {
    child.on('close', () => resolve(output.trim().split('\n').at(-1) ?? ''));
  });
}

it('goes on after being killed again and again, in plain Node', async () => {
  const own = directory();
  const [store, trace] = [join(own, 'store.db'), join(own, 'trace')];
  let last = '';
  for (const afterMs of [10, 60, 120, undefined, undefined]) {
    last = await runAndKill(store, trace, afterMs);
    if (last.startsWith('{')) break;
  }
  expect(JSON.parse(last)).toMatchObject({
    runtimeStatus: 'Completed',
    output: {
      // The entity counted each round once, whatever was run twice.
      counted: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
      deadly: 'survived',
    },
  });
  const steps = readFileSync(trace, 'utf8').trim().split('\n');
  expect(new Set(steps).size).toBe(12 * 3 + 1);
  // An activity that was cut off between its effect and its report is run again: at least once.
  expect(steps.filter((step) => step === 'deadly')).toHaveLength(2);
});

const wait = () =>
  df.app.orchestration('wait', function* (context) {
    const { df } = context;
    yield df.createTimer(new Date(df.currentUtcDateTime.getTime() + dayMs));
    const woken = df.currentUtcDateTime;
    yield df.waitForExternalEvent('go');
    return [woken, df.currentUtcDateTime];
  });

it('never lets time run back, even on a clock that begins anew', async () => {
  const store = join(directory(), 'store.db');
  const first = await rig(wait, { store });
  start(first.host, 'wait');
  while (first.clock.now() < midnight + dayMs) await new Promise((go) => setImmediate(go));
  while (first.host.stats().get('wait')?.episodes !== 2)
    await new Promise((go) => setImmediate(go));
  await first.stop();

  const second = await rig(wait, { store });
  second.host.client.raise('wait', 'go');
  await second.host.idle();
  expect(second.host.client.status('wait')?.output).toEqual([
    '2026-01-02T00:00:00.000Z',
    '2026-01-02T00:00:00.000Z',
  ]);
  await second.stop();
});

it('runs the same on a compressed clock', async () => {
  const clock = compressedClock(10 * dayMs, { wall: Date.now(), shown: midnight });
  const { host, stop } = await rig(wait, { clock });
  start(host, 'wait');
  host.client.raise('wait', 'go');
  await host.idle();
  const output = host.client.status('wait')?.output;
  const woken = Array.isArray(output) ? String(output[0]) : '';
  expect(Date.parse(woken)).toBeGreaterThanOrEqual(midnight + dayMs);
  await stop();
});

it('several hosts live side by side, each with its own functions', async () => {
  const register = (answer: string) => () =>
    df.app.orchestration('orch', function* () {
      return answer;
    });
  const rigs = await Promise.all(['one', 'two', 'three'].map((answer) => rig(register(answer))));
  const outputs = await Promise.all(rigs.map(async ({ host }) => (await run(host, 'orch')).output));
  expect(outputs).toEqual(['one', 'two', 'three']);
  await Promise.all(rigs.map(({ stop }) => stop()));
});

it('stops only when what runs has ended, and then answers nobody', async () => {
  const events: string[] = [];
  const waiting: (() => void)[] = [];
  const { host, stop } = await rig(() => {
    df.app.activity('slow', {
      handler: () =>
        new Promise<void>((resolve) => {
          waiting.push(resolve);
        }),
    });
    df.app.orchestration('orch', function* (context) {
      yield context.df.callActivity('slow');
    });
  });
  host.client.start('orch');
  while (waiting.length === 0) await new Promise((go) => setImmediate(go));
  const stopping = stop().then(() => events.push('stopped'));
  await new Promise((go) => setImmediate(go));
  events.push('released');
  waiting.forEach((release) => release());
  await stopping;
  expect(events).toEqual(['released', 'stopped']);
  const request = new Request('http://app.example/api/x');
  expect((await host.fetch(request)).status).toBe(503);
});

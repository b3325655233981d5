/** An app for recovery.test.ts: every step leaves a trace that outlives the process. */
import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import * as df from 'durable-functions';
import { RetryOptions } from 'durable-functions';

const trace = process.env['TRACE'] ?? '';
const counter = new df.EntityId('counter', 'k');

df.app.activity('step', {
  handler: async (step: string) => {
    appendFileSync(trace, `${step}\n`);
    await sleep(3);
    return step;
  },
});

// Fails at its first attempt, whichever process makes it.
df.app.activity('shaky', {
  handler: (step: string) => {
    const marker = `${trace}.shaky.${step}`;
    if (existsSync(marker)) return step;
    writeFileSync(marker, '');
    throw new Error('first attempt');
  },
});

// Dies between its effect and the report of it, once.
df.app.activity('deadly', {
  handler: () => {
    appendFileSync(trace, 'deadly\n');
    if (existsSync(`${trace}.killed`)) return 'survived';
    writeFileSync(`${trace}.killed`, '');
    process.kill(process.pid, 'SIGKILL');
    return new Promise(() => {});
  },
});

df.app.entity('counter', (context) => {
  const count = (context.df.getState(() => 0) as number) + 1;
  context.df.setState(count);
  context.df.return(count);
});

df.app.orchestration('child', function* (context) {
  const step: unknown = yield context.df.callActivity('step', context.df.getInput());
  return step;
});

df.app.orchestration('long', function* (context) {
  const { df } = context;
  const before = df.currentUtcDateTime.getTime();
  const counted: unknown[] = [];
  for (let round = 0; round < 12; round += 1) {
    yield df.callActivityWithRetry('shaky', new RetryOptions(1_000, 3), String(round));
    yield df.Task.all(
      ['a', 'b', 'c'].map((part) => df.callSubOrchestrator('child', `${round}${part}`)),
    );
    counted.push((yield df.callEntity(counter, 'add')) as unknown);
    yield df.createTimer(new Date(df.currentUtcDateTime.getTime() + 60_000));
  }
  const deadly: unknown = yield df.callActivity('deadly');
  return { counted, deadly, minutes: (df.currentUtcDateTime.getTime() - before) / 60_000 };
});
